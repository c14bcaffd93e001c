// Where things of a unit are on this one machine: its address, and the folders of its storage.
import { join } from 'node:path';
import type { CharmFiles, DeployOptions } from 'juju-ts-ops/testing';
import { isRecord } from './charm.ts';

/** 127.0.10.1 for the first unit that asks, and so on: what listens on them does not clash. */
export class Addresses {
  readonly #given = new Map<string, string>();

  of(unit: string): string {
    const known = this.#given.get(unit);
    if (known !== undefined) return known;
    const index = this.#given.size;
    const address = `127.0.${10 + Math.floor(index / 254)}.${(index % 254) + 1}`;
    this.#given.set(unit, address);
    return address;
  }
}

/** Puts the fixed location of a storage into its unit's root: like every path that Juju hands out, it can be used as it
 * is. `rootOf`: a unit's root by the unit's number. */
export function rootedStorage(
  files: CharmFiles,
  wanted: NonNullable<DeployOptions['storage']>,
  rootOf: (unitNumber: number) => string,
): NonNullable<DeployOptions['storage']> {
  const placed: Record<string, { count: number; location: (unitNumber: number) => string }> = {};
  for (const [name, spec] of Object.entries(section(files.metadata, 'storage'))) {
    const location = isRecord(spec) && typeof spec.location === 'string' ? spec.location : undefined;
    const range = String(section(spec, 'multiple').range ?? '1');
    // Several instances lie below the location, each under its number: those are not moved.
    if (location === undefined || !['1', '0-1', '1-1'].includes(range)) continue;
    const asked = wanted[name];
    const count = typeof asked === 'number' ? asked : (asked?.count ?? Number(range[0]));
    placed[name] = { count, location: (number) => join(rootOf(number), location) };
  }
  return { ...wanted, ...placed };
}

function section(value: unknown, key: string): Record<string, unknown> {
  const found = isRecord(value) ? value[key] : undefined;
  return isRecord(found) ? found : {};
}
