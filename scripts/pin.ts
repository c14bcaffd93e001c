// `npm run pin VERSION`: makes VERSION the release that the charm pins, with digests that were really seen, on a machine
// that reaches upstream. What cannot be had changes nothing.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createHost } from '../src/host/real/index.ts';
import { apiReleaseSchema, assetSha256 } from '../src/release/digests.ts';
import { fetchText, openDownload } from '../src/release/download.ts';
import { describeFailure, ReleaseError } from '../src/release/failures.ts';
import { archiveName, upstreamApi, upstreamReleases } from '../src/release/source.ts';
import { architectureSchema, type Pin, pinSchema, versionSchema } from '../src/release/version.ts';

const usage = `usage: npm run pin -- VERSION [--download] [--api URL] [--releases URL] [--file PATH]
  --download       hash the archives themselves (about 2 GB) instead of asking the release API for their digests
  --api URL        in place of ${upstreamApi}
  --releases URL   in place of ${upstreamReleases}
  --file PATH      in place of src/release/pins.json`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    download: { type: 'boolean', default: false },
    api: { type: 'string', default: upstreamApi },
    releases: { type: 'string', default: upstreamReleases },
    file: { type: 'string', default: join(import.meta.dirname, '../src/release/pins.json') },
    retries: { type: 'string', default: '3' },
  },
});
const version = versionSchema.safeParse(positionals[0] ?? '');
if (!version.success || positionals.length !== 1) {
  console.error(
    positionals[0] === undefined
      ? usage
      : `${version.error?.issues[0]?.message ?? 'one version, please'}\n${usage}`,
  );
  process.exit(2);
}

const machine = createHost();
const { HTTP_PROXY, HTTPS_PROXY, NO_PROXY, http_proxy, https_proxy, no_proxy } = process.env;
const proxies = {
  ...definedOnly('http', http_proxy ?? HTTP_PROXY),
  ...definedOnly('https', https_proxy ?? HTTPS_PROXY),
  ...definedOnly('no', no_proxy ?? NO_PROXY),
};

try {
  const sha256 = values.download ? await hashArchives(version.data) : await askApi(version.data);
  const how = values.download ? 'computed from the archives' : `as told by ${values.api}`;
  const day = new Date(machine.clock.now()).toISOString().slice(0, 10);
  const pin: Pin = pinSchema.parse({ version: version.data, sha256, seen: `${how} on ${day}` });
  await writeFile(values.file, `${JSON.stringify(pin, undefined, 2)}\n`);
  console.log(
    `${values.file}: pinned ${pin.version}\n  amd64 ${pin.sha256.amd64}\n  arm64 ${pin.sha256.arm64}`,
  );
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error;
  console.error(
    `${describeFailure(error.failure, 'concourse-ci').message}\nNothing was changed: ${values.file} is as it was.`,
  );
  process.exitCode = 1;
}

async function askApi(wanted: string): Promise<Record<string, string>> {
  const url = `${values.api}/tags/v${wanted}`;
  const text = await fetchText(machine, request(wanted, url, 'application/vnd.github+json'), 4 * 1024 * 1024);
  const release = apiReleaseSchema.parse(JSON.parse(text));
  return forEachArchitecture(async (name) => {
    const digest = assetSha256(release, name);
    if (digest === undefined)
      throw new ReleaseError({ code: 'not-found', version: wanted, url: `${url}/${name}` });
    if (digest !== null) return digest;
    throw new ReleaseError({
      code: 'no-digest',
      version: wanted,
      url: name,
      reason: 'the API has none: use --download',
    });
  }, wanted);
}

async function hashArchives(wanted: string): Promise<Record<string, string>> {
  return forEachArchitecture(async (name) => {
    const hash = createHash('sha256');
    const { chunks } = await openDownload(
      machine,
      request(wanted, `${values.releases}/v${wanted}/${name}`, '*/*'),
    );
    for await (const chunk of chunks) hash.update(chunk);
    return hash.digest('hex');
  }, wanted);
}

async function forEachArchitecture(digestOf: (name: string) => Promise<string>, wanted: string) {
  const digests: Record<string, string> = {};
  for (const architecture of architectureSchema.options) {
    digests[architecture] = await digestOf(archiveName(wanted, architecture));
  }
  return digests;
}

function request(wanted: string, url: string, accept: string) {
  return {
    url,
    version: wanted,
    accept,
    proxies,
    retries: Number(values.retries),
    signal: new AbortController().signal,
    onProgress: async (bytes: number, total: number | undefined) => {
      if (values.download)
        console.error(`${url}: ${Math.round(bytes / 1e6)} of ${Math.round((total ?? 0) / 1e6)} MB`);
    },
    log: (_level: string, text: string) => console.error(text),
  };
}

function definedOnly<K extends string>(key: K, value: string | undefined) {
  return value === undefined || value === '' ? {} : { [key]: value };
}
