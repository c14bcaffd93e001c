// One file over HTTP as a stream of chunks that survives broken connections: resumed where it broke, retried with patience
// that ends. What arrives is not trusted here: the digest decides over the bytes when all are there.
import { type Host, HttpFailure, type HttpResponse, type Proxies } from '../host/host.ts';
import { ReleaseError, type ReleaseFailure } from './failures.ts';
import { Patience } from './patience.ts';

export type DownloadMachine = Pick<Host, 'clock' | 'random' | 'http'>;

export interface DownloadRequest {
  url: string;
  /** For the words of a 404. */
  version: string;
  signal: AbortSignal;
  proxies?: Proxies | undefined;
  accept?: string;
  /** Connections in a row that may fail, each having brought less than 1 MiB, after the first one. */
  retries?: number;
  /** Called at most every 2 s, and once at the end. */
  onProgress?: Progress;
  log(level: 'info' | 'warning', text: string): void;
}

export interface Download {
  /** Content-Length; undefined when the server does not tell. */
  totalBytes: number | undefined;
  /** To be consumed once. Throws ReleaseError. */
  chunks: AsyncIterable<Uint8Array>;
  /** Lets the connection go, if nothing has been taken from `chunks`. */
  discard(): Promise<void>;
}

const stallMs = 30_000;
const progressEveryMs = 2_000;
/** A connection that brought this much was worth its while: the count of failures in a row starts anew. */
const worthwhileBytes = 1024 * 1024;

interface Position {
  received: number;
  total: number | undefined;
  etag: string | undefined;
  lastModified: string | undefined;
}

/** Resolves when the server has answered and its body can be read, so that the size is known before a byte is taken. */
export async function openDownload(machine: DownloadMachine, request: DownloadRequest): Promise<Download> {
  const patience = new Patience(machine, request);
  const first = await connect(machine, request, patience, {});
  if (first.status !== 200) {
    await first.discard();
    throw new ReleaseError({ code: 'server-error', url: request.url, status: first.status });
  }
  const position: Position = {
    received: 0,
    total: contentLength(first),
    etag: first.headers.etag,
    lastModified: first.headers['last-modified'],
  };
  const chunks = resumed(machine, request, patience, position, first);
  return { totalBytes: position.total, chunks, discard: () => first.discard() };
}

/** A small text file, whole. Throws ReleaseError, also when it is larger than `maxBytes`. */
export async function fetchText(
  machine: DownloadMachine,
  request: DownloadRequest,
  maxBytes: number,
): Promise<string> {
  const { chunks } = await openDownload(machine, request);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new ReleaseError({
        code: 'unreachable',
        url: request.url,
        reason: `answers more than ${maxBytes} bytes`,
      });
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function* resumed(
  machine: DownloadMachine,
  request: DownloadRequest,
  patience: Patience,
  position: Position,
  first: HttpResponse,
): AsyncGenerator<Uint8Array, void, undefined> {
  let response = first;
  const report = throttled(machine.clock, request.onProgress);
  try {
    for (;;) {
      const startedAt = position.received;
      // A server without ranges starts over: what was consumed already is passed over.
      let toSkip = response.status === 200 ? startedAt : 0;
      let problem: ReleaseFailure | undefined;
      try {
        for await (const whole of response.body) {
          const chunk = toSkip === 0 ? whole : whole.subarray(Math.min(toSkip, whole.length));
          toSkip -= whole.length - chunk.length;
          if (chunk.length === 0) continue;
          position.received += chunk.length;
          yield chunk;
          await report(position.received, position.total);
        }
      } catch (error) {
        if (!(error instanceof HttpFailure)) throw error;
        problem = unreachable(request.url, error);
      }
      const { received, total } = position;
      if (problem === undefined && (total === undefined || received === total)) break;
      if (total !== undefined && received >= total && problem === undefined) {
        throw new ReleaseError({ code: 'changed-under-way', url: request.url });
      }
      await response.discard();
      if (received - startedAt >= worthwhileBytes) patience.renew();
      const broken = {
        code: 'truncated',
        url: request.url,
        receivedBytes: received,
        expectedBytes: total ?? received,
      } as const;
      await patience.spend(problem ?? broken);
      response = await connect(machine, request, patience, rangeHeaders(position));
      await assertSameFile(request, position, response);
    }
    await request.onProgress?.(position.received, position.total);
  } finally {
    await response.discard();
  }
}

type Progress = (bytes: number, total: number | undefined) => Promise<void>;

/** `report`, at most every 2 s by the monotonic clock, beginning at once. */
export function throttled(clock: Host['clock'], report: Progress | undefined): Progress {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return async (bytes, total) => {
    if (report === undefined || clock.monotonic() - reportedAt < progressEveryMs) return;
    await report(bytes, total);
    reportedAt = clock.monotonic();
  };
}

/** RFC 9110, 13.1.5: If-Range takes a strong ETag or a date. With neither, the range is asked for all the same: the digest
 * finds out if the halves do not belong together. */
function rangeHeaders(position: Position): Record<string, string> {
  if (position.received === 0) return {};
  const strong = position.etag?.startsWith('W/') ? undefined : position.etag;
  const validator = strong ?? position.lastModified;
  return {
    range: `bytes=${position.received}-`,
    ...(validator === undefined ? {} : { 'if-range': validator }),
  };
}

async function assertSameFile(
  request: DownloadRequest,
  position: Position,
  response: HttpResponse,
): Promise<void> {
  const { etag, 'last-modified': lastModified, 'content-range': range } = response.headers;
  const differs = (before: string | undefined, now: string | undefined) =>
    before !== undefined && now !== undefined && before !== now;
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range ?? '') ?? [];
  const size =
    response.status === 206 ? (total === '*' ? position.total : Number(total)) : contentLength(response);
  if (
    differs(position.etag, etag) ||
    differs(position.lastModified, lastModified) ||
    (position.total !== undefined && size !== undefined && size !== position.total) ||
    (response.status === 206 && Number(start) !== position.received)
  ) {
    await response.discard();
    throw new ReleaseError({ code: 'changed-under-way', url: request.url });
  }
}

/** The first answer that brings bytes (200, 206); everything else ends in a retry or a ReleaseError. */
async function connect(
  machine: DownloadMachine,
  request: DownloadRequest,
  patience: Patience,
  range: Record<string, string>,
): Promise<HttpResponse> {
  const { url, headers } = withAuthorization(request.url);
  for (;;) {
    let response: HttpResponse;
    try {
      response = await machine.http.open(url, {
        headers: {
          'user-agent': 'concourse-ci-charm',
          accept: request.accept ?? '*/*',
          'accept-encoding': 'identity',
          ...headers,
          ...range,
        },
        ...(request.proxies === undefined ? {} : { proxies: request.proxies }),
        stallMs,
        signal: request.signal,
      });
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      await patience.spend(unreachable(request.url, error), { giveUp: !error.transient });
      continue;
    }
    if (response.status === 200 || response.status === 206) return response;
    await response.discard();
    await patience.spend(statusFailure(request, response), {
      giveUp: !retried.has(response.status),
      retryAfter: response.headers['retry-after'],
    });
  }
}

const retried = new Set([408, 425, 429, 500, 502, 503, 504]);

function statusFailure(request: DownloadRequest, response: HttpResponse): ReleaseFailure {
  const { url, version } = request;
  const { status } = response;
  switch (status) {
    case 404:
    case 410:
      return { code: 'not-found', url, version };
    case 416:
      return { code: 'changed-under-way', url };
    case 401:
    case 403:
    case 407:
    case 451:
      // GitHub answers 403, not 429, to an address that has used up its 60 requests an hour.
      return response.headers['x-ratelimit-remaining'] === '0'
        ? { code: 'rate-limited', url, status }
        : { code: 'forbidden', url, status };
    case 429:
    case 503:
      return { code: 'rate-limited', url, status };
    default:
      return { code: 'server-error', url, status };
  }
}

function contentLength(response: HttpResponse): number | undefined {
  const header = response.headers['content-length'];
  return header !== undefined && /^\d+$/.test(header) ? Number(header) : undefined;
}

function unreachable(url: string, error: HttpFailure): ReleaseFailure {
  const prefix = `${error.url}: `;
  return {
    code: 'unreachable',
    url,
    reason: error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message,
  };
}

/** `https://user:password@host/` → the same URL without them, and the header that says them. */
function withAuthorization(address: string): { url: string; headers: Record<string, string> } {
  const url = new URL(address);
  if (url.username === '' && url.password === '') return { url: address, headers: {} };
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  return {
    url: url.href,
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  };
}
