// The door by which another terminal reaches a running lab: a unix socket, which `control.json` in the lab's folder names.
import { createServer, type Socket } from 'node:net';
import { messageOf } from '../errors.ts';
import type { Lab } from '../lab.ts';
import { listen } from '../tools/server.ts';
import { runCommand } from './commands.ts';

/** One request a connection: a line of JSON, the words that were typed; the answer is `{code, stdout, stderr}`.
 * `onStop`: what to do when somebody types `stop`. */
export async function serveControl(
  lab: Lab,
  options: { socket: string; onStop: () => void },
): Promise<{ close(): void }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    let received = '';
    socket.setEncoding('utf8');
    socket.on('close', () => open.delete(socket));
    // The other terminal was closed while it waited.
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (received.endsWith('\n')) void reply(socket, received);
    });
  });
  await listen(server, options.socket);
  return {
    close() {
      server.close();
      for (const socket of open) socket.end();
    },
  };

  async function reply(socket: Socket, line: string): Promise<void> {
    let stopping = false;
    const answer = await runCommand(lab, parseWords(line), () => {
      stopping = true;
    }).catch((error: unknown) => ({ code: 1, stdout: '', stderr: `the lab failed: ${messageOf(error)}\n` }));
    socket.end(`${JSON.stringify(answer)}\n`, () => {
      if (stopping) options.onStop();
    });
  }
}

function parseWords(line: string): string[] {
  try {
    const words: unknown = JSON.parse(line);
    return Array.isArray(words) ? words.map(String) : [];
  } catch (error) {
    // SyntaxError: not one of our clients; it gets the list of commands.
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
