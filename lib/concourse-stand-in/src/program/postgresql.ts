// As much of PostgreSQL's protocol (version 3) as a stand-in needs: one connection, SCRAM, and queries that are plain text.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** What PostgreSQL says when it refuses, with its SQLSTATE (`28P01`: the password, `3D000`: no such database). */
export class PostgresError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`pq: ${message}`);
    this.code = code;
  }
}

export interface Credentials {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** Encrypted; with an authority, the server must be who that vouches for. */
  tls?: { ca: Buffer | undefined };
}

interface Message {
  type: string;
  body: Buffer;
}

export class Connection {
  readonly #socket: Socket;
  readonly #messages: Message[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #broken: Error | undefined;
  #wake: () => void = () => undefined;

  /** PostgresError when it refuses; Error when nobody is there, or no longer. */
  static async open(credentials: Credentials): Promise<Connection> {
    const connection = new Connection(await reach(credentials));
    try {
      await connection.#logIn(credentials);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('driver: bad connection')));
    // Whoever does not answer at all is as good as away.
    socket.setTimeout(10_000, () => socket.destroy(new Error('i/o timeout')));
  }

  /** The rows, each column as text. */
  async query(text: string): Promise<string[][]> {
    this.#socket.setTimeout(10_000);
    this.#send('Q', Buffer.from(`${text}\0`));
    const rows: string[][] = [];
    for (;;) {
      const { type, body } = await this.#next();
      if (type === 'D') rows.push(columns(body));
      else if (type === 'Z') break;
    }
    this.#socket.setTimeout(0);
    return rows;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #logIn({ user, password, database }: Credentials): Promise<void> {
    const words = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
    this.#socket.write(Buffer.concat([int32(words.length + 8), int32(196_608), words]));
    const scram = new Scram(password);
    for (;;) {
      const { type, body } = await this.#next();
      if (type === 'Z') return;
      if (type !== 'R') continue;
      const method = body.readInt32BE(0);
      if (method === 3) this.#send('p', Buffer.from(`${password}\0`));
      else if (method === 10) {
        const first = Buffer.from(scram.first());
        this.#send('p', Buffer.concat([Buffer.from('SCRAM-SHA-256\0'), int32(first.length), first]));
      } else if (method === 11) this.#send('p', Buffer.from(scram.last(body.toString('utf8', 4))));
      else if (method !== 0 && method !== 12) throw new Error(`pq: unknown authentication ${method}`);
    }
  }

  /** An error is thrown once the server is ready again, or gone. */
  async #next(): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message?.type === 'E') throw refusal(message.body);
      if (message !== undefined) return message;
      if (this.#broken !== undefined) throw this.#broken;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 5) {
      const length = this.#rest.readInt32BE(1);
      if (this.#rest.length < length + 1) break;
      this.#messages.push({
        type: String.fromCharCode(this.#rest[0] ?? 0),
        body: this.#rest.subarray(5, length + 1),
      });
      this.#rest = this.#rest.subarray(length + 1);
    }
    this.#wake();
  }

  #end(error: Error): void {
    this.#broken ??= error;
    this.#wake();
  }

  #send(type: string, body: Buffer): void {
    this.#socket.write(Buffer.concat([Buffer.from(type), int32(body.length + 4), body]));
  }
}

async function reach({ host, port, tls }: Credentials): Promise<Socket> {
  const plain = connect(port, host);
  if (tls === undefined) return plain;
  plain.setTimeout(10_000, () => plain.destroy(new Error('i/o timeout')));
  await once(plain, 'connect');
  plain.write(Buffer.concat([int32(8), int32(80_877_103)]));
  const [said]: Buffer[] = await once(plain, 'data');
  if (said?.toString() !== 'S') throw new Error('pq: SSL is not enabled on the server');
  const secure = connectSecurely({
    socket: plain,
    host,
    ...(tls.ca === undefined ? { rejectUnauthorized: false } : { ca: tls.ca }),
  });
  await once(secure, 'secureConnect');
  return secure;
}

/** RFC 7677, without the check of the server's own signature: a test's server is who it is. */
class Scram {
  readonly #password: string;
  readonly #bare = `n=,r=${randomBytes(18).toString('base64')}`;

  constructor(password: string) {
    this.#password = password;
  }

  first(): string {
    return `n,,${this.#bare}`;
  }

  last(challenge: string): string {
    const given = new Map(challenge.split(',').map((part) => [part.slice(0, 1), part.slice(2)]));
    const salt = Buffer.from(given.get('s') ?? '', 'base64');
    const salted = pbkdf2Sync(this.#password, salt, Number(given.get('i')), 32, 'sha256');
    const key = createHmac('sha256', salted).update('Client Key').digest();
    const stored = createHash('sha256').update(key).digest();
    const plain = `c=biws,r=${given.get('r') ?? ''}`;
    const signature = createHmac('sha256', stored).update(`${this.#bare},${challenge},${plain}`).digest();
    const proof = Buffer.from(key.map((byte, index) => byte ^ (signature[index] ?? 0)));
    return `${plain},p=${proof.toString('base64')}`;
  }
}

/** A literal of SQL. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function columns(body: Buffer): string[] {
  const found: string[] = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left--) {
    const length = Math.max(body.readInt32BE(at), 0);
    found.push(body.toString('utf8', at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

function refusal(body: Buffer): PostgresError {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .map((field) => [field.slice(0, 1), field.slice(1)]),
  );
  return new PostgresError(fields.get('C') ?? '', fields.get('M') ?? '');
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
