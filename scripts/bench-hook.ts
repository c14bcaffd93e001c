// `npm run bench:hook`: what a hook costs, by the packed executable, with hook tools that take as long as Juju's own; beside a hello-world
// charm in Python and the bare start of the same Node. See docs/reference/performance.md.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Lab, type LabUnit } from 'juju-lab';
import type { FakeJuju, HookInfo } from 'juju-ts-ops/testing';
import { addGhosts } from './bench/hook/ghosts.ts';
import { type PythonCharm, pythonCharm } from './bench/hook/python-charm.ts';
import { cases, type HookResult, plotOf, resultOf, tableOf } from './bench/hook/result.ts';
import { type Sample, UnitTools } from './bench/hook/unit-tools.ts';
import { machine } from './bench/measure.ts';
import { tellFinding } from './bench/page.ts';
import { application, packedCharm, settledLab, standIns } from './bench/settled-lab.ts';

const usage = `usage: npm run bench:hook -- [options]
  --rounds N   how often each case is measured, in turns (default 21)
  --quick      one round, and no comparison with Python
  --json       ends with one line of JSON
  --write      writes what was found into docs/reference/performance.md`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '21' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const rounds = values.quick ? 1 : Number(values.rounds);
if (values.help || !Number.isInteger(rounds) || rounds < 1) {
  if (!values.help) console.error('--rounds is 1 or more');
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

/** Something that can be measured again and again: it leaves everything as it was. */
type Case = readonly [name: string, run: () => Promise<Sample>];

const version = '8.2.4';
const units = 50;
const samples = new Map<string, Sample[]>();
const tell = (text: string) => console.error(text);
const own = realpathSync(mkdtempSync(join(tmpdir(), 'bench-hook-')));
const toClose: (() => unknown)[] = [() => rmSync(own, { recursive: true, force: true })];
try {
  tell(`${machine()}; packing, and deploying web and two workers …`);
  const charm = await packedCharm(own);
  const archives = await standIns(join(own, 'releases'), [version], { sizeBytes: 0, startDelayMs: 0 });
  const { lab, extraEnvironment, close } = await settledLab({
    directory: own,
    charm,
    archives,
    version,
    workers: 2,
  });
  toClose.unshift(close);
  const open = await openUnits(lab, 'concourse', extraEnvironment);
  const [web, worker] = [open('0'), open('1')];
  const python = values.quick ? undefined : pythonCharm(join(own, 'hello'));
  if (python !== undefined && 'missing' in python) tell(`No comparison with Python: ${python.missing}`);
  const hello = python === undefined || 'missing' in python ? [] : await helloCases(python);

  const empty = join(own, 'empty.mjs');
  writeFileSync(empty, '');
  const bareNode = () => worker.runProgram(join(charm, 'bin/node'), [empty]);
  const quiet = () => worker.run(changedBy(lab.juju, `${application}/2`));
  await measure([
    [cases.node, bareNode],
    [cases.quiet, quiet],
    [cases.worker, () => worker.run(plain('update-status'))],
    [cases.web, () => web.run(plain('update-status'))],
    ...hello,
  ]);
  // What these leave makes the next update-status look at everything.
  await measure([
    [cases.workerWhole, () => worker.runWhole(plain('update-status'))],
    [cases.workerConfig, () => worker.run(plain('config-changed'))],
    [cases.webWhole, () => web.runWhole(plain('update-status'))],
    [cases.webConfig, () => web.run(plain('config-changed'))],
  ]);
  tell(`Now the application has ${units} units …`);
  addGhosts(lab.juju, application, units, `${application}/2`);
  await measure([
    [cases.manyNode, bareNode],
    [cases.manyQuiet, quiet],
    [cases.manyWorker, () => worker.run(plain('update-status'))],
    [cases.manyWeb, () => web.run(plain('update-status'))],
  ]);
  await measure([[cases.manyWebWhole, () => web.runWhole(plain('update-status'))]]);
  report(resultOf(samples), python);
} finally {
  for (const close of toClose) await close();
}

/** The units' own agents stop; a hook that is measured is then the only one. */
async function openUnits(lab: Lab, name: string, extra: Record<string, string>) {
  const opened = new Map<string, UnitTools>();
  for (const unit of lab.unitNames().map((each) => lab.unit(each))) {
    unit.uniter.stop();
    opened.set(unit.name, await openUnit(lab.juju, unit, name, extra));
  }
  toClose.unshift(() => {
    for (const tools of opened.values()) tools.close();
  });
  return (number: string): UnitTools => {
    const found = [...opened].find(([each]) => each.endsWith(`/${number}`))?.[1];
    if (found === undefined) throw new Error(`no unit ${number}`);
    return found;
  };
}

async function openUnit(juju: FakeJuju, unit: LabUnit, name: string, extra: Record<string, string>) {
  const tools = new UnitTools(juju, unit, join(own, `${name}-${unit.name.split('/')[1]}`), extra);
  await tools.calibrate();
  return tools;
}

/** A second Juju, whose charm is the hello in Python. */
async function helloCases(charm: PythonCharm): Promise<Case[]> {
  tell(`${charm.versions} …`);
  const lab = new Lab({ directory: join(own, 'hello-lab'), charm });
  toClose.unshift(() => lab.close());
  lab.deploy('hello', { units: 2 });
  await lab.settle({ timeoutMs: 600_000 });
  const unit = (await openUnits(lab, 'hello', {}))('0');
  return [
    [cases.pythonStatus, () => unit.run(plain('update-status'))],
    [cases.pythonConfig, () => unit.run(plain('config-changed'))],
    [cases.pythonChanged, () => unit.run(changedBy(lab.juju, 'hello/1'))],
  ];
}

/** Each case once, then each once more, and so on; what came before the first round was warming up. */
async function measure(list: readonly Case[]): Promise<void> {
  for (const [name, run] of list) await settleDown(name, run);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, run] of list) samples.set(name, [...(samples.get(name) ?? []), await run()]);
    tell(`round ${round} of ${rounds}`);
  }
}

/** Until the same hook twice asks the same: then there is nothing to do any more. */
async function settleDown(name: string, run: () => Promise<Sample>): Promise<void> {
  let before = '';
  for (let turn = 0; turn < 8; turn += 1) {
    const now = (await run()).tools.toSorted().join();
    if (now === before) return;
    before = now;
  }
  throw new Error(`${name}: each hook does something else: last ${before}`);
}

function plain(name: 'update-status' | 'config-changed'): HookInfo {
  return { name, kind: name };
}

function changedBy(juju: FakeJuju, remoteUnit: string): HookInfo {
  const [remoteApp = ''] = remoteUnit.split('/');
  const relation = [...juju.model.relations.values()].find(({ endpoints }) =>
    endpoints.some((end) => end.application === remoteApp && end.endpoint === 'peers'),
  );
  if (relation === undefined) throw new Error(`${remoteApp} has no relation peers`);
  const about = { id: relation.id, remoteUnit, remoteApp };
  return { name: 'peers-relation-changed', kind: 'relation-changed', relation: about };
}

function report(
  { rows, ratios, goals }: HookResult,
  python: PythonCharm | { missing: string } | undefined,
): void {
  const compared = python !== undefined && 'versions' in python ? python.versions : 'without Python';
  const table = tableOf({ rows, ratios, goals });
  const how = `${compared}; medians of ${rounds}`;
  const plot = plotOf({ rows, ratios, goals });
  tellFinding({ bench: 'hook', how, table, plot, ratios, goals, rows }, values);
}
