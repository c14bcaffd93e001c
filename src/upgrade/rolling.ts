// Workers that go to a release a few at a time (`upgrade-strategy`): who may go, as pure functions. Nobody stops beforehand: web has
// switched, what workers run stays on the volume, and each restarts when it is its turn.
import { compatibility, upgradeOrder } from '../concourse/compatibility.ts';
import type { Observed } from '../observed.ts';
import { statuses } from '../statuses.ts';
import type { Facts } from './facts.ts';
import { expectedUnits, type Goal } from './goal.ts';
import type { Step } from './installer.ts';

/** Whether workers may stay on the release of before while web is on the next one. */
export function mayRoll(o: Observed, from: string, to: string): boolean {
  const order = upgradeOrder(from, to);
  return o.settings.upgradeStrategy !== 'together' && (order === 'any-order' || order === 'web-first');
}

/** On the installer, outside `prepare`: whose turn it is. From what units say alone, so that the next installer goes on. The first
 * that does not register with the new release keeps its turn, and the others where they are. */
export function rollingStep(o: Observed, goal: Goal): Step {
  const together: Step = { facts: { 'upgrade-turn': undefined }, effects: [], statuses: [] };
  const { installed } = o.volume;
  if (installed === undefined || o.settings.upgradeStrategy === 'together') return together;
  const workers = expectedUnits(goal, o.peers, o.living);
  const of = (unit: string): Facts => o.peers.get(unit) ?? {};
  const behind = workers.filter((unit) => {
    const runs = of(unit)['running-worker'];
    return runs !== undefined && runs !== installed;
  });
  // Web gives these no builds: they need not wait, and keep nobody else from it.
  const idle = behind.filter(
    (unit) => compatibility(installed, of(unit)['running-worker'] ?? '') !== 'builds',
  );
  if (idle.length === behind.length && idle.length > 0) return together;
  const before = o.facts['upgrade-turn'];
  const moving = workers.filter(
    (unit) => before?.includes(unit) && of(unit)['registered-worker'] !== installed,
  );
  if (behind.length === 0 && moving.length === 0) return together;
  const waiting = behind.filter((unit) => !moving.includes(unit) && !idle.includes(unit));
  const moved = workers.filter(
    (unit) => of(unit)['running-worker'] === installed && !moving.includes(unit),
  ).length;
  const held = holds(o, goal, moved + moving.length);
  const next = held ? [] : waiting.slice(0, Math.max(0, most(o, goal) - moving.length));
  const turn = [...new Set([...moving, ...idle, ...next])];
  const status =
    turn.length === 0 && held
      ? statuses.rollingHeld(o.application, installed, moved, waiting.length)
      : statuses.rolling(installed, turn, waiting.length - next.length);
  return { facts: { 'upgrade-turn': turn }, effects: [], statuses: [status] };
}

const most = ({ settings }: Observed, goal: Goal): number =>
  settings.upgradeStrategy === 'canary' && !resumed(goal) ? 1 : settings.maxUnavailable;

const resumed = (goal: Goal): boolean => goal['resumed-id'] === goal['upgrade-id'];

/** Nobody else goes: upgrades are held, or one has gone ahead and the operator has yet to say that it is well. */
const holds = ({ settings }: Observed, goal: Goal, gone: number): boolean =>
  goal.hold === true || (settings.upgradeStrategy === 'canary' && !resumed(goal) && gone > 0);

/** Whether it is this unit's turn to go to what is installed. */
export const itsTurn = ({ unit }: Observed, installer: Facts): boolean =>
  installer['upgrade-turn']?.includes(unit) !== false;
