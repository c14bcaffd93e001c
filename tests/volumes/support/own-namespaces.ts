// Namespaces of one's own for whatever is to leave nothing behind.
import { join } from 'node:path';

/** The command line that runs `command` as root of namespaces of its own: no process, mount or network that it makes
 * outlives it, and it does not outlive whoever starts it, even by SIGKILL. */
export function inOwnNamespaces(command: readonly string[]): [program: string, args: string[]] {
  const apart = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
  const inside = ['/bin/sh', join(import.meta.dirname, 'inside.sh')];
  return ['setpriv', ['--pdeathsig', 'KILL', ...apart, ...inside, ...command]];
}
