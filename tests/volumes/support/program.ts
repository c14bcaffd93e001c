// A client of a shared file system: the charm's own storage code on this machine, at the word of the tests. It runs as a
// process of its own, or as the only program of a User-mode Linux machine.
// Arguments: where the file system is mounted, a folder of its own, the machine's name, the unit's name.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { holdScript } from '../../../src/concourse/worker-lock.ts';
import type { FileLock, Host } from '../../../src/host/host.ts';
import { createHost } from '../../../src/host/real/index.ts';
import { silence } from '../../../src/storage/answering.ts';
import { lookAtFlock } from '../../../src/storage/exclusion.ts';
import type { Held } from '../../../src/storage/held.ts';
import { stagingName } from '../../../src/storage/layout.ts';
import { withInstallLock } from '../../../src/storage/lock.ts';
import { mountOf, openVolume } from '../../../src/storage/volume.ts';
import { workerFolder } from '../../../src/storage/worker-folder.ts';
import { type Reply, requestSchema } from './protocol.ts';
import { Reader, writeRelease } from './releases.ts';

const [mount = '', own = '', machine = '', unit = ''] = process.argv.slice(2);
/** Short, so that a dead holder's lease is over soon. */
const timing = { updateMs: 1_000, staleMs: 4_000 };

let host: Host;
let held: { lock: Held; done: Promise<void>; end: () => void } | undefined;
let reader: Reader | undefined;
let open: fs.FileHandle | undefined;
const flocks = new Map<string, FileLock>();

const at = (name: string): string => path.join(host.paths.volume, name);
const ownFolder = (): string => at(path.join('.staging', stagingName('lock', unit, lock().fencingToken)));

function lock(): Held {
  if (held === undefined) throw new Error(`${unit} never had the lock`);
  return held.lock;
}

type Words = Readonly<Record<string, string | number>>;
const text = (words: Words, key: string): string => String(words[key]);

const operations: Record<string, (words: Words) => Promise<unknown>> = {
  /** A fresh volume: a folder of that name on the file system. */
  use: async (words) => {
    const folder = path.join(mount, text(words, 'volume'));
    const root = path.join(own, text(words, 'volume'));
    await fs.mkdir(folder, { recursive: true });
    await fs.mkdir(path.join(root, 'var/lib'), { recursive: true });
    await fs.symlink(folder, path.join(root, 'var/lib/concourse'));
    await fs.mkdir(path.join(root, 'proc/sys/kernel/random'), { recursive: true });
    await fs.writeFile(path.join(root, 'proc/sys/kernel/hostname'), `${machine}\n`);
    host = createHost({ root });
  },
  look: async () => {
    const facts = await openVolume(host).observe();
    if (facts.state !== 'present') throw new Error(facts.problems.join('; '));
    const { installed, marker, releases, staging } = facts;
    return { installed, marker, releases, staging, holder: facts.holder?.unit };
  },

  /** What a hook finds before it touches the volume. */
  silence: async () => {
    const start = host.clock.monotonic();
    const found = await silence(host, mount, mountOf(mount, await host.files.mounts()));
    return { found, ms: host.clock.monotonic() - start };
  },

  lock: async (words) => {
    const start = host.clock.monotonic();
    const end = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<Held>();
    const done = withInstallLock(
      host,
      { unit, purpose: 'a test', waitMs: Number(words.waitMs), timing },
      async (lock) => {
        begun.resolve(lock);
        await end.promise;
      },
    );
    done.catch(begun.reject);
    held = { lock: await begun.promise, done, end: end.resolve };
    return host.clock.monotonic() - start;
  },
  unlock: async () => {
    held?.end();
    await held?.done;
  },
  'assert-held': () => lock().assertHeld(),
  stage: async (words) => {
    const version = text(words, 'version');
    const staging = await lock().staging(version);
    await writeRelease(host.files, staging.directory, version);
  },
  publish: (words) => lock().releaseVersion(text(words, 'version'), stagedFolder(text(words, 'version'))),
  switch: async (words) => {
    await lock().switchTo(text(words, 'version'));
    await lock().writeMarker(text(words, 'version'));
  },

  /** Into the holder's own folder: what it renames next, had it just seen that the lock is its own. */
  prepare: async (words) => {
    const version = text(words, 'version');
    await fs.writeFile(path.join(ownFolder(), 'late-marker'), `${version}\n`);
    await fs.writeFile(path.join(ownFolder(), 'late-beat'), '{}');
    await fs.writeFile(path.join(ownFolder(), 'control'), 'here');
    await fs.symlink(`releases/${version}/bin`, path.join(ownFolder(), 'late-bin'));
  },
  /** The bare rename, without a look at the lease before it. `from` lies in the holder's own folder. */
  rename: (words) => fs.rename(path.join(ownFolder(), text(words, 'from')), at(text(words, 'to'))),
  'rename-staged': (words) => {
    const version = text(words, 'version');
    return fs.rename(stagedFolder(version), at(`releases/${version}`));
  },

  /** Stops this program, from 0.1 s from now on. */
  freeze: async (words) => {
    const line = `sleep 0.1; kill -STOP ${process.pid}; sleep ${Number(words.seconds)}; kill -CONT ${process.pid}`;
    spawn('/bin/sh', ['-c', line], { stdio: 'ignore', detached: true }).unref();
  },

  /** Written in place through a descriptor that stays open. */
  open: async (words) => {
    open = await fs.open(at(text(words, 'file')), 'w');
    await open.write('first');
    await open.sync();
  },
  'write-late': async () => {
    await open?.write('later', 0);
    await open?.sync();
  },
  /** By a new file and a rename, as everything shared is written. */
  replace: async (words) => {
    const file = at(text(words, 'file'));
    await host.files.write(`${file}.new`, text(words, 'text'), { mode: 0o644, sync: true });
    await host.files.rename(`${file}.new`, file);
  },
  /** Afresh, by its name; '' when it is not there. */
  read: async (words) => (await host.files.readText(at(text(words, 'file')))) ?? '',

  flock: async (words) => {
    const lock = await host.locks.tryLock(at(text(words, 'file')));
    if (lock !== undefined) flocks.set(text(words, 'file'), lock);
    return lock !== undefined;
  },
  'wait-flock': async (words) => {
    const start = host.clock.monotonic();
    for (;;) {
      const lock = await host.locks.tryLock(at(text(words, 'file')));
      const waited = host.clock.monotonic() - start;
      if (lock !== undefined) {
        flocks.set(text(words, 'file'), lock);
        return waited;
      }
      if (waited > Number(words.withinMs)) return -1;
      await host.clock.wait(20);
    }
  },
  unflock: async (words) => flocks.get(text(words, 'file'))?.release(),

  /** What the worker's service starts beside the worker, here beside this program. */
  hold: async () => {
    const folder = workerFolder(host, unit);
    await folder.ensure();
    const env = { PATH: process.env.PATH, MAINPID: String(process.pid) };
    const holder = spawn('/bin/sh', ['-c', holdScript(), folder.lockPath], { stdio: 'ignore', env });
    await new Promise((resolve) => holder.once('exit', resolve));
  },
  'look-at-flock': async (words) => {
    const look = await lookAtFlock(host, [text(words, 'unit')]);
    return look.kind === 'had' && Object.keys(look.signs).length === 0 ? 'nothing' : look.kind;
  },

  watch: async () => {
    reader = new Reader(host);
    await reader.begun;
  },
  'another-look': () => reader?.another() ?? Promise.resolve(),
  watched: () => {
    if (reader === undefined) throw new Error('nobody watches');
    return reader.end();
  },
  /** Until the volume, as a hook looks at it, names that version by `bin` and marker; ms, or -1. */
  'wait-installed': async (words) => {
    const start = host.clock.monotonic();
    for (;;) {
      const facts = await openVolume(host).observe();
      const waited = host.clock.monotonic() - start;
      if (facts.state === 'present') {
        if (facts.installed === words.version && facts.marker === words.version) return waited;
      }
      if (waited > Number(words.withinMs)) return -1;
      await host.clock.wait(2);
    }
  },
};

function stagedFolder(version: string): string {
  return at(path.join('.staging', stagingName(version, unit, lock().fencingToken)));
}

async function answer(line: string): Promise<Reply> {
  const request = requestSchema.parse(JSON.parse(line));
  const { id } = request;
  const operation = operations[request.do];
  if (operation === undefined) return { id, error: { name: 'Error', message: `cannot ${request.do}` } };
  try {
    return { id, result: await operation(request.with) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = 'code' in error ? { code: String(error.code) } : {};
    return { id, error: { name: error.name, message: error.message, ...code } };
  }
}

const say = (reply: Reply): void => {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
};
createInterface({ input: process.stdin })
  .on('line', (line) => void answer(line).then(say))
  .on('close', () => process.exit());
say({ id: 0, result: 'ready' });
