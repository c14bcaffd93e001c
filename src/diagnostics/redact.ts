// Takes secrets out of what is collected for others to read. Of an environment file only values of settings that are known to be
// harmless stay; what was taken out there is taken out everywhere else, too.
import { parseEnvironmentFile } from '../concourse/environment-file.ts';

/** By the name without CONCOURSE_. All others may have come out of a secret. */
const harmless =
  /^(CHARM_\w+|(TSA_|PEER_|DEBUG_|BAGGAGECLAIM_|HEALTHCHECK_|PROMETHEUS_)?(DEBUG_)?(BIND_(IP|PORT)|ADDRESS)|TSA_HOST|EXTERNAL_URL|LOG_LEVEL|CLUSTER_NAME|POSTGRES_(HOST|PORT|DATABASE|SSLMODE|USER)|ENABLE_\w+|MAX_\w+|DEFAULT_\w+|GC_\w+|CONTAINER_PLACEMENT_STRATEGY|CONTAINERD_\w+|BAGGAGECLAIM_\w+|NAME|TAG|TEAM|EPHEMERAL|RUNTIME|MAIN_TEAM_\w+|https?_proxy|no_proxy)$/;

const hidden = (value: string): string => `(${value.length} characters)`;

/** The file's text with one setting a line, and the values that were taken out. */
export function redactEnvironment(text: string): { text: string; secrets: string[] } {
  const secrets: string[] = [];
  const lines = Object.entries(parseEnvironmentFile(text)).map(([name, value]) => {
    const isPath = /^\/[\w./-]*$/.test(value);
    if (value === '' || isPath || harmless.test(name.replace(/^CONCOURSE_/, ''))) return `${name}=${value}`;
    // Of NAME:PASSWORD,… each password by itself as well.
    secrets.push(value, ...value.split(/[,:\n]/));
    return `${name}=${hidden(value)}`;
  });
  return { text: `${lines.join('\n')}\n`, secrets };
}

/** Without `secrets` (those of 6 characters or more), private keys, and passwords in URLs and headers. */
export function redact(text: string, secrets: readonly string[]): string {
  const known = [...new Set(secrets.filter((secret) => secret.length >= 6))].sort(
    (left, right) => right.length - left.length,
  );
  return known
    .reduce((rest, secret) => rest.replaceAll(secret, '(secret)'), text)
    .replace(
      /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
      '(private key)',
    )
    .replace(/(:\/\/)[^/@\s"']+@/g, '$1…@')
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 (token)')
    .replace(/\$2[abxy]?\$\d+\$[./A-Za-z0-9]{20,}/g, '(hash)');
}
