// What `npm start -- …` takes, checked before anything is begun.
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

export interface StartOptions {
  /** Of the first deployment; one more joins later. */
  workers: number;
  /** Ends with one JSON object as the last line of stdout; everything else goes to stderr. */
  json: boolean;
  /** Stays up until Ctrl-C, or `npm run lab -- stop`. */
  keep: boolean;
  /** Padding of the stand-in archives. */
  sizeBytes: number;
  /** Real archives, in place of stand-ins. */
  real:
    | { first: RealRelease; second: RealRelease; postgres: string; runtime: 'containerd' | 'houdini' }
    | undefined;
}

export interface RealRelease {
  version: string;
  path: string;
}

export const usage = `npm start -- [OPTION…]

  --workers N       workers of the first deployment (1 to 8; default 2); one more joins later
  --size BYTES      size of the stand-in archives, such as 5000000 (default 2000000)
  --json            one JSON object as the last line
  --keep            stay up; npm run lab -- status (and so on) from another terminal
  --help            this text

With the real Concourse (as root; archives from its releases page):
  --release concourse-8.2.4-linux-amd64.tgz --upgrade-to concourse-8.2.5-linux-amd64.tgz
  --postgres postgresql://USER:PASSWORD@HOST:5432/DATABASE
  --runtime containerd|houdini
                    containerd isolates builds, and there is one to a machine: --workers 1, and none joins;
                    houdini (default) does not isolate, and takes any number of workers
`;

export class UsageError extends Error {
  override name = 'UsageError';
}

export function readOptions(args: readonly string[]): StartOptions | 'help' {
  const { values } = parse(args);
  if (values.help) return 'help';
  const real = readReal(values);
  const workers = wholeNumber(
    '--workers',
    values.workers ?? (real?.runtime === 'containerd' ? '1' : '2'),
    1,
    8,
  );
  if (real?.runtime === 'containerd' && workers > 1) {
    throw new UsageError('one containerd to a machine: --workers 1, or --runtime houdini');
  }
  return {
    workers,
    json: values.json ?? false,
    keep: values.keep ?? false,
    sizeBytes: wholeNumber('--size', values.size ?? '2000000', 0, 2_000_000_000),
    real,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        workers: { type: 'string' },
        size: { type: 'string' },
        json: { type: 'boolean' },
        keep: { type: 'boolean' },
        release: { type: 'string' },
        'upgrade-to': { type: 'string' },
        postgres: { type: 'string' },
        runtime: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

function readReal(values: ReturnType<typeof parse>['values']): StartOptions['real'] {
  const { release, postgres } = values;
  const upgradeTo = values['upgrade-to'];
  if (
    release === undefined &&
    upgradeTo === undefined &&
    postgres === undefined &&
    values.runtime === undefined
  )
    return undefined;
  if (release === undefined || upgradeTo === undefined || postgres === undefined) {
    throw new UsageError('the real Concourse takes all three: --release, --upgrade-to and --postgres');
  }
  const runtime = values.runtime ?? 'houdini';
  if (runtime !== 'containerd' && runtime !== 'houdini')
    throw new UsageError('--runtime is containerd or houdini');
  if (process.getuid?.() !== 0) throw new UsageError('a real worker runs as root only: sudo npm start -- …');
  const [first, second] = [realRelease('--release', release), realRelease('--upgrade-to', upgradeTo)];
  if (first.version === second.version)
    throw new UsageError(`both archives are ${first.version}: there is nothing to upgrade`);
  return { first, second, postgres, runtime };
}

function realRelease(option: string, path: string): RealRelease {
  const version = /^concourse-(.+)-linux-(?:amd64|arm64)\.tgz$/.exec(basename(path))?.[1];
  if (version === undefined)
    throw new UsageError(
      `${option}: the file is to be named as upstream names it, concourse-VERSION-linux-ARCH.tgz`,
    );
  if (!existsSync(path)) throw new UsageError(`${option}: there is no ${path}`);
  return { version, path };
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && number >= least && number <= most) return number;
  throw new UsageError(`${option} takes a whole number from ${least} to ${most}, not '${text}'`);
}
