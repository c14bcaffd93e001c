// `npm run lab -- up`: an empty lab, a mirror with two releases, and a program `juju` that the lab answers: what the tutorial
// begins with.
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { Lab } from 'juju-lab';
import { makeStandInRelease } from '../../lib/concourse-stand-in/src/index.ts';
import { unpackCharm } from '../pack/charm.ts';
import { keepTimeline } from './timeline.ts';
import { serveMirror } from '../start/mirror.ts';

const root = join(import.meta.dirname, '../..');
/** In the order of the tutorial's upgrade. */
const versions = ['8.2.4', '8.2.5'];

/** Runs until Ctrl-C or `npm run lab -- stop`. */
export async function up(folder: string): Promise<void> {
  console.log('Packing the charm, and making what stands in for Concourse …');
  const architecture = arch() === 'arm64' ? 'arm64' : 'amd64';
  await unpackCharm({ root, entry: 'charm.ts', architecture }, join(folder, 'charm'), { linkNode: true });
  const releases = await Promise.all(
    versions.map((version) =>
      makeStandInRelease({
        version,
        architecture,
        directory: join(folder, 'releases'),
        sizeBytes: 2_000_000,
      }),
    ),
  );
  const mirror = await serveMirror(releases.map(({ path }) => path));
  const lab = new Lab({
    directory: join(folder, 'units'),
    charm: { directory: join(folder, 'charm') },
    volume: { mountPath: '/var/lib/concourse' },
    // What stands in for PostgreSQL keeps its rows in a file there.
    extraEnvironment: { CONCOURSE_STAND_IN_DB: join(folder, 'units/database') },
  });
  keepTimeline(lab, folder);
  const stop = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.resolve());
  try {
    writeShell(folder, mirror.url);
    await lab.openControl(() => stop.resolve());
    console.log(
      `The lab is up, and empty, until Ctrl-C. In another terminal:\n\n    . ${join(folder, 'shell')}\n`,
    );
    await stop.promise;
  } finally {
    await lab.close();
    await mirror.close();
  }
}

/** What a terminal reads: `juju` goes to the lab, wherever it is typed. */
function writeShell(folder: string, mirror: string): void {
  const programs = join(folder, 'bin');
  mkdirSync(programs, { recursive: true });
  const call = `'${process.execPath}' --disable-warning=ExperimentalWarning '${join(root, 'scripts/lab.ts')}'`;
  const program = `#!/bin/sh\nCONCOURSE_LAB='${folder}' exec ${call} juju "$PWD" "$@"\n`;
  writeFileSync(join(programs, 'juju'), program, { mode: 0o755 });
  writeFileSync(join(folder, 'shell'), `export PATH='${programs}':"$PATH" MIRROR=${mirror}\n`);
}
