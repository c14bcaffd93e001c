// systemd, asked and told by systemctl. Works with whatever `systemctl` is first on the PATH.
import path from 'node:path';
import { SystemdFailure } from '../errors.ts';
import type { Commands, Files, Services } from '../host.ts';
import { journalOf } from './journal.ts';
import { showServices } from './service-show.ts';
import { systemdTimers } from './timers.ts';

/** For what returns at once; `start` and `restart` may wait for a stop, which the unit's own TimeoutStopSec bounds. */
const quickMs = 30_000;
const startMs = 180_000;
const unitFileMode = 0o644;

export interface Systemd {
  commands: Commands;
  files: Files;
  /** Where unit files lie. */
  unitDirectory: string;
}

export function realServices(systemd: Systemd): Services {
  const { files } = systemd;
  const systemctl = (args: readonly string[], timeoutMs = quickMs) =>
    ask(systemd.commands, 'systemctl', args, timeoutMs);
  const unitFile = (name: string) => path.join(systemd.unitDirectory, checked(name));

  /** A hook that died between writing a unit file and reloading leaves systemd with the old text. */
  const reloadIfNeeded = async (name: string) => {
    const answer = await systemctl(['show', name, '--property=NeedDaemonReload', '--value']);
    if (answer.trim() === 'yes') await systemctl(['daemon-reload']);
  };
  const run = async (verb: 'start' | 'restart', name: string) => {
    await reloadIfNeeded(checked(name));
    await systemctl([verb, name], startMs);
  };
  const stop = async (name: string, timeoutMs: number) => {
    const [state] = Object.values(await showServices(systemctl, files, [checked(name)]));
    if (state !== undefined && ['inactive', 'failed'].includes(state.active)) return;
    await systemctl(['stop', name], timeoutMs);
  };

  return {
    show: (names) => showServices(systemctl, files, names.map(checked)),
    install: async (name, text) => {
      const file = unitFile(name);
      if ((await files.readText(file)) === text) return false;
      const fresh = path.join(systemd.unitDirectory, `.${name}.new`);
      await files.makeDirectory(systemd.unitDirectory, { mode: 0o755, recursive: true });
      await files.write(fresh, text, { mode: unitFileMode, sync: true });
      await files.rename(fresh, file);
      await systemctl(['daemon-reload']);
      return true;
    },
    uninstall: async (name) => {
      const file = unitFile(name);
      if ((await files.lstat(file)) === undefined) return;
      await stop(name, startMs);
      await systemctl(['disable', name]);
      await files.remove(file);
      await systemctl(['daemon-reload']);
    },
    enable: async (name) => {
      await systemctl(['enable', checked(name)]);
    },
    disable: async (name) => {
      if ((await files.lstat(unitFile(name))) !== undefined) await systemctl(['disable', name]);
    },
    start: (name) => run('start', name),
    restart: (name) => run('restart', name),
    stop,
    signal: async (name, signal) => {
      // systemd 252 renamed the option to --kill-whom and goes on taking the older name, which 249 (Ubuntu 22.04) needs.
      await systemctl(['kill', '--kill-who=main', `--signal=${signal}`, checked(name)]);
    },
    log: (_name, { invocation, containing }) => journalOf(systemd.commands, invocation, containing),
    ...systemdTimers(systemd.commands, systemctl),
  };
}

/** Runs a program of systemd's; its standard output, or `SystemdFailure`. */
export async function ask(
  commands: Commands,
  program: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const { code, stdout, stderr } = await commands.run(program, args, { timeoutMs });
  if (code === 0) return stdout;
  throw new SystemdFailure(
    `${program} ${args.join(' ')} failed with exit code ${code}: ${stderr.trim() || 'without a message'}`,
  );
}

/** Names become file names and arguments. */
function checked(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9:_.@\\-]*\.(service|timer|mount)$/.test(name)) {
    throw new Error(`not the name of a systemd unit: ${JSON.stringify(name)}`);
  }
  return name;
}
