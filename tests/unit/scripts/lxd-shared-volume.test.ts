// The script for the LXD host, with stand-ins for juju and lxc on the PATH: lxc keeps devices as files, and refuses what LXD
// would refuse.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';

const script = join(import.meta.dirname, '../../../scripts/lxd-shared-volume.sh');
let directory: string;
let source: string;

const status = `model:
  name: ci
machines:
  "0":
    juju-status:
      current: started
    instance-id: juju-aaaaaa-0
    network-interfaces:
      eth0:
        ip-addresses:
        - 10.0.0.10
  "1":
    instance-id: juju-aaaaaa-1
    containers:
      1/lxd/0:
        instance-id: juju-aaaaaa-1-lxd-0
  "12":
    juju-status:
      current: pending
applications:
  concourse-ci:
    charm: concourse-ci
    units:
      concourse-ci/0:
        machine: "0"
        subordinates:
          logs/4:
            public-address: 10.0.0.10
      concourse-ci/10:
        machine: "1"
      concourse-ci/2:
        machine: 1/lxd/0
  other:
    units:
      other/0:
        machine: "0"
`;

const lxc = `#!/bin/sh
devices="$HERE/devices"
case "$*" in --project*) shift 2 ;; esac
case "$1 $2 $3" in
"info "*) [ -d "$devices/$2" ] ;;
"list "*) if [ "$2" = "^$VM\\$" ]; then echo VIRTUAL-MACHINE; else echo CONTAINER; fi ;;
"config device get") cat "$devices/$4/$5/$6" 2>/dev/null || [ -d "$devices/$4/$5" ] ;;
"config device remove") rm -r "$devices/$4/$5" && echo "lxc $*" >>"$HERE/calls" ;;
"config device add")
  echo "lxc $*" >>"$HERE/calls"
  [ "$4" != "$BUSY" ] || { echo "Error: busy" >&2; exit 1; }
  shift 3
  here="$devices/$1/$2"
  mkdir "$here" || { echo "Error: The device already exists" >&2; exit 1; }
  shift 3
  for pair in "$@"; do echo "\${pair#*=}" >"$here/\${pair%%=*}"; done
  [ -d "$(cat "$here/source")" ] || { echo "Error: Missing source path" >&2; exit 1; }
  ;;
*) echo "unexpected: lxc $*" >&2; exit 64 ;;
esac
`;
const juju = `#!/bin/sh
echo "juju $*" >>"$HERE/calls"
case "$1" in
status) cat "$HERE/status" ;;
show-unit) printf 'x:\\n  relation-info:\\n  - application-data:\\n%s' "$GOAL" ;;
esac
`;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lxd-shared-volume-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  source = join(directory, 'srv/concourse');
  for (const [name, text] of Object.entries({ lxc, juju })) {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), 0o755);
  }
  writeFileSync(join(directory, 'status'), status);
  for (const instance of ['juju-aaaaaa-0', 'juju-aaaaaa-1', 'juju-aaaaaa-1-lxd-0'])
    mkdirSync(join(directory, 'devices', instance), { recursive: true });
});

function run(args: readonly string[] = [], differing: Record<string, string> = {}) {
  const env = {
    PATH: `${directory}:/usr/bin:/bin`,
    HERE: directory,
    GOAL: '      installer: concourse-ci/0\n',
    VM: '',
    BUSY: '',
    ...differing,
  };
  const ran = spawnSync('/bin/sh', [script, '--source', source, ...args], { env, encoding: 'utf8' });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

/** Instance → device → its settings. */
const devices = () => {
  const at = (...parts: string[]) => join(directory, 'devices', ...parts);
  const read = (instance: string, device: string) =>
    Object.fromEntries(
      readdirSync(at(instance, device)).map((key) => [
        key,
        readFileSync(at(instance, device, key), 'utf8').trim(),
      ]),
    );
  return Object.fromEntries(
    readdirSync(at()).map((instance) => [
      instance,
      Object.fromEntries(readdirSync(at(instance)).map((device) => [device, read(instance, device)])),
    ]),
  );
};
const calls = () => readFileSync(join(directory, 'calls'), 'utf8').split('\n').filter(Boolean);

const whole = () => ({ source, path: '/var/lib/concourse', shift: 'true' });
const own = (unit: string) => ({
  concourse: { ...whole(), readonly: 'true' },
  'concourse-own': {
    source: join(source, 'worker', unit),
    path: `/var/lib/concourse/worker/${unit}`,
    shift: 'true',
  },
});

test('the unit that installs gets all of it writable, the others their own folder', () => {
  expect(run()).toMatchObject({ code: 0, err: '' });
  expect(devices()).toEqual({
    'juju-aaaaaa-0': { concourse: whole() },
    'juju-aaaaaa-1': own('concourse-ci-10'),
    'juju-aaaaaa-1-lxd-0': own('concourse-ci-2'),
  });
});

test('a second time changes nothing, and says so', () => {
  run();
  const before = calls().filter((line) => line.startsWith('lxc'));
  const again = run();
  expect(again.code).toBe(0);
  expect(again.out.match(/has it already/g)).toHaveLength(3);
  expect(calls().filter((line) => line.startsWith('lxc'))).toEqual(before);
});

test('another installer is given the right to write, and the former one loses it', () => {
  run();
  expect(run([], { GOAL: '      installer: concourse-ci/2\n' }).code).toBe(0);
  expect(devices()).toEqual({
    'juju-aaaaaa-0': own('concourse-ci-0'),
    'juju-aaaaaa-1': own('concourse-ci-10'),
    'juju-aaaaaa-1-lxd-0': { concourse: whole() },
  });
});

test('another directory takes the place of the former one on each of them, from the innermost outwards', () => {
  run();
  const before = calls().length;
  source = join(directory, 'srv/other');
  expect(run()).toMatchObject({ code: 0, err: '' });
  expect(devices()).toEqual({
    'juju-aaaaaa-0': { concourse: whole() },
    'juju-aaaaaa-1': own('concourse-ci-10'),
    'juju-aaaaaa-1-lxd-0': own('concourse-ci-2'),
  });
  const removed = calls()
    .slice(before)
    .filter((line) => line.includes('remove juju-aaaaaa-1 '));
  expect(removed.map((line) => line.split(' ').at(-1))).toEqual(['concourse-own', 'concourse']);
});

test('--read-write asks nobody who installs', () => {
  expect(run(['--read-write']).code).toBe(0);
  expect(Object.values(devices())).toEqual([1, 2, 3].map(() => ({ concourse: whole() })));
  expect(calls().some((line) => line.includes('show-unit'))).toBe(false);
});

test('a virtual machine has no ids to shift', () => {
  run(['--read-write'], { VM: 'juju-aaaaaa-0' });
  expect(devices()['juju-aaaaaa-0']?.['concourse']).toEqual({ source, path: '/var/lib/concourse' });
});

test('--dry-run touches nothing', () => {
  const { code, out } = run(['--dry-run']);
  expect(code).toBe(0);
  expect(out).toContain('would run: lxc config device add juju-aaaaaa-0 concourse disk');
  expect(Object.values(devices())).toEqual([{}, {}, {}]);
  expect(existsSync(source)).toBe(false);
});

test('units that are on no instance of this host are named, the others are done', () => {
  rmSync(join(directory, 'devices/juju-aaaaaa-1'), { recursive: true });
  writeFileSync(
    join(directory, 'status'),
    status.replace(
      '      concourse-ci/2:',
      '      concourse-ci/11:\n        machine: "12"\n      concourse-ci/2:',
    ),
  );
  const { code, err } = run();
  expect(code).toBe(1);
  expect(err).toContain('not done for: concourse-ci/10 concourse-ci/11');
  expect(devices()['juju-aaaaaa-1-lxd-0']).toEqual(own('concourse-ci-2'));
});

test('a device that LXD refuses fails that unit, and not the others', () => {
  const { code, err } = run([], { BUSY: 'juju-aaaaaa-0' });
  expect(code).toBe(1);
  expect(err).toContain('not done for: concourse-ci/0');
  expect(devices()['juju-aaaaaa-1']).toEqual(own('concourse-ci-10'));
});

test.each([
  ['no goal yet', [], { GOAL: '' }, 1, 'has not named the unit that installs'],
  [
    'an installer of another application',
    ['--installer', 'other/0'],
    {},
    1,
    'other/0 is not a unit of concourse-ci',
  ],
  ['an application without units', ['nothing'], {}, 1, 'the application nothing has no units'],
  ['an unknown option', ['--force'], {}, 2, '--force is not an option'],
  ['a value that is missing', ['--model'], {}, 2, '--model needs a value'],
  ['two applications', ['a', 'b'], {}, 2, 'one application at a time'],
  ['a name that is none', ["a'b"], {}, 2, 'is not the name of an application'],
  ['a relative directory', ['--source', 'srv'], {}, 2, 'must be an absolute path'],
])('%s: nothing is done', (_, args, env, code, err) => {
  expect(run(args, env)).toMatchObject({ code, err: expect.stringContaining(err) });
  expect(Object.values(devices())).toEqual([{}, {}, {}]);
});

test('model and project are handed on', () => {
  expect(run(['--model', 'ctl:ci', '--project', 'p', '--read-write']).code).toBe(0);
  expect(calls()[0]).toBe('juju status --model ctl:ci --format=yaml concourse-ci');
});

test('--help says what it does', () => {
  const { code, out } = run(['--help']);
  expect(code).toBe(0);
  for (const option of ['--source', '--installer', '--read-write', '--model', '--project', '--dry-run'])
    expect(out).toContain(option);
});
