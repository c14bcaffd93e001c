// `npm start` itself, as a person or a program runs it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { recordingOf } from '../../scripts/record/recording.ts';
import { asSvg } from '../../scripts/record/svg.ts';
import { root } from './support/concourse-lab.ts';

const start = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/start.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}` },
  });

describe('npm start', () => {
  test('--json ends with one object, all of it measured', () => {
    const { stdout, stderr, status } = start('--json', '--workers', '2');
    expect(status, stderr.slice(-3000)).toBe(0);
    const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(report).toMatchObject({
      ok: true,
      installedVersion: '8.2.5',
      downloads: 2,
      upgrade: {
        id: 2,
        states: ['prepare', 'complete'],
        acknowledged: ['concourse-ci/1', 'concourse-ci/2', 'concourse-ci/3'],
      },
    });
    expect(report.units).toEqual(
      [0, 1, 2, 3].map((number) => ({
        name: `concourse-ci/${number}`,
        role: number === 0 ? 'web' : 'worker',
        status: 'active',
        runningVersion: '8.2.5',
      })),
    );
    expect(Object.keys(report.upgrade.workerDowntimeMs)).toEqual(report.upgrade.acknowledged);
    for (const ms of Object.values(report.upgrade.workerDowntimeMs)) expect(ms).toBeGreaterThan(0);
    // Two releases of 2 MB: shared once, unshared four times.
    expect(report.diskBytes).toBeGreaterThan(4_000_000);
    expect(report.diskBytesUnshared).toBeGreaterThan(3 * report.diskBytes);
    expect(report.hooks.count).toBeGreaterThan(30);
    expect(report.hooks.medianMs).toBeGreaterThan(0);
    expect(report.hooks.medianToolCalls).toBeGreaterThan(0);
    expect(stderr).toMatch(/stand-ins/);
    expect(stderr).toMatch(/says upgrade-state=prepare[\s\S]*says upgrade-state=complete/);
    // As `npm run record` does it: the picture shows all of that, and no path of this machine.
    const picture = asSvg('npm start', recordingOf(stderr, root));
    expect(picture).toContain('says upgrade-state=complete');
    expect(picture).not.toContain(root);
  });

  test.each([
    [['--workers', 'many'], /--workers takes a whole number from 1 to 8, not 'many'/],
    [['--release', 'x.tgz'], /takes all three: --release, --upgrade-to and --postgres/],
    [['--nonsense'], /nonsense/],
  ])('%j is refused with what is accepted', (args, message) => {
    const { stderr, status } = start(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/npm start -- \[OPTION…\]/);
  });
});
