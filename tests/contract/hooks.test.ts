import { describe, expect, test } from 'vitest';
import { normal } from './support/normal.ts';
import { scenarios } from './support/recorded.ts';
import { describedRun, replay } from './support/replay.ts';
import { unrecorded } from './support/timeline.ts';

const { runs, calls, commands, actions, environments, left } = replay();

/** Nothing of these can be compared, and why. */
const notComparable: Readonly<Record<string, string>> = {
  'agent-sigkill-idle': 'nothing ran; that the fake has nothing to run either shows in the next scenario',
};

/** Scripts whose answer is not the fake's to give, and why. */
const notAnswered: readonly [RegExp, string][] = [
  [
    /^\[on m2\] juju-exec -u rec\/1 -r peers:0 --remote-unit rec\/0 "env \| grep.*\|REL/,
    'the worker that the command before took down was not back yet: the fake knows no such seconds',
  ],
  [/^\[on m2\] su ubuntu/, 'the fake knows root alone'],
  [/^juju run/, 'its exit code tells how the actions ended: that is compared in their records'],
];

/** Within one run as within the other: who, what, about whom, and does the unit lead. */
const line = (unit: string, what: string, leads: boolean) => `${unit} ${what}${leads ? ', leading' : ''}`;

describe('Juju 4.0.15 could have been the fake: at each recorded begin it runs what was recorded, on every unit', () => {
  test.each(scenarios.map(({ scenario }) => scenario))('%s', (scenario) => {
    const here = runs.filter((each) => each.scenario === scenario);
    expect(here.map(({ run, fake, leads }) => line(run.unit, fake, leads))).toEqual(
      here.map(({ run }) => line(run.unit, describedRun(run), run.leader)),
    );
    for (const { cmd, recorded, fake } of commands.filter((each) => each.scenario === scenario)) {
      if (notAnswered.some(([pattern]) => pattern.test(cmd))) continue;
      expect({ cmd, code: fake.code }).toEqual({ cmd, code: recorded.code });
      if (cmd.startsWith('juju ')) continue;
      expect({ cmd, stdout: normal(fake.stdout) }).toEqual({ cmd, stdout: normal(recorded.stdout) });
      // A client may say more than the refusal, and `time` says how long it took.
      expect({ cmd, stderr: recorded.stderr }).toEqual({
        cmd,
        stderr: expect.stringContaining(fake.stderr.trim()),
      });
    }
  });

  test('the runs between the scenarios fit in too', () => {
    const between = runs.filter((each) => each.scenario === unrecorded);
    expect(between.map(({ run, fake }) => line(run.unit, fake, false))).toEqual(
      between.map(({ run }) => line(run.unit, describedRun(run), false)),
    );
    expect(between.length).toBeGreaterThan(30);
  });

  test('all recorded runs were replayed, each once, and the fake had nothing left to do', () => {
    const recorded = scenarios.flatMap(({ hooks }) => hooks);
    const overlapping = scenarios
      .filter(({ scenario }) => ['actions', 'juju-exec-from-client', 'failing-hook-retry'].includes(scenario))
      .flatMap(({ hooks }) => hooks.map(({ unit, seq }) => `${unit} ${seq}`));
    const twice = overlapping.length - new Set(overlapping).size;
    expect(runs.filter((each) => each.scenario !== unrecorded).length).toBe(recorded.length - twice);
    expect(left).toEqual([]);
  });

  test('each scenario has something to compare, but those that are listed', () => {
    const compared = new Set(
      [...runs, ...commands, ...actions, ...environments].map((each) => each.scenario),
    );
    // Their calls are compared in hook-tools.test.ts.
    const byCalls = (scenario: string) => scenario.startsWith('vec-') && calls.length > 0;
    const without = scenarios
      .map(({ scenario }) => scenario)
      .filter((each) => !compared.has(each) && !byCalls(each));
    expect(without).toEqual(Object.keys(notComparable));
  });
});

describe('the operator', () => {
  test('is refused what Juju refused', () => {
    const refused = commands.filter(
      ({ cmd, recorded }) => recorded.code !== 0 && /^juju (config|run \S+ nosuch)/.test(cmd),
    );
    expect(refused.length).toBe(3);
    // The client puts words of its own around.
    for (const { recorded, fake } of refused) {
      expect(fake.code).toBe(1);
      expect(recorded.stderr).toContain(fake.stderr.replace(/^ERROR /, '').trim());
    }
  });

  test('gets the results of actions that Juju gave', () => {
    const printed = actions.filter(({ cmd }) => cmd.includes('--format json'));
    expect(printed.length).toBe(4);
    for (const { records, stdout } of printed) {
      const [record] = records;
      if (!record) throw new Error('no record');
      const recorded: Record<string, object> = JSON.parse(normal(stdout));
      const { status, results, message, log } = record;
      const { log: lines = [], ...rest } = Object(recorded[record.unit]);
      expect(JSON.parse(normal(JSON.stringify({ status, results, message })))).toEqual({
        message: '',
        ...pick(rest, ['status', 'results', 'message']),
      });
      expect(log.map((each) => each.message)).toEqual(
        lines.map((each: string) => each.replace(/^.*? UTC /, '')),
      );
    }
  });

  test('is told why parameters are wrong', () => {
    const failed = actions.filter(({ stdout, records }) => records[0]?.status === 'error' && stdout !== '');
    expect(failed.map(({ records }) => records[0]?.message)).toEqual(
      failed.map(({ stdout }) => stdout.trim().replace(/^Action id \d+ failed: /, '')),
    );
    expect(failed.length).toBe(2);
  });
});

const pick = (from: Record<string, unknown>, keys: readonly string[]) =>
  Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key)));
