// Runs on the switch of the machines, where other hosts would be: serves whatever the test answers, by HTTP or HTTPS, and asks others on
// its behalf. It is told and tells by messages.
import { createServer, type IncomingMessage, request as plainRequest, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, request as secureRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Said, Told } from './switchboard.ts';

const patienceMs = 5_000;
const say = (message: Said): void => void process.send?.(message);
const waiting = new Map<number, ServerResponse>();
let asked = 0;

process.on('disconnect', () => process.exit());
process.on('message', (told: Told) => {
  if ('serve' in told) serve(told);
  else if ('ask' in told) ask(told);
  else {
    const response = waiting.get(told.answerTo);
    waiting.delete(told.answerTo);
    response?.writeHead(told.status).end(told.body);
  }
});

function serve({ serve: id, address, port, tls }: Extract<Told, { serve: number }>): void {
  const take = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    asked += 1;
    waiting.set(asked, response);
    say({ asked, by: id, method: incoming.method ?? '', path: incoming.url ?? '', body });
  };
  const server = tls === undefined ? createServer(take) : createSecureServer(tls, take);
  server.listen(port, address, () => say({ done: id }));
}

function ask({ ask: id, url, ca, method, headers, body, host }: Extract<Told, { ask: number }>): void {
  const target = new URL(url);
  const send = target.protocol === 'https:' ? secureRequest : plainRequest;
  const fail = (error: Error): void => say({ done: id, failed: error.message });
  const options = {
    method,
    headers: { ...headers, ...(host !== undefined && { host }) },
    agent: false,
    timeout: patienceMs,
    ...(ca !== undefined && { ca }),
    ...(host !== undefined && { servername: host }),
  } as const;
  const request = send(target, options, async (response) => {
    const serial = serialOf(response.socket);
    let text = '';
    for await (const chunk of response) text += String(chunk);
    say({ done: id, answer: { status: response.statusCode ?? 0, body: text, serial } });
  });
  request.on('timeout', () => request.destroy(new Error('no answer')));
  request.on('error', fail);
  request.end(body);
}

function serialOf(socket: IncomingMessage['socket'] | TLSSocket): string | undefined {
  return 'getPeerCertificate' in socket ? socket.getPeerCertificate().serialNumber : undefined;
}
