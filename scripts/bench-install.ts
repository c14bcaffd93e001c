// `npm run bench:install`: how long an installation takes by the charm's own code, by what people type, by what a Python charm does, and
// at the machine's limit; side by side in one run, as ratios. See docs/reference/performance.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { bundle } from './pack/bundle.ts';
import { makeArchive } from './bench/install/archive.ts';
import { tellResult } from './bench/table.ts';
import { bytesOf, machine, sideBySide, type Way } from './bench/measure.ts';

const usage = `usage: npm run bench:install -- [options]
  --size SIZE      of the archive, such as 50MB or 1GB (default 232MB)
  --rounds N       how often each way is taken (default 3)
  --directory DIR  on which file system (default: that of temporary files)
  --json           ends with one line of JSON`;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '232MB' },
    rounds: { type: 'string', default: '3' },
    directory: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const size = bytesOf(values.size);
const rounds = Number(values.rounds);
if (values.help || size === undefined || size < 5e6 || !Number.isInteger(rounds) || rounds < 1) {
  if (!values.help) console.error(`--size is 5MB or more, --rounds 1 or more`);
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const tell = (text: string) => console.error(text);
const own = await mkdtemp(join(values.directory, 'bench-install-'));
try {
  tell(`${machine()}; making an archive of about ${values.size} …`);
  await compile(['charm', 'bound', 'write', 'server']);
  const archive = await makeArchive(own, process.execPath, size);
  const server = spawn(process.execPath, [join(own, 'server/charm.mjs'), archive.path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [port] = await once(createInterface({ input: server.stdout }), 'line');
    const url = `http://127.0.0.1:${port}/concourse-8.2.0-linux-amd64.tgz`;
    const figures = await sideBySide(ways(url, archive), rounds, tell);
    report(figures, archive);
  } finally {
    server.stdin.end();
  }
} finally {
  await rm(own, { recursive: true, force: true });
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

function report(
  figures: Awaited<ReturnType<typeof sideBySide>>,
  archive: { sizeBytes: number; contentBytes: number },
): void {
  const ms = (name: string) => figures.get(name)?.medianMs ?? Number.NaN;
  const charm = ms('charm');
  const bound = 1.15 * ms('bound: gunzip and hash') + ms('bound: write and sync');
  const memory = figures.get('charm')?.memoryBytes ?? Number.NaN;
  console.log(
    `\n${mb(archive.sizeBytes)} compressed, ${mb(archive.contentBytes)} unpacked; medians of ${rounds}`,
  );
  const rows = [...figures].map(([name, { medianMs, memoryBytes }]) => [
    name,
    `${(medianMs / 1000).toFixed(2)} s`,
    `${(medianMs / charm).toFixed(2)} ×`,
    memoryBytes === undefined ? '' : mb(memoryBytes),
  ]);
  const goals = {
    'charm <= 1.15 × gunzip and hash + write': round(charm / bound) <= 1,
    'curl | tar >= 2 × charm': round(ms('curl | tar') / charm) >= 2,
    'curl, sha256sum, tar >= 2 × charm': round(ms('curl, sha256sum, tar') / charm) >= 2,
    'less than 200 MB of memory': memory < 200e6,
  };
  tellResult([['way', 'median', 'to charm', 'memory'], ...rows], goals);
  if (!values.json) return;
  const ratios = Object.fromEntries(
    [...figures].map(([name, { medianMs }]) => [name, round(medianMs / charm)]),
  );
  console.log(
    JSON.stringify({
      bench: 'install',
      machine: machine(),
      sizeBytes: archive.sizeBytes,
      contentBytes: archive.contentBytes,
      rounds,
      charmMs: Math.round(charm),
      charmToBound: round(charm / bound),
      ratiosToCharm: ratios,
      charmMemoryBytes: memory,
      goals,
    }),
  );
}

function round(ratio: number): number {
  return Math.round(ratio * 100) / 100;
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
