// `npm start`: the charm's real executable on this machine, without Juju: a web unit and workers share one Concourse
// release on one volume, a worker joins, and all are upgraded together.
import { arch } from 'node:os';
import { join } from 'node:path';
import { Lab } from 'juju-lab';
import { makeStandInRelease } from '../lib/concourse-stand-in/src/index.ts';
import { keepTimeline, timelineFile } from './lab/timeline.ts';
import { unpackCharm } from './pack/charm.ts';
import { serveMirror } from './start/mirror.ts';
import { readOptions, type RealRelease, type StartOptions, UsageError, usage } from './start/options.ts';
import { asText, reportOf } from './start/report.ts';
import { play, sceneOf } from './start/story.ts';
import { follow } from './start/timeline.ts';
import { View } from './start/view.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, '.lab');

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(usage);
  else process.exitCode = await start(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${usage}`);
  process.exitCode = 2;
}

async function start(options: StartOptions): Promise<number> {
  // With --json, stdout is for programs: people read stderr.
  const out = options.json ? process.stderr : process.stdout;
  const architecture = arch() === 'arm64' ? 'arm64' : 'amd64';
  const charm = join(folder, 'charm');
  out.write('Packing the charm, and making what stands in for Concourse …\n');
  await unpackCharm({ root, entry: 'charm.ts', architecture }, charm, { linkNode: true });
  const [first, second] = await releases(options, architecture);
  const mirror = await serveMirror([first.path, second.path]);
  const lab = new Lab({
    directory: join(folder, 'units'),
    charm: { directory: charm },
    volume: { mountPath: '/var/lib/concourse' },
    // What stands in for PostgreSQL keeps a number in a file there.
    extraEnvironment:
      options.real === undefined ? { CONCOURSE_STAND_IN_DB: join(folder, 'units/database') } : {},
  });
  const view = new View(out, () => sceneOf(lab));
  const stop = Promise.withResolvers<void>();
  process.once('SIGINT', () => stop.resolve());
  process.once('SIGTERM', () => stop.resolve());
  try {
    follow(lab, view);
    keepTimeline(lab, folder);
    if (options.real === undefined) {
      view.text(
        'Concourse itself is 0.9 GB and needs PostgreSQL: small stand-ins of the same layout take its place here.',
      );
      view.text('The real one: npm start -- --help');
    }
    const story = play({
      lab,
      mirror,
      view,
      first: first.version,
      second: second.version,
      workers: options.workers,
      config: { 'worker-runtime': options.real?.runtime ?? 'houdini' },
      postgres: options.real?.postgres ?? 'postgresql://concourse:stand-in@127.0.0.1:5432/concourse',
      oneMore: options.real?.runtime !== 'containerd',
    });
    const seen = await Promise.race([story, stop.promise]);
    if (seen === undefined) return 130;
    const report = await reportOf(lab, mirror, seen, { version: second.version, downloads: 2 });
    view.title('What was shown');
    view.text(asText(report));
    view.text(`  as a picture       ${timelineFile('.lab')}`);
    view.end();
    if (options.keep) {
      await lab.openControl(() => stop.resolve());
      view.text('\nIt stays up until Ctrl-C. From another terminal: npm run lab -- status');
      view.end();
      await stop.promise;
    }
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    return report.ok ? 0 : 1;
  } finally {
    view.end();
    await lab.close();
    await mirror.close();
  }
}

/** The archives to play with: those that were given, or stand-ins made on the spot. */
async function releases(
  options: StartOptions,
  architecture: 'amd64' | 'arm64',
): Promise<[RealRelease, RealRelease]> {
  if (options.real !== undefined) return [options.real.first, options.real.second];
  const make = async (version: string): Promise<RealRelease> => {
    const { path } = await makeStandInRelease({
      version,
      architecture,
      directory: join(folder, 'releases'),
      sizeBytes: options.sizeBytes,
    });
    return { version, path };
  };
  return [await make('8.2.4'), await make('8.2.5')];
}
