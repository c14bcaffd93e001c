// What can go wrong with the volume in ways that callers tell apart.
import type { Holder } from './holder.ts';
import { describeHolder } from './holder.ts';

/** Another holds the install lock, and went on holding it for as long as this unit was willing to wait. */
export class LockBusy extends Error {
  override name = 'LockBusy';
  /** Undefined when the holder has not (or not yet) written who it is. */
  readonly holder: Holder | undefined;
  readonly waitedMs: number;
  constructor(holder: Holder | undefined, waitedMs: number) {
    super(
      `the install lock is held by ${holder === undefined ? 'an unknown holder' : describeHolder(holder)}`,
    );
    this.holder = holder;
    this.waitedMs = waitedMs;
  }
}

/** The install lock was taken from this process (it was frozen, or cut off, for too long): nothing more may be changed. */
export class LeaseLost extends Error {
  override name = 'LeaseLost';
  constructor(reason: string, options?: { cause?: unknown }) {
    super(`the install lock was lost: ${reason}`, options);
  }
}

/** The volume cannot be written to. `code` is the system's: EROFS, EACCES, ENOSPC, … */
export class VolumeFailure extends Error {
  override name = 'VolumeFailure';
  readonly code: string;
  constructor(what: string, code: string, options?: { cause?: unknown }) {
    super(`${what}: ${describe(code)}`, options);
    this.code = code;
  }
}

/** What an operator can bring about on a volume, as opposed to a bug of ours. */
export const volumeCodes = [
  'EROFS',
  'EACCES',
  'EPERM',
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'ENOTCONN',
  'ESTALE',
  'EHOSTDOWN',
];

function describe(code: string): string {
  const words: Record<string, string> = {
    EROFS: 'it is read-only',
    EACCES: 'permission denied',
    EPERM: 'not permitted',
    ENOSPC: 'no space left',
    EDQUOT: 'quota exceeded',
    EIO: 'input/output error',
    ENOTCONN: 'the file server is not connected',
    ESTALE: 'the file server no longer knows the file',
    EHOSTDOWN: 'the file server is down',
    ENOENT: 'it is not there',
    ENOTDIR: 'it is not a directory',
  };
  return words[code] === undefined ? code : `${words[code]} (${code})`;
}
