// What web and workers of separate applications tell each other, and what comes of it.
import { describe, expect, test } from 'vitest';
import { authorizedKeysFile, fingerprint } from '../../../src/concourse/keys.ts';
import { workerName } from '../../../src/concourse/worker.ts';
import { decide } from '../../../src/decide.ts';
import type { Observed, TsaRelation, WebElsewhere } from '../../../src/observed.ts';
import { guestOf } from '../../../src/relations/tsa.ts';
import { elsewhereProblems, wordOfWeb, wordOfWorker } from '../../../src/upgrade/elsewhere.ts';
import { installerStep } from '../../../src/upgrade/installer.ts';
import { webStep } from '../../../src/upgrade/web.ts';
import { workerStep } from '../../../src/upgrade/worker.ts';
import {
  asInstaller,
  asWorker,
  defaultSettings,
  goalOf,
  installerFacts,
  planFor,
  sshKey,
  stoppedWeb,
  stoppedWorker,
  volumeOf,
  webRunning,
  workerFacts,
  workerRunning,
} from '../../support/observed.ts';

const name = 'workers-0-m0a1b2c3d';
const relation = (key: string | undefined, more: Partial<TsaRelation> = {}): TsaRelation => ({
  id: 'tsa:7',
  application: 'workers',
  workers: [{ ...guestOf('workers/0', {}), publicSsh: key, name }],
  ...more,
});
const flight: WebElsewhere = {
  application: 'ci',
  hosts: ['10.9.9.9:2222'],
  hostKeys: [sshKey(1)],
  version: '8.1.0',
  authorized: undefined,
  told: undefined,
};
const settings = { ...defaultSettings, mode: 'worker' as const };
/** The installer of an application of workers, which leads, alone and at rest. */
const alone = (differing: Partial<Observed> = {}): Observed =>
  asInstaller({
    settings,
    flight,
    peers: new Map(),
    facts: { ...workerFacts('8.1.0'), 'installed-version': '8.1.0' },
    web: stoppedWeb,
    worker: workerRunning('8.1.0'),
    ...differing,
  });
const doing = (o: Observed) => decide(o).effects.map((effect) => effect.do);

describe('web', () => {
  test('lets the workers of other applications in by SIGHUP, and remembers them by their names', () => {
    const o = asInstaller({ tsa: [relation(sshKey(5))] });
    const [effect] = webStep(o, false).effects;
    expect(effect).toMatchObject({ do: 'authorize-workers', text: expect.stringContaining(sshKey(5)) });
    expect(effect?.do === 'authorize-workers' && effect.units).toContain(name);
  });

  test('forgets one that is gone, by its name', () => {
    const keys = [...asInstaller().peers].map(([unit]) => ({ unit, publicSsh: sshKey(9) }));
    const units = ['concourse-ci/1', 'concourse-ci/2'];
    const o = asInstaller({
      memory: { workers: [...units, name] },
      web: webRunning('8.1.0', { authorizedText: authorizedKeysFile(keys).text }),
    });
    expect(webStep(o, false).effects).toEqual([{ do: 'forget-workers', units: [name] }]);
  });

  test('tells a relation of the keys that its process may read, and of no other relation’s', () => {
    const read = `${sshKey(5)} workers/0\n${sshKey(6)} gpu/0\n`;
    // A key that is to come with web's next start is not told before it.
    const web = webRunning('8.2.0', { authorizedText: read, tsaHostKey: sshKey(9) });
    const seen = asInstaller({ web });
    const o = { ...seen, facts: { ...seen.facts, 'tsa-host-key': sshKey(1) } };
    expect(wordOfWeb(o, relation(sshKey(5)), '10.0.0.1:2222')).toEqual({
      ...wordOfWeb(o, relation(undefined), undefined),
      'tsa-host': '10.0.0.1:2222',
      'tsa-public-key': sshKey(1),
      'concourse-version': '8.2.0',
      'goal-id': 1,
      'authorized-workers': [fingerprint(sshKey(5))],
    });
    expect(wordOfWeb(o, relation(sshKey(7)), '10.0.0.1:2222')?.['authorized-workers']).toEqual([]);
  });

  test('that does not answer tells of its upgrade alone, and a unit that is no web changes nothing of what stands there', () => {
    const silent = asInstaller({
      web: webRunning('8.2.0', { answers: undefined }),
      facts: installerFacts('8.2.0', { 'upgrade-state': 'complete', 'upgrade-id': 3, 'upgrade-to': '8.2.0' }),
    });
    const word = wordOfWeb(silent, relation(sshKey(5)), 'x:2222');
    expect(word).toMatchObject({ 'upgrade-state': 'complete', 'upgrade-id': 3, webs: [0] });
    for (const key of ['tsa-host', 'concourse-version', 'authorized-workers'])
      expect(word).not.toHaveProperty(key);
    expect(wordOfWeb(asWorker(), relation(sshKey(5)), 'x:2222')).toEqual({});
  });

  test('that is not the goal’s installer says where it is, and takes back what it told of upgrades', () => {
    const o = asInstaller({ goal: goalOf({ installer: 'concourse-ci/1' }) });
    const word = wordOfWeb(
      { ...o, facts: { ...o.facts, 'tsa-host-key': sshKey(1) } },
      relation(sshKey(5)),
      'x:2222',
    );
    expect(word).toMatchObject({ 'tsa-host': 'x:2222', 'concourse-version': '8.1.0', 'goal-id': 1 });
    expect(
      Object.entries(word)
        .filter(([, value]) => value === undefined)
        .map(([key]) => key),
    ).toContain('webs');
  });
});

describe('a worker', () => {
  test('gives its key and name to another application’s web only with mode=worker', () => {
    const o = alone();
    expect(wordOfWorker(o)).toEqual({
      'worker-public-key': sshKey(9),
      'worker-name': workerName(o.unit, 0, o.modelUuid),
      // Web does not tell of upgrades.
      ...Object.fromEntries(
        ['volume-id', 'running-worker', 'staged-version', 'staging-error', 'upgrade-id', 'upgrade-ready'].map(
          (key) => [key, undefined],
        ),
      ),
    });
    expect(new Set(Object.values(wordOfWorker(asWorker({ flight }))))).toEqual(new Set([undefined]));
  });

  test('has a name of its own in each model, never that of a lost work directory', () => {
    const digits = '12345678-0000-4000-8000-000000000000';
    expect(workerName('ci/1', 0, digits)).toBe('ci-1-m12345678');
    expect(workerName('ci/1', 2, digits)).toBe('ci-1-m12345678-2');
    expect(workerName('ci/1', 12345678)).toBe('ci-1-12345678');
  });

  test.each([
    ['is not among those let in', [], []],
    ['is let in', ['own-fingerprint'], ['start-worker']],
    ['hears nothing of whom web lets in', undefined, ['start-worker']],
  ])('that %s does as that says', (_what, authorized, effects) => {
    const o = asWorker({
      settings,
      flight: { ...flight, authorized },
      worker: { ...stoppedWorker, plan: planFor('8.1.0') },
    });
    const step = workerStep(o, goalOf(), installerFacts('8.1.0', { 'authorized-workers': undefined }), true);
    expect(step.effects.map((effect) => effect.do)).toEqual(effects);
  });

  test('without a relation retires; with one, and a web that says nothing, it stays', () => {
    const missing = { missing: { status: 'blocked' as const, message: 'no web' } };
    const worker = workerRunning('8.1.0', { plan: missing });
    expect(doing(alone({ flight: undefined, worker }))).toEqual(['retire-worker']);
    expect(doing(alone({ worker }))).toEqual([]);
    const retired = { ...stoppedWorker, plan: missing };
    expect(doing(alone({ flight: undefined, worker: retired }))).toEqual([]);
  });
});

describe('the goal of an application of workers', () => {
  const goalFor = (differing: Partial<Observed>) => decide(alone(differing)).goal;

  test('is none before web has said its version, whatever option and pin say', () => {
    const wished = { ...settings, version: '8.3.0' };
    const nobody = {
      goal: undefined,
      facts: {},
      webSecret: undefined,
      volume: volumeOf([]),
      settings: wished,
    };
    expect(goalFor({ ...nobody, flight: undefined })).toBeUndefined();
    expect(goalFor({ ...nobody, flight: { ...flight, version: undefined } })).toBeUndefined();
    expect(goalFor(nobody)).toMatchObject({ version: '8.1.0', 'upgrade-id': 1 });
    expect(doing(alone(nobody))).toEqual([]);
  });

  test('follows web up and down, and stays when web falls silent', () => {
    const pin = { version: '9.0.0', digests: {} };
    expect(goalFor({ flight: { ...flight, version: '8.2.0' }, pin })).toMatchObject({
      version: '8.2.0',
      'upgrade-id': 2,
    });
    expect(goalFor({ flight: { ...flight, version: '8.0.0' }, pin })?.version).toBe('8.0.0');
    expect(goalFor({ flight: { ...flight, version: undefined }, pin })).toEqual(goalOf());
    expect(goalFor({ flight: undefined, pin })).toEqual(goalOf());
  });

  test('may be older than what is installed: no database stands in the way', () => {
    const goal = goalOf({ version: '8.0.0', 'upgrade-id': 2 });
    const o = alone({ goal, volume: volumeOf(['8.1.0', '8.0.0']) });
    expect(installerStep(o, goal).facts).toMatchObject({ 'upgrade-state': 'prepare', 'upgrade-to': '8.0.0' });
    const switched = installerStep({ ...o, worker: stoppedWorker }, goal).effects;
    expect(switched).toMatchObject([{ do: 'switch', version: '8.0.0', migrateDown: false }]);
  });
});

describe('what an operator has to mend', () => {
  const said = (o: Observed) => elsewhereProblems(o).map(({ message }) => message.split(':')[0]);

  test.each([
    ['nothing, where web is elsewhere', alone(), []],
    ['nothing, where web is here', asInstaller(), []],
    ['no relation', alone({ flight: undefined }), ['juju integrate concourse-ci']],
    [
      'a relation that is of no use',
      asInstaller({ flight }),
      ['juju config concourse-ci mode=worker, or juju remove-relation concourse-ci'],
    ],
    [
      'workers that find no web here',
      alone({ memory: { tsaRelations: true } }),
      ['juju remove-relation concourse-ci'],
    ],
    [
      'an option against web',
      alone({ settings: { ...settings, version: '8.2.0' } }),
      ['juju config concourse-ci --reset version'],
    ],
    ['no option that agrees with web', alone({ settings: { ...settings, version: '8.1.0' } }), []],
  ])('%s', (_what, o, messages) => {
    expect(said(o)).toEqual(messages);
  });
});
