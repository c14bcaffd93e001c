// One upgrade in the lab, watched from outside; and beside it what a bare restart of the same services takes.
import type { Lab } from 'juju-lab';
import { WEB_SERVICE } from '../../../src/concourse/web.ts';
import { WORKER_SERVICE } from '../../../src/concourse/worker.ts';
import { allRun, application, settledLab } from '../settled-lab.ts';
import { type Outage, type Target, Watch } from './poll.ts';

export interface Downtime {
  unit: string;
  role: 'web' | 'worker';
  /** In the upgrade: all its outages together. */
  upgradeMs: number;
  /** How many those were. */
  outages: number;
  /** Of `systemctl restart` alone, afterwards. */
  restartMs: number;
}

/** How often each service is asked, ms: what shorter outages are missed, and how exact a figure is. */
export const everyMs = 10;
const services = { web: WEB_SERVICE, worker: WORKER_SERVICE };

export async function upgradeOnce(options: {
  directory: string;
  charm: string;
  archives: readonly string[];
  versions: readonly [string, string];
  workers: number;
}): Promise<Downtime[]> {
  const [first, second] = options.versions;
  const { lab, close } = await settledLab({ ...options, version: first });
  const targets = lab.juju.units(application).map((unit) => targetOf(lab, unit));
  const watch = new Watch(targets, everyMs);
  try {
    lab.configure(application, { version: second });
    await allRun(lab, second);
    const upgrade = await watch.outagesOf(targets.map(({ name }) => name));
    const restart: Outage[] = [];
    for (const { name, role } of targets) {
      const { code, stderr } = await lab.unit(name).systemd.command('systemctl', ['restart', services[role]]);
      if (code !== 0) throw new Error(`systemctl restart ${services[role]} on ${name}: ${stderr}`);
      restart.push(...(await watch.outagesOf([name])));
    }
    return targets.map(({ name, role }) => ({
      unit: name,
      role,
      upgradeMs: total(upgrade, name),
      outages: upgrade.filter((outage) => outage.name === name).length,
      restartMs: total(restart, name),
    }));
  } finally {
    await watch.end();
    await close();
  }
}

function targetOf(lab: Lab, name: string): Target & { role: 'web' | 'worker' } {
  const address = lab.juju.model.units.get(name)?.address ?? '';
  const role = lab.juju.databag('peers', name).role === 'worker' ? 'worker' : 'web';
  const url = role === 'web' ? `http://${address}:8080/api/v1/info` : `http://${address}:8888/`;
  return { name, role, url };
}

const total = (outages: readonly Outage[], unit: string): number =>
  outages.filter(({ name }) => name === unit).reduce((sum, { ms }) => sum + ms, 0);
