// The lab as a charm sees it: every way in which Juju runs a charm's executable, with a charm in sh.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processesOf } from '../src/index.ts';
import { metadata, startLab, writeShellCharm } from './shell-charm.ts';

test('a first deployment runs Juju’s sequence on each unit, and peers see what the others wrote', async () => {
  const { lab, eventsOf, read } = startLab(`
    case $event in
      install) relation-ids peers > "$JUJU_LAB_ROOT/ids-in-install" ;;
      start) relation-set -r "$(relation-ids peers)" "name=$JUJU_UNIT_NAME" ;;
      peers-relation-changed) relation-get - "$JUJU_REMOTE_UNIT" > "$JUJU_LAB_ROOT/seen" ;;
    esac`);
  lab.deploy('app', { units: 2 });
  await lab.settle();
  expect(eventsOf('app/0').slice(0, 5)).toEqual([
    'install',
    'peers-relation-created',
    'leader-elected',
    'config-changed',
    'start',
  ]);
  expect(eventsOf('app/1').slice(0, 4)).toEqual([
    'install',
    'peers-relation-created',
    'config-changed',
    'start',
  ]);
  expect(eventsOf('app/0').slice(5)).toContain('peers-relation-joined');
  expect(read('app/0', 'ids-in-install')).toBe('');
  expect(read('app/0', 'seen')).toContain('name: app/1');
  expect(read('app/1', 'seen')).toContain('name: app/0');
  expect(read('app/0', 'seen')).toContain('ingress-address: 127.0.10.2');
});

test('a hook gets Juju’s environment, an empty stdin and the charm’s folder, and nothing of the lab’s own', async () => {
  process.env.HOME ??= '/root';
  const { lab, read } = startLab(
    '[ "$event" != start ] || { env | sort > "$JUJU_LAB_ROOT/env"; pwd > "$JUJU_LAB_ROOT/cwd"; cat > "$JUJU_LAB_ROOT/stdin"; }',
    { extraEnvironment: { EXTRA: 'yes' } },
  );
  lab.deploy('app');
  await lab.settle();
  const entries = read('app/0', 'env').trim().split('\n');
  const env = Object.fromEntries(
    entries.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const charmDirectory = lab.unit('app/0').charmDirectory;
  expect(env).toMatchObject({
    JUJU_UNIT_NAME: 'app/0',
    JUJU_HOOK_NAME: 'start',
    JUJU_DISPATCH_PATH: 'hooks/start',
    JUJU_CHARM_DIR: charmDirectory,
    CHARM_DIR: charmDirectory,
    LANG: 'C.UTF-8',
    EXTRA: 'yes',
    JUJU_LAB_ROOT: lab.unit('app/0').root.path,
  });
  for (const absent of ['HOME', 'USER', 'SHELL', 'NODE_OPTIONS', 'VITEST'])
    expect(env).not.toHaveProperty(absent);
  expect(read('app/0', 'cwd').trim()).toBe(charmDirectory);
  expect(read('app/0', 'stdin')).toBe('');
});

test('what a failing hook wrote is lost, and the hook is retried until it succeeds', async () => {
  const { lab, eventsOf, read } = startLab(`
    if [ "$event" = start ] && [ ! -e "$JUJU_LAB_ROOT/tried" ]; then
      touch "$JUJU_LAB_ROOT/tried"
      relation-set -r "$(relation-ids peers)" lost=yes
      status-set maintenance trying
      exit 3
    fi
    [ "$event" != config-changed ] || relation-set -r "$(relation-ids peers)" kept=yes
    [ "$event" != start ] || relation-get -r "$(relation-ids peers)" - "$JUJU_UNIT_NAME" > "$JUJU_LAB_ROOT/bag"`);
  lab.deploy('app');
  await lab.settle();
  expect(eventsOf('app/0').filter((event) => event === 'start')).toHaveLength(2);
  expect(read('app/0', 'bag')).toContain('kept');
  expect(read('app/0', 'bag')).not.toContain('lost');
  const starts = lab.records.filter((record) => record.name === 'start');
  expect(starts.map((record) => record.exit)).toEqual([3, 0]);
  expect(starts.map((record) => record.toolCalls)).toEqual([3, 2]);
});

test('settling does not happen while a failed hook waits for its retry', async () => {
  const { lab } = startLab('[ "$event" != install ] || exit 1');
  lab.deploy('app');
  await expect(lab.settle({ timeoutMs: 700 })).rejects.toThrow('app/0');
});

test('a hook that is killed runs again at once and has committed nothing', async () => {
  const { lab, eventsOf } = startLab(`
    if [ "$event" = start ] && [ ! -e "$JUJU_LAB_ROOT/killed" ]; then
      touch "$JUJU_LAB_ROOT/killed"
      kill -9 $$
    fi`);
  lab.deploy('app');
  await lab.settle();
  expect(eventsOf('app/0').slice(-2)).toEqual(['start', 'start']);
  expect(lab.records.at(-2)).toMatchObject({ name: 'start', signal: 'SIGKILL', exit: undefined });
});

test('one hook of a unit can be given a variable of its own', async () => {
  const { lab, read } = startLab('set +u; echo "$event $MARK" >> "$JUJU_LAB_ROOT/marks"', {
    hookEnvironment: (_unit, operation) => (operation.name === 'install' ? { MARK: 'by-name' } : {}),
  });
  lab.deploy('app');
  await lab.settle();
  lab.nextHookEnvironment('app/0', { MARK: 'next' });
  lab.configure('app', { greeting: 'hi' });
  await lab.settle();
  lab.configure('app', { greeting: 'ho' });
  await lab.settle();
  const marks = read('app/0', 'marks').trimStart().slice(0, -1).split('\n');
  expect(marks[0]).toBe('install by-name');
  expect(marks.slice(-2)).toEqual(['config-changed next', 'config-changed ']);
});

test('a change of configuration reaches the charm', async () => {
  const { lab, read } = startLab('config-get --format=json > "$JUJU_LAB_ROOT/config"');
  lab.deploy('app', { config: { count: 7 } });
  await lab.settle();
  lab.configure('app', { greeting: 'hi', loud: true });
  await lab.settle();
  expect(JSON.parse(read('app/0', 'config'))).toEqual({ greeting: 'hi', count: 7, loud: true });
});

test('an action’s results come back, and so does its failure', async () => {
  const { lab } = startLab(`
    case $JUJU_DISPATCH_PATH in
      actions/echo) action-log working; action-set "said.text=$(action-get text)" ;;
      actions/fail) action-fail "cannot" ;;
    esac`);
  lab.deploy('app');
  await lab.settle();
  const echo = await lab.runAction('app/0', 'echo', { text: 'a b' });
  expect(echo).toMatchObject({ status: 'completed', results: { said: { text: 'a b' } } });
  expect(echo.log.map((line) => line.message)).toEqual(['working']);
  expect(await lab.runAction('app/0', 'fail')).toMatchObject({ status: 'failed', message: 'cannot' });
});

test('a timer that the charm armed wakes it by juju-exec with an event of its own', async () => {
  const { lab, eventsOf, read } = startLab(`
    case $event in
      start) systemd-run --unit=wake --on-active=1s /usr/bin/juju-exec -u "$JUJU_UNIT_NAME" \\
        'JUJU_DISPATCH_PATH=hooks/my-event ./dispatch' ;;
      my-event) relation-set -r "$(relation-ids peers)" woken=yes; env > "$JUJU_LAB_ROOT/exec-env" ;;
    esac`);
  lab.deploy('app');
  await lab.waitFor(() => lab.records.some((record) => record.kind === 'exec' && record.exit === 0));
  await lab.settle();
  expect(eventsOf('app/0').at(-1)).toBe('my-event');
  expect(read('app/0', 'exec-env')).toContain('JUJU_HOOK_NAME=\n');
  const bag = await lab.execIn('app/0', 'relation-get -r "$(relation-ids peers)" woken app/0');
  expect(bag).toEqual({ code: 0, stdout: 'yes\n', stderr: '' });
});

test('a script run from a terminal passes its streams and exit code on', async () => {
  const { lab } = startLab('');
  lab.deploy('app');
  await lab.settle();
  expect(await lab.execIn('app/0', 'is-leader; echo oops >&2; exit 4')).toEqual({
    code: 4,
    stdout: 'True\n',
    stderr: 'oops\n',
  });
});

test('juju-exec from inside a hook is refused, and tools outside of one are', async () => {
  const { lab, read } = startLab(`
    [ "$event" != install ] || juju-exec true 2> "$JUJU_LAB_ROOT/refused" || echo "$?" >> "$JUJU_LAB_ROOT/refused"
    [ "$event" != start ] || systemd-run --unit=outside sh -c "'$(command -v is-leader)'; echo done"`);
  lab.deploy('app');
  await lab.settle();
  expect(read('app/0', 'refused')).toMatch(
    /^ERROR juju-exec cannot be called from within a hook, have context "app\/0-install-.*"\n2\n$/,
  );
  await lab.unit('app/0').systemd.journal.waitFor((entry) => entry.message === 'done');
  expect(await lab.journal('app/0', 'outside')).toContain('ERROR JUJU_CONTEXT_ID not set');
});

test('a refresh replaces the charm’s files and runs upgrade-charm, then config-changed', async () => {
  const { lab, folder, charm, eventsOf } = startLab('');
  writeFileSync(join(charm, 'gone'), '');
  lab.deploy('app');
  await lab.settle();
  expect(existsSync(join(lab.unit('app/0').charmDirectory, 'gone'))).toBe(true);
  const next = writeShellCharm(
    join(folder, 'next'),
    '[ "$event" != upgrade-charm ] || touch "$JUJU_LAB_ROOT/new-code"',
  );
  lab.refresh('app', next);
  await lab.settle();
  expect(eventsOf('app/0').slice(-2)).toEqual(['upgrade-charm', 'config-changed']);
  expect(existsSync(join(lab.unit('app/0').root.path, 'new-code'))).toBe(true);
  expect(existsSync(join(lab.unit('app/0').charmDirectory, 'gone'))).toBe(false);
});

test('leadership that moves is told to the unit that gains it', async () => {
  const { lab, eventsOf } = startLab('is-leader > "$JUJU_LAB_ROOT/leads"');
  lab.deploy('app', { units: 2 });
  await lab.settle();
  lab.setLeader('app/1');
  await lab.settle();
  expect(eventsOf('app/1').at(-1)).toBe('leader-elected');
  expect((await lab.execIn('app/0', 'is-leader')).stdout).toBe('False\n');
});

test('a secret of the application is read by the other units', async () => {
  const { lab } = startLab('[ "$event" != leader-elected ] || secret-add --label=shared password=s3cret');
  lab.deploy('app', { units: 2 });
  await lab.settle();
  const read = await lab.execIn('app/1', 'secret-get --label=shared --format=json');
  expect(JSON.parse(read.stdout)).toEqual({ password: 's3cret' });
});

test('a unit that is removed runs stop and remove, and none of its processes stays', async () => {
  const { lab, rootOf, eventsOf } = startLab(
    '[ "$event" != start ] || { setsid sleep 1000 > /dev/null 2>&1 & }',
  );
  lab.deploy('app', { units: 2 });
  await lab.settle();
  const root = rootOf('app/1');
  expect(processesOf(root)).toHaveLength(1);
  lab.removeUnit('app/1');
  await lab.waitFor(() => !lab.unitNames().includes('app/1'));
  await lab.settle();
  const events = readFileSync(join(root, 'events'), 'utf8').trim().split('\n');
  expect(events.slice(-2)).toEqual(['stop', 'remove']);
  await expect.poll(() => processesOf(root)).toEqual([]);
  expect(eventsOf('app/0').length).toBeGreaterThan(0);
});

test('a storage’s location can be used as it is, and lies in the unit’s root', async () => {
  const storage = 'storage:\n  data: {type: filesystem, location: /srv/data, multiple: {range: 0-1}}\n';
  const { lab, read } = startLab(
    '[ "$event" != start ] || storage-get -s "$(storage-list data)" location | xargs -I{} sh -c \'echo mine > {}/file\'',
    {},
    { 'metadata.yaml': `${metadata}${storage}` },
  );
  lab.deploy('app', { storage: { data: 1 } });
  await lab.settle();
  expect(read('app/0', 'srv/data/file')).toBe('mine\n');
  expect(lab.records[0]).toMatchObject({ name: 'data-storage-attached', exit: 0 });
});

test('files that tools are given are those of the charm’s folder', async () => {
  const { lab, read } = startLab(`
    if [ "$event" = start ]; then
      echo 'written: yes' > settings.yaml
      relation-set -r "$(relation-ids peers)" --file settings.yaml
      echo 'piped: yes' | relation-set -r "$(relation-ids peers)" --file -
      relation-get -r "$(relation-ids peers)" - "$JUJU_UNIT_NAME" > "$JUJU_LAB_ROOT/bag"
    fi`);
  lab.deploy('app');
  await lab.settle();
  expect(read('app/0', 'bag')).toMatch(/piped: .*\nwritten: /);
});

test('a status that lasts only for a moment is told, too', async () => {
  const { lab } = startLab('[ "$event" != start ] || { status-set maintenance one; status-set active two; }');
  const told: string[] = [];
  lab.events.on('status', ({ unit, status, message }) => told.push(`${unit} ${status} ${message}`));
  lab.deploy('app');
  await lab.settle();
  expect(told.slice(-2)).toEqual(['app/0 maintenance one', 'app/0 active two']);
});

test('a deployment that Juju refuses leaves the lab as it was', async () => {
  const { lab } = startLab('');
  expect(() => lab.deploy('app', { config: { bogus: 1 } })).toThrow('unknown option "bogus"');
  expect(lab.applications()).toEqual([]);
  lab.deploy('app');
  expect(() => lab.refresh('app', '/nowhere')).toThrow('/nowhere is not an unpacked charm');
  await lab.settle();
});

test('a forced refresh gives a failed hook the new code at once', async () => {
  const { lab, folder, eventsOf } = startLab('[ "$event" != start ] || exit 1', { timeScale: 5 });
  lab.deploy('app');
  await lab.waitFor(() => lab.juju.unitStatus('app/0').status === 'error');
  lab.refresh('app', writeShellCharm(join(folder, 'next'), ''), { force: true });
  await lab.settle();
  expect(eventsOf('app/0').slice(-2)).toEqual(['start', 'start']);
});
