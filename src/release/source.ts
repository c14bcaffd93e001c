// Where the archive of a version comes from, and who vouches for it: a plan made from the settings, without the network.
import type { Files, Proxies } from '../host/host.ts';
import type { DigestOrigin, ReleaseFailure } from './failures.ts';
import { type Architecture, sha256Schema } from './version.ts';

export interface ReleaseSettings {
  version: string;
  architecture: Architecture;
  /** Option `release-mirror`: a base URL, with or without `{version}` and `{arch}`; or a whole URL that ends in .tgz. */
  mirror?: string;
  /** What `resource-get concourse-release` answered. A file of 0 bytes is Juju's placeholder, and counts as absent. */
  resourcePath?: string;
  /** Option `release-sha256`. */
  digestOption?: string;
  /** The pin's (or the goal's) SHA-256 of this version's archive for this architecture. */
  pinDigest?: string | null;
  proxies?: Proxies;
  /** In place of github.com and api.github.com, for tests and for GitHub's own mirrors. */
  upstream?: { releases?: string; api?: string };
}

export interface ExpectedDigest {
  algorithm: 'sha256' | 'sha1';
  /** Lower-case hex. */
  hex: string;
  from: DigestOrigin;
}

export interface ReleasePlan {
  version: string;
  architecture: Architecture;
  archive: { kind: 'resource'; path: string } | { kind: 'url'; url: string; mirror: boolean };
  /** undefined: to be looked for where the archive lies (`findDigest`). */
  digest: ExpectedDigest | undefined;
  /** The release API's description of this release; undefined where it is not to be asked: a site with a mirror or a
   * resource has no internet. */
  apiUrl: string | undefined;
  proxies: Proxies | undefined;
}

export type Planned = { ok: true; plan: ReleasePlan } | { ok: false; failure: ReleaseFailure };

export const upstreamReleases = 'https://github.com/concourse/concourse/releases/download';
export const upstreamApi = 'https://api.github.com/repos/concourse/concourse/releases';

/** The archive's file name at upstream and on mirrors. */
export function archiveName(version: string, architecture: Architecture): string {
  return `concourse-${version}-linux-${architecture}.tgz`;
}

/** Reads nothing but the resource's size. Order: the resource if one is attached, the mirror, upstream. */
export async function planRelease(files: Pick<Files, 'stat'>, settings: ReleaseSettings): Promise<Planned> {
  const digest = knownDigest(settings);
  if (!digest.ok) return digest;
  const base = {
    version: settings.version,
    architecture: settings.architecture,
    digest: digest.digest,
    proxies: settings.proxies,
  };
  if (settings.resourcePath !== undefined) {
    const stat = await files.stat(settings.resourcePath);
    if (stat !== undefined && stat.kind === 'file' && stat.sizeBytes > 0) {
      return {
        ok: true,
        plan: { ...base, archive: { kind: 'resource', path: settings.resourcePath }, apiUrl: undefined },
      };
    }
  }
  if (settings.mirror !== undefined && settings.mirror.trim() !== '') {
    const url = mirrorUrl(settings.mirror.trim(), settings.version, settings.architecture);
    if (typeof url !== 'string') return { ok: false, failure: url };
    return { ok: true, plan: { ...base, archive: { kind: 'url', url, mirror: true }, apiUrl: undefined } };
  }
  const releases = settings.upstream?.releases ?? upstreamReleases;
  const url = `${releases}/v${settings.version}/${archiveName(settings.version, settings.architecture)}`;
  const apiUrl = `${settings.upstream?.api ?? upstreamApi}/tags/v${settings.version}`;
  return { ok: true, plan: { ...base, archive: { kind: 'url', url, mirror: false }, apiUrl } };
}

function knownDigest(
  settings: ReleaseSettings,
): { ok: true; digest: ExpectedDigest | undefined } | { ok: false; failure: ReleaseFailure } {
  const option = settings.digestOption?.trim() ?? '';
  if (option !== '') {
    const parsed = sha256Schema.safeParse(option);
    if (!parsed.success) return { ok: false, failure: { code: 'bad-sha256-option', value: option } };
    return { ok: true, digest: { algorithm: 'sha256', hex: parsed.data, from: 'option' } };
  }
  // A malformed pin (it may come from a databag) counts as absent.
  const pin = sha256Schema.safeParse(settings.pinDigest);
  return { ok: true, digest: pin.success ? { algorithm: 'sha256', hex: pin.data, from: 'pin' } : undefined };
}

/** `https://m/concourse/` → `https://m/concourse/concourse-8.2.0-linux-amd64.tgz`; placeholders are filled in first. */
function mirrorUrl(mirror: string, version: string, architecture: Architecture): string | ReleaseFailure {
  const filled = mirror.replaceAll('{version}', version).replaceAll('{arch}', architecture);
  if (!URL.canParse(filled)) return { code: 'bad-mirror', url: mirror, reason: 'it is not a URL' };
  const url = new URL(filled);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return {
      code: 'bad-mirror',
      url: withoutCredentials(mirror),
      reason: 'it must begin with https:// or http://',
    };
  }
  url.hash = '';
  if (!/\.(tgz|tar\.gz)$/.test(url.pathname)) {
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${archiveName(version, architecture)}`;
  }
  return url.href;
}

/** For logs and statuses: a mirror's URL may carry a password. */
export function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url.replace(/\/\/[^/]*@/, '//');
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  parsed.search = '';
  return parsed.href;
}
