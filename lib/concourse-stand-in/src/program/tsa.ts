// Where workers register with web: checks their keys and keeps their states.
import { createServer, type Server, type Socket } from 'node:net';

import { workerVersion } from './build.ts';
import type { Database } from './database.ts';
import { receive, send, type ToWeb } from './lines.ts';
import { log } from './log.ts';

const UNAUTHORISED =
  'ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain';

export interface Tsa {
  server: Server;
  connected: ReadonlySet<string>;
  close(): void;
}

export function startTsa(database: Database, hostKey: string, authorized: () => ReadonlySet<string>): Tsa {
  const connections = new Map<string, Socket>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // A peer that vanishes closes the socket; how it vanished is of no interest.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.write('SSH-2.0-Go\r\n');
    send(socket, { hostKey });
    receive<ToWeb>(socket, (message) => answer(socket, message));
  });

  function answer(socket: Socket, message: ToWeb): void {
    const { name = '', publicKey = '', command } = message;
    if (message.state !== undefined) change(name, message.state);
    else if (!authorized().has(publicKey)) {
      log('tsa.connection.failed', { error: 'unknown public key', name }, 'error');
      send(socket, { error: UNAUTHORISED });
      socket.end();
    } else if (command === 'forward-worker')
      void database.reached().then(() => register(socket, name, message.version ?? ''));
    else if (command !== undefined) {
      const error = order(command, name);
      send(socket, error === undefined ? { event: 'done' } : { error });
      socket.end();
    }
  }

  function register(socket: Socket, name: string, version: string): void {
    connections.set(name, socket);
    database.save({ name, version, state: 'running', seen: Date.now() });
    socket.on('close', () => {
      if (connections.get(name) === socket) connections.delete(name);
      touch(name);
    });
    log('tsa.connection.channel.forward-worker.register.done', { 'worker-name': name });
    const usable = satisfies(version, workerVersion);
    send(socket, {
      event: 'registered',
      ...(!usable && {
        unusable: `no workers satisfying: resource type 'mock', version: '${workerVersion}'`,
      }),
    });
  }

  function touch(name: string): void {
    const worker = database.worker(name);
    if (worker) database.save({ ...worker, seen: Date.now() });
  }

  /** What a worker says of itself, once asked to go. */
  function change(name: string, state: NonNullable<ToWeb['state']>): void {
    const worker = database.worker(name);
    if (!worker) return;
    if (state === 'retired') database.forget(name);
    else database.save({ ...worker, state, seen: Date.now() });
    const socket = connections.get(name);
    if (socket && (state === 'landed' || state === 'retired')) send(socket, { event: 'done' });
  }

  /** `concourse land-worker`, `retire-worker`, and what SIGTERM after SIGUSR2 does. The error, if any. */
  function order(
    command: 'land-worker' | 'retire-worker' | 'delete-worker',
    name: string,
  ): string | undefined {
    const worker = database.worker(name);
    const socket = connections.get(name);
    switch (command) {
      case 'land-worker':
        if (!worker) return 'failed to land worker: 404';
        if (socket) send(socket, { event: 'land' });
        else database.save({ ...worker, state: 'landed' });
        return undefined;
      case 'retire-worker':
        if (!worker) return undefined;
        // The constraint `addr_when_running` of the real database.
        if (worker.state === 'landed') return 'failed to retire worker: 500 Internal Server Error';
        if (socket) send(socket, { event: 'retire' });
        else database.forget(name);
        return undefined;
      case 'delete-worker':
        database.forget(name);
        return undefined;
      default:
        return command satisfies never;
    }
  }

  return {
    server,
    get connected() {
      return new Set(connections.keys());
    },
    close: () => {
      server.close();
      for (const name of connections.keys()) touch(name);
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Concourse's rule: the same major, and the worker's is this or newer. */
function satisfies(worker: string, web: string): boolean {
  const [workerMajor = 0, workerMinor = 0] = worker.split('.').map(Number);
  const [webMajor = 0, webMinor = 0] = web.split('.').map(Number);
  return workerMajor === webMajor && workerMinor >= webMinor;
}
