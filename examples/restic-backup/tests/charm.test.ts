import { readFileSync } from 'node:fs';
import { charmFiles } from 'juju-ts-ops';
import { type RelationIn, run, type StateIn } from 'juju-ts-ops/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { charm } from '../src/charm.ts';
import { definition } from '../src/definition.ts';
import { FakeMachine } from './fake-machine.ts';

const credentials = {
  bucket: 'backups',
  endpoint: 'https://s3.example',
  'access-key': 'AK',
  'secret-key': 'very secret',
};
const s3: RelationIn = { endpoint: 's3-credentials', remoteApp: 's3-integrator', remoteAppData: credentials };
const ready: StateIn = { leader: true, relations: [s3] };

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine();
});
const hook = (event: Parameters<typeof run>[1], state: StateIn = ready) => run(charm(machine), event, state);
const textOf = (path: string) => machine.files.get(path)?.text ?? '';

test.each(Object.entries(charmFiles(definition)))(
  '%s.yaml says what the definition says',
  (name, content) => {
    const text = readFileSync(new URL(`../${name}.yaml`, import.meta.url), 'utf8');
    expect(parse(text)).toEqual(content);
  },
);

describe('the status says what to do', () => {
  test.each<[string, StateIn, { status: string; message: string }]>([
    [
      'no relation',
      { leader: true },
      { status: 'blocked', message: 'juju integrate restic-backup s3-integrator' },
    ],
    [
      'no credentials yet',
      { leader: true, relations: [{ ...s3, remoteAppData: {} }] },
      { status: 'waiting', message: 'waiting for s3-integrator' },
    ],
    ['no password yet', { relations: [s3] }, { status: 'waiting', message: 'waiting for the leader' }],
    ['all is there', ready, { status: 'active', message: '/etc, /srv: daily' }],
    [
      'a path that is none',
      { ...ready, config: { paths: 'srv' } },
      { status: 'blocked', message: 'paths=srv: takes absolute paths, separated by blanks' },
    ],
    [
      'a time that is none',
      { ...ready, config: { schedule: 'sometimes' } },
      { status: 'blocked', message: 'schedule=sometimes: takes one of hourly, daily, weekly, monthly' },
    ],
  ])('%s', async (_, state, status) => {
    expect((await hook('config-changed', state)).unitStatus).toMatchObject(status);
  });
});

describe('the machine', () => {
  test('gets restic, a timer, and the keys in a file that only root reads', async () => {
    await hook('config-changed', { ...ready, config: { paths: '/srv/100%', schedule: 'hourly' } });
    expect(machine.ran).toContain('apt-get install --yes restic');
    expect(machine.ran.at(-1)).toBe('systemctl restart restic-backup.timer');
    expect(textOf('/etc/systemd/system/restic-backup.timer')).toContain('OnCalendar=hourly\n');
    expect(textOf('/etc/systemd/system/restic-backup.service')).toContain('restic backup "/srv/100%%"\n');
    expect(machine.files.get('/etc/restic-backup.env')?.mode).toBe(0o600);
    expect(textOf('/etc/restic-backup.env')).toMatch(
      /^RESTIC_REPOSITORY="s3:https:\/\/s3.example\/backups\/[-0-9a-f]{36}\/restic-backup-0"\nRESTIC_PASSWORD="[\w-]{32}"\n/,
    );
  });

  test('is left alone when nothing has changed', async () => {
    const known: StateIn = {
      ...ready,
      secrets: [
        { owner: 'application', label: 'repository-password', content: { password: 'x'.repeat(32) } },
      ],
    };
    await hook('config-changed', known);
    const before = [...machine.ran];
    await hook('update-status', known);
    expect(machine.ran).toEqual(before);
  });

  test('keeps nothing of it when the relation or the unit goes', async () => {
    for (const [event, state] of [
      ['config-changed', { leader: true }],
      ['stop', {}],
    ] as const) {
      await hook('config-changed');
      await hook(event, state);
      expect([...machine.files.keys()]).toEqual(['/usr/bin/restic']);
      expect(machine.ran).toContain('systemctl disable --now restic-backup.timer');
    }
  });
});

describe('the action', () => {
  const start = 'systemctl start restic-backup.service';

  test('backs up', async () => {
    await hook('config-changed');
    const { action } = await hook({ action: 'backup' });
    expect(action).toMatchObject({ status: 'completed', results: { seconds: '0' } });
    expect(machine.ran).toContain(start);
  });

  test('says where to look when the backup fails, and when there is nothing to run', async () => {
    expect((await hook({ action: 'backup' })).action?.message).toMatch(/^nothing is set up yet/);
    await hook('config-changed');
    machine.codes.set(start, 1);
    expect((await hook({ action: 'backup' })).action?.message).toMatch(/journalctl -u restic-backup/);
  });
});

test('the secrets are in no log, status or argument', async () => {
  const { logs, statusHistory, calls, secrets } = await hook('config-changed');
  const [{ revisions: [content] = [] } = {}] = secrets;
  const said = JSON.stringify([logs, statusHistory, calls.map(({ args }) => args), machine.ran]);
  for (const value of ['very secret', content?.password ?? '']) expect(said).not.toContain(value);
  expect(content?.password).toHaveLength(32);
});
