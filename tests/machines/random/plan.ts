// What a seed stands for: how many machines, which database, and what befalls them in which order. Plain data, drawn before
// anything runs.
import { Seeded } from 'juju-ts-ops/testing';

/** The more often a word stands here, the likelier it is. */
const kinds = [
  ...['version', 'version', 'version', 'version', 'version', 'version'],
  ...[
    'power cut',
    'power cut',
    'power cut',
    'reboot',
    'reboot',
    'freeze',
    'freeze',
    'partition',
    'partition',
  ],
  ...['agent down', 'unmounted', 'read-only', 'volume full', 'database away', 'crash web', 'crash worker'],
  ...['leader', 'add unit', 'remove unit', 'move-web', 'restart-services', 'verify', 'prune', 'upgrade'],
  ...['rollback', 'log-level'],
] as const;

export interface Step {
  kind: (typeof kinds)[number];
  /** Picks one of the units that are there then and have no other trouble, counted around. */
  target: number;
  /** How long a trouble lasts; steps that follow do not wait for its end. */
  forMs: number;
  /** How long after the step before. */
  afterMs: number;
  /** For `version`. */
  version: string;
}

export interface Plan {
  seed: number;
  units: number;
  mode: string;
  postgres: boolean;
  steps: readonly Step[];
}

/** In the order of upgrades; the first is deployed. */
export const versions = ['8.1.0', '8.1.1', '8.2.0', '8.2.1', '8.2.2', '8.3.0'];

export function planOf(seed: number): Plan {
  const random = new Seeded(seed);
  const one = <T>(items: readonly [T, ...T[]]): T => random.pick(items) ?? items[0];
  const steps: Step[] = [];
  let version = 0;
  for (let left = 6 + random.below(7); left > 0; left--) {
    // A history without an upgrade shows little.
    const kind = steps.length === 0 ? 'version' : one<Step['kind']>(kinds);
    // Now and then the same once more, or one is passed over.
    if (kind === 'version') version = Math.min(version + one([1, 1, 1, 1, 2, 0]), versions.length - 1);
    steps.push({
      kind,
      target: random.below(12),
      forMs: 200 + random.below(one([1000, 5000, 15_000])),
      // An upgrade takes about as long as the longer ones.
      afterMs: random.below(one([1, 500, 2000, 6000])),
      version: versions[version] ?? '',
    });
  }
  const mode = one(['auto', 'auto', 'all']);
  return { seed, units: 3 + random.below(3), mode, postgres: random.next() < 0.5, steps };
}

/** One line for each step. */
export function describePlan({ seed, units, mode, postgres, steps }: Plan): string {
  const head = `seed ${seed}: ${units} machines, mode ${mode}, ${postgres ? 'PostgreSQL' : 'a folder'} for a database`;
  const lines = steps.map(
    ({ kind, target, forMs, afterMs, version }) =>
      `  after ${afterMs} ms: ${kind}${kind === 'version' ? ` ${version}` : ` (unit ${target}, ${forMs} ms)`}`,
  );
  return [head, ...lines].join('\n');
}
