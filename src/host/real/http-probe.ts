// Health checks on this machine: node:http alone, so that a check costs no package's loading.
import http from 'node:http';
import type { Http } from '../host.ts';

const bodyBytes = 1024 * 1024;

/** See `Http.probe`. A certificate is not checked unless that is asked for: the question is whether our own service answers,
 * by an address that its certificate need not name. */
export async function probe(
  url: string,
  timeoutMs: number,
  sent: NonNullable<Parameters<Http['probe']>[2]> = { method: 'GET', headers: {} },
): Promise<{ status: number; body: string } | undefined> {
  if (!URL.canParse(url)) throw new Error(`not a URL to probe: ${url}`);
  const target = new URL(url);
  // node:https brings all of TLS, which a web that serves HTTP does not need.
  const { request: send } = target.protocol === 'https:' ? process.getBuiltinModule('node:https') : http;
  const { promise, resolve } = Promise.withResolvers<{ status: number; body: string } | undefined>();
  const { method, headers, mostBytes = bodyBytes, checkCertificate: rejectUnauthorized = false } = sent;
  const request = send(target, { method, headers, rejectUnauthorized, agent: false }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      body += text;
      if (body.length > mostBytes) request.destroy();
    });
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    response.on('error', () => resolve(undefined));
    response.on('close', () => resolve(undefined));
  });
  request.on('error', () => resolve(undefined));
  request.end(sent.body);
  const timer = setTimeout(() => {
    request.destroy();
    resolve(undefined);
  }, timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    request.destroy();
  }
}
