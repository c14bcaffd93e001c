// The arm64 charm, run: an install from nothing to an active unit, and the hook that most hooks are, which ends before it began.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from 'juju-lab';
import { expect, onTestFinished, test } from 'vitest';
import { makeStandInRelease } from '../../lib/concourse-stand-in/src/index.ts';
import { run } from './support/folders.ts';
import { emulatedCharm } from './support/qemu.ts';

const application = 'concourse-ci';
const unit = `${application}/0`;

test('the charm for arm64 installs arm64’s release, comes to rest, and has quiet hooks', async () => {
  const charm = emulatedCharm();
  const node = join(charm, 'bin/node');
  expect(execFileSync(node, ['-p', 'process.arch'], { encoding: 'utf8' })).toBe('arm64\n');

  const directory = join(run(), 'arm64');
  const version = '8.1.0';
  // Its programs are scripts for this machine's Node: the services are not what is emulated.
  const release = await makeStandInRelease({ version, architecture: 'arm64', directory });
  const lab = new Lab({
    directory: join(directory, 'lab'),
    charm: { directory: charm },
    volume: { mountPath: '/var/lib/concourse' },
    extraEnvironment: { CONCOURSE_STAND_IN_DB: join(directory, 'database') },
  });
  onTestFinished(() => lab.close());
  const postgres = lab.juju.addSecret('postgres', { uri: 'postgresql://concourse:x@127.0.0.1:5432/atc' });
  lab.deploy(application, {
    resources: { 'concourse-release': release.path },
    config: {
      version,
      'release-sha256': release.sha256,
      'postgres-uri': postgres,
      'worker-runtime': 'houdini',
    },
  });
  lab.operate((juju) => juju.grantSecret('postgres', application));
  const status = () => lab.juju.unitStatus(unit);
  await lab.waitFor(
    () => status().status === 'active',
    150_000,
    () => JSON.stringify(status()),
  );
  await lab.settle({ timeoutMs: 60_000 });
  expect(lab.records.map(({ name }) => name)).toContain('install');
  expect(lab.records.filter(({ exit }) => exit !== 0)).toEqual([]);
  const manifest = readFileSync(join(lab.volume, `releases/${version}/.manifest.json`), 'utf8');
  expect(manifest).toContain('"arm64"');

  const notes = join(lab.unit(unit).root.path, 'run/concourse-ci');
  mkdirSync(notes, { recursive: true });
  writeFileSync(join(notes, 'concourse-ci-0.quiet'), `${application}/7\n`);
  const event = `JUJU_DISPATCH_PATH=hooks/peers-relation-changed JUJU_REMOTE_UNIT=${application}/3`;
  expect(await lab.execIn(unit, `${event} ./dispatch`)).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(lab.records.at(-1)).toMatchObject({ name: 'run-commands', exit: 0, toolCalls: 0 });
});
