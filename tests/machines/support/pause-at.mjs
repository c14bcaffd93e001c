// Loaded into a hook's process before the charm (NODE_OPTIONS=--import): stops the process for good right before the
// effect that PAUSE_BEFORE describes, and says so: `rename REGEXP` of both paths, `open REGEXP` of the path of a file that is made,
// `spawn REGEXP` of the command line.
import childProcess from 'node:child_process';
import { writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const [effect, pattern = ''] = (process.env.PAUSE_BEFORE ?? '').split(' ', 2);
const wanted = new RegExp(pattern);
// Programs that the hook starts are not hooks.
delete process.env.NODE_OPTIONS;
delete process.env.PAUSE_BEFORE;

function pauseBefore(line) {
  if (!wanted.test(line)) return;
  writeFileSync('/srv/database/paused', `${line}\n`);
  // The whole process, whatever else it was doing.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

if (effect === 'rename') {
  const { rename } = promises;
  promises.rename = async (from, to) => {
    pauseBefore(`${from} ${to}`);
    return rename(from, to);
  };
}
if (effect === 'open') {
  const { open } = promises;
  promises.open = async (path, flags, ...rest) => {
    if (String(flags).startsWith('w')) pauseBefore(String(path));
    return open(path, flags, ...rest);
  };
}
if (effect === 'spawn') {
  // The latter starts its programs by a `spawn` of its own.
  for (const name of ['spawn', 'execFile']) {
    const begin = childProcess[name];
    childProcess[name] = (...args) => {
      pauseBefore(Array.isArray(args[1]) ? [args[0], ...args[1]].join(' ') : args[0]);
      return begin(...args);
    };
  }
}
syncBuiltinESMExports();
