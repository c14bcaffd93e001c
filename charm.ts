// The executable: the definition, the real machine, and Juju's environment, given to main(); nothing else. What does not
// concern this unit ends here, before anything is loaded.
import { readFileSync } from 'node:fs';
import { isOthersBusiness, quietNotePath, readQuietNote } from './src/quiet.ts';

const { env } = process;
// The lab gives each unit a directory as its root; Juju sets no such variable.
const root = env.JUJU_LAB_ROOT;
if (!isQuiet()) {
  const [{ main }, { concourse }, { createHost }] = await Promise.all([
    import('juju-ts-ops'),
    import('./src/charm.ts'),
    import('./src/host/real/index.ts'),
  ]);
  await main(concourse(createHost(root === undefined ? {} : { root })));
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

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
