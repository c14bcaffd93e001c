// Two throw-away charms, as small as those that were tried on a real Juju: an upgrade by goal and facts, and a unit that
// speaks in every hook. What they do and why they were woken is kept as lines.
import { type Charm, defineCharm, type Hook, option, peers, storage } from 'juju-ts-ops';
import type { Timer } from 'juju-ts-ops/testing';
import * as z from 'zod';

/** Which hook, about whom: `relation-changed (app/1)`, `relation-changed (application)`, `config-changed`. */
export function wokenBy({ event }: Hook): string {
  if (event.relation === undefined) return event.name;
  const name = event.name.replace(/^peers-/, '');
  return `${name} (${event.relation.remoteUnit ?? 'application'})`;
}

const text = z.string();
const facts = z.object({
  goal: text,
  'upgrade-id': text,
  version: text,
  ready: text,
  'given-up': text,
});

const upgrading = defineCharm({
  name: 'proto',
  summary: 'An upgrade',
  description: 'Unit 0 is web; the others work.',
  assumes: ['juju >= 3.6'],
  options: { version: option.string({ description: 'What to run', default: '1' }) },
  peers: { peers: peers({ interface: 'proto', app: z.object({}), unit: facts }) },
});

export interface Machine {
  /** undefined: the service is stopped. */
  runs?: string;
  /** How often it was stopped. */
  stops: number;
}

/** What the test sees and sets. */
export interface World {
  now(): number;
  timers: Timer[];
  machines: Map<string, Machine>;
  /** `unit wokenBy: what`, for the runs that did something. */
  told: string[];
  acknowledgementMs: number;
  workerMs: number;
}

export const machineOf = (world: World, unit: string): Machine => {
  const known = world.machines.get(unit) ?? { stops: 0 };
  world.machines.set(unit, known);
  return known;
};

const web = 'proto/0';
const wake = 'JUJU_DISPATCH_PATH=hooks/deadline ./dispatch';

export const upgradingCharm = (world: World): Charm =>
  upgrading.implement({
    reconcile: async (hook) => {
      const tell = (what: string) => void world.told.push(`${hook.unit} ${wokenBy(hook)}: ${what}`);
      if (hook.unit === web) await reconcileWeb(hook, world, tell);
      else await reconcileWorker(hook, world, tell);
    },
  });

type Upgrading = Parameters<Parameters<typeof upgrading.implement>[0]['reconcile']>[0];
type Tell = (what: string) => void;

async function reconcileWeb(hook: Upgrading, world: World, tell: Tell): Promise<void> {
  const peer = await hook.peer('peers');
  if (!peer) return;
  const { values } = await hook.config();
  const own = (await peer.local()).values;
  const machine = machineOf(world, hook.unit);
  machine.runs ??= values.version;
  if (own.goal === undefined) return await peer.setUnit({ goal: 'complete', version: values.version });
  if (own.goal === 'complete' && own.version === values.version) return;
  if (own.goal === 'complete') {
    const id = String(Number(own['upgrade-id'] ?? '0') + 1);
    await peer.setUnit({ goal: 'prepare', 'upgrade-id': id });
    world.timers.push({ at: world.now() + world.acknowledgementMs, unit: hook.unit, script: wake });
    return tell('prepare');
  }
  const names = await peer.units();
  const bags = await Promise.all(names.map(async (name) => (await peer.unit(name)).values));
  const missing = bags.filter((bag) => bag.ready !== own['upgrade-id']).length;
  const isLate = hook.event.name === 'deadline' || hook.event.kind === 'start';
  if (missing > 0 && !isLate) return hook.event.relation ? tell(`waits for ${missing}`) : undefined;
  machine.runs = values.version;
  await peer.setUnit({ goal: 'complete', version: values.version });
  tell('switch, complete');
}

async function reconcileWorker(hook: Upgrading, world: World, tell: Tell): Promise<void> {
  const peer = await hook.peer('peers');
  if (!peer || !(await peer.units()).includes(web)) return;
  const goal = (await peer.unit(web)).values;
  const own = (await peer.local()).values;
  const machine = machineOf(world, hook.unit);
  const id = goal['upgrade-id'];
  if (goal.goal === 'prepare' && id !== undefined && own['given-up'] !== id) {
    if (machine.runs === undefined && hook.event.name === 'deadline') {
      machine.runs = goal.version ?? '';
      await peer.setUnit({ ready: '', 'given-up': id });
      return tell(`start ${machine.runs}, give up`);
    }
    if (machine.runs === undefined) return;
    delete machine.runs;
    machine.stops += 1;
    await peer.setUnit({ ready: id });
    world.timers.push({ at: world.now() + world.workerMs, unit: hook.unit, script: wake });
    return tell('stop');
  }
  if (goal.goal !== 'complete' || goal.version === undefined || machine.runs === goal.version) return;
  const first = machine.runs === undefined && own.version === undefined;
  machine.runs = goal.version;
  await peer.setUnit({ version: goal.version, ready: '' });
  if (!first) tell(`start ${goal.version}`);
}

const speaking = defineCharm({
  name: 'proto',
  summary: 'Speaks',
  description: 'Says in each dying hook that it is there.',
  assumes: ['juju >= 3.6'],
  peers: {
    peers: peers({ interface: 'proto', app: z.object({ word: text }), unit: z.object({ word: text }) }),
  },
  storage: { data: storage({ type: 'filesystem', description: 'Data' }) },
});

/** What the other units saw, hook by hook, and what the dying one could do. */
export interface Heard {
  unit: string;
  wokenBy: string;
  /** The application's word, and that of the unit that the hook is about. */
  application: string | undefined;
  about: string | undefined;
  goal: Record<string, string>;
  listed: string[];
  leads: boolean;
}

export const speakingCharm = (heard: Heard[]): Charm => {
  const speak = async (hook: Parameters<Parameters<typeof speaking.implement>[0]['reconcile']>[0]) => {
    const peer = await hook.peer('peers');
    if (!peer) return;
    const leads = await hook.isLeader();
    const { remoteUnit } = hook.event.relation ?? {};
    const goal = await hook.goalState();
    heard.push({
      unit: hook.unit,
      wokenBy: wokenBy(hook),
      application: (await peer.application()).values.word,
      about: remoteUnit === undefined ? undefined : (await peer.unit(remoteUnit)).values.word,
      goal: Object.fromEntries(Object.entries(goal.units).map(([name, { status }]) => [name, status])),
      listed: await peer.units(),
      leads,
    });
    hook.status.add({ status: 'active', message: '' });
    if (goal.units[hook.unit]?.status !== 'dying') return;
    await peer.setUnit({ word: hook.event.name });
    if (leads) await peer.setApplication({ word: hook.event.name });
  };
  return speaking.implement({ reconcile: speak, teardown: speak });
};
