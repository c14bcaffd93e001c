// The stand-in's TSA speaks lines of JSON over TCP where the real one speaks SSH: one message on each line.
import type { Socket } from 'node:net';

/** From web: its host key first, then what became of the request. */
export interface FromWeb {
  hostKey?: string;
  event?: 'registered' | 'done' | 'land' | 'retire';
  /** With `registered`: whether web will give work to a worker of this version; and if not, why. */
  unusable?: string;
  error?: string;
}

/** To web: one request, then the worker's own state as it changes. */
export interface ToWeb {
  command?: 'forward-worker' | 'land-worker' | 'retire-worker' | 'delete-worker';
  name?: string;
  version?: string;
  publicKey?: string;
  state?: 'landing' | 'landed' | 'retiring' | 'retired';
}

export const send = (socket: Socket, message: FromWeb | ToWeb): void => {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
};

/** Lines that are no JSON object (the SSH banner, a port scanner's words) are passed over. */
export function receive<Message extends object>(socket: Socket, take: (message: Message) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) take(JSON.parse(line) as Message);
  });
}
