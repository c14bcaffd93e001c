// The unit's workload status: collected from anywhere during the hook, the worst one is written, once and last.
import type { Masks } from './log.ts';
import { freeText, type Tools } from './tools.ts';

/** From worst to best: of several that were added the first kind in this list is shown. */
export const statusOrder = ['blocked', 'maintenance', 'waiting', 'active'] as const;
export type StatusName = (typeof statusOrder)[number];
export interface Status {
  status: StatusName;
  /** One line of at most 120 characters. */
  message?: string;
}

/** On one line, cut at 500 characters. */
export function statusLine(message: string): string {
  const line = message.replaceAll('\0', ' ').replace(/\s+/g, ' ').trim();
  return line.length > 500 ? `${line.slice(0, 499)}…` : line;
}

export class StatusBoard {
  readonly #tools: Tools;
  readonly #masks: Masks;
  readonly #added: Status[] = [];

  constructor(tools: Tools, masks: Masks) {
    this.#tools = tools;
    this.#masks = masks;
  }

  /** Adds a candidate. Of equally bad ones the first counts. */
  add(status: Status): void {
    this.#added.push(status);
  }

  /** What would be written now. */
  worst(): Status | undefined {
    return statusOrder
      .map((name) => this.#added.find((one) => one.status === name))
      .find((one) => one !== undefined);
  }

  /** Writes at once. The hook framework calls it for `progress` and at the end. */
  async write({ status, message = '' }: Status): Promise<void> {
    await this.#tools.run('status-set', [status, ...freeText(this.#masks.apply(statusLine(message)))]);
  }

  async publish(): Promise<void> {
    const worst = this.worst();
    if (worst) await this.write(worst);
  }
}
