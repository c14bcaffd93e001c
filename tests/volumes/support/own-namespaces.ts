// Namespaces of one's own for whatever is to leave nothing behind.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Runs `command` as root of namespaces of its own, visibly: no process, mount or network that it makes outlives it, and it
 * does not outlive the process that calls this, however that ends. Its exit code. */
export function runInOwnNamespaces(command: readonly string[], env: NodeJS.ProcessEnv): number {
  const apart = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
  const inside = ['/bin/sh', join(import.meta.dirname, 'inside.sh')];
  const args = ['--pdeathsig', 'KILL', ...apart, ...inside, ...command];
  const { status, error } = spawnSync('setpriv', args, { stdio: 'inherit', env });
  if (error !== undefined) throw new Error('cannot start setpriv (package util-linux)', { cause: error });
  return status ?? 1;
}
