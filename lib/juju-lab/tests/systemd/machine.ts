// One machine for the tests of the systemd stand-in: a temporary root, unit files in it, and events to wait for.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type CommandOutput,
  ManualClock,
  type Service,
  Systemd,
  type SystemdOptions,
} from '../../src/systemd/index.ts';

export interface TestMachine extends AsyncDisposable {
  systemd: Systemd;
  clock: ManualClock;
  root: string;
  write(path: string, text: string): string;
  /** Writes a service's unit file from the lines of its [Service] section. */
  unit(name: string, service: readonly string[], unit?: readonly string[]): void;
  systemctl(...argv: string[]): Promise<CommandOutput>;
  /** The values of properties, in the order asked for. */
  show(name: string, ...properties: string[]): Promise<string[]>;
  /** Waits until the service is in a state such as `active/running` or `failed/failed`. */
  reaches(name: string, state: string): Promise<Service>;
  /** Waits until the service has printed a line that contains `text`. */
  prints(name: string, text: string): Promise<string>;
  /** Everything said about, or by, the service. */
  said(name: string): string[];
}

export function machine(options: Partial<SystemdOptions> = {}): TestMachine {
  const root = mkdtempSync(join(tmpdir(), 'systemd-'));
  const clock = new ManualClock();
  const waiting = new Set<() => void>();
  const systemd = new Systemd({
    root,
    clock,
    ...options,
    onChange: () => {
      for (const look of waiting) look();
    },
  });
  const write = (path: string, text: string) => {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text, { mode: 0o755 });
    return full;
  };
  const test: TestMachine = {
    systemd,
    clock,
    root,
    write,
    unit: (name, service, unit = []) => {
      const text = [
        '[Unit]',
        ...unit,
        '[Service]',
        ...service,
        '[Install]',
        'WantedBy=multi-user.target',
        '',
      ];
      write(`etc/systemd/system/${name}`, text.join('\n'));
    },
    systemctl: (...argv) => systemd.command('systemctl', argv),
    show: async (name, ...properties) => {
      const { stdout } = await systemd.command('systemctl', ['show', name]);
      const all = new Map(
        stdout.split('\n').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]),
      );
      return properties.map((property) => all.get(property) ?? '');
    },
    reaches: (name, state) =>
      new Promise((resolve) => {
        const look = () => {
          const service = systemd.services.get(name)?.service;
          if (service === undefined || `${service.active}/${service.sub}` !== state) return;
          waiting.delete(look);
          resolve(service);
        };
        waiting.add(look);
        look();
      }),
    prints: async (name, text) =>
      (
        await systemd.journal.waitFor(
          ({ unit, from, message }) => unit === name && from === 'service' && message.includes(text),
        )
      ).message,
    said: (name) =>
      systemd.journal.entries().flatMap(({ unit, message }) => (unit === name ? [message] : [])),
    [Symbol.asyncDispose]: async () => {
      await systemd.cut();
      rmSync(root, { recursive: true, force: true });
    },
  };
  return test;
}

/** Whether a process is there and is not a zombie. */
export function lives(systemd: Systemd, pid: number): boolean {
  return systemd.processes().some((each) => each.pid === pid);
}
