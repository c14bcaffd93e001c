// The one transaction at the end of a run that ended well: everything that was buffered, or nothing.
import type { Context } from './context.ts';
import { CommitRefused, NotModelled } from './errors.ts';
import { addStorage } from './life.ts';
import { type Model, type Secret, type Unit, writeBag } from './model.ts';
import { addRevision, isLeader } from './secrets.ts';
import { uuidOf } from './seeded.ts';
import { overlaps, portText } from './tools/ports.ts';

const bagMostBytes = 16 * 1024 * 1024;

/** Throws `CommitRefused` before anything was changed. */
export function commit(context: Context): void {
  checkLease(context);
  checkBags(context);
  checkPorts(context);
  checkStorage(context);
  checkLabels(context);
  applyBags(context);
  applySecrets(context);
  const { model, unit, pending } = context;
  if (pending.portsChanged) unit.ports = pending.ports;
  if (pending.stored) unit.stored = pending.stored;
  for (const { name, count } of pending.storageAdds) {
    if (unit.life === 'dying' && model.profile === '4.0') continue;
    for (let each = 0; each < count; each += 1) addStorage(model, unit, name);
  }
}

function checkLease({ model, unit, pending }: Context): void {
  const applicationSecrets = [
    ...pending.secretAdds.keys(),
    ...pending.secretSets.keys(),
    ...[...pending.secretGrants, ...pending.secretRemoves].map((each) => each.id),
  ].some((id) => (pending.secretAdds.get(id) ?? model.secrets.get(id))?.owner.kind === 'application');
  if ((pending.applicationBags.size > 0 || applicationSecrets) && !isLeader(model, unit)) {
    throw new CommitRefused(`"${unit.name}" is not leader of "${unit.application}"`);
  }
}

function checkBags({ model, unit, pending, relations }: Context): void {
  for (const [owner, bags] of [
    [unit.name, pending.unitBags],
    [unit.application, pending.applicationBags],
  ] as const) {
    for (const [id, changes] of bags) {
      const relation = model.relations.get(id);
      if (!relation || !relations.has(id) || !relation.scope.has(unit.name)) {
        throw new CommitRefused(`relation ${id} not found`);
      }
      const values = { ...relation.bags.get(owner)?.values, ...Object.fromEntries(changes) };
      const bytes = Object.entries(values).reduce(
        (sum, [k, v]) => sum + Buffer.byteLength(k) + Buffer.byteLength(v),
        0,
      );
      if (bytes > bagMostBytes)
        throw new CommitRefused(`max allowed settings size (${bagMostBytes}) exceeded`);
    }
  }
}

function checkPorts({ model, unit, pending }: Context): void {
  if (!pending.portsChanged) return;
  for (const other of model.units.values()) {
    if (other === unit || other.machine !== unit.machine) continue;
    const clash = pending.ports.find((port) => other.ports.some((taken) => overlaps(port, taken)));
    if (clash) throw new CommitRefused(`port ranges ${portText(clash)} conflict with unit "${other.name}"`);
  }
}

/** 4.0 looks a storage up by the unit's UUID, which its text shows. */
function checkStorage({ model, unit, pending }: Context): void {
  for (const { name } of pending.storageAdds) {
    if (unit.agent.charm.storage.has(name)) continue;
    const what = JSON.stringify(name);
    if (model.profile === '3.6') throw new CommitRefused(`charm storage ${what} not found`);
    throw new CommitRefused(
      `preparing storage additions: preparing storage add ${what} for unit "${unit.name}": ` +
        `getting unit "${uuidOf(`unit ${unit.name}`)}" storage directive: storage name not supported`,
    );
  }
}

/** The tool knows the labels of this run alone; those that are there already are found here. */
function checkLabels({ model, pending }: Context): void {
  const leads = [...pending.secretAdds.values()].some((each) => each.owner.kind === 'application');
  for (const { id, label, owner } of pending.secretAdds.values()) {
    const taken = [...model.secrets.values()].some(
      (each) => each.label === label && each.owner.kind === owner.kind && each.owner.name === owner.name,
    );
    if (label === '' || !taken) continue;
    const within = leads || pending.applicationBags.size > 0 ? 'executing leadership func: ' : '';
    const why = `secret with label ${JSON.stringify(label)} already exists`;
    throw new CommitRefused(
      model.profile === '4.0' ? `${within}create secrets: creating secret "${id}": ${why}` : why,
    );
  }
}

function applyBags({ model, unit, pending }: Context): void {
  for (const [id, changes] of pending.unitBags) write(model, id, unit.name, changes);
  for (const [id, changes] of pending.applicationBags) write(model, id, unit.application, changes);
}

function write(model: Model, id: number, owner: string, changes: ReadonlyMap<string, string>): void {
  const relation = model.relations.get(id);
  if (relation) writeBag(model, relation, owner, changes);
}

function applySecrets({ model, unit, pending }: Context): void {
  for (const [id, secret] of pending.secretAdds) model.secrets.set(id, secret);
  for (const [id, change] of pending.secretSets) {
    const secret = stored(model, id, unit);
    if (change.content) addRevision(secret, change.content);
    if (change.label !== undefined) secret.label = change.label;
    if (change.description !== undefined) secret.description = change.description;
    const mine = secret.consumers.get(unit.name);
    if (mine && pending.secretTracks.has(id)) mine.revision = secret.revisions.length;
  }
  for (const grant of pending.secretGrants) {
    const secret = stored(model, grant.id, unit);
    if (grant.revoke) secret.grants.delete(grant.reader);
    else {
      secret.grants.set(grant.reader, {
        ...(grant.relation === undefined ? {} : { relation: grant.relation }),
        role: 'view',
      });
    }
  }
  for (const { id, revision } of pending.secretRemoves) {
    const secret = stored(model, id, unit);
    if (revision !== undefined && revision >= 1 && revision <= secret.revisions.length) {
      secret.revisions[revision - 1] = undefined;
    }
    if (revision === undefined || secret.revisions.every((each) => each === undefined))
      model.secrets.delete(id);
  }
}

function stored(model: Model, id: string, unit: Unit): Secret {
  const found = model.secrets.get(id);
  if (!found) throw new NotModelled('secret gone', `${id}, by ${unit.name}`);
  return found;
}
