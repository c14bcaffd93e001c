// Ends what was started inside a machine from outside, so that nobody's zombie stays there.
import { readFileSync } from 'node:fs';
import { killGroup } from '../child.ts';
import { codeOf } from '../errors.ts';

/** Kills what nsenter has started, and leaves nsenter to bury it: orphaned, it would be the child of this host's first
 * process, and for as long as that does not look, the machine's shutdown would wait for a zombie. */
export function killBelow(nsenter: number): void {
  const below = descendants(nsenter);
  if (below.length === 0) killGroup(nsenter);
  for (const pid of below) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // It has ended by itself meanwhile.
      if (codeOf(error) !== 'ESRCH') throw error;
    }
  }
}

function descendants(pid: number): number[] {
  return children(pid).flatMap((child) => [child, ...descendants(child)]);
}

function children(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch (error) {
    // It has ended meanwhile.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return [];
    throw error;
  }
}
