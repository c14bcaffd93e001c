// Loaded into a hook's process before the charm (NODE_OPTIONS=--import): counts what the process does to the world, file
// by file and program by program, and kills it with SIGKILL right after the KILL_AT-th. Writes how many it counted, and
// the last of them, to KILL_REPORT. The charm knows nothing of it.
import childProcess from 'node:child_process';
import { writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const killAt = Number(process.env.KILL_AT ?? Number.POSITIVE_INFINITY);
const report = process.env.KILL_REPORT;
// Programs that the hook starts are not hooks.
delete process.env.NODE_OPTIONS;
delete process.env.KILL_AT;
delete process.env.KILL_REPORT;

let count = 0;
const log = writeFileSync;

function happened(what) {
  count += 1;
  if (report !== undefined) log(report, `${count} ${what}\n`);
  if (count === killAt) process.kill(process.pid, 'SIGKILL');
}

/** Counted when it is done: to be killed after one effect is to be killed before the next. */
function counted(owner, name, describe, matters = () => true) {
  const original = owner[name];
  owner[name] = async function (...args) {
    const result = await original.apply(this, args);
    if (matters(...args)) happened(describe(...args));
    return result;
  };
}

const first = (name) => (path) => `${name} ${path}`;
const two = (name) => (from, to) => `${name} ${from} ${to}`;
for (const name of ['mkdir', 'unlink', 'rm', 'rmdir', 'chmod', 'lchown', 'writeFile', 'truncate', 'utimes']) {
  counted(promises, name, first(name));
}
for (const name of ['rename', 'link', 'symlink']) counted(promises, name, two(name));
counted(promises, 'open', first('open'), (_path, flags) => typeof flags === 'string' && /[wax+]/.test(flags));

const handle = await promises.open('/dev/null');
const prototype = Object.getPrototypeOf(handle);
await handle.close();
for (const name of ['write', 'writev', 'writeFile', 'sync', 'datasync', 'chmod', 'truncate']) {
  counted(prototype, name, () => `handle ${name}`);
}

// The latter starts its programs by a `spawn` of its own.
for (const name of ['spawn', 'execFile']) {
  const begin = childProcess[name];
  childProcess[name] = (...args) => {
    const child = begin(...args);
    const line = Array.isArray(args[1]) ? [args[0], ...args[1]].join(' ') : args[0];
    child.once('exit', () => happened(`program ${line.slice(0, 100)}`));
    return child;
  };
}
syncBuiltinESMExports();
