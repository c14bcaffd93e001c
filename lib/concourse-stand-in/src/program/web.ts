// `concourse web`: the API that the charm and people ask, and the TSA beside it.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as NetServer } from 'node:net';

import { answer, type Situation } from './api.ts';
import { behaviour, version } from './build.ts';
import { Database } from './database.ts';
import { privateKey, publicLine, readPublicKeys } from './keys.ts';
import { durationMs, fail, log, required } from './log.ts';
import { serveMetrics } from './metrics.ts';
import { startTsa, type Tsa } from './tsa.ts';
import { logInToVault } from './vault.ts';

export async function web(): Promise<void> {
  const { env } = process;
  const hostKey = publicLine(required('CONCOURSE_TSA_HOST_KEY'));
  const users = readUsers(env.CONCOURSE_ADD_LOCAL_USER ?? '');
  if (!env.CONCOURSE_MAIN_TEAM_LOCAL_USER) {
    fail(
      'default team auth not configured: auth config for the team does not have users and groups configured',
    );
  }
  const signing = env.CONCOURSE_SESSION_SIGNING_KEY;
  const secret = signing ? privateKey(signing).export({ type: 'pkcs1', format: 'pem' }) : String(process.pid);
  let authorized = readAuthorized();
  const tls = readTls();
  // Before anything is awaited: a signal in a slow start must not end the process as it ends one that knows nothing of it.
  process.on('SIGHUP', () => {
    authorized = readAuthorized();
    log('tsa.reloaded-authorized-keys', { keys: authorized.size });
  });
  let [database, tsa]: [Database?, Tsa?] = [];
  const apis: Server[] = [];
  const ttlMs = 2 * durationMs(env.CONCOURSE_TSA_HEARTBEAT_INTERVAL ?? '30s');
  const stop = (): void => {
    for (const api of apis) {
      api.close();
      api.closeAllConnections();
    }
    tsa?.close();
    log('atc.exited');
    // What is on its way to a database gets there, unless that is away.
    setTimeout(() => process.exit(0), 1000);
    void (database?.reached() ?? Promise.resolve()).then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  log('atc.starting');

  const { startDelayMs = 0, web: fault, exitMessage } = behaviour();
  if (fault === 'exits')
    fail(exitMessage ?? 'failed to connect to database: dial tcp: connect: connection refused');
  // Something must hold the process while it waits for nothing.
  if (fault === 'silent') return void setInterval(() => undefined, 60_000);
  if (startDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, startDelayMs));

  const opened = await Database.open();
  database = opened;
  opened.migrateUp();
  tsa = startTsa(opened, hostKey, () => authorized);
  const answering = (request: IncomingMessage, response: ServerResponse): void => {
    const connected = (): ReadonlySet<string> => tsa?.connected ?? new Set();
    respond(request, response, () => ({ database: opened, users, secret, ttlMs, connected: connected() }));
  };
  const api = createServer(answering);
  apis.push(api);
  listen(tsa.server, 'tsa', env.CONCOURSE_TSA_BIND_IP ?? '0.0.0.0', env.CONCOURSE_TSA_BIND_PORT ?? '2222');
  listen(api, 'atc', env.CONCOURSE_BIND_IP ?? '0.0.0.0', env.CONCOURSE_BIND_PORT ?? '8080');
  const metrics = serveMetrics(() => tsa?.connected.size ?? 0);
  if (metrics !== undefined) apis.push(metrics);
  logInToVault();
  if (tls === undefined) return;
  const secure = createTlsServer(tls, answering);
  apis.push(secure);
  listen(secure, 'atc', env.CONCOURSE_BIND_IP ?? '0.0.0.0', tls.port);
}

/** Read at the start alone: a certificate that is renewed needs another one. */
function readTls(): { port: string; cert: Buffer; key: Buffer } | undefined {
  const { CONCOURSE_TLS_BIND_PORT: port, CONCOURSE_TLS_CERT: cert, CONCOURSE_TLS_KEY: key } = process.env;
  if (!port) return undefined;
  if (!cert || !key) fail('must specify --tls-cert and --tls-key, or --enable-lets-encrypt to use TLS');
  if (process.env.CONCOURSE_EXTERNAL_URL?.startsWith('https:') !== true)
    fail('must specify HTTPS external-url to use TLS');
  return { port, cert: readFileSync(cert), key: readFileSync(key) };
}

function listen(server: NetServer, name: 'atc' | 'tsa', host: string, port: string): void {
  server.on('error', (error) =>
    fail(`listen tcp ${host}:${port}: ${error.message}: bind: address already in use`),
  );
  server.listen(Number(port), host, () => log(`${name}.listening`, { web: `${host}:${port}` }));
}

function readAuthorized(): Set<string> {
  const path = process.env.CONCOURSE_TSA_AUTHORIZED_KEYS;
  if (!path) {
    log('tsa.starting-tsa-without-authorized-keys');
    return new Set();
  }
  try {
    return readPublicKeys(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return fail(`failed to load authorized keys: open ${path}: ${error.message}`);
  }
}

const readUsers = (text: string): Map<string, string> =>
  new Map(
    text.split(',').flatMap((pair) => {
      const [user = '', password = ''] = pair.split(':');
      return user ? [[user, password] as const] : [];
    }),
  );

/** Reads the request, answers it. A client that goes away in the middle gets nothing. */
function respond(request: IncomingMessage, response: ServerResponse, situation: () => Situation): void {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', async () => {
    const { method = 'GET', headers, url = '/' } = request;
    const { pathname: path, searchParams: query } = new URL(url, 'http://stand-in');
    // Without its database the real one answers this alone; whoever asks for more gets no answer.
    if (path !== '/api/v1/info') await situation().database.reached();
    const reply = answer(
      { method, path, query, authorization: headers.authorization ?? '', body },
      situation(),
    );
    const json = typeof reply.body !== 'string';
    response.writeHead(reply.status, {
      'content-type': json ? 'application/json' : 'text/plain',
      'x-concourse-version': version,
    });
    response.end(json ? JSON.stringify(reply.body) : reply.body);
  });
}
