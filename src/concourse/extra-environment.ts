// The options extra-web-env and extra-worker-env: any setting of Concourse, but those that the charm itself makes and those
// that are secret, which a model's readers would see.
import { z } from 'zod';
import { type Environment, FORBIDDEN_VARIABLE, parseEnvironmentFile } from './environment-file.ts';
import { optionVariables } from './option-variables.ts';
import { flagOf, nearest, variableOf } from './setting-names.ts';

export type Program = 'web' | 'worker';

/** Settings that the charm makes: the option that says what is in them, or `undefined` where there is nothing to say. */
const owned: Record<Program, readonly (readonly [pattern: RegExp, option: string | undefined])[]> = {
  web: [
    [/^BIND_PORT$/, 'web-port'],
    [/^EXTERNAL_URL$/, 'external-url'],
    [/^LOG_LEVEL$/, 'log-level'],
    [/^TLS_BIND_PORT$/, 'tls-port'],
    [/^TLS_(CERT|KEY)$/, 'tls-certificate'],
    [/^VAULT_CA_CERT$/, 'vault-ca-cert'],
    [/^POSTGRES_(?!CA_CERT$|CLIENT_)/, 'postgres-uri'],
    [/^(BIND_IP|PEER_ADDRESS|DEBUG_BIND_IP|SESSION_SIGNING_KEY)$/, undefined],
    [/^ADD_LOCAL_USER$/, 'local-users'],
    [/^MAIN_TEAM_LOCAL_USER$/, 'main-team-local-user'],
    [/^PROMETHEUS_BIND_(IP|PORT)$/, 'enable-metrics'],
    // The charm logs in as a local user.
    [/^PASSWORD_CONNECTOR$/, undefined],
    [/^TSA_(BIND_IP|BIND_PORT|HOST_KEY|AUTHORIZED_KEYS|SESSION_SIGNING_KEY)$/, undefined],
  ],
  worker: [
    [/^RUNTIME$/, 'worker-runtime'],
    [/^LOG_LEVEL$/, 'log-level'],
    [/^BAGGAGECLAIM_DRIVER$/, 'volume-driver'],
    [/^CONTAINERD_BIN$/, undefined],
    [/^(NAME|WORK_DIR|RESOURCE_TYPES)$/, undefined],
    [/^TSA_/, undefined],
    [/^(BAGGAGECLAIM_|BAGGAGECLAIM_DEBUG_|DEBUG_|HEALTHCHECK_)?BIND_IP$/, undefined],
    [/^HEALTHCHECK_BIND_PORT$/, undefined],
  ],
};

/** What Concourse calls passwords, keys and tokens; names of files with them are none. */
const secretName =
  /_(PASSWORD|BIND_PW|SECRET|TOKEN|SECRET_KEY|ACCESS_KEY|API_KEY|AUTH_PARAM|OTLP_HEADER|ENCRYPTION_KEY(_HEX|_BASE64)?)$/;
const secretValue = /-----BEGIN [A-Z ]*PRIVATE KEY|:\/\/[^/@\s]*:[^/@\s]+@/;

/** Why an option for `program` cannot have this setting; undefined when it can. Repeats no value. */
function refusal(program: Program, name: string, value: string): string | undefined {
  const claim = ownedBy(program, name);
  if (claim !== undefined) return claim;
  if (!secretName.test(name) && !secretValue.test(value)) return undefined;
  return program === 'web'
    ? `${name} is secret: juju add-secret NAME ${flagOf(name)}=…, grant it, and set extra-web-secrets to it`
    : `${name} is secret, and workers take none`;
}

/** Why the charm keeps this setting to itself; undefined when it does not. */
function ownedBy(program: Program, name: string): string | undefined {
  if (name === FORBIDDEN_VARIABLE) return `with ${name}, no command of Concourse would start`;
  const [option] = Object.entries(optionVariables[program]).find(([, variable]) => variable === name) ?? [];
  if (option !== undefined) return `${name} is set by the option ${option}`;
  const short = name.replace(/^CONCOURSE_/, '');
  const found = owned[program].find(([pattern]) => pattern.test(short));
  if (found === undefined) return undefined;
  return found[1] === undefined ? `${name} is the charm's own` : `${name} is set by the option ${found[1]}`;
}

/** `CONCOURSE_NAME=VALUE` lines, quoted as in an environment file; blank ones and comments do not count. */
export const extraSchema = (program: Program) =>
  z.string().transform((text, context): Environment => {
    const read = readLines(program, text);
    if (read.problem === undefined) return read.environment;
    context.addIssue({ code: 'custom', message: read.problem });
    return z.NEVER;
  });

function readLines(program: Program, text: string): { environment: Environment; problem?: string } {
  const environment: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const [name, value] = Object.entries(parseEnvironmentFile(line))[0] ?? [];
    // The line itself is not repeated: it may hold what was meant to be secret.
    if (name === undefined || value === undefined)
      return { environment, problem: `line ${index + 1} is not CONCOURSE_NAME=VALUE` };
    if (!/^CONCOURSE_[A-Z0-9_]+$/.test(name))
      return { environment, problem: `line ${index + 1}: ${name} does not begin with CONCOURSE_` };
    if (name in environment) return { environment, problem: `${name} is there twice` };
    const refused = refusal(program, name, value);
    if (refused !== undefined) return { environment, problem: refused };
    environment[name] = value;
  }
  return { environment };
}

/** The variables that a secret's content sets, by its keys: `oidc-client-secret`. No problem repeats a value. */
export function secretEnvironment(
  content: Readonly<Record<string, string>>,
): { environment: Environment } | { problem: string } {
  const environment = Object.fromEntries(
    Object.entries(content).map(([key, value]) => [variableOf(key), value]),
  );
  for (const [name, value] of Object.entries(environment)) {
    const claim = ownedBy('web', name);
    if (claim !== undefined) return { problem: claim };
    // Concourse takes the bytes as they are, and ends with 1 for another length.
    if (/^CONCOURSE_(OLD_)?ENCRYPTION_KEY$/.test(name) && ![16, 24, 32].includes(Buffer.byteLength(value)))
      return { problem: `${flagOf(name)} is not 16, 24 or 32 bytes long` };
  }
  return { environment };
}

/** The settings that each program of the installed release has. */
export type SettingNames = Readonly<Record<Program, readonly string[]>>;

/** The first of `names` that the installed release does not have, in words; undefined when it has them all. */
export function unknownSetting(
  program: Program,
  names: readonly string[],
  known: SettingNames,
): string | undefined {
  const unknown = names.find((name) => !known[program].includes(name));
  if (unknown === undefined) return undefined;
  const other = program === 'web' ? 'worker' : 'web';
  if (known[other].includes(unknown)) return `${unknown} is a setting of the ${other}: extra-${other}-env`;
  const meant = nearest(unknown, known[program]);
  return `there is no ${unknown}${meant === undefined ? ` in concourse ${program} --help` : `; ${meant}?`}`;
}
