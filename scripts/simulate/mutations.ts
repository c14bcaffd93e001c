// Plays each deliberate defect until it is caught, and prints which invariant caught it, how many seeds that took, and whether the
// histories that are kept because of that defect still show it.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseHistory } from '../../tests/simulation/history.ts';
import { mutationOf } from '../../tests/simulation/mutate.ts';
import { mutations } from '../../tests/simulation/mutations.ts';
import { play } from './many.ts';

const seedsAtMost = 4_000;
const kept = join(import.meta.dirname, '../../tests/seeds');
const columns = ['mutation', 'invariant', 'seeds', 'caught by', 'its seed file', 'what was seen'] as const;
const widths = [36, 10, 6, 10, 14];

/** All of them when none is named. */
export async function playMutations(names: readonly string[], jobs: number | undefined): Promise<number> {
  const chosen = names.length === 0 ? mutations : names.map(mutationOf);
  let missed = 0;
  row(...columns);
  for (const { name, breaks } of chosen) {
    let seeds = 0;
    let caught: { seed: number; invariant: number; violation: string } | undefined;
    await play(1, seedsAtMost, { jobs, mutation: name }, ({ seed, invariant, violation = '' }) => {
      seeds += 1;
      if (invariant === undefined || !breaks.includes(invariant)) return true;
      caught = { seed, invariant, violation };
      return false;
    });
    if (caught === undefined) missed += 1;
    const seed = caught === undefined ? 'missed' : `seed ${caught.seed}`;
    row(name, caught?.invariant ?? '', seeds, seed, history(name), caught?.violation.slice(0, 120) ?? '');
  }
  return missed === 0 ? 0 : 1;
}

function row(...cells: readonly (string | number)[]): void {
  console.log(
    cells
      .map((cell, column) => String(cell).padEnd(widths[column] ?? 0))
      .join(' ')
      .trimEnd(),
  );
}

/** Steps shift as the charm changes: a history may come to show nothing any more, and wants a fresh one then. */
function history(mutation: string): string {
  const files = readdirSync(kept)
    .filter((name) => name.endsWith('.json'))
    .filter((name) => parseHistory(readFileSync(join(kept, name), 'utf8')).mutation === mutation);
  if (files.length === 0) return '';
  const shows = files.every((name) => {
    const script = join(import.meta.dirname, '../simulate.ts');
    const args = [
      '--disable-warning=ExperimentalWarning',
      script,
      '--mutate',
      mutation,
      '--history',
      join(kept, name),
    ];
    return spawnSync(process.execPath, args, { stdio: 'ignore' }).status === 1;
  });
  return shows ? 'shows it' : 'has drifted';
}
