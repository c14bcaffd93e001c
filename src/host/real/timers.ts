// One-shot timers that wake this unit, as transient systemd units. Two slots for each timer: a hook that was woken by one
// is itself awaited by that slot's service, so arming it anew needs a name that is free.
import type { Commands, Services } from '../host.ts';
import { parseShow } from './service-show.ts';
import { ask } from './services.ts';

const armMs = 30_000;
const leastDelayMs = 1000;

interface Slot {
  name: string;
  waiting: boolean;
  /** The command runs now: perhaps it waits for the hook that is asking. */
  running: boolean;
  /** The command failed and is tried again by systemd. */
  retrying: boolean;
}

export function systemdTimers(
  commands: Commands,
  systemctl: (args: readonly string[]) => Promise<string>,
): Pick<Services, 'armTimer' | 'timerArmed' | 'disarmTimer'> {
  const slotsOf = async (timer: string): Promise<Slot[]> => {
    const names = [timer, `${timer}-again`];
    const units = names.flatMap((name) => [`${name}.timer`, `${name}.service`]);
    const shown = parseShow(await systemctl(['show', ...units, '--property=ActiveState,SubState']));
    return names.map((name, index) => {
      const state = shown[index * 2]?.ActiveState;
      const service = shown[index * 2 + 1] ?? {};
      const retrying = service.SubState === 'auto-restart';
      const running =
        !retrying && ['active', 'activating', 'deactivating'].includes(service.ActiveState ?? '');
      return { name, waiting: state === 'active' && !running, running, retrying };
    });
  };
  const disarm = async (slots: readonly Slot[]) => {
    const units = slots.flatMap(({ name, waiting, retrying }) => [
      ...(waiting ? [`${name}.timer`] : []),
      ...(retrying ? [`${name}.service`] : []),
    ]);
    if (units.length > 0) await systemctl(['stop', ...units]);
  };
  return {
    armTimer: async (timer, delayMs, command) => {
      const slots = await slotsOf(checked(timer));
      await disarm(slots);
      const free = slots.find(({ running }) => !running);
      if (free === undefined) return; // Both commands run: each wakes the unit once more when the present hook ends.
      const seconds = (Math.max(delayMs, leastDelayMs) / 1000).toFixed(3);
      const args = [
        '--quiet',
        '--collect',
        `--unit=${free.name}`,
        `--on-active=${seconds}s`,
        '--timer-property=AccuracySec=100ms',
        '--property=Restart=on-failure',
        '--property=RestartSec=5s',
        '--property=StartLimitIntervalSec=0',
        '--',
        ...command,
      ];
      await ask(commands, 'systemd-run', args, armMs);
    },
    timerArmed: async (timer) =>
      (await slotsOf(checked(timer))).some(({ waiting, retrying }) => waiting || retrying),
    disarmTimer: async (timer) => disarm(await slotsOf(checked(timer))),
  };
}

function checked(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name))
    throw new Error(`not a timer's name: ${JSON.stringify(name)}`);
  return name;
}
