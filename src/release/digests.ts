// Finds who vouches for an archive when neither the operator nor the pin does: the release API, or a file beside the archive.
import { z } from 'zod';
import { type DownloadMachine, type DownloadRequest, fetchText } from './download.ts';
import { jsonValue } from '../json.ts';
import { ReleaseError } from './failures.ts';
import { archiveName, type ExpectedDigest, type ReleasePlan, withoutCredentials } from './source.ts';
import { sha256Schema } from './version.ts';

/** GitHub's GET /repos/{owner}/{repo}/releases/tags/{tag}: the part that matters. `digest` is `sha256:<hex>`, computed by
 * GitHub for what was uploaded since the middle of 2025, and null before. */
export const apiReleaseSchema = z.object({
  assets: z.array(z.object({ name: z.string(), digest: z.string().nullish(), size: z.number().optional() })),
});

/** The SHA-256 of the asset; null when the API has none; undefined when the release has no such asset. */
export function assetSha256(
  release: z.infer<typeof apiReleaseSchema>,
  name: string,
): string | null | undefined {
  const asset = release.assets.find((each) => each.name === name);
  if (asset === undefined) return undefined;
  const parsed = sha256Schema.safeParse(asset.digest);
  return parsed.success ? parsed.data : null;
}

/** The hex digest in a file as `sha256sum` and `shasum` write it: `<hex>  <name>` on the only line, or `<hex>` alone. */
export function parseDigestFile(
  text: string,
  name: string,
  algorithm: 'sha256' | 'sha1',
): string | undefined {
  const match = /^([0-9a-fA-F]+)(?:(?: [ *])([^\s/]+))?\r?\n?$/.exec(text);
  if (match === null) return undefined;
  const [, hex = '', named = name] = match;
  return named === name && hex.length === (algorithm === 'sha256' ? 64 : 40) ? hex.toLowerCase() : undefined;
}

const maxApiBytes = 4 * 1024 * 1024;
const maxDigestFileBytes = 4096;

type Log = DownloadRequest['log'];

/** The digest to check the archive against. Throws ReleaseError: `no-digest` when nobody vouches for it. */
export async function findDigest(
  machine: DownloadMachine,
  plan: ReleasePlan,
  options: { signal: AbortSignal; log: Log },
): Promise<ExpectedDigest> {
  if (plan.digest !== undefined) return plan.digest;
  const { archive } = plan;
  if (archive.kind === 'resource')
    throw new Error('a resource has no place where its digest could be looked up');
  const fromApi =
    plan.apiUrl === undefined ? undefined : await askApi(machine, plan, plan.apiUrl, archive.url, options);
  if (fromApi !== undefined) return fromApi;
  // Upstream publishes .sha1 files only; a mirror may well hold better ones.
  for (const algorithm of archive.mirror ? (['sha256', 'sha1'] as const) : (['sha1'] as const)) {
    const hex = await askDigestFile(machine, plan, archive.url, algorithm, options);
    if (hex === undefined) continue;
    if (algorithm === 'sha1') {
      options.log(
        'warning',
        `${archiveOf(plan)}: only a SHA-1 vouches for it (${algorithm} file beside it); SHA-256 is better: release-sha256`,
      );
    }
    return { algorithm, hex, from: `${algorithm}-file` };
  }
  const looked = archive.mirror
    ? 'no .sha256 and no .sha1 beside it'
    : 'the API has none, and there is no .sha1 beside it';
  throw new ReleaseError({ code: 'no-digest', version: plan.version, url: archive.url, reason: looked });
}

async function askApi(
  machine: DownloadMachine,
  plan: ReleasePlan,
  apiUrl: string,
  archiveUrl: string,
  { signal, log }: { signal: AbortSignal; log: Log },
): Promise<ExpectedDigest | undefined> {
  const text = await unless(
    ['forbidden', 'rate-limited', 'server-error', 'unreachable', 'truncated', 'changed-under-way'],
    log,
    () =>
      fetchText(
        machine,
        request(plan, apiUrl, signal, log, { accept: 'application/vnd.github+json', retries: 2 }),
        maxApiBytes,
      ),
  );
  if (text === undefined) return undefined;
  const release = apiReleaseSchema.safeParse(jsonValue(text));
  if (!release.success) {
    log('warning', `${apiUrl} does not answer as GitHub's API does: it is not relied on`);
    return undefined;
  }
  const hex = assetSha256(release.data, archiveOf(plan));
  // A release is published some minutes before its files are.
  if (hex === undefined)
    throw new ReleaseError({ code: 'not-found', version: plan.version, url: archiveUrl });
  return hex === null ? undefined : { algorithm: 'sha256', hex, from: 'api' };
}

async function askDigestFile(
  machine: DownloadMachine,
  plan: ReleasePlan,
  archiveUrl: string,
  algorithm: 'sha256' | 'sha1',
  { signal, log }: { signal: AbortSignal; log: Log },
): Promise<string | undefined> {
  const url = new URL(archiveUrl);
  url.pathname = `${url.pathname}.${algorithm}`;
  // Object stores answer 403 for what is not there, when listing is not allowed.
  const text = await unless(['not-found', 'forbidden'], log, () =>
    fetchText(machine, request(plan, url.href, signal, log), maxDigestFileBytes),
  );
  if (text === undefined) return undefined;
  const name = decodeURIComponent(
    archiveUrl
      .replace(/[?#].*$/, '')
      .split('/')
      .at(-1) ?? '',
  );
  const hex = parseDigestFile(text, name, algorithm);
  if (hex === undefined) {
    const reason = `${name}.${algorithm} is not '<${algorithm}>  ${name}'`;
    throw new ReleaseError({ code: 'no-digest', version: plan.version, url: archiveUrl, reason });
  }
  return hex;
}

/** undefined, and a line in the log, when the failure is one of those that leave another way open. */
async function unless<T>(open: string[], log: Log, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ReleaseError) || !open.includes(error.failure.code)) throw error;
    log('info', `${error.message}: looking elsewhere for a digest`);
    return undefined;
  }
}

function request(
  plan: ReleasePlan,
  url: string,
  signal: AbortSignal,
  log: Log,
  more: { accept?: string; retries?: number } = {},
): DownloadRequest {
  const quiet: Log = (level, text) => log(level, text.replaceAll(url, withoutCredentials(url)));
  return { url, version: plan.version, signal, proxies: plan.proxies, log: quiet, ...more };
}

function archiveOf(plan: ReleasePlan): string {
  return archiveName(plan.version, plan.architecture);
}
