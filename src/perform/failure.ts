// Known failures of effects as data for the next round of deciding; anything else is a bug or a broken tool, and fails the
// hook, so that Juju runs it again.
import { hasCode, SystemdFailure } from '../host/errors.ts';
import type { Failure } from '../observed.ts';
import { LeaseLost, LockBusy, VolumeFailure, volumeCodes } from '../storage/failures.ts';

/** Thrown by an effect that found something which an operator can mend. */
export class EffectFailed extends Error {
  override name = 'EffectFailed';
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export function fail(code: string, message: string, transient = false): never {
  throw new EffectFailed({ code, message, transient });
}

/** Undefined: not one that is known. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof EffectFailed) return error.failure;
  if (error instanceof LockBusy) return { code: 'lock-busy', message: error.message, transient: true };
  if (error instanceof LeaseLost) return { code: 'lease-lost', message: error.message, transient: true };
  if (error instanceof VolumeFailure) return { code: error.code, message: error.message, transient: false };
  if (error instanceof SystemdFailure) return { code: 'systemd', message: error.message, transient: false };
  if (hasCode(error, ...volumeCodes)) {
    const where = error.path ?? 'a file';
    return {
      code: error.code ?? '',
      message: new VolumeFailure(`cannot write ${where}`, error.code ?? '').message,
      transient: false,
    };
  }
  return undefined;
}
