// Power cuts, reboots, freezes, volumes: what happens to machines, and that nothing outlives the lab.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { readControlFile } from '../src/folder.ts';
import { processesOf } from '../src/index.ts';
import { startLab, writeShellCharm } from './shell-charm.ts';
import { temporaryFolder } from './temporary.ts';

const service = `[Service]
ExecStart=/bin/sh -c 'setsid sleep 1000 & exec sleep 1000'
KillMode=process
[Install]
WantedBy=multi-user.target
`;

const withService = `
  if [ "$event" = start ]; then
    cat > "$JUJU_LAB_ROOT/etc/systemd/system/work.service" <<'UNIT'
${service}UNIT
    systemctl daemon-reload
    systemctl enable --now work.service
  fi`;

/** The service's processes, once it has made both. */
async function family(root: string): Promise<number[]> {
  await expect.poll(() => processesOf(root)).toHaveLength(2);
  return processesOf(root);
}

test('a reboot gives a new boot id, starts enabled services and runs start', async () => {
  const { lab, read, rootOf, eventsOf } = startLab(withService);
  lab.deploy('app');
  await lab.settle();
  const before = {
    boot: read('app/0', 'proc/sys/kernel/random/boot_id'),
    processes: await family(rootOf('app/0')),
  };
  await lab.reboot('app/0');
  await lab.settle();
  expect(read('app/0', 'proc/sys/kernel/random/boot_id')).not.toBe(before.boot);
  const after = await family(rootOf('app/0'));
  expect(after.filter((pid) => before.processes.includes(pid))).toEqual([]);
  expect(eventsOf('app/0').slice(-2)).toEqual(['start', 'start']);
});

test('a power cut in a hook ends everything; after the boot that hook runs again, then start', async () => {
  const { lab, rootOf, eventsOf } = startLab(`${withService}
    if [ "$event" = config-changed ] && [ -e "$JUJU_LAB_ROOT/slow" ]; then
      rm "$JUJU_LAB_ROOT/slow"
      status-set maintenance sleeping
      sleep 1000
    fi`);
  lab.deploy('app');
  await lab.settle();
  writeFileSync(join(rootOf('app/0'), 'slow'), '');
  lab.configure('app', { greeting: 'hi' });
  await lab.waitFor(() => lab.juju.unitStatus('app/0').message === 'sleeping');
  await lab.kill('app/0');
  expect(processesOf(rootOf('app/0'))).toEqual([]);
  await lab.boot('app/0');
  await lab.settle();
  expect(eventsOf('app/0').slice(-3)).toEqual(['config-changed', 'config-changed', 'start']);
});

test('a frozen unit stands still in the middle of its hook and goes on from there', async () => {
  const { lab, rootOf } = startLab(`
    if [ "$event" = start ]; then
      status-set maintenance waiting
      while [ ! -e "$JUJU_LAB_ROOT/go" ]; do sleep 0.02; done
    fi`);
  lab.deploy('app');
  await lab.waitFor(() => lab.juju.unitStatus('app/0').message === 'waiting');
  lab.freeze('app/0');
  const root = rootOf('app/0');
  const states = () =>
    processesOf(root).map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0]);
  await expect.poll(() => new Set(states())).toEqual(new Set(['T']));
  writeFileSync(join(root, 'go'), '');
  await lab.settle();
  expect(lab.records.at(-1)).toMatchObject({ name: 'start', outcome: 'running' });
  lab.thaw('app/0');
  await lab.settle();
  expect(lab.records.find((record) => record.name === 'start')).toMatchObject({ exit: 0 });
});

test('a unit that loses the controller in a hook waits with its tools, and goes on when it is healed', async () => {
  const { lab, rootOf } = startLab(`
    if [ "$event" = start ]; then
      status-set maintenance waiting
      while [ ! -e "$JUJU_LAB_ROOT/go" ]; do sleep 0.02; done
      status-set active "heard again"
      touch "$JUJU_LAB_ROOT/went"
    fi`);
  lab.deploy('app');
  await lab.waitFor(() => lab.juju.unitStatus('app/0').message === 'waiting');
  lab.partition('app/0');
  lab.configure('app', { greeting: 'hi' });
  writeFileSync(join(rootOf('app/0'), 'go'), '');
  // Its hook calls a tool now, and stands there.
  await expect.poll(() => lab.records.at(-1)?.toolCalls).toBe(2);
  expect(existsSync(join(rootOf('app/0'), 'went'))).toBe(false);
  lab.heal('app/0');
  await lab.settle();
  expect(lab.juju.unitStatus('app/0')).toMatchObject({ status: 'active', message: 'heard again' });
  expect(lab.records.find((record) => record.name === 'start')).toMatchObject({ outcome: 'committed' });
});

test('closing ends every process, those included that left their parents', async () => {
  const { lab, rootOf } = startLab(withService);
  lab.deploy('app', { units: 2 });
  await lab.settle();
  const roots = ['app/0', 'app/1'].map(rootOf);
  for (const root of roots) await family(root);
  await lab.close();
  expect(roots.flatMap(processesOf)).toEqual([]);
});

test('units share the volume until one of them loses it', async () => {
  const { lab, folder, read } = startLab('echo "$JUJU_UNIT_NAME" >> "$JUJU_LAB_ROOT/srv/shared/seen"', {
    volume: { mountPath: '/srv/shared' },
  });
  lab.deploy('app', { units: 2 });
  await lab.settle();
  expect(read('app/0', 'srv/shared/seen')).toContain('app/1');
  expect(read('app/1', 'proc/self/mountinfo')).toContain(' /srv/shared rw');
  lab.unmountVolume('app/1');
  lab.configure('app', { greeting: 'hi' });
  await lab.settle();
  expect(read('app/1', 'srv/shared/seen')).toBe('app/1\n');
  mkdirSync(join(folder, 'other'));
  lab.mountVolume('app/1', { directory: join(folder, 'other'), readOnly: true });
  expect(existsSync(join(folder, 'other/seen'))).toBe(false);
  expect(read('app/1', 'proc/self/mountinfo')).toContain(' /srv/shared ro');
});

test('a charm that asks for a reboot gets one after its hook, or at once', async () => {
  const { lab, read, eventsOf } = startLab(`
    cat "$JUJU_LAB_ROOT/proc/sys/kernel/random/boot_id" >> "$JUJU_LAB_ROOT/boots"
    case "$event$(cat "$JUJU_LAB_ROOT/asked" 2>/dev/null)" in
      start) echo -once > "$JUJU_LAB_ROOT/asked"; juju-reboot; touch "$JUJU_LAB_ROOT/went-on" ;;
      config-changed-once) echo -twice > "$JUJU_LAB_ROOT/asked"; juju-reboot --now; sleep 1000 ;;
    esac`);
  lab.deploy('app');
  await lab.waitFor(() => lab.records.filter((record) => record.name === 'start').length === 2);
  await lab.settle();
  expect(existsSync(join(lab.unit('app/0').root.path, 'went-on'))).toBe(true);
  lab.configure('app', { greeting: 'hi' });
  await lab.waitFor(() => lab.records.filter((record) => record.name === 'config-changed').length === 3);
  await lab.settle();
  expect(eventsOf('app/0').slice(-5)).toEqual([
    'start',
    'start',
    'config-changed',
    'config-changed',
    'start',
  ]);
  expect(new Set(read('app/0', 'boots').trim().split('\n')).size).toBe(3);
});

test('an agent that ends takes its hook with it, and services run on', async () => {
  const { lab, rootOf } = startLab(`${withService}
    [ "$event" != config-changed ] || [ ! -e "$JUJU_LAB_ROOT/srv" ] || { status-set maintenance sleeping; sleep 1000; }`);
  lab.deploy('app');
  await lab.settle();
  const service = await family(rootOf('app/0'));
  mkdirSync(join(rootOf('app/0'), 'srv'));
  lab.configure('app', { greeting: 'hi' });
  await lab.waitFor(() => lab.juju.unitStatus('app/0').message === 'sleeping');
  lab.agentDown('app/0');
  await lab.waitFor(() => lab.records.at(-1)?.outcome === 'lost');
  await expect.poll(() => processesOf(rootOf('app/0'))).toEqual(service);
  rmSync(join(rootOf('app/0'), 'srv'), { recursive: true });
  lab.agentUp('app/0');
  await lab.settle();
  expect(lab.records.at(-1)).toMatchObject({ name: 'config-changed', exit: 0 });
});

test('the leader’s lease runs out while its machine is frozen', async () => {
  const { lab, eventsOf } = startLab('', { timeScale: 500 });
  lab.deploy('app', { units: 2 });
  await lab.settle();
  lab.freeze('app/0');
  await lab.waitFor(() => lab.juju.leader('app') === 'app/1');
  lab.thaw('app/0');
  await lab.settle();
  expect(eventsOf('app/1').at(-1)).toBe('leader-elected');
  expect((await lab.execIn('app/0', 'is-leader')).stdout).toBe('False\n');
});

test('a lab that is killed leaves no process and no socket', async () => {
  const folder = temporaryFolder();
  const charm = writeShellCharm(join(folder, 'charm'), `${withService}\n[ "$event" != start ] || sleep 1000`);
  const program = `
    import { Lab } from '${new URL('../src/index.ts', import.meta.url).href}';
    const lab = new Lab({ directory: process.argv[1], charm: { directory: process.argv[2] } });
    lab.deploy('app');
    await lab.waitFor(() => lab.unit('app/0').systemd.services.get('work.service')?.service.active === 'active');
    console.log(lab.unit('app/0').root.path);`;
  const lab = spawn(process.execPath, ['--input-type=module', '-e', program, join(folder, 'lab'), charm], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    lab.kill('SIGKILL');
  });
  const [line] = await once(createInterface({ input: lab.stdout }), 'line');
  const root = String(line);
  const { socket } = readControlFile(readFileSync(join(folder, 'lab/control.json'), 'utf8'));
  // The hook's shell with its sleep, and the service's two.
  await expect.poll(() => processesOf(root)).toHaveLength(4);
  lab.kill('SIGKILL');
  await expect.poll(() => processesOf(root), { timeout: 10_000 }).toEqual([]);
  await expect.poll(() => existsSync(dirname(socket))).toBe(false);
});

test('what a machine’s state does not allow is refused', async () => {
  const { lab } = startLab('');
  lab.deploy('app');
  await lab.settle();
  await expect(lab.boot('app/0')).rejects.toThrow('app/0’s machine is on, not off');
  expect(() => lab.thaw('app/0')).toThrow('app/0’s machine is on, not frozen');
  lab.freeze('app/0');
  await lab.kill('app/0');
  expect(() => lab.freeze('app/0')).toThrow('app/0’s machine is off, not on');
  await lab.boot('app/0');
  lab.agentDown('app/0');
  await lab.settle();
  lab.agentUp('app/0');
  await lab.settle();
});

test('timers that fall due while the machine is frozen fire at the thaw', async () => {
  const { lab, read, rootOf } = startLab(
    `[ "$event" != start ] || systemd-run --unit=late --on-active=300ms sh -c 'echo fired > "$JUJU_LAB_ROOT/fired"'`,
  );
  lab.deploy('app');
  await lab.settle();
  lab.freeze('app/0');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(existsSync(join(rootOf('app/0'), 'fired'))).toBe(false);
  lab.thaw('app/0');
  await lab.settle();
  expect(read('app/0', 'fired')).toBe('fired\n');
});
