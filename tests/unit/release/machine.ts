// A machine for the release's tests: real files and HTTP, a clock that passes when it is waited for, and a local server.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Files, Http } from '../../../src/host/host.ts';
import { createHost } from '../../../src/host/real/index.ts';
import type { DownloadProgress, StageMachine, StagingArea } from '../../../src/release/stage.ts';

export interface TestMachine extends StageMachine {
  waits: number[];
}

/** `stallMs`: how long a silence lasts before the real adapter gives up, in place of the 30 s that are asked for. */
export function testMachine(
  options: { files?: Partial<Files>; stallMs?: number; commands?: StageMachine['commands'] } = {},
): TestMachine {
  const host = createHost();
  const waits: number[] = [];
  let passedMs = 0;
  const http: Http = {
    ...host.http,
    open: (url, request) => host.http.open(url, { ...request, stallMs: options.stallMs ?? 5_000 }),
  };
  return {
    waits,
    random: host.random,
    commands: options.commands ?? host.commands,
    files: { ...host.files, ...options.files },
    http,
    clock: {
      now: () => 1_800_000_000_000 + passedMs,
      monotonic: () => passedMs,
      wait: async (ms, signal) => {
        signal?.throwIfAborted();
        waits.push(ms);
        passedMs += ms;
      },
    },
  };
}

export interface TestServer {
  url: string;
  requests: IncomingMessage[];
}

/** Answers by `serve`, which also gets how many requests for that path came before. */
export async function testServer(
  serve: (request: IncomingMessage, response: ServerResponse, earlier: number) => void,
): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const earlier = requests.filter((each) => each.url === request.url).length;
    requests.push(request);
    serve(request, response, earlier);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests };
}

/** The bytes asked for by Range, with the validators of a decent server. */
export function serveBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  options: { etag?: string; breakAfter?: number; ranges?: boolean } = {},
): void {
  const etag = options.etag ?? '"one"';
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  const partial =
    range !== null && options.ranges !== false && (condition === undefined || condition === etag);
  const start = partial ? Number(range[1]) : 0;
  const part = bytes.subarray(start);
  response.writeHead(partial ? 206 : 200, {
    etag,
    'content-length': part.length,
    ...(partial ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  if (options.breakAfter === undefined || options.breakAfter >= part.length) {
    response.end(part);
    return;
  }
  response.write(part.subarray(0, options.breakAfter), () => response.destroy());
}

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'release-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface TestArea extends StagingArea {
  reports: DownloadProgress[];
  lose(reason: Error): void;
}

export async function stagingArea(): Promise<TestArea> {
  const controller = new AbortController();
  const reports: DownloadProgress[] = [];
  return {
    directory: await temporaryDirectory(),
    signal: controller.signal,
    assertHeld: async () => controller.signal.throwIfAborted(),
    progress: async (report) => {
      reports.push(report);
    },
    reports,
    lose: (reason) => controller.abort(reason),
  };
}

export async function* inChunks(bytes: Buffer, size = 16_384): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
