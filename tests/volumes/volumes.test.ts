// The install lock, the fence, the switch and what others see of them, on file systems that users share: two clients, each
// the charm's own storage code on a mount (or a machine) of its own.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, type Side, sides, unitOf } from './support/bed.ts';
import { beds } from './support/beds.ts';
import { type Client, ClientError } from './support/client.ts';
import { differences, note, printed, seconds, writePage } from './support/table.ts';

/** Above the servers' time limits (10 s) and the tests' lease (4 s). */
const takeOverMs = 40_000;

describe.each(beds)('$name', (bed: Bed) => {
  const clients: Partial<Record<Side, Client>> = {};
  const { a, b } = { a: () => there('a'), b: () => there('b') };
  function there(side: Side): Client {
    const client = clients[side];
    if (client === undefined) throw new Error(`no client ${side}`);
    return client;
  }

  let used = 0;
  /** Both clients on a fresh volume; one that has died is started anew. */
  async function freshVolume(): Promise<void> {
    used += 1;
    for (const side of sides) clients[side] ??= bed.client(side);
    await Promise.all(sides.map((side) => there(side).ready));
    for (const side of sides) await there(side).ask('use', { volume: `volume-${used}` });
  }
  async function kill(side: Side): Promise<void> {
    await clients[side]?.kill();
    delete clients[side];
  }
  /** Nothing of a failed test reaches the next one. */
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') for (const side of sides) await kill(side);
  });

  beforeAll(async () => {
    note(bed.name, 'mount', bed.how);
    await bed.open();
  });
  afterAll(async () => {
    for (const side of sides) await kill(side);
  });

  const install = async (client: Client, version: string) => {
    await client.ask('stage', { version });
    await client.ask('publish', { version });
    await client.ask('switch', { version });
  };

  test('the self-test of the charm tells whether flock keeps the other machine out', async () => {
    await freshVolume();
    expect(await a().ask('flock', { file: 'probe' })).toBe(true);
    const excludes = !(await b().ask('flock', { file: 'probe' }));
    note(bed.name, 'flock', excludes);
    const verdict = (client: Client) => client.ask('look-at-flock', { unit: unitOf('a') });
    expect(await verdict(b())).toBe('nothing');
    await a().ask('hold');
    // Even where flock reaches one machine only, it excludes there.
    await expect.poll(() => verdict(a()), { timeout: 10_000 }).toBe('excludes');
    // NFS may hide a name for 30 s that was looked up in vain.
    await expect.poll(() => verdict(b()), { timeout: 45_000 }).not.toBe('nothing');
    const told = (await verdict(b())) === (excludes ? 'excludes' : 'had');
    note(bed.name, 'selfTest', told);
    expect(told).toBe(true);
  });

  test('the install lock goes to one at a time, and who is refused learns who has it', async () => {
    await freshVolume();
    let inside = 0;
    let most = 0;
    const takeTurns = async (client: Client, turns: number) => {
      for (let turn = 0; turn < turns; turn += 1) {
        await client.ask('lock', { waitMs: takeOverMs });
        inside += 1;
        most = Math.max(most, inside);
        await client.ask('assert-held');
        inside -= 1;
        await client.ask('unlock');
      }
    };
    await Promise.all([takeTurns(a(), 4), takeTurns(b(), 4)]);
    note(bed.name, 'oneHolder', most === 1);
    expect(most).toBe(1);
    await a().ask('lock', { waitMs: takeOverMs });
    const refused = await failure(b().ask('lock', { waitMs: 0 }));
    await a().ask('unlock');
    const named = refused.kind === 'LockBusy' && refused.message.includes(`held by ${unitOf('a')} (pid`);
    note(bed.name, 'named', named);
    expect(refused.message).toContain(`LockBusy: the install lock is held by ${unitOf('a')} (pid`);
  });

  test('a file that the other machine has just replaced is read anew, or the page says that it is not', async () => {
    await freshVolume();
    await a().ask('replace', { file: 'page', text: '0' });
    let stale = 0;
    for (let n = 1; n <= 10; n += 1) {
      await b().ask('read', { file: 'page' });
      await a().ask('replace', { file: 'page', text: String(n) });
      if ((await b().ask('read', { file: 'page' })) !== String(n)) stale += 1;
    }
    note(bed.name, 'fresh', stale === 0);
    // Stale for a moment is what some promise; for ever is nobody's.
    await expect.poll(() => b().ask('read', { file: 'page' }), { timeout: 10_000 }).toBe('10');
  });

  test('a reader during installation and switches sees whole releases only, and each switch in bounded time', async () => {
    await freshVolume();
    await a().ask('lock', { waitMs: takeOverMs });
    // It has looked in vain before: some clients remember that for long.
    const first = b().number('wait-installed', { version: '8.2.9', withinMs: 60_000 });
    await b().look();
    const start = performance.now();
    await install(a(), '8.2.9');
    const done = performance.now() - start;
    const seen = await first;
    expect(seen).toBeGreaterThan(0);
    note(bed.name, 'firstSeen', seconds(Math.max(seen - done, 0)));

    await b().ask('watch');
    // Of other lengths: half a marker, or a marker cut to the old one's length, would be another version.
    await install(a(), '8.10.10');
    let slowest = 0;
    for (const version of ['8.2.9', '8.10.10', '8.2.9', '8.10.10', '8.2.9', '8.10.10']) {
      await a().ask('switch', { version });
      const switched = performance.now();
      expect(await b().number('wait-installed', { version, withinMs: 30_000 })).toBeGreaterThanOrEqual(0);
      slowest = Math.max(slowest, performance.now() - switched);
      await b().ask('another-look');
      // Of a file system that takes so long there is no use in more than both ways.
      if (slowest > 5_000 && version === '8.10.10') break;
    }
    const watched = await b().watched();
    await a().ask('unlock');
    note(bed.name, 'seen', seconds(slowest));
    const whole = watched.broken.length === 0 && [...watched.versions, ...watched.markers].every(isOurs);
    note(bed.name, 'whole', whole ? (watched.gaps === 0 ? 'yes' : 'yes, or none for a moment') : 'no');
    expect(watched.broken).toEqual([]);
    expect(watched.versions.toSorted()).toEqual(['8.10.10', '8.2.9']);
    expect(watched.markers.filter((each) => !isOurs(each))).toEqual([]);
  });

  test('the lock of a holder that died is taken over, and what it left is swept', async () => {
    await freshVolume();
    await a().ask('flock', { file: 'probe' });
    await a().ask('lock', { waitMs: takeOverMs });
    await a().ask('stage', { version: '8.3.0' });
    await kill('a');
    const [flock, took] = await Promise.all([
      b().number('wait-flock', { file: 'probe', withinMs: takeOverMs }),
      b().number('lock', { waitMs: takeOverMs }),
    ]);
    note(bed.name, 'crashFlock', seconds(flock));
    note(bed.name, 'crashLock', took > 0);
    expect(took).toBeGreaterThan(0);
    expect(await b().look()).toMatchObject({
      releases: [],
      staging: [expect.stringMatching(/^lock-concourse-ci-2-/)],
    });
    await install(b(), '8.4.0');
    await b().ask('unlock');
    expect(await b().look()).toEqual({
      installed: '8.4.0',
      marker: '8.4.0',
      releases: ['8.4.0'],
      staging: [],
    });
  });

  /** A has the lock and has staged 8.3.0, which it is about to put in place. */
  async function aboutToPublish(): Promise<void> {
    await freshVolume();
    await a().ask('lock', { waitMs: takeOverMs });
    await install(a(), '8.2.0');
    await a().ask('stage', { version: '8.3.0' });
    await a().ask('prepare', { version: '8.3.0' });
    await a().ask('open', { file: 'late' });
    // Such a rename goes through as long as nobody has taken over.
    await a().ask('rename', { from: 'control', to: 'control' });
    expect(await b().ask('read', { file: 'control' })).toBe('here');
  }
  /** B, which took over, has installed 8.4.0; now A goes on where it was. */
  async function goesOnInVain(): Promise<void> {
    const late = [
      await failure(a().ask('rename-staged', { version: '8.3.0' })),
      await failure(a().ask('rename', { from: 'late-bin', to: 'bin' })),
      await failure(a().ask('rename', { from: 'late-marker', to: '.installed_version' })),
      await failure(a().ask('rename', { from: 'late-beat', to: '.install.lease/late.json' })),
    ];
    const [lost, refused] = [
      await failure(a().ask('assert-held')),
      await failure(a().ask('publish', { version: '8.3.0' })),
    ];
    const after = await b().look();
    const fenced =
      after.installed === '8.4.0' && after.marker === '8.4.0' && after.releases.join() === '8.2.0,8.4.0';
    note(bed.name, 'lateRename', fenced);
    expect(after).toMatchObject({
      installed: '8.4.0',
      marker: '8.4.0',
      releases: ['8.2.0', '8.4.0'],
      holder: unitOf('b'),
    });
    for (const error of late) expect(error.code).toMatch(/^(ENOENT|ESTALE|EIO|ENOTCONN)$/);
    for (const { kind, code } of [lost, refused]) expect(`${kind} ${code}`).toMatch(told);
  }
  async function carriesOn(): Promise<void> {
    await a().ask('publish', { version: '8.3.0' });
    await a().ask('switch', { version: '8.3.0' });
    await a().ask('unlock');
  }
  const takeOver = async (waitMs: number): Promise<number | undefined> => {
    try {
      const waited = await b().number('lock', { waitMs });
      await install(b(), '8.4.0');
      return waited;
    } catch (error) {
      if (error instanceof ClientError && error.kind === 'LockBusy') return undefined;
      throw error;
    }
  };
  /** The old holder gives up, and both can have the lock again. */
  async function goOnTogether(): Promise<void> {
    const givenUp = await a().ask('unlock').catch(asClientError);
    if (givenUp instanceof ClientError) expect(`${givenUp.kind} ${givenUp.code}`).toMatch(told);
    await b().ask('unlock');
    for (const client of [a(), b()]) {
      // It may take a client a while to see that it is connected again.
      const again = () => client.ask('lock', { waitMs: takeOverMs }).then(() => 'held', asClientError);
      await expect.poll(again, { timeout: takeOverMs, interval: 1_000 }).toBe('held');
      await client.ask('unlock');
    }
    expect(await b().look()).toMatchObject({ staging: [] });
  }

  test('a frozen holder keeps the lock; where it does not, it thaws and changes nothing', async () => {
    await aboutToPublish();
    await a().ask('freeze', { seconds: 10 });
    const took = await takeOver(8_000);
    note(bed.name, 'frozen', took === undefined);
    // Waits for the thaw.
    if (took === undefined) return carriesOn();
    await goesOnInVain();
    await goOnTogether();
  });

  const { plug } = bed;
  if (plug === undefined) return;
  test('a holder that is cut off comes back and goes on, or was overtaken and changes nothing', async () => {
    await aboutToPublish();
    plug('a', false);
    // On its way while nothing gets through.
    const pending = a()
      .ask('rename-staged', { version: '8.3.0' })
      .then(() => undefined, asClientError);
    const took = await takeOver(takeOverMs);
    plug('a', true);
    note(bed.name, 'cutOff', took !== undefined);
    note(bed.name, 'cutOffAfter', took === undefined ? `not within ${seconds(takeOverMs)}` : seconds(took));
    const late = await pending;
    if (took === undefined) {
      expect(late).toBeUndefined();
      await a().ask('switch', { version: '8.3.0' });
      await a().ask('unlock');
      return;
    }
    expect(late).toBeInstanceOf(ClientError);
    await goesOnInVain();
    const written = await a().ask('write-late').catch(asClientError);
    const arrived = (await b().ask('read', { file: 'late' })) === 'later';
    note(bed.name, 'lateWrite', written instanceof ClientError && !arrived);
    await goOnTogether();
  });

  test('a hook does not wait for a server that is gone', async () => {
    await freshVolume();
    expect((await a().silence()).found).toBeUndefined();
    plug('a', false);
    try {
      // GlusterFS says by itself that it is not connected, after its ping-timeout; the others say nothing at all.
      const { ms } = await a().silence();
      note(bed.name, 'silence', ms < 30_000);
      expect(ms).toBeLessThan(30_000);
    } finally {
      plug('a', true);
    }
    await expect.poll(async () => (await a().silence()).found, { timeout: 60_000 }).toBe(undefined);
  });
});

const isOurs = (version: string): boolean => version === '8.2.9' || version === '8.10.10';

/** Failures that the charm takes for the volume's and tells an operator of. */
const told = /^(LeaseLost|VolumeFailure) |^Error (EIO|ESTALE|ENOTCONN)$/;

function asClientError(error: unknown): ClientError {
  if (error instanceof ClientError) return error;
  throw error;
}

/** What the operation failed with; an error when it did not fail. */
async function failure(attempt: Promise<unknown>): Promise<ClientError> {
  try {
    await attempt;
  } catch (error) {
    return asClientError(error);
  }
  throw new Error('it went through');
}

test('docs/reference/volumes.md promises what was found', () => {
  console.log(`\n${printed()}\n`);
  if (process.env.WRITE_TABLE === '1') writePage();
  expect(differences()).toEqual([]);
});
