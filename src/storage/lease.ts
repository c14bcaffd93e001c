// The lease beside flock: a directory with one record in it, renewed while its holder works, for file systems on which
// flock reaches only one host. proper-lockfile keeps its time; the `fs` given to it here decides what its calls mean:
// - taking the lease is the rename of a finished directory, which fails where one with content stands: no instant at
//   which a lease is there without its holder's name;
// - a heartbeat is a counter in the record, replaced by rename out of the holder's own staging folder: once a new holder
//   has swept that folder away, the old one's heartbeat fails and can overwrite nothing;
// - age is what this process saw change on its own monotonic clock, since a file's times are another machine's.
import path from 'node:path';
import { z } from 'zod';
import { hasCode, unless } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { LeaseLost } from './failures.ts';
import { parseJson } from '../json.ts';
import { Holder } from './holder.ts';
import { type Layout, stagingName } from './layout.ts';

export interface LeaseTiming {
  /** Between heartbeats; proper-lockfile allows 1 s at least. */
  updateMs: number;
  /** Without a change for so long, the lease may be taken over; 2 s at least. */
  staleMs: number;
}

export const defaultTiming: LeaseTiming = { updateMs: 3_000, staleMs: 15_000 };

export interface Lease {
  /** The holder's own folder below `.staging`: where every rename starts. */
  folder: string;
  /** Aborts with `LeaseLost`. */
  signal: AbortSignal;
  /** Throws `LeaseLost` unless the record and the own folder still stand. */
  assertHeld(): Promise<void>;
  /** Removes the own folders and gives the lease back. Does nothing to a lease that another has by now. */
  release(): Promise<void>;
}

/** What stands at the lease's place. */
export interface LeaseSeen {
  /** Changes with each heartbeat. */
  fingerprint: string;
  holder: Holder | undefined;
}

const Record = z.object({ ...Holder.shape, beat: z.int() });
const tokenFile = 'token';
const directoryMode = 0o755;
const fileMode = 0o644;

/** Looks at the lease; undefined when there is none. */
export async function seeLease(host: Host, layout: Layout): Promise<LeaseSeen | undefined> {
  return readLease(host, layout.lease);
}

async function readLease(host: Host, directory: string): Promise<LeaseSeen | undefined> {
  const names = await unless(host.files.list(directory), 'ENOTDIR', 'ESTALE');
  if (names === undefined) return undefined;
  const texts = await Promise.all(
    names.sort().map((name) => host.files.readText(path.join(directory, name))),
  );
  const fingerprint = names.map((name, index) => `${name}\n${texts[index] ?? ''}`).join('\n');
  return { fingerprint, holder: parseJson(Record, texts[0]) };
}

/** Whether the holder cannot be alive: it was on this machine, and it was a hook of this very unit (Juju runs them one at a
 * time), or a process of this boot that has ended. Everything else only time can tell: a unit of the same name on another
 * machine is another model's. */
export async function isGone(
  host: Host,
  holder: Holder,
  self: Pick<Holder, 'unit' | 'bootId' | 'host'>,
): Promise<boolean> {
  if (holder.host !== self.host) return false;
  if (holder.unit === self.unit) return true;
  if (holder.bootId !== self.bootId) return false;
  return (await host.files.stat(`/proc/${holder.pid}`)) === undefined;
}

/** Remembers, across attempts, since when the lease has not changed. */
export class LeaseWatch {
  private seen: { fingerprint: string; since: number } | undefined;
  private readonly host: Host;
  private readonly layout: Layout;
  private readonly self: Holder;

  constructor(host: Host, layout: Layout, self: Holder) {
    this.host = host;
    this.layout = layout;
    this.self = self;
  }

  /** Age in ms: 0 when it has just been seen to change, Infinity when its holder is gone. Undefined: no lease. */
  async look(): Promise<{ ageMs: number; seen: LeaseSeen } | undefined> {
    const seen = await seeLease(this.host, this.layout);
    if (seen === undefined) return undefined;
    const now = this.host.clock.monotonic();
    if (this.seen?.fingerprint !== seen.fingerprint)
      this.seen = { fingerprint: seen.fingerprint, since: now };
    const gone = seen.holder !== undefined && (await isGone(this.host, seen.holder, this.self));
    return { ageMs: gone ? Number.POSITIVE_INFINITY : now - this.seen.since, seen };
  }
}

/** The lease, or undefined while another holds it. `watch` must live as long as the waiting does. */
export async function takeLease(
  host: Host,
  layout: Layout,
  self: Holder,
  watch: LeaseWatch,
  timing: LeaseTiming,
): Promise<Lease | undefined> {
  const found = await watch.look();
  if (found !== undefined && found.ageMs < timing.staleMs) return undefined;
  const { lock } = await import('proper-lockfile');
  const lost = new AbortController();
  const own = new OwnLease(host, layout, self, watch);
  try {
    await own.prepare();
    // The first argument only tells this lease from others in the library's table of this process.
    const release = await lock(`${layout.lease}#${self.token}`, {
      lockfilePath: layout.lease,
      realpath: false,
      retries: 0,
      stale: timing.staleMs,
      update: timing.updateMs,
      fs: own.fileSystem(),
      onCompromised: (error) => {
        if (!own.over) lost.abort(new LeaseLost(error.message, { cause: error }));
      },
    });
    return {
      folder: own.folder,
      signal: lost.signal,
      assertHeld: async () => {
        lost.signal.throwIfAborted();
        await own.assertStanding();
      },
      release: () => own.end(release),
    };
  } catch (error) {
    await host.files.remove(own.folder);
    // A contender was faster, or the holder swept this contender's folder away, at whatever point it was.
    if (hasCode(error, 'ELOCKED', 'ENOENT')) return undefined;
    throw error;
  }
}

type Answer = (error: unknown, value?: unknown) => void;

class OwnLease {
  readonly folder: string;
  /** Nothing that the library asks after the end is answered: its timers fall silent. */
  over = false;
  private readonly record: string;
  private beat = 0;
  /** What `stat` tells the library as the time of its last heartbeat. */
  private modified = new Date(0);
  private inFlight: Promise<unknown> = Promise.resolve();
  /** The fingerprint of the lease that the library was told the age of. */
  private judged: string | undefined;
  private readonly host: Host;
  private readonly layout: Layout;
  private readonly self: Holder;
  private readonly watch: LeaseWatch;

  constructor(host: Host, layout: Layout, self: Holder, watch: LeaseWatch) {
    this.host = host;
    this.layout = layout;
    this.self = self;
    this.watch = watch;
    this.folder = path.join(layout.staging, stagingName('lock', self.unit, self.token));
    this.record = `${self.token}.json`;
  }

  async prepare(): Promise<void> {
    const { files } = this.host;
    await files.makeDirectory(this.layout.staging, { mode: directoryMode, recursive: true });
    await files.makeDirectory(this.folder, { mode: directoryMode, recursive: true });
    await files.write(path.join(this.folder, tokenFile), this.self.token, { mode: fileMode });
  }

  async assertStanding(): Promise<void> {
    const { files } = this.host;
    const names = await unless(files.list(this.layout.lease), 'ENOTDIR', 'ESTALE');
    if (names?.length !== 1 || names[0] !== this.record) throw new LeaseLost('another unit took it over');
    const token = await unless(files.readText(path.join(this.folder, tokenFile)), 'ESTALE');
    if (token !== this.self.token) throw new LeaseLost('another unit swept this unit’s staging folder away');
  }

  async end(release: () => Promise<void>): Promise<void> {
    this.over = true;
    await this.inFlight;
    const { files } = this.host;
    const own = ((await files.list(this.layout.staging)) ?? []).filter((name) =>
      name.endsWith(`-${this.self.token}`),
    );
    const folders = own.map((name) => path.join(this.layout.staging, name));
    for (const folder of folders) if (folder !== this.folder) await files.remove(folder);
    try {
      await release();
    } catch (error) {
      // The library gave it up before us: the lease was lost.
      if (!hasCode(error, 'ERELEASED', 'ENOTACQUIRED')) throw error;
    }
    await files.remove(this.folder);
  }

  /** The calls of `fs` that proper-lockfile makes. */
  fileSystem(): object {
    const answered = (work: () => Promise<unknown>, answer: Answer) => {
      const done = work().then(
        (value) => [undefined, value] as const,
        (error: unknown) => [error, undefined] as const,
      );
      this.inFlight = done;
      void done.then(([error, value]) => answer(error, value));
    };
    const beating = (work: () => Promise<unknown>, answer: Answer) => {
      if (this.over) return;
      answered(work, (error, value) => {
        if (!this.over) answer(error, value);
      });
    };
    return {
      mkdir: (_: string, answer: Answer) => answered(() => this.take(), answer),
      rmdir: (_: string, answer: Answer) =>
        answered(() => (this.over ? this.giveBack() : this.removeStale()), answer),
      stat: (_: string, answer: Answer) => beating(() => this.status(), answer),
      utimes: (_: string, __: Date, modified: Date, answer: Answer) =>
        beating(() => this.renew(modified), answer),
      // Called when the process exits with the lease held: the next holder judges it by age.
      rmdirSync: () => {},
    };
  }

  private async take(): Promise<void> {
    const { files } = this.host;
    const fresh = path.join(this.folder, 'lease');
    await files.makeDirectory(fresh, { mode: directoryMode, recursive: true });
    await files.write(path.join(fresh, this.record), this.text(), { mode: fileMode });
    try {
      await files.rename(fresh, this.layout.lease);
    } catch (error) {
      if (await this.isTaken(error)) throw Object.assign(new Error('held'), { code: 'EEXIST' });
      throw error;
    }
  }

  /** A lease that changed since it was judged is put back: another was faster. */
  private async removeStale(): Promise<void> {
    const { files } = this.host;
    const aside = path.join(this.folder, 'stale');
    await files.rename(this.layout.lease, aside);
    if ((await readLease(this.host, aside))?.fingerprint === this.judged) return;
    try {
      await files.rename(aside, this.layout.lease);
    } catch (error) {
      // And a third one was faster still.
      if (!(await this.isTaken(error))) throw error;
    }
    throw Object.assign(new Error('held'), { code: 'ELOCKED' });
  }

  /** Whether the rename to the lease's place failed because another's lease stands there. SFTP has one code for all failures,
   * and sshfs makes EPERM of it: there the place itself tells. */
  private async isTaken(error: unknown): Promise<boolean> {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return true;
    return hasCode(error, 'EPERM') && (await seeLease(this.host, this.layout)) !== undefined;
  }

  private async giveBack(): Promise<void> {
    const standing = await unless(this.host.files.list(this.layout.lease), 'ENOTDIR');
    if (standing?.includes(this.record)) {
      await unless(this.host.files.rename(this.layout.lease, path.join(this.folder, 'given-back')), 'ENOENT');
    }
  }

  private async status(): Promise<{ mtime: Date }> {
    const found = await this.watch.look();
    if (found === undefined) throw Object.assign(new Error('the lease is gone'), { code: 'ENOENT' });
    if (found.seen.holder?.token === this.self.token) return { mtime: this.modified };
    this.judged = found.seen.fingerprint;
    return { mtime: new Date(Number.isFinite(found.ageMs) ? Date.now() - found.ageMs : 0) };
  }

  private async renew(modified: Date): Promise<void> {
    this.beat += 1;
    const fresh = path.join(this.folder, 'beat');
    await this.host.files.write(fresh, this.text(), { mode: fileMode });
    await this.host.files.rename(fresh, path.join(this.layout.lease, this.record));
    this.modified = modified;
  }

  private text(): string {
    return `${JSON.stringify({ ...this.self, beat: this.beat })}\n`;
  }
}
