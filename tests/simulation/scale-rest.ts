// How a large application comes to rest without the N² introductions of its units: each unit runs its own hooks for real, and
// is then as if it had met the others and heard them all.
import type { Operation } from 'juju-ts-ops/testing';
import { type Site, web } from './scale-site.ts';

const roundsAtMost = 6;

/** Deployed; web answers, all workers run, no unit has anything to do. */
export async function bringToRest(site: Site): Promise<void> {
  await untilIdle(site, web);
  const workers = site.units.filter((name) => name !== web);
  for (const name of workers) await untilIdle(site, name);
  for (let round = 0; ; round += 1) {
    if (round === roundsAtMost) throw new Error(`no rest after ${round} rounds`);
    acquaint(site, web);
    await runNow(site, web, updateStatus);
    let ran = 0;
    for (const name of workers) ran += await untilIdle(site, name);
    if (ran === 0) break;
  }
  for (const name of site.units) acquaint(site, name);
  for (const name of site.units) {
    const { status, message } = site.juju.unitStatus(name);
    if (status !== 'active' || site.machine(name).services.timers.size > 0)
      throw new Error(`${name} is not at rest: ${status}: ${message}`);
  }
}

const updateStatus: Operation = {
  kind: 'hook',
  name: 'update-status',
  hook: { name: 'update-status', kind: 'update-status' },
};

/** Of the others, a worker meets only web; says how many operations ran. */
async function untilIdle(site: Site, name: string): Promise<number> {
  for (let ran = 0; ; ran += 1) {
    const operation = nextAmong(site, name, [web, name]);
    if (operation === undefined) return ran;
    await runNow(site, name, operation);
  }
}

/** What the unit would run if only these had entered the relation. */
function nextAmong(site: Site, name: string, members: readonly string[]): Operation | undefined {
  const relation = [...site.juju.model.relations.values()].at(0);
  if (relation === undefined) return site.juju.next(name);
  const { scope } = relation;
  relation.scope = new Set(members.filter((each) => scope.has(each)));
  try {
    return site.juju.next(name);
  } finally {
    relation.scope = scope;
  }
}

async function runNow(site: Site, name: string, operation: Operation): Promise<void> {
  const run = await site.run(name, operation);
  site.now = Math.max(site.now, Math.ceil(run.endsAt));
  run.finish();
}

/** The unit is as if it had run joined and changed for all the others, as they are now. */
function acquaint(site: Site, name: string): void {
  const { agent } = site.unit(name);
  const { relation } = site;
  const view = agent.relations.get(relation.id);
  if (view === undefined) return;
  for (const other of relation.scope) {
    const version = relation.bags.get(other)?.version ?? '0';
    if (other === name || view.members.get(other) === version) continue;
    view.members.set(other, version);
    agent.remoteBags.delete(`${relation.id}/${other}`);
  }
}
