// The picture of an upgrade: what units do, by what they say; the last upgrade out of all that was noted; and the drawing.
import { describe, expect, test } from 'vitest';
import { lastUpgrade, phaseOf } from '../../../scripts/lab/phases.ts';
import { timelineSvg } from '../../../scripts/lab/timeline-svg.ts';

describe('what a unit does', () => {
  test.each([
    [{ 'running-web': '8.2.4' }, 'downloading Concourse 8.2.5: 9 %', 'stages', '8.2.4'],
    [
      { 'running-web': '8.2.4', 'upgrade-state': 'prepare' },
      'upgrade to 8.2.5: waiting …',
      'prepares',
      '8.2.4',
    ],
    [{ 'running-web': '8.2.5', 'upgrade-state': 'complete' }, 'web 8.2.5', 'runs', '8.2.5'],
    [{ 'running-worker': '8.2.4', 'upgrade-ready': 'false' }, 'worker 8.2.4', 'runs', '8.2.4'],
    [{ 'upgrade-ready': 'true' }, 'stopped for the upgrade to 8.2.5', 'stopped', ''],
    [{}, 'waiting for web', 'none', ''],
  ])('%j, %j: %s', (facts: Record<string, string>, message, kind, version) =>
    expect(phaseOf(facts, message)).toEqual({ kind, version }),
  );
});

const runs = (at: number, unit: string, version: string) => ({ at, unit, kind: 'runs' as const, version });
const deployed = [runs(0, 'app/0', '1.0.0'), runs(10, 'app/1', '1.0.0')];
const upgraded = (start: number, from: string, to: string) => [
  { at: start, unit: 'app/0', kind: 'stages' as const, version: from },
  runs(start + 1000, 'app/0', from),
  { at: start + 1100, unit: 'app/0', kind: 'prepares' as const, version: from },
  { at: start + 2000, unit: 'app/1', kind: 'stopped' as const, version: '' },
  runs(start + 3000, 'app/0', to),
  runs(start + 4000, 'app/1', to),
];

describe('the last upgrade', () => {
  test('there is none before the first', () => {
    expect(lastUpgrade(deployed, [], 99_000)).toBeUndefined();
  });

  test('goes from its own staging until all run again, whatever comes after', () => {
    const moments = [
      ...deployed,
      ...upgraded(10_000, '1.0.0', '1.1.0'),
      ...upgraded(30_000, '1.1.0', '1.2.0'),
    ];
    const later = { at: 90_000, unit: 'app/1', kind: 'none' as const, version: '' };
    const hooks = [
      { unit: 'app/1', started: 31_500, ms: 400 },
      { unit: 'app/1', started: 5_000, ms: 100 },
    ];
    const timeline = lastUpgrade([...moments, later], hooks, 99_000);
    expect(timeline).toMatchObject({
      title: 'Upgrade from 1.1.0 to 1.2.0, 5.0 s',
      units: ['app/0', 'app/1'],
      lengthMs: 5000,
      hooks: [{ unit: 'app/1', from: 2000, to: 2400 }],
    });
    expect(timeline?.phases.filter(({ unit }) => unit === 'app/1')).toEqual([
      { unit: 'app/1', kind: 'runs', version: '1.1.0', from: 0, to: 2500 },
      { unit: 'app/1', kind: 'stopped', version: '', from: 2500, to: 4500 },
      { unit: 'app/1', kind: 'runs', version: '1.2.0', from: 4500, to: 5000 },
    ]);
  });

  test('one without a download, and one that is under way, are shown until now', () => {
    const moments = [...deployed, { at: 20_000, unit: 'app/0', kind: 'prepares' as const, version: '1.0.0' }];
    expect(lastUpgrade(moments, [], 23_000)).toMatchObject({
      title: 'Upgrade from 1.0.0 to …, 4.0 s',
      lengthMs: 4000,
    });
  });
});

test('each phase is a bar that says what and how long', () => {
  const timeline = lastUpgrade([...deployed, ...upgraded(10_000, '1.0.0', '1.1.0')], [], 99_000);
  if (timeline === undefined) throw new Error('an upgrade was noted');
  const svg = timelineSvg(timeline);
  expect(svg).toContain('<title>app/1: stopped for the upgrade, 2.0 s</title>');
  expect(svg).toContain('<title>app/0: downloads and verifies, runs on, 1.0.0, 1.0 s</title>');
  expect(svg.match(/<rect /g)).toHaveLength(1 + timeline.phases.length + 5);
  expect(timelineSvg(timeline)).toBe(svg);
});
