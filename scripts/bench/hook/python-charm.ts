// What hooks are compared with: a charm on the Python framework `ops` that says hello and does nothing else.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPrograms } from '../../test/debian-packages.ts';

export interface PythonCharm {
  directory: string;
  /** `ops 3.4.0, Python 3.11.7` */
  versions: string;
}

const root = join(import.meta.dirname, '../../..');
/** Kept from run to run. */
const environment = join(root, 'node_modules/.cache/bench/ops');

const source = `#!/usr/bin/env python3
import ops


class HelloCharm(ops.CharmBase):
    def __init__(self, framework):
        super().__init__(framework)
        for event in (self.on.start, self.on.config_changed, self.on.update_status):
            framework.observe(event, self._hello)
        framework.observe(self.on.peers_relation_changed, self._hello)

    def _hello(self, event):
        self.unit.status = ops.ActiveStatus("hello, world")


if __name__ == "__main__":
    ops.main(HelloCharm)
`;

/** The charm as a folder; or why there is none: without Python's package index there is no `ops`. */
export function pythonCharm(directory: string): PythonCharm | { missing: string } {
  const python = join(environment, 'bin/python');
  const missing = installedOps(python) ? undefined : installOps(python);
  if (missing !== undefined) return { missing };
  mkdirSync(join(directory, 'src'), { recursive: true });
  writeFileSync(
    join(directory, 'metadata.yaml'),
    'name: hello\nsummary: hello\ndescription: hello\npeers:\n  peers:\n    interface: hello\n',
  );
  writeFileSync(join(directory, 'src/charm.py'), source);
  // As charmcraft's, which sets the environment's folder as PYTHONPATH; the interpreter knows it here.
  writeFileSync(join(directory, 'dispatch'), `#!/bin/sh\nexec '${python}' ./src/charm.py\n`);
  chmodSync(join(directory, 'dispatch'), 0o755);
  const said = spawnSync(
    python,
    ['-c', 'import ops, platform; print(f"ops {ops.__version__}, Python {platform.python_version()}")'],
    { encoding: 'utf8' },
  );
  return { directory, versions: said.stdout.trim() };
}

const installedOps = (python: string): boolean =>
  existsSync(python) && spawnSync(python, ['-c', 'import ops'], { stdio: 'ignore' }).status === 0;

/** From Python's package index, into an environment of its own. Returns why that is not possible, if it is not. */
function installOps(python: string): string | undefined {
  installPrograms({ python3: 'python3' });
  const usable = spawnSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' }).status === 0;
  // A file of the package: Debian parts it from Python.
  if (!usable) installPrograms({ '/usr/share/doc/python3-venv': 'python3-venv' });
  for (const command of [
    ['python3', '-m', 'venv', '--clear', environment],
    [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'ops>=3,<4'],
  ]) {
    const [program = '', ...args] = command;
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) return `${command.join(' ')}: ${stderr.trim().split('\n').at(-1) ?? `exit ${status}`}`;
  }
  return undefined;
}
