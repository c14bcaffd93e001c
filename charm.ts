// The executable: the definition, the real machine, and Juju's environment, given to main(); nothing else. What does not
// concern this unit ends here, before anything is loaded; so does an update-status before which all is as it was. With `exporter FILE` it is another program: the one behind
// concourse-exporter.service.
import { readFileSync, rmSync } from 'node:fs';
import { calmNotePath, isOthersBusiness, quietNotePath, readQuietNote } from './src/quiet.ts';

const { env } = process;
// The lab gives each unit a directory as its root; Juju sets no such variable.
const root = env.JUJU_LAB_ROOT;
if (process.argv[2] === 'exporter') {
  await runExporter(process.argv[3] ?? '');
} else if (!isQuiet() && !(await isCalm())) {
  const [{ main }, { concourse }, { createHost }] = await Promise.all([
    import('juju-ts-ops'),
    import('./src/charm.ts'),
    import('./src/host/real/index.ts'),
  ]);
  await main(concourse(createHost(root === undefined ? {} : { root })));
}

/** Until it is told to end. A refresh of the charm takes its files away: nothing is loaded later. */
async function runExporter(file: string): Promise<void> {
  const [{ exporter }, { serve }, { createHost }] = await Promise.all([
    import('./src/exporter/program.ts'),
    import('./src/host/real/http-serve.ts'),
    import('./src/host/real/index.ts'),
    import('./src/host/real/http-probe.ts'),
  ]);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stop.abort());
  const say = (line: string) => process.stdout.write(`${line}\n`);
  await exporter(createHost(), file, { serve, say, signal: stop.signal });
}

function isQuiet(): boolean {
  const unit = env.JUJU_UNIT_NAME ?? '';
  const event = {
    dispatchPath: env.JUJU_DISPATCH_PATH ?? '',
    remoteUnit: env.JUJU_REMOTE_UNIT ?? '',
    departingUnit: env.JUJU_DEPARTING_UNIT ?? '',
    unit,
  };
  // Most events concern it whatever was noted: no file is read for those.
  if (!isOthersBusiness(event, { installer: '' })) return false;
  return isOthersBusiness(event, readQuietNote(readText(quietNotePath(`${root ?? ''}/run`, unit))));
}

/** Neither zod nor anything that decides is loaded for it. */
async function isCalm(): Promise<boolean> {
  if (!/^(?:hooks\/)?update-status$/.test(env.JUJU_DISPATCH_PATH ?? '')) return false;
  const file = calmNotePath(`${root ?? ''}/run`, env.JUJU_UNIT_NAME ?? '');
  const text = readText(file);
  if (text === undefined) return false;
  const [{ aboutThis, isCalm: isAsItWas, asking }, { createHost }] = await Promise.all([
    import('./src/calm/executable.ts'),
    import('./src/host/real/index.ts'),
  ]);
  const host = createHost(root === undefined ? {} : { root });
  if (await isAsItWas(text, { host, ask: asking(env), about: aboutThis(env) })) return true;
  // What is loaded now would ask all of it again.
  rmSync(file, { force: true });
  return false;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
