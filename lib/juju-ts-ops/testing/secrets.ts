// Secrets: who may read or change one, which revision a reader tracks, which revisions nobody needs any more.
import { type Model, type Secret, type Strings, type Unit, applicationOf } from './model.ts';

export const sameContent = (a: Strings | undefined, b: Strings): boolean =>
  a !== undefined &&
  Object.keys(a).length === Object.keys(b).length &&
  Object.entries(b).every(([key, value]) => a[key] === value);

export const isLeader = (model: Model, unit: Unit): boolean =>
  model.applications.get(unit.application)?.leader === unit.name;

/** May this unit change the secret and see its metadata? */
export function owns(model: Model, unit: Unit, secret: Secret): boolean {
  if (secret.owner.kind === 'unit') return secret.owner.name === unit.name;
  return (
    secret.owner.kind === 'application' && secret.owner.name === unit.application && isLeader(model, unit)
  );
}

/** Owners, every unit of an owning application, and who was granted it by a relation that is still there. */
export function mayRead(model: Model, unit: Unit, secret: Secret): boolean {
  if (secret.owner.kind === 'unit' && secret.owner.name === unit.name) return true;
  if (secret.owner.kind === 'application' && secret.owner.name === unit.application) return true;
  return [unit.name, unit.application].some((reader) => {
    const grant = secret.grants.get(reader);
    return grant !== undefined && (grant.relation === undefined || model.relations.has(grant.relation));
  });
}

/** Old revisions that no unit tracks and that the owner was not told of yet: one secret-remove each. */
export function obsoleteRevisions(model: Model, unit: Unit, secret: Secret): number[] {
  if (!owns(model, unit, secret)) return [];
  const tracked = new Set([...secret.consumers.values()].map((each) => each.revision));
  return secret.revisions.flatMap((content, index) => {
    const revision = index + 1;
    const old = content !== undefined && revision < secret.revisions.length && !tracked.has(revision);
    return old && !unit.agent.obsoleteSeen.has(`${secret.id}/${revision}`) ? [revision] : [];
  });
}

/** A new revision, unless the content is the same. */
export function addRevision(secret: Secret, content: Strings): void {
  if (!sameContent(secret.revisions.at(-1), content)) secret.revisions.push(content);
}

export function dropUnit(model: Model, name: string): void {
  for (const secret of model.secrets.values()) {
    secret.consumers.delete(name);
    secret.grants.delete(name);
    if (secret.owner.kind === 'unit' && secret.owner.name === name) model.secrets.delete(secret.id);
  }
}

export function dropApplication(model: Model, name: string): void {
  for (const secret of model.secrets.values()) {
    secret.grants.delete(name);
    if (secret.owner.kind === 'application' && secret.owner.name === name) model.secrets.delete(secret.id);
    for (const consumer of secret.consumers.keys()) {
      if (applicationOf(consumer) === name) secret.consumers.delete(consumer);
    }
  }
}
