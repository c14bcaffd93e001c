// The secrets of a described state.
import { Impossible } from './errors.ts';
import type { Model, Strings, Unit } from './model.ts';

export interface SecretIn {
  /** 20 characters of 0-9a-v; by default a random one. */
  id?: string;
  /** `user`: granted to the application; `remote`: another application's, granted by a relation. */
  owner: 'application' | 'unit' | 'user' | 'remote';
  /** The owner's label; for a reader's own label see `consumerLabel`. */
  label?: string;
  consumerLabel?: string;
  content: Strings;
  /** Older contents, oldest first. */
  older?: readonly Strings[];
  /** The revision that this unit reads. By default none yet. */
  tracked?: number;
  /** Only for `user` and `remote`: false when nobody granted it. */
  granted?: boolean;
}

export function placeSecrets(model: Model, unit: Unit, secrets: readonly SecretIn[]): void {
  for (const given of secrets) {
    const id = given.id ?? model.random.text(20, '0123456789abcdefghijklmnopqrstuv');
    if (!/^[0-9a-v]{20}$/.test(id)) throw new Impossible(`secret id "${id}" is not 20 characters of 0-9a-v`);
    const revisions = [...(given.older ?? []), given.content];
    if (given.tracked !== undefined && !revisions[given.tracked - 1]) {
      throw new Impossible(`secret ${id} has no revision ${given.tracked}`);
    }
    const mine = given.owner === 'application' || given.owner === 'unit';
    if (mine && given.granted !== undefined) throw new Impossible('an owner needs no grant');
    const grants =
      mine || given.granted === false ? [] : [[unit.application, { role: 'view' as const }] as const];
    const told = given.tracked ?? 0;
    const consumer = { label: given.consumerLabel ?? '', revision: told, told };
    model.secrets.set(id, {
      id,
      owner: secretOwner(unit, given),
      label: given.label ?? '',
      description: '',
      revisions,
      grants: new Map(grants),
      consumers: new Map(given.tracked === undefined ? [] : [[unit.name, consumer]]),
    });
  }
}

function secretOwner(unit: Unit, given: SecretIn) {
  if (given.owner === 'unit') return { kind: 'unit' as const, name: unit.name };
  if (given.owner === 'application') return { kind: 'application' as const, name: unit.application };
  if (given.owner === 'user') return { kind: 'user' as const, name: given.label ?? '' };
  return { kind: 'application' as const, name: 'remote' };
}
