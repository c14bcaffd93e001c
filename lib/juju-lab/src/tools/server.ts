// The lab's end of a unit's tool calls. One connection is one call, in bytes:
//   client: <length>\n<tool>\0<cwd>\0<JUJU_CONTEXT_ID or nothing>\0<argument>\0…
//   lab:    stdin\n                      only when the call reads its standard input, as Juju does it:
//   client: <all of stdin>, half-close   nobody else's stdin is ever touched
//   lab:    <exit code> <bytes of stdout> <bytes of stderr>\n<stdout><stderr>
import { createServer, type Server, type Socket } from 'node:net';

export interface ToolCall {
  tool: string;
  argv: string[];
  cwd: string;
  /** '' when the caller's environment has none. */
  contextId: string;
}

export interface ToolAnswer {
  code: number;
  stdout: string;
  stderr: string;
}

export type AnswerTool = (call: ToolCall, stdin: string | undefined) => Promise<ToolAnswer> | ToolAnswer;

/** Listens on `path` (at most 107 bytes: the kernel's limit for the name of a unix socket). */
export function serveTools(path: string, answer: AnswerTool): { close(): void } {
  const connections = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    // A caller that was killed while it waited: nobody is left to be told.
    socket.on('error', () => socket.destroy());
    converse(socket, answer);
  });
  server.listen(path);
  return {
    close() {
      server.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

export function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function converse(socket: Socket, answer: AnswerTool): void {
  let received = Buffer.alloc(0);
  let call: ToolCall | undefined;
  let atEnd: (() => void) | undefined;
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    if (call !== undefined) return;
    const parsed = parseRequest(received);
    if (parsed === undefined) return;
    call = parsed.call;
    received = parsed.rest;
    if (readsStdin(call)) {
      atEnd = () => respond(parsed.call, received.toString());
      socket.write('stdin\n');
    } else {
      respond(call, undefined);
    }
  });
  socket.on('end', () => atEnd?.());

  function respond(of: ToolCall, stdin: string | undefined): void {
    void Promise.resolve()
      .then(() => answer(of, stdin))
      .catch((error: unknown) => ({
        code: 1,
        stdout: '',
        stderr: `ERROR the lab failed: ${String(error)}\n`,
      }))
      .then(({ code, stdout, stderr }) => {
        const [out, err] = [Buffer.from(stdout), Buffer.from(stderr)];
        socket.end(Buffer.concat([Buffer.from(`${code} ${out.length} ${err.length}\n`), out, err]));
      });
  }
}

function parseRequest(bytes: Buffer): { call: ToolCall; rest: Buffer<ArrayBuffer> } | undefined {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return undefined;
  const length = Number(bytes.toString('latin1', 0, end));
  if (bytes.length < end + 1 + length) return undefined;
  const [tool = '', cwd = '', contextId = '', ...argv] = bytes
    .toString('utf8', end + 1, end + 1 + length)
    .split('\0');
  return { call: { tool, cwd, contextId, argv }, rest: Buffer.from(bytes.subarray(end + 1 + length)) };
}

/** Only these read `--file -`: the secret tools open their files in the agent. */
function readsStdin({ tool, argv }: ToolCall): boolean {
  if (tool !== 'relation-set' && tool !== 'state-set') return false;
  const end = argv.indexOf('--');
  const options = end < 0 ? argv : argv.slice(0, end);
  return options.some(
    (option, at) => option === '--file=-' || (option === '--file' && options[at + 1] === '-'),
  );
}
