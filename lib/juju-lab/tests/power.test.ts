// Power cuts, reboots, freezes, volumes: what happens to machines, and that nothing outlives the lab.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processesOf } from '../src/index.ts';
import { startLab } from './shell-charm.ts';

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

test('a reboot gives a new boot id, starts enabled services and runs start', async () => {
  const { lab, read, rootOf, eventsOf } = startLab(withService);
  lab.deploy('app');
  await lab.settle();
  const before = {
    boot: read('app/0', 'proc/sys/kernel/random/boot_id'),
    processes: processesOf(rootOf('app/0')),
  };
  expect(before.processes).toHaveLength(2);
  await lab.reboot('app/0');
  await lab.settle();
  expect(read('app/0', 'proc/sys/kernel/random/boot_id')).not.toBe(before.boot);
  const after = processesOf(rootOf('app/0'));
  expect(after).toHaveLength(2);
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

test('closing ends every process, those included that left their parents', async () => {
  const { lab, rootOf } = startLab(withService);
  lab.deploy('app', { units: 2 });
  await lab.settle();
  const roots = ['app/0', 'app/1'].map(rootOf);
  expect(roots.flatMap(processesOf)).toHaveLength(4);
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
