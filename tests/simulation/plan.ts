// What a seed stands for: the settings of a history and the faults in it, as plain data, so that a failing one can be shrunk, kept
// and repeated. Nothing here runs anything.
import { type Profile, Seeded } from 'juju-ts-ops/testing';
import { drawTopology, type Elsewhere, unitsAtMost } from './topology.ts';

export interface Settings {
  seed: number;
  /** Of web's application. */
  units: number;
  /** Applications of workers alone, in the order of their numbers. */
  elsewhere?: Elsewhere[];
  /** Releases that share a schema of the database: all; else each has its own. */
  schemas?: 'one';
  /** While two webs have answered, one answers: nothing that is drawn may keep all from it. */
  polled?: boolean;
  profile: Profile;
  peersHearDeparture: boolean;
  updateStatusMs?: number;
  /** 4.0 runs config-changed a second time for half of the changes of an option. */
  configTwice?: boolean;
  /** For how long nobody leads after a leader's removal. */
  leaderlessMs?: number;
  /** As statfs says. */
  volumeType: string;
  /** fsync of a file keeps its name, too. */
  syncNames: boolean;
  /** How often a process goes on before another gets its turn: 0 … 1. */
  sticky: number;
  /** Numbers of units that find a volume of their own in the place of the shared one. */
  ownVolumes: number[];
  /** By unit number: what its wall clock shows more. */
  wallOffsetsMs: number[];
  readyTimeoutMs: number;
  completeTimeoutMs: number;
  /** How long workers land. */
  landMs?: number;
  config: Record<string, string | number | boolean>;
  /** How long what is broken stays so after the last fault. */
  lingerMs?: number;
  /** Faults begin only when the installation is over. */
  calmStart: boolean;
}

/** `step`: when so many steps have been taken since the beginning (of the faults), or when all have been idle for `idleMs`.
 * `when`: then just before the next operation that begins with these words, on the unit that is about to do it; with `elsewhere`, on
 * the unit that the number means. */
export type Fault = { step: number; idleMs: number; when?: string; elsewhere?: boolean } & (
  | { kind: 'crash' | 'blackout'; unit: number }
  | { kind: 'leader' | 'remove' | 'remove-force' | 'resolve-retry' | 'resolve-no-retry'; unit: number }
  | {
      kind:
        | 'freeze'
        | 'power'
        | 'cut'
        | 'volume-hung'
        | 'volume-broken'
        | 'volume-gone'
        | 'full'
        | 'read-only';
      unit: number;
      ms: number;
    }
  | { kind: 'stale'; unit: number; ms: number; ageMs: number }
  | { kind: 'lying-flock'; ms: number }
  | { kind: 'fsync'; unit: number; count: number }
  | { kind: 'clock'; unit: number; ms: number }
  | { kind: 'address'; unit: number; address: string }
  | { kind: 'version'; version: string }
  | { kind: 'refresh' | 'reset-version' }
  /** `app` counts all applications, web's first; elsewhere those of workers alone. */
  | { kind: 'add'; app?: number }
  | { kind: 'unrelate' | 'apart'; app: number; ms: number }
  | { kind: 'workers-config'; app: number; option: 'version' | 'log-level' | 'worker-drain'; value: string }
  | { kind: 'workers-refresh'; app: number; version: string }
  | { kind: 'server'; state: ServerFault; ms: number }
  | { kind: 'die'; unit: number; service: 'web' | 'worker' }
  | { kind: 'no-start'; unit: number; count: number; ms: number }
  | { kind: 'slow-stop' | 'slow-web'; unit: number; ms: number; forMs: number }
  | { kind: 'silent-web'; version: string; ms: number }
  | { kind: 'action'; unit: number; action: ActionFault }
);
export type FaultKind = Fault['kind'];
export type ServerFault =
  | 'missing'
  | 'refused'
  | 'stalled'
  | 'truncated'
  | 'corrupt'
  | 'lying'
  | 'wrong-digest';
export type ActionFault =
  | 'upgrade'
  | 'rollback'
  | 'move-web'
  | 'restart-services'
  | 'prune'
  | 'unlock'
  | 'accept-volume'
  | 'verify'
  | 'status'
  | 'get-admin-password'
  | 'prefetch'
  | 'hold'
  | 'resume'
  | 'land-worker'
  | 'retire-worker';

export interface Plan {
  settings: Settings;
  /** The likelihood of each kind, as drawn: printed first. */
  weights: Partial<Record<FaultKind, number>>;
  faults: Fault[];
}

const minute = 60_000;
const day = 24 * 60 * minute;
/** How much of each there may be, against the others; each seed draws how much of that it takes. */
const mostWeights: Record<Exclude<FaultKind, keyof typeof elsewhereWeights>, number> = {
  crash: 6,
  power: 3,
  blackout: 1,
  freeze: 3,
  leader: 3,
  add: 1,
  remove: 1,
  'remove-force': 1,
  version: 3,
  'reset-version': 0.5,
  refresh: 1,
  server: 2,
  die: 1,
  'no-start': 1,
  'slow-stop': 1,
  'slow-web': 1,
  'silent-web': 1,
  clock: 1,
  address: 0.5,
  cut: 2,
  'volume-hung': 2,
  'volume-broken': 1,
  'volume-gone': 1,
  'lying-flock': 1,
  stale: 1,
  full: 1,
  fsync: 1,
  'read-only': 1,
  action: 2,
  'resolve-retry': 0.5,
  'resolve-no-retry': 0.5,
};
/** The same, of what only histories of several applications have. */
const elsewhereWeights = { unrelate: 1.5, apart: 1, 'workers-config': 1, 'workers-refresh': 0.5 };
/** What a fault may wait for: the moments in which much is half done. */
const moments = [
  'rename ',
  'symlink ',
  'fsync ',
  'unlink ',
  'relation-set ',
  'secret-',
  'systemctl ',
  'exits ',
] as const;
const momentous: readonly FaultKind[] = [
  'crash',
  'power',
  'blackout',
  'freeze',
  'cut',
  'volume-hung',
  'leader',
];
const allWeights: Record<FaultKind, number> = { ...mostWeights, ...elsewhereWeights };
const isKind = (kind: string): kind is FaultKind => kind in allWeights;
const kindsOfOne = Object.keys(mostWeights).filter(isKind);
const allKinds = Object.keys(allWeights).filter(isKind);
/** To these, web goes without a migration, and with workers of each other. */
const polledTargets = ['8.2.0', '8.2.1', '8.2.2'] as const;
const polledKinds: readonly FaultKind[] = [
  'version',
  'add',
  'remove',
  'remove-force',
  'crash',
  'leader',
  'cut',
  'server',
  'slow-web',
  'unrelate',
  'apart',
  'workers-config',
  'workers-refresh',
];
export const targets = ['8.2.0', '8.3.0', '8.4.0'] as const;

/** Faults and actions that a mutation needs, drawn more often. */
export interface Bias extends Partial<Record<FaultKind, number>> {
  actions?: readonly [ActionFault, ...ActionFault[]];
  /** How likely a unit has a volume of its own. */
  ownVolumes?: number;
  /** How likely there are applications of workers alone; never, unless this says so. */
  elsewhere?: number;
  /** How likely, of those, there are several webs, and how likely somebody polls these. */
  webs?: number;
  polled?: number;
  /** How likely, of the others, workers go a few at a time. */
  rolls?: number;
  /** Faults that most histories have, in this order, each drawn but for what is given here. */
  story?: readonly (readonly [FaultKind, Given])[];
}

interface Given {
  when?: string;
  elsewhere?: boolean;
  unit?: number;
  ms?: number;
  version?: string;
  action?: ActionFault;
}

export interface PlanOptions {
  bias?: Bias;
}

/** How many histories have applications of workers alone. */
const elsewhereMostly = 0.3;

export function drawPlan(seed: number, { bias }: PlanOptions = {}): Plan {
  return drawBiased(seed, bias ?? {}, bias === undefined ? elsewhereMostly : (bias.elsewhere ?? 0));
}

function drawBiased(seed: number, bias: Bias, elsewhere: number): Plan {
  const random = new Seeded(seed);
  const chance = (likelihood: number) => random.next() < likelihood;
  const between = (least: number, most: number) => Math.round(least + (most - least) * random.next());
  const oneOf = <T>(items: readonly [T, ...T[]]): T => random.pick(items) ?? items[0];
  const topology = drawTopology(seed, elsewhere, bias);
  const alone = oneOf([2, 3, 3, 4]);
  const units = topology?.units ?? alone;
  /** Of all applications. */
  const all = (topology?.elsewhere ?? []).reduce((sum, each) => sum + each.units, units);
  const polled = topology?.polled === true;
  const kinds = polled ? polledKinds : topology === undefined ? kindsOfOne : allKinds;
  const goals = polled || topology?.rolls === true ? polledTargets : targets;
  // An upgrade that webs did not stop for in time is tried again when the operator says so, who says it once for one reason.
  const atLeast = (ms: number, drawn: number): number =>
    topology?.webs === undefined ? drawn : Math.max(ms, drawn);
  const settings: Settings = {
    seed,
    units,
    ...(topology === undefined ? {} : { elsewhere: topology.elsewhere }),
    ...(topology?.rolls === true || (topology?.webs !== undefined && (polled || chance(0.5)))
      ? { schemas: 'one' as const }
      : {}),
    ...(polled ? { polled } : {}),
    profile: chance(0.75) ? '4.0' : '3.6',
    peersHearDeparture: chance(0.3),
    // As often as nobody sets it, some of them: so that many find all as it was.
    ...(chance(0.3) ? { updateStatusMs: seed % 2 === 0 ? 15_000 : 5 * minute } : {}),
    ...(chance(0.3) ? { configTwice: true } : {}),
    ...(chance(0.4) ? { leaderlessMs: oneOf([1_200, 10_000, 68_000]) } : {}),
    volumeType: oneOf(['ext4', 'nfs', 'fuse']),
    syncNames: chance(0.7),
    sticky: oneOf([0, 0.5, 0.9, 0.97, 0.995]),
    ownVolumes: ownVolumes(),
    wallOffsetsMs: Array.from({ length: 8 }, () => (chance(0.6) ? 0 : between(-3 * day, 3 * day))),
    readyTimeoutMs: atLeast(30_000, oneOf([10_000, 30_000, 2 * minute])),
    completeTimeoutMs: atLeast(5 * minute, oneOf([25_000, minute, 5 * minute])),
    config: {
      ...(chance(0.2) ? { mode: 'all' } : {}),
      ...(topology?.webs === undefined ? {} : { mode: 'web' }),
      ...(topology?.rolls === true
        ? { 'upgrade-strategy': oneOf(['rolling', 'canary']), 'max-unavailable': oneOf([1, 2]) }
        : {}),
      ...(chance(0.25)
        ? { 'worker-drain': 'land', 'worker-drain-timeout': oneOf(['20s', '90s', '20m']) }
        : {}),
    },
    landMs: oneOf([1_000, 40_000, 10 * minute]),
    calmStart: chance(0.75) || polled,
    lingerMs: oneOf([0, 0, 3 * minute, 12 * minute]),
  };
  const weights: Plan['weights'] = {};
  for (const kind of kinds) {
    const most = bias[kind] ?? allWeights[kind];
    if (bias[kind] !== undefined || chance(0.4)) weights[kind] = Number((most * random.next()).toFixed(2));
  }
  const faults: Fault[] = [];
  let step = 0;
  const next = (most: number) => {
    step += Math.round(-Math.log(1 - random.next()) * most);
    return { step, idleMs: between(1_000, 4 * minute) };
  };
  const upgrade = (): Fault =>
    chance(0.8) || polled
      ? { ...next(20), kind: 'version', version: oneOf(goals) }
      : { ...next(20), kind: 'refresh' };
  const count = between(0, 12);
  const gap = oneOf([30, 150, 400]);
  if (settings.calmStart) faults.push(upgrade());
  const story = chance(0.7) ? (bias.story ?? []) : [];
  for (const [kind, given] of story) faults.push(Object.assign(drawFault(kind), given));
  for (let each = story.length; each < count; each += 1) {
    const kind = weighted(random, kinds, weights);
    if (kind === undefined) continue;
    const when = momentous.includes(kind) && chance(0.2) ? { when: oneOf(moments) } : {};
    faults.push({ ...drawFault(kind), ...when });
    if (chance(0.12)) faults.push(upgrade());
  }
  if (!settings.calmStart) faults.push(upgrade());
  return { settings, weights, faults };

  function ownVolumes(): number[] {
    if (topology?.webs === 'each') return Array.from({ length: unitsAtMost - 1 }, (_, index) => index + 1);
    return chance(bias.ownVolumes ?? 0.15) && topology?.webs === undefined ? [between(1, units)] : [];
  }

  function drawFault(kind: FaultKind): Fault {
    const at = next(gap);
    const unit = between(0, all);
    const app = topology === undefined ? 0 : random.below(1 + topology.elsewhere.length);
    switch (kind) {
      case 'crash':
      case 'leader':
      case 'remove':
      case 'remove-force':
      case 'blackout':
      case 'resolve-retry':
      case 'resolve-no-retry':
        return { ...at, kind, unit };
      case 'freeze':
      case 'power':
      case 'cut':
      case 'volume-hung':
      case 'volume-broken':
      case 'volume-gone':
      case 'full':
      case 'read-only':
        return { ...at, kind, unit, ms: between(500, oneOf([5_000, minute, 8 * minute])) };
      case 'stale':
        return { ...at, kind, unit, ms: between(minute, 10 * minute), ageMs: between(500, 5_000) };
      case 'lying-flock':
        return { ...at, kind, ms: between(minute, 20 * minute) };
      case 'fsync':
        return { ...at, kind, unit, count: between(1, 4) };
      case 'clock':
        return { ...at, kind, unit, ms: between(-3 * day, 3 * day) };
      case 'address':
        return { ...at, kind, unit, address: `10.1.0.${between(1, 250)}` };
      case 'version':
        return {
          ...at,
          kind,
          version: oneOf(polled ? goals : ['8.1.0', '8.2.0', '8.3.0', '8.4.0', '8.9.9']),
        };
      case 'refresh':
      case 'reset-version':
        return { ...at, kind };
      case 'add':
        return app === 0 ? { ...at, kind } : { ...at, kind, app };
      case 'unrelate':
      case 'apart':
        return { ...at, kind, app, ms: between(1_000, oneOf([10_000, 5 * minute])) };
      case 'workers-config': {
        const option = oneOf(['version', 'log-level', 'worker-drain'] as const);
        const values = { version: goals, 'log-level': ['debug', 'info'], 'worker-drain': ['land', 'keep'] };
        return { ...at, kind, app, option, value: random.pick(values[option]) ?? '' };
      }
      case 'workers-refresh':
        return { ...at, kind, app, version: oneOf(goals) };
      case 'server': {
        const state = oneOf<ServerFault>([
          'missing',
          'refused',
          'stalled',
          'truncated',
          'corrupt',
          'lying',
          'wrong-digest',
        ]);
        return { ...at, kind, state, ms: between(minute, 10 * minute) };
      }
      case 'die':
        return { ...at, kind, unit, service: oneOf(['web', 'worker']) };
      case 'no-start':
        return { ...at, kind, unit, count: between(1, 4), ms: between(minute, 5 * minute) };
      case 'slow-stop':
      case 'slow-web':
        return {
          ...at,
          kind,
          unit,
          ms: between(1_000, kind === 'slow-stop' ? 60_000 : 90_000),
          forMs: between(minute, 10 * minute),
        };
      case 'silent-web':
        return { ...at, kind, version: oneOf(targets), ms: between(minute, 30 * minute) };
      case 'action': {
        const action = oneOf<ActionFault>(
          bias.actions ?? [
            'upgrade',
            'rollback',
            'move-web',
            'restart-services',
            'prune',
            'unlock',
            'accept-volume',
            'verify',
            'status',
            'get-admin-password',
            'prefetch',
            'hold',
            'resume',
            'land-worker',
            'retire-worker',
          ],
        );
        return { ...at, kind, unit, action };
      }
      default:
        return kind satisfies never;
    }
  }
}

function weighted(
  random: Seeded,
  kinds: readonly FaultKind[],
  weights: Plan['weights'],
): FaultKind | undefined {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  let left = random.next() * total;
  for (const kind of kinds) {
    left -= weights[kind] ?? 0;
    if (left < 0) return kind;
  }
  return undefined;
}
