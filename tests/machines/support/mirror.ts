// The mirror of release archives on the switch, as tests see it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Site } from 'juju-lab';
import { type Base, mirrorHost } from './rootfs.ts';

export interface Told {
  /** From the next download on: stop after so many bytes, and never go on. undefined: serve. */
  hold?: { atByte: number };
}

export interface Tells {
  listening?: true;
  /** Sent to the last byte. */
  served?: string;
  held?: string;
  /** `host:port` that somebody asked the proxy for. */
  proxied?: string;
}

export interface SwitchMirror {
  url: string;
  readonly served: readonly string[];
  readonly proxied: readonly string[];
  /** Lets the next download stop at that byte; resolves once it has. */
  holdAt(byte: number): Promise<void>;
  letGo(): void;
}

export async function serveOnSwitch(
  site: Site,
  base: Base,
  archives: readonly string[],
): Promise<SwitchMirror> {
  const program = join(import.meta.dirname, 'mirror-process.ts');
  const child = fork(program, [site.switchAddress, base.certificate, base.key, ...archives], {
    execPath: '/usr/bin/nsenter',
    execArgv: [`--net=/run/netns/${site.switchNamespace}`, process.execPath],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {},
  });
  const served: string[] = [];
  const proxied: string[] = [];
  let whenHeld = (): void => undefined;
  child.on('message', (message: Tells) => {
    if (message.served !== undefined) served.push(message.served);
    if (message.proxied !== undefined) proxied.push(message.proxied);
    if (message.held !== undefined) whenHeld();
  });
  await once(child, 'message');
  child.unref();
  const send = (message: Told): void => void child.send(message);
  return {
    url: `https://${mirrorHost}`,
    served,
    proxied,
    holdAt(byte) {
      send({ hold: { atByte: byte } });
      return new Promise((resolve) => {
        whenHeld = resolve;
      });
    },
    letGo: () => send({}),
  };
}
