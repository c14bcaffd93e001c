// The rules of Juju that a fake has to honour, numbered, each with the tests that hold it.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Rule {
  rule: string;
  tests: readonly string[];
}

/** Rules that the fake cannot honour by itself, and whose they are. */
const elsewhere: Readonly<Record<number, string>> = {
  3: 'how `dispatch` is found, and that a missing one counts as run: whoever starts processes does that; the fake is told exit codes',
  42: 'the zip of a charm and its unpacking: the packer’s and the front end’s; the fake reads parsed files',
};

const rules: Readonly<Record<number, Rule>> = {
  1: {
    rule: 'one operation of a unit at a time; one lock per machine, named ones for groups, none for parallel actions',
    tests: [
      'never runs two operations of one unit at the same time',
      'serialises the units of one machine, but for parallel actions',
      'locks by execution group where an action names one',
    ],
  },
  2: {
    rule: 'the environment is exactly the listed one, by kind',
    tests: [
      'of each kind of run is exactly Juju’s: no HOME, no USER, no TMPDIR',
      'says in created and broken which application, in joined which unit',
      'tells the model’s proxies and the version of the profile',
    ],
  },
  4: {
    rule: 'SIGKILL and SIGTERM queue the hook again, any other end but 0 is a failure',
    tests: [
      'is not one when SIGKILL or SIGTERM ended it: the same hook again, at once, nothing written',
      'is one when another signal ended it',
    ],
  },
  5: {
    rule: 'stdout and stderr go to the log with level and module; of an action into its results, too',
    tests: [
      'is logged under its name: stdout at DEBUG, stderr at WARNING, long lines in parts',
      'that exits with 0 is completed: results, output, return-code; its writes are committed',
    ],
  },
  6: {
    rule: 'a context id of its own for each run; tools of an old run are refused',
    tests: ['has a new context id for each run', 'tools of a run that is over are refused'],
  },
  7: {
    rule: 'what comes first, and in which state of the unit it may',
    tests: [
      'holds up other hooks, but not actions and juju-exec',
      'runs a juju-exec even before install, an action only when install is done',
      'lets a dying unit still run actions and juju-exec',
    ],
  },
  8: {
    rule: 'the first deployment: storage, install, created, leader-elected, config-changed, start, joined',
    tests: [
      'begins with storage, then install, created, leader-elected, config-changed, start, joined, changed',
      'does not install before the last storage instance is attached',
      'shows no relation before install is done',
    ],
  },
  9: {
    rule: 'start right after the first config-changed, config-changed right after upgrade-charm',
    tests: [
      'queues start straight after the first config-changed: no action between, but a juju-exec',
      'queues config-changed straight after upgrade-charm, unconditionally',
    ],
  },
  10: {
    rule: 'relations in random order, peers last; units in the order of strings',
    tests: [
      'orders relations by the seed, peers last',
      'come in the string order of units: app/10 before app/2',
    ],
  },
  11: {
    rule: 'within a relation: pending changed, departed, broken, application changed, joined, changed',
    tests: [
      'come within one relation as: changed of a joined, departed, application changed, joined, changed',
      'end with departed for each unit, then broken; the relation is gone when both sides have left',
    ],
  },
  12: {
    rule: 'how a unit is removed; a dying unit in error stalls',
    tests: [
      'removes a unit: detaching, departed for each peer, stop, remove; the status is Juju’s own',
      'breaks other relations before it leaves the peers, and never breaks the peers’',
      'breaks the peer relation, without a remote application, when the whole application goes',
      'stalls a dying unit whose hook has failed, until that is resolved',
    ],
  },
  13: {
    rule: 'a reboot gives start once, and only if start had run',
    tests: [
      'runs start, and only start, after a reboot of a started unit',
      'leaves nothing to do after a mere agent restart',
    ],
  },
  14: {
    rule: 'settings, trust and address decide on config-changed, as they are when it begins',
    tests: [
      'runs config-changed for a new value, not for the same value, and not for a value that came and went',
      'runs config-changed for a new address, which others hear when it is done, and for trust',
      'runs config-changed again when a value changed after the hook was put up',
      'may run config-changed twice for one change in 4.0: where the front end says so, and never in a retry',
      'changes a value by a reset without a hook in 4.0, with one in 3.6',
    ],
  },
  15: {
    rule: 'other hooks suppress update-status',
    tests: ['runs update-status only when no other hook ran since it was due'],
  },
  16: {
    rule: 'leader-settings-changed in 3.x alone',
    tests: ['tells 3.6 units that do not lead by leader-settings-changed, and 4.0 units by nothing'],
  },
  17: {
    rule: 'a unit enters all relations right after install, with its addresses',
    tests: [
      'give a unit its addresses on entering: without private-address in 4.0, with it in 3.6',
      'shows no relation before install is done',
    ],
  },
  18: {
    rule: 'versions of databags: a counter in 3.x, a hash in 4.0',
    tests: ['come once for many writes, and in 4.0 not at all for a value that came and went'],
  },
  19: {
    rule: 'who hears of a write',
    tests: [
      'a unit’s write tells every other unit once, never the writer, and a same value tells nobody',
      'an application’s peer write tells every unit including the writer, about no unit',
      'an application’s write in another relation tells the remote units only',
    ],
  },
  20: {
    rule: 'many writes are one hook; joined brings a changed',
    tests: [
      'come once for many writes, and in 4.0 not at all for a value that came and went',
      'joined is followed by changed of the same unit, even without any data',
    ],
  },
  21: {
    rule: 'an application databag that was never written brings no hook',
    tests: [
      'are not run for an application’s databag that was never written; a first write that writes nothing counts in 4.0',
      'a fresh unit hears of the application’s databag before the first joined',
    ],
  },
  22: {
    rule: 'when others hear departed, and ghosts',
    tests: [
      '4.0 peers do not hear that a unit was removed and go on listing it; goal-state does not',
      '4.0 peers hear departed after the removal when the switch says so',
      '3.6 peers and related units hear departed as soon as the unit is dying',
      '4.0 related units hear departed only when the dying unit has committed its broken',
    ],
  },
  23: {
    rule: 'who is departing depends on the life of the unit that asks',
    tests: ['of the departing unit is the remote one, or the unit itself when it is going'],
  },
  24: {
    rule: 'the lease, and what a unit knows of it',
    tests: [
      'is known in the first hook; leader-elected comes only on gaining it',
      'that is lost while leader-elected runs is told of again when it comes back',
      'passes on when the lease of a dead leader ends, 60 s at most, and at once when it is removed',
      'may be nobody’s for a while after a removal: no leader-elected before',
      'stays with a dying leader until it is gone',
      'is-leader may turn to False within a run, and then stays so',
      'to an application databag needs the lease at the commit',
    ],
  },
  25: {
    rule: 'what is buffered, what is immediate; one commit',
    tests: [
      'is kept back until it exits with 0, and lost when it fails',
      'status, version and log are immediate and survive a failure',
      'is all or nothing: a refused commit fails the hook',
      'that calls action-fail and exits with 0 has failed with that message, and is committed',
      'that exits otherwise has failed with its exit status; results stay, writes are dropped, the unit is not in error',
    ],
  },
  26: {
    rule: 'a juju-exec that fails is committed all the same',
    tests: [
      'by juju-exec is committed even when the script fails, and dropped when it is killed',
      'that a client’s `juju exec` makes runs its script, and is committed whatever its exit code',
    ],
  },
  27: {
    rule: 'commits that are refused: lease, relation, size, port, label',
    tests: [
      'to an application databag needs the lease at the commit',
      'to an application’s secret needs the lease at the commit',
      'to a relation that vanished meanwhile fails the hook',
      'of a port fails the hook when another unit of the machine was faster',
      'is at most 16 MiB in one databag',
      'cannot have the label of another: the tool knows those of its own run, the commit all',
    ],
  },
  28: {
    rule: 'caches: another unit’s bag across hooks, the rest within one',
    tests: [
      'of another unit are kept from hook to hook, until that unit’s own changed',
      'status-get keeps its first answer, config-get too',
    ],
  },
  29: {
    rule: 'what a run sees of its own writes',
    tests: [
      'show one’s own writes at once, to others only after the commit',
      'opened-ports shows the run’s own changes in 4.0, the state at its start in 3.6',
      'status-get keeps its first answer, config-get too',
    ],
  },
  30: {
    rule: 'answers where there is nothing',
    tests: ['answers with Juju’s shapes where there is nothing'],
  },
  31: {
    rule: 'exit codes and error texts',
    tests: [
      'says 2 for bad usage and 1 for a failing run, in Juju’s words',
      'refuses what only the leader may, to another',
    ],
  },
  32: {
    rule: 'relation-set: trimming, YAML files, deletion, stdin',
    tests: [
      'relation-set trims, deletes by the empty value, reads a file from stdin, and lets arguments win over it',
      'keeps the source text of scalars, and takes null for a removal',
      'refuses what Juju’s parser refuses',
    ],
  },
  33: {
    rule: 'the smart format',
    tests: [
      'smart: nothing for nil and empty, words for booleans, lines for lists, the rest as YAML',
      'numbers from a million on turn into exponents in YAML, not in JSON',
    ],
  },
  34: {
    rule: 'files of secrets are the agent’s; keys and sizes are bounded',
    tests: [
      'may hold a file, which the agent opens, not the caller',
      'is refused with Juju’s words when the call is wrong',
    ],
  },
  35: {
    rule: 'who may read one’s own application databag',
    tests: [
      'of one’s own application may be read by a unit that does not lead: peers always, others only in 4.0',
    ],
  },
  36: {
    rule: 'retries: 5 s, doubled, at most 5 min; resolved',
    tests: [
      'is retried after 5 s, doubled up to 5 min, ±3 %',
      'counts as run after `resolved --no-retry`, runs at once after `resolved`',
    ],
  },
  37: {
    rule: 'an agent’s death fails its hook and terminates its action',
    tests: [
      'has failed its hook, which runs again 5 s after it is back, before start',
      'ends a running action as `action terminated`',
    ],
  },
  38: {
    rule: 'a refresh waits for a unit in error, unless forced',
    tests: ['keeps a refresh from being applied, unless forced: then the hook is retried with the new code'],
  },
  39: {
    rule: 'units upgrade by themselves, in any order',
    tests: [
      'refreshes each unit by itself, when it is idle: old and new code stand side by side',
      'has the same history for a seed, and other orders for other seeds',
    ],
  },
  40: {
    rule: 'the charm’s status is kept under an error',
    tests: ['status, version and log are immediate and survive a failure'],
  },
  41: {
    rule: 'where storage is mounted, what storage-get tells, ranges, shared storage',
    tests: [
      'is mounted at its location itself, and its tools know two things about it',
      'of several instances is mounted below its location, or where Juju has its own; a range from 0 needs none',
      'refuses shared storage as 4.0 does',
    ],
  },
  43: {
    rule: 'parameters of actions: defaults, unknown ones by version, no run when they are wrong',
    tests: [
      'gets its parameters with defaults, nested ones too',
      'with wrong parameters does not run',
      'is checked before defaults are put in: a required parameter must be given',
    ],
  },
};

const titles = readdirSync(new URL('.', import.meta.url))
  .filter((name) => name.endsWith('.test.ts') && name !== 'rules.test.ts')
  .flatMap((name) => [
    ...readFileSync(new URL(name, import.meta.url), 'utf8').matchAll(/^\s*it\(\s*(['"`])(.*?)\1,/gms),
  ])
  .map(([, , title]) => title);

describe('each of the 43 rules', () => {
  it('has its tests, or is said to be another’s', () => {
    const all = Array.from({ length: 43 }, (_, index) => index + 1);
    const held = (number: number) => (rules[number]?.tests.length ?? 0) > 0;
    expect(all.filter((number) => !held(number) && elsewhere[number] === undefined)).toEqual([]);
    expect(all.filter((number) => held(number) && elsewhere[number] !== undefined)).toEqual([]);
    expect(Object.keys(rules).length + Object.keys(elsewhere).length).toBe(43);
  });

  it.each(Object.entries(rules))('rule %s names tests that there are', (_number, { tests }) => {
    expect(tests.filter((each) => !titles.includes(each))).toEqual([]);
  });
});
