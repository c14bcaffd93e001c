// npm run simulate -- --scale 10,100,1000: what one upgrade costs applications of so many workers, and how that grows.
import type { Measured } from '../../tests/simulation/scale.ts';
import { type Fit, fitted, formula } from './fit.ts';
import { commit } from './heading.ts';

/** Played beside the sizes that were asked for, so that a formula can be wrong. */
const between = [20, 50, 200, 400];

interface Quantity {
  name: string;
  /** `juju`: what its peer relation makes of the charm's writes, whatever the charm does with it. */
  whose: 'charm' | 'juju' | 'both';
  of: (measured: Measured) => number;
}

const quantities: readonly Quantity[] = [
  { name: 'hooks in which the charm looks', whose: 'charm', of: ({ hooks }) => hooks.whole },
  { name: 'hooks that end at once', whose: 'juju', of: ({ hooks }) => hooks.quiet },
  { name: 'hooks of web', whose: 'charm', of: ({ hooks }) => hooks.onWeb },
  { name: 'hooks of one worker', whose: 'juju', of: ({ hooks }) => hooks.onOneWorker },
  { name: 'notices of a change', whose: 'juju', of: ({ notices }) => notices },
  { name: 'hook tools', whose: 'charm', of: ({ tools }) => tools.total },
  { name: 'hook tools of web', whose: 'charm', of: ({ tools }) => tools.onWeb },
  { name: 'hook tools of one worker', whose: 'charm', of: ({ tools }) => tools.onOneWorker },
  { name: 'databag writes', whose: 'charm', of: ({ databags }) => databags.writes },
  { name: 'bytes written', whose: 'charm', of: ({ databags }) => databags.bytesWritten },
  { name: 'bytes read', whose: 'charm', of: ({ databags }) => databags.bytesRead },
  { name: 's to the last worker', whose: 'both', of: ({ seconds }) => seconds.toLastWorker },
  { name: 's that a worker is down', whose: 'both', of: ({ seconds }) => seconds.downAtMost },
  { name: 's to rest', whose: 'both', of: ({ seconds }) => seconds.toRest },
  { name: 'workers not heard in time', whose: 'both', of: ({ unheard }) => unheard },
];

/** `sizes`: numbers of workers, with commas between. Resolves with the exit code. */
export async function playScale(sizes: string, json: boolean): Promise<number> {
  const asked = [...new Set(sizes.split(',').map(Number))].sort((a, b) => a - b);
  if (asked.length === 0 || !asked.every((each) => Number.isInteger(each) && each > 0)) {
    console.error(`--scale ${sizes}: numbers of workers are wanted, with commas between`);
    return 2;
  }
  const { upgrade } = await import('../../tests/simulation/scale.ts');
  const largest = asked.at(-1) ?? 1;
  const played = new Map<number, Measured>();
  for (const workers of [...new Set([...asked, ...between.filter((each) => each < largest)])].sort(
    (a, b) => a - b,
  )) {
    const { measured } = await upgrade(workers);
    played.set(workers, measured);
  }
  const rows = quantities.map((quantity) => {
    const points = [...played].map(([workers, measured]) => [workers, quantity.of(measured)] as const);
    return { ...quantity, fit: points.length < 3 ? undefined : fitted(points) };
  });
  console.log(table(rows, asked, played));
  if (json) {
    const fits = Object.fromEntries(rows.map(({ name, whose, fit: found }) => [name, { whose, ...found }]));
    console.log(JSON.stringify({ commit: commit(), scale: asked.map((each) => played.get(each)), fits }));
  }
  return 0;
}

type Row = Quantity & { fit: Fit | undefined };

function table(
  rows: readonly Row[],
  asked: readonly number[],
  played: ReadonlyMap<number, Measured>,
): string {
  const lines = [
    ['one upgrade of N workers', 'whose', ...asked.map(String), 'as a formula', 'off by'],
    ...rows.map(({ name, whose, of, fit: found }) => [
      name,
      whose,
      ...asked.map((workers) => shown(played.get(workers), of)),
      found === undefined ? '' : formula(found),
      found === undefined ? '' : `${(100 * found.largestError).toFixed(1)} %`,
    ]),
  ];
  const widths =
    lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const left = (column: number) => column < 2 || column >= widths.length - 2;
  const aligned = lines.map((line) =>
    line
      .map((cell, column) =>
        left(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const others = [...played.keys()].filter((each) => !asked.includes(each));
  return [
    `commit ${commit()}`,
    ...aligned,
    `Formulas: fitted to ${[...played.keys()].join(', ')} workers${others.length === 0 ? '' : ' (those not asked for are not shown)'}; off by: the largest error at any of them.`,
    'Every hook in which the charm looks ran its real code. Those that end at once were counted, not run, by rules that are tested',
    'to give the same counts as the fake Juju that runs each (10, 30 and 100 workers: tests/cluster/scale.test.ts).',
    'The download and the staging of the release are not in the times. Costs of a hook: tests/simulation/scale-costs.ts.',
  ].join('\n');
}

function shown(measured: Measured | undefined, of: Quantity['of']): string {
  if (measured === undefined) return '';
  const value = of(measured);
  return (Number.isInteger(value) ? String(value) : value.toFixed(1)).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}
