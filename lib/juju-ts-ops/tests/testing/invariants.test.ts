// Whatever an operator and the machines do, in any order: the model comes to rest, and each unit lives a life that Juju knows.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeJuju, type HookInfo, Impossible, Seeded } from '../../testing/index.ts';
import { database, files, inExec, standing } from './fixtures.ts';

interface Event {
  hook: string;
  remote: string;
  relation: string;
}

/** What a script is made of; `unit` is any unit, `w.below(n)` a number that the seed gives. */
const commands: Record<string, (w: World, unit: string) => void> = {
  add: ({ juju }) => void juju.addUnit('app'),
  'add-db': ({ juju }) => void juju.addUnit('db'),
  remove: ({ juju }, unit) => juju.removeUnit(unit),
  force: ({ juju }, unit) => juju.removeUnit(unit, { force: true }),
  configure: (w) => w.juju.configure('app', { number: w.below(3) }),
  integrate: ({ juju }) => {
    if (juju.model.relations.size < 3) juju.integrate('app:db', 'db:sql');
  },
  unrelate: (w) => w.juju.removeRelation(w.below(6)),
  refresh: ({ juju }) => juju.refresh('app', files),
  down: ({ juju }, unit) => juju.agentDown(unit),
  up: ({ juju }, unit) => juju.agentUp(unit),
  reboot: ({ juju }, unit) => juju.reboot(unit),
  lead: ({ juju }, unit) => juju.setLeader('app', unit),
  write: (w, unit) => w.write(unit, []),
  'write-app': (w, unit) => w.write(unit, ['--app']),
  'remove-app': (w) => {
    if (w.below(8) === 0) w.juju.removeApplication('db');
  },
  resolve: ({ juju }, unit) => juju.resolve(unit, { retry: true }),
  skip: (w, unit) => {
    const skipped = w.juju.model.units.get(unit)?.agent.failed?.hook;
    w.juju.resolve(unit, { retry: false });
    if (skipped) w.note(unit, skipped);
  },
  time: (w) => w.clock.advance(w.below(100_000)),
  step: (w) => {
    for (const unit of [...w.juju.model.units.keys()]) w.run(unit, { exitCode: 0 });
  },
  fail: (w, unit) => void w.run(unit, { exitCode: 1 }),
  kill: (w, unit) => void w.run(unit, { signal: 'SIGKILL' }),
};
const script = fc.array(fc.constantFrom(...Object.keys(commands), 'step', 'step', 'step'), {
  minLength: 40,
  maxLength: 120,
});

class World {
  readonly clock = standing();
  readonly juju: FakeJuju;
  readonly lives = new Map<string, Event[]>();
  readonly #random: Seeded;

  constructor(seed: number, profile: '4.0' | '3.6', heard: boolean) {
    this.#random = new Seeded(seed);
    this.juju = new FakeJuju({ seed, profile, clock: this.clock, peersHearDeparture: heard });
    this.juju.deploy('app', files, { units: 2 });
    this.juju.deploy('db', database);
    this.heal();
  }

  below(limit: number): number {
    return this.#random.below(limit);
  }

  do(command: string): void {
    const unit = this.#random.pick([...this.juju.model.units.keys()]) ?? 'app/0';
    try {
      commands[command]?.(this, unit);
    } catch (refusal) {
      // What Juju would refuse in this state is refused here: any other error is a bug.
      if (!(refusal instanceof Impossible)) throw refusal;
    }
  }

  /** Only an idle unit, so that the juju-exec runs at once. */
  write(unit: string, flags: string[]): void {
    const target = this.juju.model.units.get(unit);
    if (this.juju.next(unit) || !target?.agentUp || target.agent.queued) return;
    inExec(this.juju, unit, ['relation-set', '-r', '0', ...flags, `k=${this.below(3)}`]);
  }

  run(unit: string, end: { exitCode: number } | { signal: string }): boolean {
    const operation = this.juju.next(unit);
    if (!operation) return false;
    const context = this.juju.begin(unit, operation);
    for (const relation of ['0', '1', '2'])
      context.tool('relation-get', ['-r', relation, '--app', '-', 'app']);
    const { outcome } = context.finish(end);
    if (outcome !== 'committed' || operation.kind !== 'hook') return true;
    this.note(unit, operation.hook);
    return true;
  }

  note(unit: string, { name, relation }: HookInfo): void {
    const life = this.lives.get(unit) ?? [];
    life.push({ hook: name, remote: relation?.remoteUnit ?? '', relation: String(relation?.id ?? '') });
    this.lives.set(unit, life);
  }

  /** No more troubles: everything up, nothing fails, time goes on. */
  heal(): void {
    const { juju, clock } = this;
    for (const [name, unit] of juju.model.units) if (!unit.agentUp) juju.agentUp(name);
    for (let round = 0; round < 2_000; round += 1) {
      const ran = [...juju.model.units.keys()].filter((unit) => this.run(unit, { exitCode: 0 }));
      if (ran.length > 0) continue;
      const times = [...juju.model.units.keys()]
        .map((unit) => juju.nextTime(unit))
        .filter((at) => at !== undefined);
      if (times.length === 0) return;
      clock.advance(Math.max(Math.min(...times) - clock.now(), 0));
    }
    throw new Error('does not come to rest');
  }
}

function checkLife(life: readonly Event[]): void {
  const hooks = life.map((each) => each.hook);
  const first = (name: string) => hooks.indexOf(name);
  expect(hooks.filter((each) => each === 'install').length).toBeLessThanOrEqual(1);
  expect(hooks.filter((each) => each === 'remove').length).toBeLessThanOrEqual(1);
  if (hooks.includes('remove')) expect(hooks.at(-1)).toBe('remove');
  const started = first('start');
  for (const [index, { hook, remote, relation }] of life.entries()) {
    if (!/-(?:joined|changed|departed)$/.test(hook) || relation === '') continue;
    expect(started).toBeGreaterThan(first('install'));
    expect(index).toBeGreaterThan(started);
    const before = life.slice(0, index).filter((each) => each.relation === relation);
    expect(before.some((each) => each.hook.endsWith('-created'))).toBe(true);
    expect(before.some((each) => each.hook.endsWith('-broken'))).toBe(false);
    if (remote === '') continue;
    const last = before
      .filter((each) => each.remote === remote)
      .at(-1)
      ?.hook.split('-')
      .at(-1);
    if (hook.endsWith('joined')) expect(['departed', undefined]).toContain(last);
    else expect(['joined', 'changed']).toContain(last);
  }
}

/** Everybody has joined everybody, and has run its hook for the latest version of every databag. */
function checkViews({ model }: FakeJuju): void {
  for (const relation of model.relations.values()) {
    for (const name of relation.scope) {
      const unit = model.units.get(name);
      if (!unit) continue;
      const peer = relation.endpoints.length === 1;
      const remotes = [...relation.scope].filter(
        (each) => each !== name && (peer || each.split('/')[0] !== unit.application),
      );
      const versions = remotes.map((each) => [each, relation.bags.get(each)?.version]);
      const seen = unit.agent.relations.get(relation.id)?.members;
      expect(remotes.map((each) => [each, seen?.get(each)])).toEqual(versions);
    }
  }
}

describe('the fake Juju', () => {
  it('comes to rest after any troubles, and every unit has lived a life that Juju knows', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.constantFrom('4.0' as const, '3.6' as const),
        fc.boolean(),
        script,
        (seed, profile, heard, steps) => {
          const world = new World(seed, profile, heard);
          for (const command of steps) world.do(command);
          world.heal();
          for (const life of world.lives.values()) checkLife(life);
          for (const [name, unit] of world.juju.model.units) {
            expect(unit.agent).toMatchObject({ installed: true, started: true });
            expect([name, unit.life]).toEqual([name, 'alive']);
          }
          checkViews(world.juju);
          const leader = world.juju.units('app').length > 0 ? world.juju.leader('app') : undefined;
          if (leader !== undefined) expect(world.juju.model.units.get(leader)?.agent.leads).toBe(true);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });
});
