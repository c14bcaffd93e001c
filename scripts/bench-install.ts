// `npm run bench:install`: how long an installation takes by the charm's own code, by what people type, by what a Python charm does, and
// at the machine's limit; side by side in one run, as ratios. See docs/reference/performance.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { bundle } from 'juju-ts-ops/pack';
import { makeArchive } from './bench/install/archive.ts';
import { tellFinding } from './bench/page.ts';
import { bytesOf, machine, sideBySide, type Way } from './bench/measure.ts';

const usage = `usage: npm run bench:install -- [options]
  --size LIST      of the archive, such as 50MB or 232MB,1GB (default 232MB)
  --rounds N       how often each way is taken, in turns (default 3)
  --directory DIR  on which file system (default: that of temporary files)
  --quick          once with 5MB
  --json           ends with one line of JSON
  --write          writes what was found into docs/reference/performance.md`;

const { values } = parseArgs({
  options: {
    size: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    directory: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const sizes = (values.size ?? (values.quick ? '5MB' : '232MB')).split(',').map((text) => bytesOf(text) ?? 0);
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
if (values.help || sizes.some((size) => size < 5e6) || !Number.isInteger(rounds) || rounds < 1) {
  if (!values.help) console.error(`--size is 5MB or more, --rounds 1 or more`);
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const tell = (text: string) => console.error(text);
const own = await mkdtemp(join(values.directory, 'bench-install-'));
try {
  tell(`${machine()}; making archives of about ${sizes.map(mb).join(', ')} …`);
  await compile(['charm', 'bound', 'write', 'server']);
  const found: Sized[] = [];
  for (const size of sizes) found.push(await measured(size));
  report(found);
} finally {
  await rm(own, { recursive: true, force: true });
}

async function measured(size: number): Promise<Sized> {
  const archive = await makeArchive(own, process.execPath, size);
  const server = spawn(process.execPath, [join(own, 'server/charm.mjs'), archive.path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [port] = await once(createInterface({ input: server.stdout }), 'line');
    const url = `http://127.0.0.1:${port}/concourse-8.2.0-linux-amd64.tgz`;
    return { ...archive, figures: await sideBySide(ways(url, archive), rounds, tell) };
  } finally {
    server.stdin.end();
  }
}

/** As the charm ships its code, so that no time goes into TypeScript. */
async function compile(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { files } = await bundle(join(import.meta.dirname, '..'), `scripts/bench/install/${name}.ts`);
    await mkdir(join(own, name));
    for (const { path, content } of files) await writeFile(join(own, name, path), content);
  }
}

function ways(url: string, { sha256, contentBytes }: { sha256: string; contentBytes: number }): Way[] {
  const target = join(own, 'target');
  const prepare = async () => {
    await rm(target, { recursive: true, force: true });
    await mkdir(target);
    // What the way before has left to write is not this one's.
    await once(spawn('sync', ['-f', own], { stdio: 'ignore' }), 'close');
  };
  const program = (name: string) => `${process.execPath} ${join(own, name, 'charm.mjs')}`;
  const sync = `sync -f ${target}`;
  return [
    { name: 'charm', script: `${program('charm')} ${url} ${sha256} ${target}` },
    { name: 'curl | tar', script: `curl -sf ${url} | tar -xz -C ${target}; ${sync}` },
    {
      name: 'curl, sha256sum, tar',
      script: `curl -sf -o ${target}/a.tgz ${url}; echo "${sha256}  ${target}/a.tgz" | sha256sum -c --status; tar -xzf ${target}/a.tgz -C ${target}; rm ${target}/a.tgz; ${sync}`,
    },
    {
      name: 'Python',
      script: `python3 ${join(import.meta.dirname, 'bench/install/python.py')} ${url} ${sha256} ${target}; ${sync}`,
    },
    { name: 'bound: gunzip and hash', script: `${program('bound')} ${url}` },
    { name: 'bound: write and sync', script: `${program('write')} ${target} ${contentBytes}` },
  ].map((way) => ({ ...way, prepare }));
}

/** What one size took. */
interface Sized {
  sizeBytes: number;
  contentBytes: number;
  figures: Awaited<ReturnType<typeof sideBySide>>;
}

function report(sizes: readonly Sized[]): void {
  const table = [['', 'archive', 'unpacked', 'median', 'to charm', 'memory'], ...sizes.flatMap(tableOf)];
  const ratios: Record<string, number> = {};
  for (const { sizeBytes, figures } of sizes) {
    const charm = medianOf(figures, 'charm');
    for (const [name, { medianMs }] of figures) ratios[`${name}, ${mb(sizeBytes)}`] = round(medianMs / charm);
    ratios[`charm to bound, ${mb(sizeBytes)}`] = round(charm / boundOf(figures));
  }
  const each = (good: (figures: Sized['figures']) => boolean) => sizes.every(({ figures }) => good(figures));
  const times = (figures: Sized['figures'], name: string) =>
    round(medianOf(figures, name) / medianOf(figures, 'charm'));
  const goals = {
    'charm <= 1.15 × gunzip and hash + write': each((f) => round(medianOf(f, 'charm') / boundOf(f)) <= 1),
    'curl | tar >= 2 × charm': each((f) => times(f, 'curl | tar') >= 2),
    'curl, sha256sum, tar >= 2 × charm': each((f) => times(f, 'curl, sha256sum, tar') >= 2),
    'less than 200 MB of memory': each((f) => (f.get('charm')?.memoryBytes ?? Number.NaN) < 200e6),
  };
  const rows = sizes.flatMap(({ sizeBytes, contentBytes, figures }) =>
    [...figures].map(([name, figure]) => ({ name, sizeBytes, contentBytes, ...figure })),
  );
  const tone = (name: string) => (name === 'charm' ? 0 : name.startsWith('bound') ? 1 : 2);
  const plot = {
    title: 'From the first byte to a release on disk',
    unit: 's',
    bars: rows.map(({ name, sizeBytes, medianMs }) => {
      return { label: `${name}, ${mb(sizeBytes)}`, value: medianMs / 1000, tone: tone(name) } as const;
    }),
  };
  const how = `medians of ${rounds}, in turns`;
  tellFinding({ bench: 'install', how, table, plot, ratios, goals, rows }, values);
}

function tableOf({ sizeBytes, contentBytes, figures }: Sized): string[][] {
  const charm = medianOf(figures, 'charm');
  return [...figures].map(([name, { medianMs, memoryBytes }]) => [
    name,
    mb(sizeBytes),
    mb(contentBytes),
    `${(medianMs / 1000).toFixed(2)} s`,
    `${(medianMs / charm).toFixed(2)} ×`,
    memoryBytes === undefined ? '' : mb(memoryBytes),
  ]);
}

function medianOf(figures: Sized['figures'], name: string): number {
  return figures.get(name)?.medianMs ?? Number.NaN;
}

/** What the goal allows, ms. */
function boundOf(figures: Sized['figures']): number {
  return 1.15 * medianOf(figures, 'bound: gunzip and hash') + medianOf(figures, 'bound: write and sync');
}

function round(ratio: number): number {
  return Math.round(ratio * 100) / 100;
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
