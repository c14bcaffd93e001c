// Before the tier: both charms are packed by the command that users type, and unpacked as Juju does.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { archive, cache, project, takeRunFolder, unpacked } from './folders.ts';
import { copyProject } from './project-copy.ts';
import { rootfs } from './rootfs.ts';

export function setup(): () => void {
  mkdirSync(cache, { recursive: true });
  const folder = takeRunFolder();
  copyProject(project());
  const npm = ['run', '--silent', 'pack', '--', '--out', folder];
  execFileSync('npm', npm, { cwd: project(), stdio: ['ignore', 'ignore', 'inherit'] });
  for (const each of ['amd64', 'arm64']) {
    execFileSync('unzip', ['-q', archive(each), '-d', unpacked(each)]);
  }
  rootfs();
  return () => rmSync(join(folder), { recursive: true, force: true });
}
