// The goal: which version, which upgrade, which unit installs. The leader alone writes it, into the application's
// databag; this file says, purely, what the leader should write next.
import { z } from 'zod';
import { compareVersions } from '../release/version.ts';
import { type Facts, flagText, isWorker, jsonText, numberText, versionText } from './facts.ts';

export const goalSchema = z.object({
  version: versionText,
  'upgrade-id': numberText,
  digests: jsonText(z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/))),
  'skip-version': versionText,
  installer: z.string().regex(/^[a-z0-9-]+\/[0-9]+$/),
  'volume-id': z.uuid(),
  /** URI of the application's secret with web's private keys and the admin's password. Not itself a secret. */
  'web-secret': z.string().startsWith('secret:'),
  /** How often the contents of that secret have changed: so that web is woken to read them. */
  'web-revision': numberText,
  /** How often workers were told to make new keys. */
  'worker-keys': numberText,
  /** The action `hold`: no upgrade starts. */
  hold: flagText,
  /** The upgrade for which the action `resume` let go on those who wait behind a canary. */
  'resumed-id': numberText,
  /** The upgrade before whose switch the operator has made a backup. */
  'backup-id': numberText,
});

type Decoded = z.output<typeof goalSchema>;
export type GoalValues = { [K in keyof Decoded]?: Decoded[K] | undefined };
export type Goal = GoalValues & Required<Pick<Decoded, 'version' | 'upgrade-id' | 'installer'>>;

/** Every key of the goal, so that what the goal lacks is removed from the databag when it is written. */
export function wholeGoal(goal: Goal): GoalValues {
  return { ...Object.fromEntries(Object.keys(goalSchema.shape).map((key) => [key, undefined])), ...goal };
}

/** A goal counts only with the three keys without which nothing can be done. */
export function readGoal(values: GoalValues): Goal | undefined {
  const { version, installer } = values;
  const id = values['upgrade-id'];
  if (version === undefined || installer === undefined || id === undefined) return undefined;
  return { ...values, version, installer, 'upgrade-id': id };
}

/** What the leader knows when it thinks about the goal. */
export interface GoalInputs {
  unit: string;
  goal: Goal | undefined;
  facts: Facts;
  peers: ReadonlyMap<string, Facts>;
  /** Units that `goal-state` names and that are not dying; undefined: not asked, so nothing is concluded from it. */
  living: ReadonlySet<string> | undefined;
  /** The `version` option; undefined when it is empty or malformed. */
  configuredVersion: string | undefined;
  /** In an application of workers: what its web, another application's, runs. Nothing else decides the version there. */
  web?: { version: string | undefined } | undefined;
  /** `upgrade-hold`: the charm's own pin raises nothing. */
  hold: boolean;
  pin: { version: string; digests: Record<string, string> };
  /** `release-sha256`, for the architecture of this unit. */
  configuredDigests: Record<string, string>;
}

/** The goal as the leader should have it: equal to the present one when there is nothing to change. Undefined while nobody
 * says which version it is. */
export function nextGoal(inputs: GoalInputs): Goal | undefined {
  const { goal, unit, configuredVersion, pin, web } = inputs;
  if (goal === undefined) {
    const version = web === undefined ? (configuredVersion ?? pin.version) : web.version;
    if (version === undefined) return undefined;
    return withDigests({ version, 'upgrade-id': 1, installer: unit }, inputs);
  }
  return withDigests(withInstaller(withVersion(goal, inputs), inputs), inputs);
}

function withVersion(goal: Goal, inputs: GoalInputs): Goal {
  const { configuredVersion, hold, pin, web } = inputs;
  if (web !== undefined) return followed(goal, web.version ?? goal.version);
  const skipped = goal['skip-version'];
  // Gone back while upgrades are held: what was asked for meanwhile waits, too.
  if (skipped !== undefined && goal.hold === true) return goal;
  if (skipped !== undefined && (configuredVersion ?? pin.version) === skipped) return goal;
  const target = configuredVersion ?? raised(goal.version, hold ? goal.version : pin.version);
  if (target !== goal.version) return advanced({ ...goal, version: target, 'skip-version': undefined });
  // Gone back to the very version that is configured: that it may go back holds until it has.
  if (skipped === undefined || !isInstalled(goal, inputs)) return goal;
  return { ...goal, 'skip-version': undefined };
}

/** Up or down: web has taken its database along already. */
function followed(goal: Goal, version: string): Goal {
  if (version !== goal.version) return advanced({ ...goal, version, 'skip-version': undefined });
  return goal['skip-version'] === undefined ? goal : { ...goal, 'skip-version': undefined };
}

function isInstalled({ installer, version }: Goal, { unit, facts, peers }: GoalInputs): boolean {
  return factsOf(installer, unit, facts, peers)?.['installed-version'] === version;
}

function raised(present: string, pinned: string): string {
  return compareVersions(pinned, present) > 0 ? pinned : present;
}

function withInstaller(goal: Goal, inputs: GoalInputs): Goal {
  const successor = isGone(goal.installer, inputs) ? successorOf(goal, inputs) : goal.installer;
  if (successor !== goal.installer) return installedBy(goal, successor, inputs);
  const published = factsOf(successor, inputs.unit, inputs.facts, inputs.peers)?.['volume-id'];
  if (published === undefined || published === goal['volume-id']) return goal;
  // An installer publishes another volume's id only when an operator told it to accept that volume.
  return goal['volume-id'] === undefined
    ? { ...goal, 'volume-id': published }
    : advanced({ ...goal, 'volume-id': published });
}

/** The same goal with another unit as its installer: the volume is that unit's, and it is the next upgrade. */
export function installedBy(
  goal: Goal,
  installer: string,
  inputs: Pick<GoalInputs, 'unit' | 'facts' | 'peers'>,
): Goal {
  const volume = factsOf(installer, inputs.unit, inputs.facts, inputs.peers)?.['volume-id'];
  return advanced({ ...goal, installer, 'volume-id': volume });
}

function isGone(installer: string, { unit, facts, peers, living }: GoalInputs): boolean {
  if (factsOf(installer, unit, facts, peers)?.leaving === true) return true;
  return living !== undefined && !living.has(installer);
}

/** A living unit on the same volume, the leader first; only if there is none, the leader with a volume of its own. */
function successorOf(goal: Goal, inputs: GoalInputs): string {
  const { unit, facts, peers, living } = inputs;
  const shares = (candidate: Facts) =>
    candidate['volume-id'] !== undefined && candidate['volume-id'] === goal['volume-id'];
  if (!facts.leaving && (shares(facts) || goal['volume-id'] === undefined)) return unit;
  const others = [...peers]
    .filter(
      ([name, theirs]) =>
        !theirs.leaving &&
        name !== goal.installer &&
        (living === undefined || living.has(name)) &&
        shares(theirs),
    )
    .map(([name]) => name)
    .sort(byNumber);
  return others[0] ?? (facts.leaving ? goal.installer : unit);
}

function withDigests(goal: Goal, { pin, configuredDigests }: GoalInputs): Goal {
  const pinned = pin.version === goal.version ? pin.digests : {};
  const digests = { ...pinned, ...configuredDigests };
  const known = Object.keys(digests).length > 0 ? digests : undefined;
  // An older charm revision that leads after us knows no pin for this version: what stands for it stays.
  if (known === undefined) return goal;
  return JSON.stringify(known) === JSON.stringify(goal.digests) ? goal : { ...goal, digests: known };
}

function advanced(goal: Goal): Goal {
  const { digests: _of, ...rest } = goal;
  return { ...rest, 'upgrade-id': goal['upgrade-id'] + 1 };
}

/** The goal after the `upgrade` action: the configured version again, under the next id. */
export function upgradedGoal(goal: Goal, inputs: GoalInputs): Goal {
  const { configuredVersion, pin, web } = inputs;
  const own = () => configuredVersion ?? raised(goal.version, pin.version);
  const version = web === undefined ? own() : (web.version ?? goal.version);
  return withDigests(advanced({ ...goal, version, 'skip-version': undefined }), inputs);
}

/** The goal after the `rollback` action: `to`, and the version left is not gone back to by itself. */
export function rolledBackGoal(goal: Goal, installed: string, to: string): Goal {
  return advanced({ ...goal, version: to, 'skip-version': installed });
}

/** The same goal, whose switch may migrate the database now. */
export function backedUp(goal: Goal): Goal {
  return { ...goal, 'backup-id': goal['upgrade-id'] };
}

export function factsOf(
  name: string,
  unit: string,
  own: Facts,
  peers: ReadonlyMap<string, Facts>,
): Facts | undefined {
  return name === unit ? own : peers.get(name);
}

/** Units by number, so that /2 comes before /10. */
export function byNumber(left: string, right: string): number {
  return numberOf(left) - numberOf(right);
}

/** `concourse-ci/3`: 3. */
export const numberOf = (unit: string): number => Number(unit.slice(unit.lastIndexOf('/') + 1));

type Living = ReadonlySet<string> | undefined;

/** As far as is known: a unit that says that it leaves counts as gone, and so does one that Juju does not name. */
export const isThere = (unit: string, facts: Facts, living: Living): boolean =>
  facts.leaving !== true && living?.has(unit) !== false;

function others(
  goal: Goal,
  peers: ReadonlyMap<string, Facts>,
  living: Living,
  wanted: (facts: Facts) => boolean,
): string[] {
  return [...peers]
    .filter(([unit, facts]) => unit !== goal.installer && isThere(unit, facts, living) && wanted(facts))
    .map(([unit]) => unit)
    .sort(byNumber);
}

/** With mode=web: the other living units that are web. */
export const otherWebs = (goal: Goal, peers: ReadonlyMap<string, Facts>, living: Living): string[] =>
  others(goal, peers, living, ({ role }) => role === 'web');

/** Who must acknowledge an upgrade: the other living units that are workers on the goal's volume. */
export function expectedUnits(goal: Goal, peers: ReadonlyMap<string, Facts>, living: Living): string[] {
  const shared = goal['volume-id'];
  return others(
    goal,
    peers,
    living,
    (facts) => isWorker(facts) && shared !== undefined && facts['volume-id'] === shared,
  );
}
