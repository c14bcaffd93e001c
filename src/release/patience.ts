// How often and how long a download that fails is tried again: often enough for a bad network, never for ever.
import type { Host } from '../host/host.ts';
import { ReleaseError, type ReleaseFailure } from './failures.ts';
import { withoutCredentials } from './source.ts';

const firstBackOffMs = 1_000;
const maxBackOffMs = 16_000;
const maxRetryAfterMs = 60_000;
/** A server that breaks after every few MiB does not keep a hook busy for ever. */
const maxConnections = 100;

export interface PatientRequest {
  url: string;
  signal: AbortSignal;
  /** Tries in a row that may fail after the first one; 5 unless told. */
  retries?: number;
  log(level: 'info' | 'warning', text: string): void;
}

/** The waits of one download. */
export class Patience {
  #inARow = 0;
  #connections = 1;
  readonly #machine: Pick<Host, 'clock' | 'random'>;
  readonly #request: PatientRequest;

  constructor(machine: Pick<Host, 'clock' | 'random'>, request: PatientRequest) {
    this.#machine = machine;
    this.#request = request;
  }

  renew(): void {
    this.#inARow = 0;
  }

  /** Waits before the next try, or throws the failure: back-off doubles from 1 s to 16 s, less up to a half at random. */
  async spend(
    failure: ReleaseFailure,
    answer: { giveUp?: boolean; retryAfter?: string | undefined } = {},
  ): Promise<void> {
    const { clock, random } = this.#machine;
    const { log, signal, url, retries = 5 } = this.#request;
    if (answer.giveUp === true || this.#inARow >= retries || this.#connections >= maxConnections) {
      throw new ReleaseError(failure);
    }
    const backOffMs = Math.min(firstBackOffMs * 2 ** this.#inARow, maxBackOffMs);
    const jittered = Math.round(backOffMs * (1 - random.bytes(2).readUInt16BE() / 0x20000));
    const waitMs = Math.max(jittered, retryAfterMs(answer.retryAfter, clock.now()));
    this.#inARow += 1;
    this.#connections += 1;
    log(
      'warning',
      `${withoutCredentials(url)}: ${new ReleaseError(failure).message}; trying again in ${waitMs} ms`,
    );
    await clock.wait(waitMs, signal);
  }
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3) → ms from now, 60 s at most; 0 when there is none. */
function retryAfterMs(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), maxRetryAfterMs);
}
