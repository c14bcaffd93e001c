// The mirror of releases: small archives made once, and the ways in which a server breaks, stalls and lies.
import { gunzipSync, gzipSync } from 'node:zlib';
import { HttpFailure, type Http, type HttpResponse } from '../../src/host/host.ts';
import { archive, sha256 } from '../unit/release/archives.ts';
import type { Process, Scheduler } from './scheduler.ts';

export const mirrorUrl = 'http://mirror.example/releases';
export const versions = ['8.1.0', '8.2.0', '8.2.1', '8.2.2', '8.3.0', '8.4.0'] as const;
/** What web reads its database for. */
export const databaseProbe = '/api/v1/teams/main/pipelines';
const architecture = 'amd64';

export type ServerState =
  | 'good'
  | 'missing'
  | 'refused'
  | 'stalled'
  | 'truncated'
  | 'corrupt'
  | 'lying'
  | 'wrong-digest';

export interface Release {
  bytes: Buffer;
  digest: string;
  /** What every file must hold once unpacked, by path below the release. */
  files: ReadonlyMap<string, string>;
}

const made = new Map<string, Release>();

/** A release with three files, one of them large enough to be written in two pieces. */
export function releaseOf(version: string): Release {
  const known = made.get(version);
  if (known !== undefined) return known;
  const program = `#!/bin/sh\necho ${version}\n`;
  const rootfs = Buffer.alloc(3000, `rootfs of ${version}`);
  const bytes = archive([
    { path: 'concourse/', type: 'Directory', mode: 0o755 },
    { path: 'concourse/bin/concourse', mode: 0o755, content: program },
    { path: 'concourse/bin/runc', type: 'SymbolicLink', linkpath: 'concourse' },
    { path: 'concourse/resource-types/git/rootfs.tgz', mode: 0o644, content: rootfs },
  ]);
  const files = new Map([
    ['bin/concourse', program],
    ['resource-types/git/rootfs.tgz', rootfs.toString('latin1')],
  ]);
  const release = { bytes, digest: sha256(bytes), files };
  made.set(version, release);
  return release;
}

/** The same archive with one byte of a file changed: whole to look at, and not what the digest says. */
function corrupted(bytes: Buffer): Buffer {
  const tar = gunzipSync(bytes);
  const at = tar.indexOf('rootfs of');
  if (at >= 0) tar[at] = 'R'.charCodeAt(0);
  return gzipSync(tar, { level: 1 });
}

export class Mirror {
  state: ServerState = 'good';
  /** Archives that were fetched whole, by version, in order. */
  readonly fetched: string[] = [];
  private readonly scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  http(process: Process, probe: (url: string) => { status: number; body: string } | undefined): Http {
    return {
      open: async (url, { signal, stallMs, headers }) => {
        await this.scheduler.turn(process, `GET ${url}`, 20);
        signal?.throwIfAborted();
        return this.answer(process, url, headers?.range, stallMs, signal);
      },
      probe: async (url) => {
        // PostgreSQL never fails here: to ask for it takes no turn.
        if (url.endsWith(databaseProbe)) return probe(url);
        await this.scheduler.turn(process, 'probe web', 3);
        return probe(url);
      },
    };
  }

  private answer(
    process: Process,
    url: string,
    range: string | undefined,
    stallMs: number,
    signal: AbortSignal | undefined,
  ): HttpResponse {
    const [, version = '', digest] = /concourse-(.+?)-linux-amd64\.tgz(\.sha256)?$/.exec(url) ?? [];
    const known = versions.some((each) => each === version);
    if (this.state === 'refused') throw new HttpFailure(url, 'connection refused', { transient: true });
    if (!known || this.state === 'missing')
      return this.respond(process, url, Buffer.from('not found'), 404, {});
    const release = releaseOf(version);
    if (digest !== undefined) {
      const hex = this.state === 'wrong-digest' ? sha256('something else') : release.digest;
      const text = `${hex}  concourse-${version}-linux-${architecture}.tgz\n`;
      return this.respond(process, url, Buffer.from(text), 200, {});
    }
    const whole =
      this.state === 'corrupt'
        ? corrupted(release.bytes)
        : this.state === 'lying'
          ? releaseOf('8.1.0').bytes
          : release.bytes;
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const headers = from > 0 ? { 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}` } : {};
    return this.respond(process, url, whole.subarray(from), from > 0 ? 206 : 200, headers, {
      version,
      stallMs,
      signal,
    });
  }

  private respond(
    process: Process,
    url: string,
    bytes: Buffer,
    status: number,
    headers: Record<string, string>,
    download?: { version: string; stallMs: number; signal: AbortSignal | undefined },
  ): HttpResponse {
    const { scheduler } = this;
    const half = Math.ceil(bytes.length / 2);
    const mirror = this;
    const body = async function* () {
      await scheduler.turn(process, `first half of ${url}`, 30);
      download?.signal?.throwIfAborted();
      yield bytes.subarray(0, half);
      await scheduler.turn(process, `second half of ${url}`, 30);
      download?.signal?.throwIfAborted();
      if (download !== undefined && mirror.state === 'truncated') return;
      if (download !== undefined && mirror.state === 'stalled') {
        await scheduler.wait(process, download.stallMs, download.signal);
        throw new HttpFailure(url, `no byte for ${download.stallMs} ms`, { transient: true });
      }
      yield bytes.subarray(half);
      if (download !== undefined) mirror.fetched.push(download.version);
    };
    return {
      status,
      headers: { 'content-length': String(bytes.length), ...headers },
      url,
      body: body(),
      discard: async () => {},
    };
  }
}
