// The exporter's service: who may read the administrator's password, and what the program is kept from.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ExporterServiceSettings, exporterService } from '../../../src/concourse/exporter.ts';
import { planOf, settingsOf } from '../concourse/settings.ts';

const settings: ExporterServiceSettings = {
  unit: 'concourse-ci/0',
  charm: '/var/lib/juju/agents/unit-concourse-ci-0/charm',
  revision: '4',
  etc: '/etc/concourse',
  address: '10.0.0.7',
  url: 'http://127.0.0.1:8080',
  admin: { user: 'admin', password: 's3cret-of-the-admin' },
  figures: '/run/concourse-ci-figures/concourse-ci-0.json',
  user: 'concourse-exporter',
};

test('the password lies in one file, for root and the service alone', () => {
  const plan = planOf(exporterService(settings));
  const holders = plan.files.filter(({ content }) => content.includes(settings.admin.password));
  expect(holders.map(({ path, mode, group }) => ({ path, mode, group }))).toEqual([
    { path: '/etc/concourse/exporter.json', mode: 0o640, group: 'concourse-exporter' },
  ]);
  expect(plan.unit).not.toContain(settings.admin.password);
  expect(JSON.stringify(plan.environment)).not.toContain(settings.admin.password);
});

test('it runs as a user of its own, bounded and without capabilities', () => {
  const { unit } = planOf(exporterService(settings));
  const expected = {
    User: 'concourse-exporter',
    CapabilityBoundingSet: '',
    NoNewPrivileges: 'yes',
    ProtectSystem: 'strict',
    MemoryMax: '256M',
    Nice: '10',
  };
  for (const [key, value] of Object.entries(expected)) expect(settingsOf(unit, key)).toEqual([value]);
});

test.each(['revision', 'url', 'figures', 'charm'] as const)('another %s restarts it', (key) => {
  const before = planOf(exporterService(settings)).configuration;
  expect(planOf(exporterService({ ...settings, [key]: `${settings[key]}1` })).configuration).not.toBe(before);
});

test.skipIf(!existsSync('/usr/bin/systemd-analyze'))('systemd finds no fault in the unit file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-unit-'));
  const { unit } = planOf(exporterService({ ...settings, charm: '/usr', user: undefined }));
  const file = join(folder, 'concourse-exporter.service');
  // The program must be there for systemd-analyze.
  writeFileSync(file, unit.replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true'));
  try {
    expect(execFileSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
