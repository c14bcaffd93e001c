// What a run prints first: the commit, the settings, and how likely each fault was.
import { spawnSync } from 'node:child_process';
import type { Plan } from '../../tests/simulation/plan.ts';

export function commit(): string {
  const found = spawnSync('git', ['describe', '--always', '--dirty'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  return found.status === 0 ? found.stdout.trim() : 'unknown';
}

export function heading({ settings, weights, faults }: Plan): string {
  const likely = Object.entries(weights).map(([kind, weight]) => `${kind}=${weight}`);
  return [
    `commit    ${commit()}`,
    `settings  ${JSON.stringify(settings)}`,
    `weights   ${likely.join(' ')}`,
    ...faults.map((fault) => `fault     ${JSON.stringify(fault)}`),
  ].join('\n');
}
