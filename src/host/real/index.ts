// The real machine behind the `Host` interface. What is heavy (undici, execa, postgres) is loaded when first used, so that a
// hook that needs none of them starts in the time that Node itself takes.
import path from 'node:path';
import type { Host, Paths } from '../host.ts';
import { realClock } from './clock.ts';
import { realCommands } from './commands.ts';
import { systemCommands } from './system-commands.ts';
import { realFiles } from './files.ts';
import { realLocks } from './locks.ts';
import { realRandom } from './random.ts';
import { realServices } from './services.ts';

/** This machine. `root` ('/' unless given) is put before every path of `Host.paths`; below it, `/proc/self/mountinfo`,
 * `/proc/sys/kernel/random/boot_id`, `/proc/sys/kernel/hostname` and `/etc/os-release` are read where they exist there,
 * else from the real place. Throws on an architecture that Concourse is not released for. */
export function createHost(options: { root?: string } = {}): Host {
  const root = path.resolve(options.root ?? '/');
  const files = realFiles(root);
  const commands = realCommands();
  const paths = pathsBelow(root);
  return {
    clock: realClock,
    random: realRandom,
    files,
    locks: realLocks,
    commands,
    http: {
      open: async (url, how) => (await import('./http-open.ts')).open(url, how),
      probe: async (url, timeoutMs, request) =>
        (await import('./http-probe.ts')).probe(url, timeoutMs, request),
    },
    databases: {
      session: async (login, withinMs, work) =>
        (await import('./database.ts')).session(login, withinMs, work),
    },
    services: realServices({ commands: systemCommands(), files, unitDirectory: paths.systemd }),
    paths,
    architecture: architectureOf(process.arch),
    bootId: async () => ((await files.readText('/proc/sys/kernel/random/boot_id')) ?? '').trim(),
    processId: process.pid,
  };
}

/** Where things lie when the machine's root is the directory `root`. */
export function pathsBelow(root: string): Paths {
  return {
    root,
    volume: path.join(root, 'var/lib/concourse'),
    etc: path.join(root, 'etc/concourse'),
    memory: path.join(root, 'var/lib/concourse-ci'),
    systemd: path.join(root, 'etc/systemd/system'),
    run: path.join(root, 'run'),
    defaults: path.join(root, 'etc/default'),
    localWork: path.join(root, 'var/lib/concourse-worker'),
  };
}

function architectureOf(nodeArchitecture: string): Host['architecture'] {
  if (nodeArchitecture === 'x64') return 'amd64';
  if (nodeArchitecture === 'arm64') return 'arm64';
  throw new Error(`this machine is ${nodeArchitecture}; Concourse is released for amd64 and arm64 only`);
}
