// What every file system has here: a server of its own where it needs one, and two clients, each with a network cable that
// can be pulled out.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from './client.ts';

export type Side = 'a' | 'b';
export const sides: readonly Side[] = ['a', 'b'];

export const serverAddress = '10.99.0.1';
/** On the disk of the file servers. */
export const disk = '/run/disk';
let clients = 0;

/** A file system with its two clients. Everything lives in the namespaces that the tests run in, and goes with them. */
export interface Bed {
  name: string;
  /** How it is mounted here, for the reader of the table. */
  how: string;
  /** Brings up server and mounts. */
  open(): Promise<void>;
  /** A client program on that side. Killed, it is as dead as a machine without power, or as a process where `machine` is not set. */
  client(side: Side): Client;
  /** Whether a client is a machine with a kernel of its own. */
  machine: boolean;
  /** Undefined where there is no network between the clients and the volume: there a client can only be frozen. */
  plug?(side: Side, connected: boolean): void;
}

const programFile = join(import.meta.dirname, 'program.ts');
const node = [process.execPath, '--disable-warning=ExperimentalWarning', programFile];
export const unitOf = (side: Side): string => `concourse-ci/${side === 'a' ? 1 : 2}`;

/** The command line of the client program, on this kernel. */
export function programOn(side: Side, mount: string, own: string): string[] {
  return [...node, mount, own, `machine-${side}`, unitOf(side)];
}

/** A client program as a process here, for a file system that is mounted at `mount(side)`. */
export function clientHere(side: Side, mount: string): Client {
  const own = folder(join('/run/own', `${side}-${process.hrtime.bigint()}`));
  return new Client(unitOf(side), programOn(side, mount, own));
}

/** A network namespace with a cable to the servers' switch, and the prefix of a command that is to run in it. */
export function plugIn(name: string, side: Side): string[] {
  const space = `${name}-${side}`;
  clients += 1;
  run(`ip netns add ${space}`);
  run(`ip -n ${space} link set lo up`);
  run(`ip link add ${space} type veth peer name eth0 netns ${space}`);
  run(`ip link set ${space} master br0 up`);
  run(`ip -n ${space} addr add 10.99.0.${100 + clients}/24 dev eth0`);
  run(`ip -n ${space} link set eth0 up`);
  return ['nsenter', `--net=/run/netns/${space}`];
}

/** Pulls a cable out of the servers' switch, or puts it in. */
export const plug =
  (name: string) =>
  (side: Side, connected: boolean): void =>
    run(`ip link set ${name}-${side} ${connected ? 'master br0' : 'nomaster'}`);

export function folder(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}

/** A command, as its words or as a line of words without blanks. */
export function run(command: string | readonly string[]): void {
  const [program = '', ...args] = typeof command === 'string' ? command.split(' ') : command;
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** A server, in the background; what it says goes to a file. */
export function serve(name: string, command: readonly string[]): void {
  const [program = '', ...args] = command;
  const log = openSync(`/run/${name}.log`, 'a');
  spawn(program, args, { stdio: ['ignore', log, log], detached: true }).unref();
}

/** Tries again until it is done; the last complaint when it never is. */
export async function until(attempt: () => void, withinMs = 20_000): Promise<void> {
  const end = Date.now() + withinMs;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await wait(50);
  }
}
