import { describe, expect, test } from 'vitest';
import { normal, normalEnvironment } from './support/normal.ts';
import { dumps } from './support/recorded.ts';
import { replay } from './support/replay.ts';

const replayed = replay();

/** Statuses of other units in goal-state that are not compared: at which run, of which units, why. */
const unlike: readonly { runs: readonly string[]; of: readonly string[]; why: string }[] = [
  {
    runs: ['rec/0 2'],
    of: ['rec/1', 'rec/2'],
    why: 'asked a moment into the hook, when the installs of the others had begun',
  },
  {
    runs: ['rec/3 50', 'rec/3 54', 'rec/3 55', 'rec/3 57', 'rec/3 58', 'rec/3 61', 'rec/3 62', 'rec/3 63'],
    of: ['rec/1', 'rec/2'],
    why: 'a unit that had been cut off was shown as lost on, though it ran hooks; one that was just cut off was not yet',
  },
  { runs: ['rec/0 52', 'rec/0 53'], of: ['rec/1'], why: 'as above' },
];

function compared(run: string, tools: string): string[] {
  const masked = unlike.filter(({ runs }) => runs.includes(run)).flatMap(({ of }) => of);
  const lines = normal(tools)
    .split('\n')
    .filter((each) => each !== '');
  return lines.map((text, index) =>
    masked.some((unit) => lines[index - 1] === `  ${unit}:`) ? '    status: <not compared>' : text,
  );
}

describe('a run of Juju 4.0.15 had exactly this environment, and these answers at its begin', () => {
  test.each([...dumps.keys()])('%s', (run) => {
    const found = replayed.dumps.find(({ dump }) => `${dump.unit} ${dump.seq}` === run);
    if (!found) throw new Error(`the run ${run} was not replayed`);
    expect(normalEnvironment(found.env)).toEqual(normalEnvironment(found.dump.env));
    expect(compared(run, found.tools)).toEqual(compared(run, found.dump.tools));
    // A charm's folder is where it runs, as root: what a front end has to see to.
    const agent = `/var/lib/juju/agents/unit-${found.dump.unit.replace('/', '-')}`;
    expect(found.dump.where).toBe(`pwd ${agent}/charm uid 0 ppid-comm jujud`);
    expect(found.env.CHARM_DIR).toBe(`${agent}/charm`);
  });

  test('what is listed as different is different', () => {
    const same = replayed.dumps.filter(({ dump, tools }) => {
      const run = `${dump.unit} ${dump.seq}`;
      return (
        unlike.some(({ runs }) => runs.includes(run)) &&
        compared('', tools).join() === compared('', dump.tools).join()
      );
    });
    expect(same.map(({ dump }) => `${dump.unit} ${dump.seq}`)).toEqual([]);
  });
});

describe('a command run by juju-exec', () => {
  const variables = (stdout: string) =>
    Object.fromEntries(
      stdout.split('\n').flatMap((text) => {
        const found = /^([A-Z_][A-Z0-9_]*)=(.*)$/.exec(text);
        return found ? [[found[1] ?? '', found[2] ?? '']] : [];
      }),
    );

  test('from a client, and on the machine by a timer, has the environment of its kind', () => {
    const whole = replayed.environments.filter(({ cmd }) => cmd.startsWith('env | sort'));
    expect(whole.map(({ env }) => env.JUJU_CONTEXT_ID?.replace(/-[0-9a-f]+$/, ''))).toEqual([
      'rec/1-run-commands',
      'rec/2-juju-exec',
      'rec/1-run-commands',
    ]);
    // The first one's journal had not been written yet.
    for (const { stdout, env } of whole.slice(1))
      expect(normalEnvironment(env)).toEqual(normalEnvironment(variables(stdout)));
  });

  test('about a relation has the four variables of one, without an application', () => {
    const about = replayed.environments.filter(
      ({ cmd, stdout }) => cmd.startsWith('env | grep') && stdout.includes('JUJU_'),
    );
    expect(about.length).toBeGreaterThan(0);
    for (const { stdout, env, cmd } of about) {
      const wanted = cmd.includes('REL|REM') ? /^JUJU_(REL|REM)/ : /^JUJU_REM/;
      const shown = Object.fromEntries(Object.entries(env).filter(([name]) => wanted.test(name)));
      expect(shown).toEqual(variables(stdout));
    }
  });
});
