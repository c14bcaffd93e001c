// How long a service of each unit was not running, by the states that systemd's stand-in reports.
import type { Lab } from 'juju-lab';

export function downtimeOf(lab: Lab, service: string): { end(): Record<string, number> } {
  const downSince = new Map<string, number>();
  const total = new Map<string, number>();
  const onService = (change: { unit: string; service: string; state: string }) => {
    if (change.service !== service) return;
    const now = performance.now();
    const since = downSince.get(change.unit);
    if (change.state === 'active' && since !== undefined) {
      total.set(change.unit, (total.get(change.unit) ?? 0) + now - since);
      downSince.delete(change.unit);
    } else if (change.state !== 'active' && since === undefined) {
      downSince.set(change.unit, now);
    }
  };
  lab.events.on('service', onService);
  return {
    end: () => {
      lab.events.off('service', onService);
      return Object.fromEntries([...total].sort().map(([unit, ms]) => [unit, Math.round(ms)]));
    },
  };
}
