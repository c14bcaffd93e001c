// One hook, read as one line: observe, decide, perform, again until nothing is left to do, then publish.
import { TSA_PORT } from './concourse/web.ts';
import path from 'node:path';
import { quietNotePath, quietNoteText } from './quiet.ts';
import { rememberedSchema } from './memory.ts';
import { decide } from './decide.ts';
import { flockDoubted } from './observe/flock-view.ts';
import { observe } from './observe/observe.ts';
import type { Decision, Observed } from './observed.ts';
import { requestDatabase } from './perform/database.ts';
import { perform } from './perform/perform.ts';
import type { Session } from './session.ts';
import { statuses } from './statuses.ts';
import { openMemory } from './storage/memory.ts';
import { folderOfUnit } from './storage/layout.ts';
import { isWeb, wholeFacts } from './upgrade/facts.ts';
import { wholeGoal } from './upgrade/goal.ts';

/** More rounds than an install takes: beyond it, deciding and performing do not agree, which is a bug. */
const roundsAtMost = 24;

export async function reconcile(session: Session): Promise<void> {
  const { observed, decision } = await settle(session);
  await publish(session, observed, decision);
}

/** Rounds of observing, deciding and performing, until a decision asks for nothing. */
async function settle(session: Session): Promise<{ observed: Observed; decision: Decision }> {
  for (let round = 0; round < roundsAtMost; round += 1) {
    const observed = await observe(session);
    session.otlpEndpoint = observed.settings.otlpEndpoint;
    const decision = decide(observed);
    session.facts = decision.facts;
    if (decision.effects.length === 0) return { observed, decision };
    await performAll(session, observed, decision);
  }
  throw new Error(`nothing settles in ${roundsAtMost} rounds: last done ${[...session.done].join(', ')}`);
}

/** In order; after the first failure the situation is looked at anew. */
async function performAll(session: Session, observed: Observed, decision: Decision): Promise<void> {
  for (const effect of decision.effects) {
    const start = session.host.clock.now();
    const failure = await perform(session, observed, effect);
    const end = session.host.clock.now();
    session.effects.push({ name: effect.do, start, end, problem: failure?.message });
    if (failure !== undefined) {
      session.failures.set(effect.do, failure);
      return;
    }
    session.done.add(effect.do);
  }
}

async function publish(session: Session, o: Observed, decision: Decision): Promise<void> {
  const { hook } = session;
  await wake(session, decision.wakeAt, o.now);
  await forgetRevision(session, o.leader);
  const peer = await hook.peer('peers');
  if (decision.goal !== undefined) await peer?.setApplication(wholeGoal(decision.goal));
  peer?.setUnit(wholeFacts(decision.facts));
  if (o.flight !== undefined || o.tsa.length > 0 || session.memory.toldElsewhere) {
    const { tellElsewhere } = await import('./tell-elsewhere.ts');
    await tellElsewhere(session, { ...o, facts: decision.facts });
  }
  if (o.leader) await requestDatabase(session);
  tellJuju(session, o, isWeb(decision.facts));
  await tellWatchers(session, o, decision);
  await tellOthers(session, o, decision);
  const doubted = await flockDoubted(session, o);
  for (const status of decision.statuses)
    hook.status.add(doubted && status.status === 'active' ? statuses.flockDoubted(status) : status);
  tellMalformed(session);
  // Flock is looked at in each until it excludes.
  if (session.memory.flock === undefined) session.calmUntil = decision.wakeAt ?? Number.POSITIVE_INFINITY;
  session.situation = situationOf(o, decision);
  await noteQuiet(session, o, decision);
  await remember(session);
}

/** For the charm's figures. */
const situationOf = (o: Observed, { facts, goal = o.goal }: Decision): Session['situation'] => ({
  phase: facts['upgrade-state'] ?? 'none',
  target: goal?.version ?? '',
  installed: o.volume.installed ?? '',
  running: facts['running-web'] ?? '',
  holder: o.volume.lockedBy ?? '',
});

/** Most applications are watched by nobody: what tells the watchers is loaded where there is one. */
async function tellWatchers(session: Session, o: Observed, { facts }: Decision): Promise<void> {
  const { watchers } = session.memory;
  if (watchers === undefined ? !o.settings.metrics || !o.connected : watchers.length === 0) return;
  await (await import('./observability/tell.ts')).tellWatchers(session, o, facts);
}

/** Likewise of those whose services web uses; loaded, too, where the last of them has just gone. */
async function tellOthers(session: Session, o: Observed, { facts }: Decision): Promise<void> {
  const { hook, memory } = session;
  const gone =
    hook.event.kind === 'relation-broken' && /^(vault-kv|certificates)$/.test(hook.event.relation.endpoint);
  if (!memory.related?.length && !gone) return;
  await (await import('./relations/tell.ts')).tellRelated(session, o, facts);
}

/** Nobody reads that revision of the application's secret any more: keys that were replaced do not stay in Juju. */
async function forgetRevision({ hook }: Session, leader: boolean): Promise<void> {
  const { event } = hook;
  if (event.kind !== 'secret-remove' || event.secret.revision === undefined || !leader) return;
  await hook.secrets.remove(event.secret.uri, event.secret.revision);
}

/** A worker on the application's volume depends on its installer, its volume and its own machine: never on other workers.
 * The leader may have to name an installer, so everything concerns it. */
async function noteQuiet({ hook, host, goal }: Session, o: Observed, { facts }: Decision): Promise<void> {
  const file = quietNotePath(host.paths.run, hook.unit);
  const shares = facts['volume-id'] !== undefined && facts['volume-id'] === goal?.['volume-id'];
  const quiet = facts.role === 'worker' && shares && !o.leader && goal?.installer !== hook.unit;
  const note = quiet && goal !== undefined ? quietNoteText({ installer: goal.installer }) : undefined;
  if ((await host.files.readText(file)) === note) return;
  if (note === undefined) return host.files.remove(file);
  await host.files.makeDirectory(path.dirname(file), { mode: 0o700, recursive: true });
  await host.files.write(file, note, { mode: 0o600 });
}

/** Once, not in every hook in which the value is still there. */
function tellMalformed(session: Session): void {
  const before = session.memory.malformed ?? [];
  const now = [...session.malformed].sort();
  for (const text of now) if (!before.includes(text)) session.hook.log.warning(text);
  if (now.length > 0 || before.length > 0) session.memory = { ...session.memory, malformed: now };
}

/** Ports and workload version: told when they differ from what was told last, since each costs a hook tool. */
function tellJuju(session: Session, o: Observed, web: boolean): void {
  const { hook, memory } = session;
  const workloadVersion = o.volume.installed ?? memory.told?.workloadVersion;
  if (web) hook.ports.declare([{ port: o.web.openPort ?? o.settings.webPort }, { port: TSA_PORT }]);
  else if (memory.told?.ports === true) hook.ports.declare([]);
  if (workloadVersion !== undefined && workloadVersion !== memory.told?.workloadVersion)
    hook.workloadVersion(workloadVersion);
  session.memory = { ...memory, told: { workloadVersion, ports: web } };
}

export async function remember(session: Session): Promise<void> {
  if (JSON.stringify(session.memory) === JSON.stringify(session.remembered)) return;
  await openMemory(session.host, session.hook.unit, rememberedSchema).replace(session.memory);
}

/** The unit's one timer: armed when something must be looked at although nobody may tell, gone when not. */
async function wake(session: Session, at: number | undefined, now: number): Promise<void> {
  const { hook, host, memory } = session;
  const name = wakeTimer(hook.unit);
  if (at === undefined) {
    if (memory.timer !== undefined) await host.services.disarmTimer(name);
    session.memory = { ...memory, timer: undefined };
    return;
  }
  // After a reboot the timer is gone, whatever the memory says.
  if (memory.timer?.at === at && (await host.services.timerArmed(name))) return;
  await host.services.armTimer(name, at - now, wakeCommand(hook.unit));
  session.memory = { ...memory, timer: { name, at } };
}

/** After an action that changed what only this unit knows: nobody else would wake it. */
export async function wakeSoon(session: Session): Promise<void> {
  const { hook, host } = session;
  const name = wakeTimer(hook.unit);
  await host.services.armTimer(name, 1000, wakeCommand(hook.unit));
  session.memory = { ...session.memory, timer: { name, at: host.clock.now() + 1000 } };
}

export const wakeTimer = (unit: string): string => `${folderOfUnit(unit)}-wake`;

/** Runs this charm as if for a hook of its own name; waits for the hook that is running. */
const wakeCommand = (unit: string): string[] => [
  'juju-exec',
  '-u',
  unit,
  '--',
  'JUJU_DISPATCH_PATH=hooks/wake ./dispatch',
];
