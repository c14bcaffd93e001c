// The timelines of an upgrade, as recorded with a charm of eighty lines on four machines of a real Juju 4.0.15.
import { Cluster } from 'juju-ts-ops/testing';
import { describe, expect, test } from 'vitest';
import { type Heard, machineOf, speakingCharm, upgradingCharm, type World } from './support/prototype.ts';

const [web, ...workers] = ['proto/0', 'proto/1', 'proto/2', 'proto/3'];
const second = 1_000;

async function upgradable(limits: { acknowledgementMs?: number; workerMs?: number } = {}) {
  const machines: World['machines'] = new Map();
  const told: string[] = [];
  const world: World = {
    now: () => cluster.clock.now(),
    timers: [],
    machines,
    told,
    acknowledgementMs: 600 * second,
    workerMs: 600 * second,
    ...limits,
  };
  const charm = upgradingCharm(world);
  const cluster: Cluster = new Cluster({ seed: 1, charm: () => charm, configChangedTwice: () => true });
  world.timers = cluster.timers;
  cluster.deploy('proto', { units: 4 });
  await cluster.settle();
  expect(running(world)).toEqual(['1', '1', '1', '1']);
  told.length = 0;
  const begun = cluster.clock.now();
  /** Seconds since the command, on the test's clock. */
  const until = (seconds: number) => cluster.advance(begun + seconds * second - cluster.clock.now());
  const run = async (...units: (string | undefined)[]) => {
    for (const unit of units) await cluster.step(unit);
  };
  cluster.juju.configure('proto', { version: '2' });
  return { cluster, juju: cluster.juju, world, told, until, run };
}

const running = (world: World) =>
  [web, ...workers].map((unit) => machineOf(world, unit ?? '').runs ?? 'stopped');
const stops = (world: World) => workers.map((unit) => machineOf(world, unit).stops);
const each = (what: string) => workers.map((unit) => `${unit} ${what}`);

describe('a plain upgrade of three workers', () => {
  test('config-changed prepares, each worker is woken by web, web by each worker, each worker by web again', async () => {
    const { cluster, told, run, world } = await upgradable();
    await run(...workers, ...workers);
    expect(told).toEqual([]);
    await run(web, web, ...workers);
    expect(told).toEqual([`${web} config-changed: prepare`, ...each(`relation-changed (${web}): stop`)]);
    told.length = 0;
    // All three have written by now, and still web sees one more in each hook: a bag is read anew in its own hook only.
    await run(web);
    for (let hooks = 0; hooks < 6 && !told.at(-1)?.includes('switch'); hooks += 1) await run(web);
    expect(told).toEqual([
      `${web} relation-changed (proto/1): waits for 2`,
      `${web} relation-changed (proto/2): waits for 1`,
      `${web} relation-changed (proto/3): switch, complete`,
    ]);
    told.length = 0;
    await cluster.settle();
    expect([...told].sort()).toEqual(each(`relation-changed (${web}): start 2`));
    expect(running(world)).toEqual(['2', '2', '2', '2']);
    expect(stops(world)).toEqual([1, 1, 1]);
  });

  test('config-changed came twice to each unit, and three hooks in four do not concern the unit that they run in', async () => {
    const { cluster, told } = await upgradable();
    const before = cluster.history.length;
    await cluster.settle();
    const ran = cluster.history.slice(before);
    const config = ran.filter(({ operation }) => operation === 'config-changed');
    expect([web, ...workers].map((unit) => config.filter((run) => run.unit === unit).length)).toEqual([
      2, 2, 2, 2,
    ]);
    expect(ran.length).toBeGreaterThanOrEqual(25);
    expect(ran.length).toBeLessThanOrEqual(45);
    expect(told.length / ran.length).toBeLessThan(0.4);
  });
});

test('a frozen worker: the deadline wakes web, which goes on without it; thawed, its own config-changed starts the new release', async () => {
  const { juju, world, told, until } = await upgradable({ acknowledgementMs: 10 * second });
  juju.partition('proto/3');
  await until(9);
  expect(running(world)).toEqual(['1', 'stopped', 'stopped', '1']);
  told.length = 0;
  await until(12);
  expect(told[0]).toBe(`${web} deadline: switch, complete`);
  expect(told.slice(1).sort()).toEqual(each(`relation-changed (${web}): start 2`).slice(0, 2));
  told.length = 0;
  await until(34);
  juju.heal('proto/3');
  await until(36);
  expect(told).toEqual(['proto/3 config-changed: start 2']);
  expect(running(world)).toEqual(['2', '2', '2', '2']);
  expect(stops(world)).toEqual([1, 1, 0]);
});

test('web loses power in prepare: deadlines wake the workers, which start the old release and stay so; web’s start hook finishes', async () => {
  const { cluster, juju, world, told, until, run } = await upgradable({ workerMs: 25 * second });
  await run(...workers, ...workers, web);
  juju.agentDown(web ?? '');
  await until(20);
  expect(running(world)).toEqual(['1', 'stopped', 'stopped', 'stopped']);
  told.length = 0;
  await until(32);
  // Each one's write wakes the others while `prepare` is still there: that must not stop them again.
  expect([...told].sort()).toEqual(each('deadline: start 1, give up'));
  expect(running(world)).toEqual(['1', '1', '1', '1']);
  told.length = 0;
  await until(47);
  const before = cluster.history.length;
  juju.agentUp(web ?? '');
  await cluster.settle();
  expect(cluster.history.slice(before).find(({ unit }) => unit === web)?.operation).toBe('start');
  expect(told[0]).toBe(`${web} start: switch, complete`);
  expect(told.slice(1).sort()).toEqual(each(`relation-changed (${web}): start 2`));
  expect(stops(world)).toEqual([1, 1, 1]);
});

async function speaking(options: { leaderlessMs?: () => number } = {}) {
  const heard: Heard[] = [];
  const charm = speakingCharm(heard);
  const cluster = new Cluster({ seed: 1, charm: () => charm, ...options });
  cluster.deploy('proto', { units: 3 });
  cluster.juju.setLeader('proto', 'proto/2');
  await cluster.settle();
  heard.length = 0;
  return { cluster, juju: cluster.juju, heard };
}

describe('a forced removal', () => {
  test('of the leader: no departed reaches anyone, the list goes on naming it, goal-state does not; leader-elected alone tells of it', async () => {
    const { cluster, juju, heard } = await speaking();
    juju.removeUnit('proto/2', { force: true });
    await cluster.advance(80 * second);
    expect(heard).toMatchObject([
      { wokenBy: 'leader-elected', leads: true, goal: { 'proto/0': 'active', 'proto/1': 'active' } },
    ]);
    expect(heard[0]?.goal).not.toHaveProperty('proto/2');
    expect(heard[0]?.listed).toContain('proto/2');
  });

  test('of another unit: nothing tells of it at all', async () => {
    const { cluster, juju, heard } = await speaking();
    juju.removeUnit('proto/1', { force: true });
    await cluster.advance(80 * second);
    expect(heard).toEqual([]);
  });
});

describe('what a dying unit can still say', () => {
  const dying = [
    'data-storage-detaching',
    'relation-departed (proto/0)',
    'relation-departed (proto/1)',
    'stop',
    'remove',
  ];

  test('a leader: both databags to the very end, heard at once; then a leader-elected, and never a departed', async () => {
    const { cluster, juju, heard } = await speaking({ leaderlessMs: () => 10 * second });
    juju.removeUnit('proto/2');
    const said: string[] = [];
    for (const hook of dying) {
      await cluster.step('proto/2');
      expect(heard.splice(0)).toMatchObject([{ unit: 'proto/2', wokenBy: hook, leads: true }]);
      const word = cluster.history.at(-1)?.operation ?? '';
      said.push(word);
      if (hook === 'remove') break;
      // The others hear both before the next of its hooks.
      for (const unit of ['proto/0', 'proto/1']) while (await cluster.step(unit));
      const told = heard.splice(0);
      for (const unit of ['proto/0', 'proto/1']) {
        const own = told.filter((one) => one.unit === unit);
        expect(own.map(({ wokenBy }) => wokenBy)).toEqual(
          word === said.at(-2) ? [] : ['relation-changed (application)', 'relation-changed (proto/2)'],
        );
        for (const { application, goal } of own) {
          expect(application).toBe(word);
          expect(goal['proto/2']).toBe('dying');
        }
        if (own.length > 0) expect(own.at(-1)?.about).toBe(word);
      }
    }
    await cluster.settle();
    heard.length = 0;
    await cluster.advance(80 * second);
    expect(heard.map(({ wokenBy }) => wokenBy)).toEqual(['leader-elected']);
    expect(heard[0]?.listed).toContain('proto/2');
    expect(heard[0]?.goal).not.toHaveProperty('proto/2');
  });

  test('what it said last, in its remove hook, is committed and seen by the others', async () => {
    const { cluster, juju, heard } = await speaking({ leaderlessMs: () => 10 * second });
    juju.removeUnit('proto/2');
    await cluster.settle();
    expect(juju.databag('peers', 'proto')).toMatchObject({ word: 'remove' });
    expect(
      heard
        .filter(({ unit, wokenBy }) => unit !== 'proto/2' && wokenBy === 'relation-changed (application)')
        .at(-1),
    ).toMatchObject({
      application: 'remove',
    });
  });

  test('a unit that does not lead: its own databag, heard by the leader in its first hook', async () => {
    const { cluster, juju, heard } = await speaking();
    juju.removeUnit('proto/1');
    await cluster.step('proto/1');
    expect(heard.splice(0)).toMatchObject([
      { unit: 'proto/1', wokenBy: 'data-storage-detaching', leads: false },
    ]);
    await cluster.step('proto/2');
    expect(heard).toMatchObject([{ wokenBy: 'relation-changed (proto/1)', about: 'data-storage-detaching' }]);
    await cluster.settle();
    expect(
      heard.filter(({ unit, wokenBy }) => unit !== 'proto/1' && wokenBy.startsWith('relation-departed')),
    ).toEqual([]);
    expect(juju.units('proto')).toEqual(['proto/0', 'proto/2']);
  });
});
