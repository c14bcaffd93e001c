// `concourse worker`: registers with web, answers on its health port, and runs tasks under shims.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';

import { behaviour, isAtLeast, version, workerVersion } from './build.ts';
import { publicLine, readPublicKeys } from './keys.ts';
import { type FromWeb, receive, send, type ToWeb } from './lines.ts';
import { fail, log, required } from './log.ts';
import { Tasks } from './tasks.ts';

/** The real one tries again after 5 s. */
const RETRY_MS = 1000;

export async function worker(): Promise<void> {
  const { env } = process;
  const runtime = env.CONCOURSE_RUNTIME ?? (isAtLeast(8, 0) ? 'containerd' : 'guardian');
  for (const [other, prefix] of [
    ['containerd', 'GARDEN'],
    ['guardian', 'CONTAINERD'],
  ] as const) {
    const stray = Object.keys(env).some((key) => key.startsWith(`CONCOURSE_${prefix}_`));
    if (runtime === other && stray)
      fail(
        `cannot use CONCOURSE_${prefix}_ environment variables with ${other === 'containerd' ? 'Containerd' : 'Guardian'}`,
      );
  }
  const workDirectory = required('CONCOURSE_WORK_DIR');
  const beacon = new Beacon(new Tasks(workDirectory));
  process.on('SIGTERM', () => beacon.stop());
  process.on('SIGINT', () => beacon.stop());
  process.on('SIGUSR1', () => void beacon.leave('landing'));
  process.on('SIGUSR2', () => void beacon.leave('retiring'));

  const { startDelayMs = 0, worker: fault, exitMessage } = behaviour();
  if (fault === 'exits') fail(exitMessage ?? 'failed to run containerd: exit status 1');
  if (startDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, startDelayMs));
  await listenForHealth();
  beacon.start();
}

/** What the real one says of garden and baggageclaim; 8.1 has a status and no body. */
function listenForHealth(): Promise<void> {
  const host = process.env.CONCOURSE_HEALTHCHECK_BIND_IP ?? '0.0.0.0';
  const port = Number(process.env.CONCOURSE_HEALTHCHECK_BIND_PORT ?? '8888');
  const healthy = { healthy: true };
  const body = isAtLeast(8, 2) ? JSON.stringify({ garden: healthy, baggageclaim: healthy }) : '';
  const server = createServer((_, response) => response.end(body));
  server.on('error', (error) =>
    fail(`listen tcp ${host}:${port}: ${error.message}: bind: address already in use`),
  );
  return new Promise((resolve) => server.listen(port, host, resolve));
}

interface Identity {
  name: string;
  version: string;
  publicKey: string;
}

const identity = (): Identity => ({
  name: process.env.CONCOURSE_NAME ?? hostname(),
  version: workerVersion,
  publicKey: publicLine(required('CONCOURSE_TSA_WORKER_PRIVATE_KEY')),
});

class Beacon {
  readonly #identity = identity();
  readonly #hosts = required('CONCOURSE_TSA_HOST').split(',');
  readonly #tasks: Tasks;
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #leaving: 'landing' | 'retiring' | undefined;
  #turn = 0;

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
    readHostKeys(); // A file that cannot be read ends the worker now, not at its first connection.
  }

  start(): void {
    this.#tasks.attach();
    this.#connect();
  }

  /** At once, whatever runs: shims live on. After SIGUSR2 web forgets the worker even so. */
  stop(): void {
    if (this.#leaving === 'retiring') this.#tell('retired');
    log('worker.exited', { version });
    this.#tasks.close();
    clearTimeout(this.#retry);
    if (!this.#socket?.writable) process.exit(0);
    this.#socket.removeAllListeners('close');
    this.#socket.end(() => process.exit(0));
  }

  /** Takes no new work, waits for what runs, tells web, exits. Without a connection there is nobody to tell. */
  async leave(how: 'landing' | 'retiring'): Promise<void> {
    this.#leaving = how;
    log(`worker.beacon-runner.${how === 'landing' ? 'landing' : 'retiring'}-worker`);
    if (!this.#socket?.writable) {
      log(
        'worker.beacon-runner.drain.failed',
        { error: 'all SSH gateways unreachable while draining' },
        'error',
      );
      return this.stop();
    }
    this.#tell(how);
    await this.#tasks.drained();
    this.#tell(how === 'landing' ? 'landed' : 'retired');
  }

  #tell(state: NonNullable<ToWeb['state']>): void {
    if (this.#socket) send(this.#socket, { name: this.#identity.name, state });
  }

  #connect(): void {
    const address = this.#hosts[this.#turn++ % this.#hosts.length] ?? '';
    const { host, port } = hostAndPort(address);
    let error = 'EOF';
    const socket = connect(port, host);
    socket.on('error', (cause) => {
      error = `all worker SSH gateways unreachable: dial tcp ${address}: ${cause.message}`;
    });
    socket.on('close', () => {
      this.#socket = undefined;
      this.#tasks.refuse();
      log('worker.beacon-runner.beacon.exited-with-error', { error }, 'error');
      if (this.#leaving !== undefined) return this.stop();
      this.#retry = setTimeout(() => this.#connect(), RETRY_MS);
    });
    receive<FromWeb>(socket, (message) => {
      if (message.hostKey !== undefined && !accepts(message.hostKey)) {
        error =
          'failed to establish SSH connection with gateway: ssh: handshake failed: remote host public key mismatch';
        socket.destroy();
      } else if (message.hostKey !== undefined)
        send(socket, { command: 'forward-worker', ...this.#identity });
      else if (message.error !== undefined)
        error = `failed to establish SSH connection with gateway: ${message.error}`;
      else this.#obey(socket, message);
    });
  }

  #obey(socket: Socket, message: FromWeb): void {
    switch (message.event) {
      case 'registered':
        this.#socket = socket;
        log('worker.beacon-runner.beacon.registered');
        this.#tasks.accept(message.unusable);
        break;
      case 'land':
        void this.leave('landing');
        break;
      case 'retire':
        void this.leave('retiring');
        break;
      case 'done':
        this.#leaving = undefined;
        this.stop();
        break;
      case undefined:
        break;
      default:
        message.event satisfies never;
    }
  }
}

/** `host:port`, IPv6 in brackets. */
function hostAndPort(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

function readHostKeys(): Set<string> | undefined {
  const path = process.env.CONCOURSE_TSA_PUBLIC_KEY;
  if (!path) return undefined; // As in the real one: no key, no check.
  try {
    readFileSync(path);
    return readPublicKeys(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return fail(`failed to load TSA public key: open ${path}: ${error.message}`);
  }
}

const accepts = (hostKey: string): boolean => readHostKeys()?.has(hostKey) ?? true;

/** `land-worker` and `retire-worker --name N`: from any machine that has a worker's key. */
export function tell(command: 'land-worker' | 'retire-worker', flags: Record<string, string>): void {
  const { host, port } = hostAndPort(required('CONCOURSE_TSA_HOST').split(',')[0] ?? '');
  const { publicKey } = identity();
  const name =
    flags.name ?? process.env.CONCOURSE_WORKER_NAME ?? fail("the required flag `--name' was not specified");
  const socket = connect(port, host);
  socket.on('error', (error) => fail(`all worker SSH gateways unreachable: ${error.message}`));
  receive<FromWeb>(socket, (message) => {
    if (message.hostKey !== undefined && !accepts(message.hostKey)) fail('remote host public key mismatch');
    else if (message.hostKey !== undefined) send(socket, { command, name, publicKey });
    else if (message.error !== undefined) fail(message.error);
    else process.exit(0);
  });
}
