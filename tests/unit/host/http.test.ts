// Downloads and health checks against real servers on this machine: redirects, proxies, silence, broken connections, TLS.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HttpFailure, type HttpResponse } from '../../../src/host/host.ts';
import { open } from '../../../src/host/real/http-open.ts';
import { probe } from '../../../src/host/real/http-probe.ts';
import { bypasses, proxyFor } from '../../../src/host/real/proxies.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

async function listen(server: http.Server | https.Server | net.Server): Promise<string> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return `127.0.0.1:${isAddress(address) ? address.port : 0}`;
}

const isAddress = (address: unknown): address is AddressInfo =>
  typeof address === 'object' && address !== null;
const serve = async (handler: Handler) => `http://${await listen(http.createServer(handler))}`;

async function text(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function failureOf(attempt: Promise<unknown>): Promise<HttpFailure> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HttpFailure)) throw new Error(`expected an HttpFailure, not ${String(error)}`);
  return error;
}

const options = { stallMs: 5_000 };

describe('opening', () => {
  it('any status is a result, with headers and body', async () => {
    const url = await serve((request, response) => {
      response.writeHead(404, { 'x-range': request.headers.range ?? '' }).end('none such');
    });
    const response = await open(`${url}/a`, { ...options, headers: { range: 'bytes=5-' } });
    expect(response).toMatchObject({ status: 404, url: `${url}/a`, headers: { 'x-range': 'bytes=5-' } });
    expect(await text(response)).toBe('none such');
  });

  it('redirects are followed, relative ones too, and private headers stay with the first host', async () => {
    const seen: (string | undefined)[] = [];
    const second = await serve((request, response) => {
      seen.push(request.headers.authorization, request.headers.range);
      response.end('here');
    });
    const first = await serve((request, response) => {
      if (request.url === '/a') response.writeHead(302, { location: '/b' }).end('moved');
      else response.writeHead(307, { location: `${second}/c` }).end();
    });
    const response = await open(`${first}/a`, {
      ...options,
      headers: { Authorization: 'Bearer x', Range: 'bytes=1-' },
    });
    expect(await text(response)).toBe('here');
    expect(response.url).toBe(`${second}/c`);
    expect(seen).toEqual([undefined, 'bytes=1-']);
  });

  it('a circle of redirects, a bad URL and another scheme fail for good', async () => {
    const circle = await serve((_, response) => response.writeHead(301, { location: '/' }).end());
    const file = await serve((_, response) =>
      response.writeHead(301, { location: 'file:///etc/passwd' }).end(),
    );
    for (const url of [circle, file, 'not a url', 'ftp://example.org/x']) {
      expect(await failureOf(open(url, options)), url).toMatchObject({ transient: false });
    }
  });

  it('a refused connection, a reset and a cut body are worth another try', async () => {
    const closed = http.createServer();
    const address = await listen(closed);
    closed.close();
    expect(await failureOf(open(`http://${address}`, options))).toMatchObject({ transient: true });
    const reset = `http://${await listen(net.createServer((socket) => socket.on('data', () => socket.resetAndDestroy())))}`;
    expect(await failureOf(open(reset, options))).toMatchObject({ transient: true });
    const cut = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.socket?.destroy());
    });
    expect(await failureOf(open(cut, options).then(text))).toMatchObject({ transient: true });
  });

  it('silence is a failure, before the headers and between two chunks', async () => {
    const mute = await serve(() => {});
    expect(await failureOf(open(mute, { stallMs: 300 }))).toMatchObject({ transient: true });
    const stalled = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('a little');
    });
    expect(await failureOf(open(stalled, { stallMs: 300 }).then(text))).toMatchObject({ transient: true });
  });

  it('an abort ends it with the signal’s reason', async () => {
    const mute = await serve((_, response) => void response.writeHead(200).write('x'));
    const stop = new AbortController();
    const response = await open(mute, { ...options, signal: stop.signal });
    const reading = text(response);
    stop.abort(new Error('the lock was lost'));
    await expect(reading).rejects.toThrow('the lock was lost');
    await expect(open(mute, { ...options, signal: stop.signal })).rejects.toThrow('the lock was lost');
  });

  it('a discarded response lets the connection go', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const url = await serve((_, response) => {
      response.on('close', resolve);
      response.writeHead(200).write('x');
    });
    await (await open(url, options)).discard();
    await closed;
  });

  it('a certificate that nobody vouches for fails for good', async () => {
    const directory = await temporaryDirectory();
    const [key, cert] = [path.join(directory, 'key'), path.join(directory, 'cert')];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-keyout', key, '-out', cert],
    ]);
    expect(made.status).toBe(0);
    const tls = { key: readFileSync(key), cert: readFileSync(cert) };
    const server = https.createServer(tls, (_, response) => response.end('tls'));
    const address = await listen(server);
    expect(await failureOf(open(`https://${address}/`, options))).toMatchObject({ transient: false });
    expect(await probe(`https://${address}/`, 5_000)).toEqual({ status: 200, body: 'tls' });
  });

  it('an authority in the machine’s own store vouches for a server', async () => {
    const store = await temporaryDirectory();
    const [key, cert] = [path.join(store, 'key'), path.join(store, 'cert')];
    const made = spawnSync('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        '/CN=site',
      ],
      ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
    ]);
    expect(made.status, String(made.stderr)).toBe(0);
    const tls = { key: readFileSync(key), cert: readFileSync(cert) };
    const address = await listen(https.createServer(tls, (_, response) => response.end('trusted')));
    // A process of its own: what is trusted is read once for each.
    const opener = new URL('../../../src/host/real/http-open.ts', import.meta.url);
    const script = `const { open } = await import('${opener}');
      const { body } = await open('https://${address}/', { stallMs: 5000 });
      for await (const chunk of body) process.stdout.write(chunk);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { SSL_CERT_FILE: cert },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await once(child, 'close');
    expect(printed).toBe('trusted');
  });

  it('http goes through its proxy as a whole URL, https by CONNECT, and NO_PROXY past both', async () => {
    const asked: string[] = [];
    const proxy = http.createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end('by proxy');
    });
    proxy.on('connect', (request, socket) => {
      asked.push(`CONNECT ${request.url}`);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    const address = await listen(proxy);
    const proxies = { http: address, https: `http://${address}`, no: '127.0.0.0/8' };
    expect(await text(await open('http://mirror.invalid/a?b=c', { ...options, proxies }))).toBe('by proxy');
    await failureOf(open('https://mirror.invalid/', { ...options, proxies }));
    const direct = await serve((_, response) => response.end('direct'));
    expect(await text(await open(direct, { ...options, proxies }))).toBe('direct');
    expect(asked).toEqual(['GET http://mirror.invalid/a?b=c', 'CONNECT mirror.invalid:443']);
  });
});

describe('NO_PROXY', () => {
  it.each([
    ['http://a.example.com/', 'example.com', true],
    ['http://a.example.com/', '.example.com', true],
    ['http://a.example.com/', '*.example.com', true],
    ['http://example.com/', '.example.com', true],
    ['http://badexample.com/', 'example.com', false],
    ['http://A.Example.COM/', 'other, EXAMPLE.com', true],
    ['http://any.where/', '*', true],
    ['http://any.where/', '', false],
    ['http://a.b:8080/', 'a.b:8080', true],
    ['http://a.b:8081/', 'a.b:8080', false],
    ['https://a.b/', 'a.b:443', true],
    ['http://10.1.2.3/', '10.0.0.0/8', true],
    ['http://11.1.2.3/', '10.0.0.0/8', false],
    ['http://10.1.2.3/', '10.1.2.3', true],
    ['http://10.1.2.3/', '10.0.0.0/99', false],
    ['http://[fd00::1]/', 'fd00::/8', true],
    ['http://[::1]:8080/', '[::1]:8080', true],
    ['http://[::1]/', '::1', true],
    ['http://10.example.com/', '10.0.0.0/8', false],
  ])('%s with %j: %s', (url, no, expected) => {
    expect(bypasses(new URL(url), no)).toBe(expected);
  });

  it('without a proxy for the scheme the connection is direct', () => {
    expect(proxyFor(new URL('https://x.org'), { http: 'http://p:1' })).toBeUndefined();
    expect(proxyFor(new URL('http://x.org'), { http: 'p:3128' })).toBe('http://p:3128');
    expect(proxyFor(new URL('http://x.org'), {})).toBeUndefined();
  });
});

describe('probing', () => {
  it('gives status and body', async () => {
    const url = await serve((_, response) => response.writeHead(503).end('starting'));
    expect(await probe(url, 5_000)).toEqual({ status: 503, body: 'starting' });
  });

  it('no answer, a silence and a cut are undefined', async () => {
    const closed = http.createServer();
    const address = await listen(closed);
    closed.close();
    expect(await probe(`http://${address}/`, 5_000)).toBeUndefined();
    expect(await probe(await serve(() => {}), 100)).toBeUndefined();
    const cut = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.socket?.destroy());
    });
    expect(await probe(cut, 5_000)).toBeUndefined();
  });
});
