// Other hosts on the switch of the machines: servers whose answers a test gives, and clients that it sends.
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Site } from 'juju-lab';

export interface Asked {
  method: string;
  path: string;
  body: string;
}

export interface Answer {
  status: number;
  body: string;
  /** Of the certificate of who answered by HTTPS. */
  serial?: string | undefined;
}

interface Question {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** In PEM: who must have vouched for the server. */
  ca?: string;
  /** The name by which the server is asked for, where its address is in the URL. */
  host?: string;
}

interface Place {
  port: number;
  /** The switch's, unless it is given. */
  address?: string;
  tls?: { cert: string; key: string };
}

/** To the process on the switch. */
export type Told =
  | ({ serve: number; address: string } & Omit<Place, 'address'>)
  | ({ ask: number; url: string } & Question)
  | ({ answerTo: number } & Answer);
/** From there. */
export type Said =
  | ({ asked: number; by: number } & Asked)
  | { done: number; answer?: Answer; failed?: string };

export class Switchboard {
  readonly #site: Site;
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (asked: Asked) => Answer | Promise<Answer>>();
  readonly #pending = new Map<number, (said: Extract<Said, { done: number }>) => void>();
  #last = 0;

  /** It goes with the site. */
  constructor(site: Site) {
    this.#site = site;
    const program = join(import.meta.dirname, 'switchboard-process.ts');
    this.#child = fork(program, [], {
      execPath: '/usr/bin/nsenter',
      execArgv: [`--net=/run/netns/${site.switchNamespace}`, process.execPath],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: {},
    });
    this.#child.unref();
    this.#child.on('message', (said: Said) => {
      if ('done' in said) this.#pending.get(said.done)?.(said);
      else void this.#answer(said);
    });
  }

  /** Another address of the switch, as if it were another host. */
  addAddress(address: string): void {
    const words = ['-n', this.#site.switchNamespace, 'addr', 'add', `${address}/24`, 'dev', 'br0'];
    execFileSync('ip', words, { stdio: 'inherit' });
  }

  async serve(place: Place, answer: (asked: Asked) => Answer | Promise<Answer>): Promise<void> {
    const id = this.#next();
    this.#answers.set(id, answer);
    await this.#call(id, { serve: id, address: this.#site.switchAddress, ...place });
  }

  /** Undefined when nobody answers. */
  async ask(url: string, question: Question = {}): Promise<Answer | undefined> {
    const id = this.#next();
    return (await this.#call(id, { ask: id, url, ...question })).answer;
  }

  async #answer({ asked, by, ...request }: Extract<Said, { asked: number }>): Promise<void> {
    const none = { status: 502, body: '' };
    this.#send({ answerTo: asked, ...((await this.#answers.get(by)?.(request)) ?? none) });
  }

  #call(id: number, told: Told): Promise<Extract<Said, { done: number }>> {
    return new Promise((resolve) => {
      this.#pending.set(id, (said) => {
        this.#pending.delete(id);
        resolve(said);
      });
      this.#send(told);
    });
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }

  #send(told: Told): void {
    this.#child.send(told);
  }
}
