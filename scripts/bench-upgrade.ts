// `npm run bench:upgrade`: how long web and each worker do not answer while Concourse is upgraded, as releases grow and workers become more;
// in the lab, asked from outside. See docs/reference/performance.md.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bytesOf, machine } from './bench/measure.ts';
import { tellFinding } from './bench/page.ts';
import { packedCharm, standIns } from './bench/settled-lab.ts';
import { plotOf, resultOf, type Sample, tableOf, type UpgradeResult } from './bench/upgrade/result.ts';
import { everyMs, upgradeOnce } from './bench/upgrade/story.ts';

const usage = `usage: npm run bench:upgrade -- [options]
  --sizes LIST       of the release, such as 10MB,100MB,1GB (default 10MB,100MB)
  --workers LIST     such as 2,6,20 (default 2,6)
  --rounds N         how often each is upgraded, in turns (default 3)
  --start-delay MS   how late the stand-ins' services answer (default 1000: Concourse's own take 0.9 to 1.5 s)
  --directory DIR    on which file system (default: that of temporary files)
  --quick            one round of the smallest: 1MB, one worker, no delay
  --json             ends with one line of JSON
  --write            writes what was found into docs/reference/performance.md`;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string' },
    workers: { type: 'string' },
    rounds: { type: 'string' },
    'start-delay': { type: 'string' },
    directory: { type: 'string', default: tmpdir() },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const normal = values.quick
  ? { sizes: '1MB', workers: '1', rounds: '1', delay: '0' }
  : { sizes: '10MB,100MB', workers: '2,6', rounds: '3', delay: '1000' };
const sizes = (values.sizes ?? normal.sizes).split(',').map((text) => bytesOf(text) ?? Number.NaN);
const counts = (values.workers ?? normal.workers).split(',').map(Number);
const rounds = Number(values.rounds ?? normal.rounds);
const startDelayMs = Number(values['start-delay'] ?? normal.delay);
const whole = (number: number, least: number): boolean => Number.isInteger(number) && number >= least;
const good =
  sizes.every((size) => whole(size, 0)) &&
  counts.every((count) => whole(count, 1)) &&
  whole(rounds, 1) &&
  whole(startDelayMs, 0);
if (values.help || !good) {
  if (!values.help)
    console.error('sizes are such as 10MB, workers and rounds 1 or more, the delay 0 or more');
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const versions = ['8.2.4', '8.2.5'] as const;
const tell = (text: string) => console.error(text);
const own = realpathSync(mkdtempSync(join(values.directory, 'bench-upgrade-')));
try {
  tell(`${machine()}; packing, and making releases …`);
  const charm = await packedCharm(own);
  const archives = new Map<number, string[]>();
  for (const sizeBytes of sizes)
    archives.set(
      sizeBytes,
      await standIns(join(own, `releases-${sizeBytes}`), versions, { sizeBytes, startDelayMs }),
    );
  report(resultOf(await measure(charm, archives)));
} finally {
  rmSync(own, { recursive: true, force: true });
}

/** Each size with each number of workers once, then each once more, and so on. */
async function measure(charm: string, archives: ReadonlyMap<number, string[]>): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const [sizeBytes, paths] of archives) {
      for (const workers of counts) {
        const directory = join(own, 'play');
        const downtimes = await upgradeOnce({ directory, charm, archives: paths, versions, workers });
        rmSync(directory, { recursive: true });
        samples.push({ sizeBytes, workers, downtimes });
        const said = downtimes.map(({ unit, upgradeMs }) => `${unit} ${Math.round(upgradeMs)} ms`);
        tell(`round ${round} of ${rounds}: ${sizeBytes / 1e6} MB, ${workers} workers: ${said.join(', ')}`);
      }
    }
  }
  return samples;
}

function report({ rows, ratios, goals }: UpgradeResult): void {
  const table = tableOf({ rows, ratios, goals });
  const how = `medians of ${rounds}; services of the stand-in answer ${startDelayMs} ms late, asked every ${everyMs} ms`;
  const plot = plotOf({ rows, ratios, goals });
  tellFinding({ bench: 'upgrade', how, table, plot, ratios, goals, rows }, values);
}
