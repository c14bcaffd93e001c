// The story that `npm start` plays: deploy, a worker joins, upgrade; with everything measured on the way.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from 'juju-lab';
import { downtimeOf } from './downtime.ts';
import type { Mirror } from './mirror.ts';
import type { Row, Scene, View } from './view.ts';

export const application = 'concourse-ci';
const settleMs = 600_000;

export interface Stage {
  lab: Lab;
  mirror: Mirror;
  view: View;
  first: string;
  second: string;
  workers: number;
  config: Record<string, string | number | boolean>;
  postgres: string;
  /** A worker more after the first deployment. */
  oneMore: boolean;
}

/** What was seen of the upgrade, by watching the databags. */
export interface UpgradeSeen {
  id: number;
  states: string[];
  acknowledged: string[];
  workerDowntimeMs: Record<string, number>;
}

export async function play(stage: Stage): Promise<UpgradeSeen> {
  const { lab, view, first, second, workers, mirror } = stage;
  view.title(
    `1. Deploy: one web and ${workers} worker${workers === 1 ? '' : 's'} on one volume, Concourse ${first}`,
  );
  const postgres = lab.juju.addSecret('postgres', { uri: stage.postgres });
  const config = { ...stage.config, version: first, 'release-mirror': mirror.url, 'postgres-uri': postgres };
  lab.deploy(application, { units: 1 + workers, config });
  lab.operate((juju) => juju.grantSecret('postgres', application));
  await allRun(lab, first);

  if (stage.oneMore) {
    view.title('2. A worker more: it finds the release on the volume, and downloads nothing');
    const before = mirror.downloads.length;
    lab.addUnit(application);
    await allRun(lab, first);
    view.event('mirror', `${mirror.downloads.length - before} downloads for the new worker`);
  }

  view.title(
    `${stage.oneMore ? '3' : '2'}. Upgrade all together: juju config ${application} version=${second}`,
  );
  const watch = watchUpgrade(lab);
  lab.configure(application, { version: second });
  await allRun(lab, second);
  return watch.end();
}

/** Every unit is active, and what it runs is `version`. */
async function allRun(lab: Lab, version: string): Promise<void> {
  const late = () => `not every unit runs ${version}:\n${JSON.stringify(rowsOf(lab), undefined, 1)}`;
  await lab.waitFor(
    () => rowsOf(lab).every(({ status, runs }) => status === 'active' && runs === version),
    settleMs,
    late,
  );
  await lab.settle({ timeoutMs: settleMs });
}

export function factsOf(lab: Lab, unit: string): Record<string, string> {
  return lab.juju.databag('peers', unit);
}

export function rowsOf(lab: Lab): Row[] {
  return lab.juju.units(application).map((unit) => {
    const facts = factsOf(lab, unit);
    const { status, message } = lab.juju.unitStatus(unit);
    const leader = lab.juju.leader(application) === unit ? '*' : '';
    return {
      unit: `${unit}${leader}`,
      role: facts['role'] ?? '',
      status,
      runs: facts['running-web'] ?? facts['running-worker'] ?? '',
      upgrade: facts['upgrade-state'] ?? (facts['upgrade-ready'] === 'true' ? 'ready' : ''),
      message,
    };
  });
}

/** For the live view: the table, and the download that is under way. */
export function sceneOf(lab: Lab): Scene {
  try {
    const text = readFileSync(join(lab.volume, '.download_in_progress'), 'utf8');
    const { version, bytes, total } = JSON.parse(text);
    return {
      rows: rowsOf(lab),
      progress: { what: `downloading ${version}`, share: total > 0 ? bytes / total : 0 },
    };
  } catch (error) {
    // Nothing is being downloaded, or the file is being replaced right now.
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error))
      return { rows: rowsOf(lab), progress: undefined };
    throw error;
  }
}

/** Follows the databags and the workers' services through one upgrade. */
function watchUpgrade(lab: Lab): { end(): UpgradeSeen } {
  const states: string[] = [];
  const acknowledged = new Set<string>();
  const downtime = downtimeOf(lab, 'concourse-worker.service');
  let id = 0;
  const look = () => {
    for (const unit of lab.juju.units(application)) {
      const facts = factsOf(lab, unit);
      const state = facts['upgrade-state'];
      if (state !== undefined && states.at(-1) !== state) states.push(state);
      if (state !== undefined) id = Number(facts['upgrade-id']);
      if (facts['upgrade-ready'] === 'true') acknowledged.add(unit);
    }
  };
  lab.events.on('change', look);
  return {
    end: () => {
      lab.events.off('change', look);
      return { id, states, acknowledged: [...acknowledged].sort(), workerDowntimeMs: downtime.end() };
    },
  };
}
