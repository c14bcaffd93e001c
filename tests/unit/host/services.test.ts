// What is said to systemd, and what is made of its answers: stand-ins for its programs on the PATH write down how they
// were called, and answer what the test has laid out.
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Services } from '../../../src/host/host.ts';
import { createHost } from '../../../src/host/real/index.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** Answers from `answers/<program>-<first argument>` (then its exit code from `….code`), and writes its arguments down. */
const standIn = `#!/bin/sh
here=$(dirname "$0")
name=$(basename "$0")
{ printf '%s' "$name"; printf ' %s' "$@"; echo; } >>"$here/calls"
verb=$1
[ "$name" = systemctl ] || verb=run
[ -f "$here/$name-$verb" ] && cat "$here/$name-$verb"
[ -f "$here/$name-$verb.err" ] && cat "$here/$name-$verb.err" >&2
[ -f "$here/$name-$verb.code" ] && exit "$(cat "$here/$name-$verb.code")"
exit 0
`;

let root: string;
let programs: string;
let services: Services;
const web = 'concourse-server.service';

beforeEach(async () => {
  root = await temporaryDirectory();
  programs = path.join(root, 'programs');
  await mkdir(programs);
  for (const name of ['systemctl', 'systemd-run', 'journalctl']) {
    await writeFile(path.join(programs, name), standIn);
    await chmod(path.join(programs, name), 0o755);
  }
  const before = process.env.PATH;
  process.env.PATH = `${programs}:${before}`;
  onTestFinished(() => {
    process.env.PATH = before;
  });
  services = createHost({ root }).services;
});

const answer = (what: string, text: string) => writeFile(path.join(programs, what), text);
const calls = async () =>
  (await readFile(path.join(programs, 'calls'), 'utf8').catch(() => '')).trim().split('\n');
const unitFile = (name: string) => path.join(root, 'etc/systemd/system', name);

describe('showing', () => {
  it('asks once for all, and reads states and the environment of the running process', async () => {
    const running = `Id=${web}\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=${process.pid}\nNRestarts=2\nInvocationID=00112233445566778899aabbccddeeff\n`;
    const unknown =
      'Id=concourse-worker.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\nMainPID=0\n';
    await answer('systemctl-show', `${running}\n${unknown}`);
    const shown = await services.show([web, 'concourse-worker.service']);
    expect(shown[web]).toMatchObject({
      active: 'active',
      subState: 'running',
      enabled: true,
      installed: true,
      mainPid: process.pid,
      restarts: 2,
      invocation: '00112233445566778899aabbccddeeff',
    });
    expect(Object.keys(shown[web]?.environment ?? {})).toContain('PATH');
    expect(shown['concourse-worker.service']).toEqual({
      active: 'inactive',
      subState: 'dead',
      enabled: false,
      installed: false,
      mainPid: 0,
      restarts: 0,
      invocation: '',
      environment: undefined,
    });
    expect(await calls()).toHaveLength(1);
  });

  it('a failure names the command, its exit code and what it said', async () => {
    await answer('systemctl-show.err', 'Failed to connect to bus: Host is down\n');
    await answer('systemctl-show.code', '1');
    await expect(services.show([web])).rejects.toThrow(
      /^systemctl show concourse-server.service --property=\S+ failed with exit code 1: Failed to connect to bus: Host is down$/,
    );
  });

  it('names that are none are refused before anything runs', async () => {
    for (const name of ['--help', '../x.service', 'a b.service', 'x']) {
      await expect(Promise.resolve().then(() => services.show([name]))).rejects.toThrow(
        'not the name of a systemd unit',
      );
      await expect(services.install(name, '')).rejects.toThrow('not the name of a systemd unit');
    }
    expect(await calls()).toEqual(['']);
  });
});

describe('changing', () => {
  it('a unit file is written and loaded when it differs, and only then', async () => {
    expect(await services.install(web, '[Service]\n')).toBe(true);
    expect(await services.install(web, '[Service]\n')).toBe(false);
    expect(await readFile(unitFile(web), 'utf8')).toBe('[Service]\n');
    expect((await stat(unitFile(web))).mode & 0o777).toBe(0o644);
    expect(await calls()).toEqual(['systemctl daemon-reload']);
  });

  it('a start loads a unit file that a killed hook left unloaded', async () => {
    await answer('systemctl-show', 'yes\n');
    await services.start(web);
    expect((await calls()).slice(1)).toEqual(['systemctl daemon-reload', `systemctl start ${web}`]);
  });

  it('what does not run is not stopped, what has no unit file is neither disabled nor uninstalled', async () => {
    await answer('systemctl-show', 'LoadState=loaded\nActiveState=inactive\n');
    await services.stop(web, 1_000);
    await services.disable(web);
    await services.uninstall(web);
    expect(await calls()).toEqual([expect.stringContaining('systemctl show')]);
  });

  it('uninstalling stops, disables and removes', async () => {
    await services.install(web, '[Service]\n');
    await answer('systemctl-show', 'LoadState=loaded\nActiveState=active\n');
    await services.uninstall(web);
    expect((await calls()).slice(2)).toEqual([
      `systemctl stop ${web}`,
      `systemctl disable ${web}`,
      'systemctl daemon-reload',
    ]);
    await expect(stat(unitFile(web))).rejects.toThrow('ENOENT');
  });

  it('a stop that takes too long fails in words', async () => {
    await answer('systemctl-show', 'LoadState=loaded\nActiveState=active\n');
    await writeFile(
      path.join(programs, 'systemctl'),
      standIn.replace('exit 0', '[ "$1" = stop ] && exec sleep 60\nexit 0'),
    );
    await expect(services.stop(web, 300)).rejects.toThrow(
      `systemctl stop ${web} failed with exit code 124: did not end within 300 ms`,
    );
  });

  it('signals go to the main process alone', async () => {
    await services.signal(web, 'SIGHUP');
    expect(await calls()).toEqual([`systemctl kill --kill-who=main --signal=SIGHUP ${web}`]);
  });
});

describe('the journal', () => {
  const invocation = '00112233445566778899aabbccddeeff';

  it('gives the lines of that invocation that contain what was asked for', async () => {
    await answer('journalctl-run', 'beacon.registered\nBEACON.REGISTERED?\nother\n');
    expect(await services.log(web, { invocation, containing: ['beacon.registered'] })).toEqual([
      'beacon.registered',
    ]);
    expect((await calls())[0]).toContain(
      `_SYSTEMD_INVOCATION_ID=${invocation} --lines=1000 --reverse --grep=beacon\\.registered`,
    );
  });

  it('gives the oldest line first, though journalctl with --grep and --lines gives the newest first', async () => {
    await answer('journalctl-run', 'beacon.registered\nbeacon.unreachable\n');
    expect(await services.log(web, { invocation, containing: ['beacon.'] })).toEqual([
      'beacon.unreachable',
      'beacon.registered',
    ]);
  });

  it('no match is no line; a service that never ran is not asked about', async () => {
    await answer('journalctl-run.code', '1');
    expect(await services.log(web, { invocation, containing: ['x'] })).toEqual([]);
    expect(await services.log(web, { invocation: '', containing: ['x'] })).toEqual([]);
    expect(await calls()).toHaveLength(1);
    await answer('journalctl-run.err', 'No journal files were opened\n');
    await expect(services.log(web, { invocation, containing: ['x'] })).rejects.toThrow(
      'No journal files were opened',
    );
  });
});

describe('timers', () => {
  const block = (active: string, sub: string) => `ActiveState=${active}\nSubState=${sub}\n`;
  const slots = (...states: [string, string][]) =>
    answer('systemctl-show', states.map(([active, sub]) => block(active, sub)).join('\n'));
  const idle: [string, string] = ['inactive', 'dead'];
  const waiting: [string, string] = ['active', 'waiting'];
  const running: [string, string] = ['active', 'running'];

  it('are armed for a second at least, and repeat until they succeed', async () => {
    await slots(idle, idle, idle, idle);
    await services.armTimer('concourse-ci-wake', 10, ['juju-exec', 'concourse-ci/0', 'x']);
    expect((await calls())[1]).toBe(
      'systemd-run --quiet --collect --unit=concourse-ci-wake --on-active=1.000s --timer-property=AccuracySec=100ms ' +
        '--property=Restart=on-failure --property=RestartSec=5s --property=StartLimitIntervalSec=0 -- juju-exec concourse-ci/0 x',
    );
  });

  it('arming anew replaces the one that waits', async () => {
    await slots(waiting, idle, idle, idle);
    await services.armTimer('wake', 120_500, ['true']);
    expect((await calls()).slice(1)).toEqual([
      'systemctl stop wake.timer',
      expect.stringContaining('--unit=wake --on-active=120.500s'),
    ]);
  });

  it('a hook that a timer woke can arm it anew: its own service is let run', async () => {
    await slots(running, running, idle, idle);
    await services.armTimer('wake', 5_000, ['true']);
    expect((await calls()).slice(1)).toEqual([expect.stringContaining('--unit=wake-again ')]);
  });

  it('are armed while they wait or repeat, and disarming ends both', async () => {
    await slots(idle, idle, idle, idle);
    expect(await services.timerArmed('wake')).toBe(false);
    await slots(idle, idle, waiting, idle);
    expect(await services.timerArmed('wake')).toBe(true);
    await slots(running, ['activating', 'auto-restart'], idle, idle);
    expect(await services.timerArmed('wake')).toBe(true);
    await services.disarmTimer('wake');
    expect((await calls()).at(-1)).toBe('systemctl stop wake.timer wake.service');
  });
});
