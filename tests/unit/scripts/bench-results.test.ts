// What the benches of hooks and upgrades make of their samples, and how they measure a process. Times are nobody's business here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeJuju } from 'juju-ts-ops/testing';
import { describe, expect, test } from 'vitest';
import { costOf, parseCost } from '../../../scripts/bench/hook/cost.ts';
import { addGhosts } from '../../../scripts/bench/hook/ghosts.ts';
import { cases, resultOf as hooks, tableOf } from '../../../scripts/bench/hook/result.ts';
import type { Sample } from '../../../scripts/bench/hook/unit-tools.ts';
import { partOf, replacedPart } from '../../../scripts/bench/page.ts';
import { svgOf } from '../../../scripts/bench/plot.ts';
import { aligned, markdown } from '../../../scripts/bench/table.ts';
import { resultOf as upgrades } from '../../../scripts/bench/upgrade/result.ts';

describe('bench:hook', () => {
  const sample = (wallMs: number, tools: number): Sample => ({
    wallMs,
    cpuMs: wallMs / 2,
    peakBytes: 5e7,
    tools: Array.from({ length: tools }, () => 'is-leader'),
    hostCommands: 1,
  });
  const measured = (pythonMs?: number) => {
    const samples = new Map<string, Sample[]>([
      [cases.node, [sample(30, 0), sample(28, 0), sample(90, 0)]],
      [cases.quiet, [sample(36, 0)]],
      [cases.worker, [sample(90, 6)]],
      [cases.web, [sample(130, 7)]],
      [cases.manyNode, [sample(60, 0)]],
      [cases.manyQuiet, [sample(72, 0)]],
      [cases.manyWorker, [sample(180, 6)]],
      [cases.manyWeb, [sample(600, 55)]],
    ]);
    if (pythonMs === undefined) return samples;
    return samples.set(cases.pythonStatus, [sample(pythonMs, 2)]).set(cases.pythonChanged, [sample(240, 2)]);
  };

  test('each goal is held against the medians, and the 50 units against the bare Node of their own rounds', () => {
    const { ratios, goals } = hooks(measured(200));
    expect(ratios).toMatchObject({
      'quiet event to bare Node': 1.2,
      'worker of 50 to worker of 3, update-status': 1,
      'worker to Python hello, update-status': 0.45,
      'web to Python hello, update-status': 0.65,
      'quiet event to Python hello, relation-changed': 0.15,
    });
    expect(goals).toEqual({
      'a quiet event calls no hook tool': true,
      'a quiet event takes at most 1.3 × the start of bare Node': true,
      'update-status of a worker calls at most 6 hook tools': true,
      'update-status of web calls at most 6 hook tools': false,
      'a worker of 50 calls as many hook tools as one of 3': true,
      'update-status of a worker takes at most half as long as Python’s hello': true,
      'update-status of web takes at most half as long as Python’s hello': false,
    });
  });

  test('without Python there is no word of it', () => {
    const { ratios, goals } = hooks(measured());
    expect([...Object.keys(ratios), ...Object.keys(goals)].join()).not.toContain('Python');
  });

  test('the table has a row for each case and as many cells in each', () => {
    const table = tableOf(hooks(measured()));
    expect(table).toHaveLength(1 + measured().size);
    expect(new Set(table.map((row) => row.length)).size).toBe(1);
  });
});

test('what a program and its children cost is told, and one that fails is not taken for cheap', async () => {
  const cwd = import.meta.dirname;
  const cost = await costOf({ program: '/bin/sh', args: ['-c', '/bin/true; /bin/true'], cwd, env: {} });
  expect(cost.wallMs).toBeGreaterThan(0);
  expect(cost.cpuMs).toBeGreaterThanOrEqual(0);
  expect(cost.peakBytes).toBeGreaterThan(100_000);
  await expect(
    costOf({ program: '/bin/sh', args: ['-c', 'echo why >&2; exit 3'], cwd, env: {} }),
  ).rejects.toThrow(/wait status 768[\s\S]*why/);
});

test('a line of the measuring program is read whole or not at all', () => {
  expect(parseCost('0.250000 0.125000 2000 0\n')).toEqual({
    wallMs: 250,
    cpuMs: 125,
    peakBytes: 2_048_000,
    status: 0,
  });
  expect([parseCost(''), parseCost('1 2 3\n'), parseCost('a b c d\n')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('units without machines say what one of them says, and all have met all', () => {
  const juju = new FakeJuju({ seed: 1, clock: { now: () => 0 } });
  juju.deploy('app', { metadata: { name: 'app', peers: { peers: { interface: 'p' } } } }, { units: 2 });
  const key = `ssh-rsa ${Buffer.alloc(64, 7).toString('base64')}`;
  for (const unit of juju.units('app'))
    for (let next = juju.next(unit); next !== undefined; next = juju.next(unit)) {
      const context = juju.begin(unit, next);
      if (next.name === 'start')
        context.tool('relation-set', ['-r', 'peers:0', 'role=worker', `worker-key=${key}`]);
      context.finish({ exitCode: 0 });
    }
  addGhosts(juju, 'app', 5, 'app/1');
  expect(juju.units('app').map((unit) => juju.next(unit))).toEqual(Array(5).fill(undefined));
  const bags = [2, 3, 4].map((number) => juju.databag('peers', `app/${number}`));
  expect(bags.map(({ role }) => role)).toEqual(['worker', 'worker', 'worker']);
  expect(new Set([key, ...bags.map((bag) => bag['worker-key'])]).size).toBe(4);
  const about = { name: 'update-status', kind: 'update-status' };
  const context = juju.begin('app/0', { kind: 'hook', name: 'update-status', hook: about });
  expect(context.tool('relation-list', ['-r', 'peers:0']).stdout).toBe('app/1\napp/2\napp/3\napp/4\n');
});

describe('bench:upgrade', () => {
  const play = (sizeBytes: number, workers: number, webMs: number, workerMs: number) => ({
    sizeBytes,
    workers,
    downtimes: [
      { unit: 'c/0', role: 'web' as const, upgradeMs: webMs, outages: 1, restartMs: 1000 },
      { unit: 'c/1', role: 'worker' as const, upgradeMs: workerMs, outages: 1, restartMs: 1000 },
    ],
  });

  test('growth is from the smallest release to the largest; a worker waits for web’s services too', () => {
    const { rows, ratios, goals } = upgrades([
      play(1e7, 2, 1500, 3000),
      play(1e7, 6, 1500, 4000),
      play(1e8, 2, 1500, 6000),
      play(1e8, 6, 1650, 8000),
    ]);
    expect(rows).toHaveLength(8);
    expect(rows.find((row) => row.role === 'worker' && row.sizeBytes === 1e7 && row.workers === 2)).toEqual({
      sizeBytes: 1e7,
      workers: 2,
      role: 'worker',
      downtimeMs: 3000,
      worstMs: 3000,
      restartMs: 1000,
      share: 0.67,
    });
    expect(ratios).toEqual({
      'web: largest release to smallest': 1.05,
      'web: most workers to fewest': 1.05,
      'web: share of services that stop and start': 0.67,
      'worker: largest release to smallest': 2,
      'worker: most workers to fewest': 1.33,
      'worker: share of services that stop and start': 0.42,
    });
    expect(Object.values(goals)).toEqual([true, true, false, false]);
  });

  test('of one size and one number of workers no growth is claimed', () => {
    const { ratios, goals } = upgrades([play(1e6, 1, 1500, 3000)]);
    expect(Object.keys(ratios)).toEqual([
      'web: share of services that stop and start',
      'worker: share of services that stop and start',
    ]);
    expect(Object.keys(goals)).toHaveLength(2);
  });
});

describe('the page', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/performance.md'), 'utf8');

  test.each(['install', 'hook', 'upgrade'])(
    'has a part for bench:%s, which is replaced and nothing else',
    (name) => {
      const next = replacedPart(page, name, 'NEW');
      expect(next).toContain(`<!-- made by npm run bench:${name} -->\nNEW\n<!-- end -->`);
      expect(replacedPart(next, name, 'NEW')).toBe(next);
      expect(next.split('\n').filter((line) => line.startsWith('#'))).toEqual(
        page.split('\n').filter((line) => line.startsWith('#')),
      );
    },
  );

  test('without the part it is refused', () => {
    expect(() => replacedPart('nothing', 'hook', '')).toThrow('bench:hook');
  });

  test('a part has the machine, the plot, the table and the goals', () => {
    const part = partOf({
      bench: 'hook',
      machine: 'a machine',
      commit: 'abc',
      how: 'medians of 3',
      table: [
        ['', 'ms'],
        ['one', '5'],
      ],
      plot: { title: 'Times', unit: 'ms', bars: [] },
      ratios: {},
      goals: { quick: true, quicker: false },
      rows: [],
    });
    expect(part.split('\n').filter((line) => line !== '')).toEqual([
      'a machine; commit abc; medians of 3.',
      '![Times](performance-hook.svg)',
      '|  | ms |',
      '| --- | --: |',
      '| one | 5 |',
      '* met: quick',
      '* **not met**: quicker',
    ]);
  });

  test('a plot’s longest bar fills its room, and the others are in proportion', () => {
    const bars = [
      { label: 'a < b', value: 50, tone: 0 },
      { label: 'whole', value: 100, tone: 1 },
    ] as const;
    const svg = svgOf({ title: 'Times', unit: 'ms', bars });
    expect([...svg.matchAll(/<rect[^>]* width="([0-9]+)"/g)].map(([, width]) => width)).toEqual([
      '215',
      '430',
    ]);
    expect(svg).toContain('a &lt; b');
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  test('tables are aligned for people, and Markdown on the page', () => {
    const rows = [
      ['', 'ms'],
      ['one', '5'],
    ];
    expect(aligned(rows)).toBe('     ms\none   5');
    expect(markdown(rows)).toBe('|  | ms |\n| --- | --: |\n| one | 5 |');
    expect(markdown([['curl | tar']])).toBe('| curl \\| tar |\n| --- |');
  });
});
