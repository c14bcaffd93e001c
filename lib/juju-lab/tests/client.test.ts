// Juju's client as a running lab answers it, and its refusals.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askLab, runJuju } from '../src/index.ts';
import { FakeJuju } from 'juju-ts-ops/testing';
import { startLab } from './shell-charm.ts';

async function running(body = '') {
  const started = startLab(body);
  const { lab } = started;
  await lab.openControl();
  const juju = (...words: string[]) => askLab(lab.directory, ['juju', lab.directory, ...words]);
  return { ...started, juju };
}

test('an application is deployed, configured, asked, grown and shrunk by what is typed', async () => {
  const { lab, read, juju } = await running(`
    status-set active ready
    config-get --format=json > "$JUJU_LAB_ROOT/config"
    [ "$JUJU_DISPATCH_PATH" != actions/echo ] || action-set "said=$(action-get text)"`);
  writeFileSync(join(lab.directory, 'greeting.txt'), 'from a file');
  const deployed = await juju(
    'deploy',
    'shell',
    'app',
    '-n',
    '2',
    '--config',
    'count=3',
    '--config',
    'greeting=@greeting.txt',
  );
  expect(deployed).toEqual({ code: 0, stdout: '', stderr: '' });
  await lab.settle();
  expect(JSON.parse(read('app/1', 'config'))).toMatchObject({ greeting: 'from a file', count: 3 });
  expect((await juju('status', '--watch', '2s')).stdout).toMatch(/^app\/0\* +active/m);
  await juju('config', 'app', 'count=4');
  expect((await juju('config', 'app', 'count')).stdout).toBe('4\n');
  await juju('config', 'app', '--reset', 'count');
  expect((await juju('config', 'app', 'count')).stdout).not.toBe('4\n');
  const action = await juju('run', 'app/leader', 'echo', 'text=hello');
  expect(action).toEqual({
    code: 0,
    stdout: 'said: hello\n',
    stderr: expect.stringContaining('on unit-app-0'),
  });
  const both = await juju('run', 'app/0', 'app/1', 'echo', 'text=hello', '--format', 'json');
  expect(Object.keys(JSON.parse(both.stdout))).toEqual(['app/0', 'app/1']);
  expect((await juju('exec', '--unit', 'app/1', 'echo $JUJU_UNIT_NAME')).stdout).toBe('app/1\n');
  expect((await juju('exec', '--application', 'app', '--', 'echo', 'hi')).stdout).toBe('hi\nhi\n');
  await juju('add-unit', 'app', '-n', '2');
  expect(lab.unitNames()).toHaveLength(4);
  expect((await juju('show-unit', 'app/0')).stdout).toContain('relation-info');
  await juju('remove-unit', 'app/3', '--force', '--no-prompt');
  await juju('refresh', 'app');
  await lab.settle();
  expect(lab.unitNames()).toEqual(['app/0', 'app/1', 'app/2']);
});

test.each([
  [['deploy', './other.charm'], 'there is no "./other.charm"'],
  [['deploy'], 'something is missing'],
  [['deploy', 'shell', 'app', '--confg', 'a=b'], "'--confg'"],
  [['deploy', 'shell', 'app', '--config', 'colour=red'], 'unknown option "colour"'],
  [['deploy', 'shell', 'app', '--config', 'greeting=@nowhere'], 'there is no file nowhere'],
  [['deploy', 'shell', 'app', '-n', 'many'], 'a number of units, not "many"'],
  [['config', 'app', 'a=b'], 'application "app" not found'],
  [['run', 'echo', 'app/0'], 'units come first'],
  [['ssh', 'app/0'], 'juju "ssh" is not answered here; answered are: deploy, '],
  [['add-secret', 's', 'K=v'], 'key "K" not valid'],
])('%j is refused', async (words, expected) => {
  const { juju } = await running();
  const { code, stderr } = await juju(...words);
  expect(code).toBe(1);
  expect(stderr).toContain(expected);
});

test('endpoints are found where only one pair fits, and refused where none or several do', async () => {
  const juju = new FakeJuju({ seed: 1, clock: { now: () => 0 } });
  const site = { juju, operate: <R>(command: (juju: FakeJuju) => R) => command(juju) };
  const type = (...words: string[]) => runJuju({ ...unused, ...site }, words);
  juju.deploy('app', {
    metadata: { name: 'app', requires: { db: { interface: 'sql' }, other: { interface: 'sql' } } },
  });
  juju.deploy('pg', {
    metadata: { name: 'pg', provides: { database: { interface: 'sql' }, web: { interface: 'http' } } },
  });
  expect((await type('integrate', 'app', 'pg')).stderr).toContain('ambiguous relation');
  expect((await type('integrate', 'app:db', 'pg:web')).stderr).toContain('no relations found');
  expect(await type('integrate', 'app:db', 'pg')).toMatchObject({ code: 0 });
  expect([...juju.model.relations.values()].map(({ endpoints }) => endpoints)).toEqual([
    [
      { application: 'app', endpoint: 'db', role: 'requirer' },
      { application: 'pg', endpoint: 'database', role: 'provider' },
    ],
  ]);
  expect(await type('remove-relation', 'pg', 'app:db')).toMatchObject({ code: 0 });
  expect(await type('add-secret', 'pg', 'uri=postgresql://x')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^secret:/),
  });
});

const refuse = () => {
  throw new Error('not asked for here');
};
const unused = { deploy: refuse, refresh: refuse, runAction: refuse, exec: refuse, readFile: refuse };
