// Every choice that Juju leaves open is drawn from the seed, so that a run can be had again.

/** A number in [0, 2³²) that depends on all parts and on nothing else (FNV-1a, then mixed). */
export function hash32(...parts: readonly (string | number)[]): number {
  let state = 0x811c9dc5;
  for (const character of parts.join('\u0000')) {
    state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

/** As Juju names its rows; only error texts show it. */
export function uuidOf(what: string): string {
  const hex = [0, 1, 2, 3].map((part) => hash32(what, part).toString(16).padStart(8, '0')).join('');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join('-');
}

/** The items in an order that is fixed by the parts: what Go's random map order is to Juju. */
export function shuffled<T>(
  items: readonly T[],
  key: (item: T) => string | number,
  ...parts: (string | number)[]
): T[] {
  const ranked = items.map((item) => ({ item, rank: hash32(...parts, key(item)) }));
  return ranked.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}

export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = hash32('seed', seed);
  }

  /** Uniform in [0, 1) (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }

  /** `length` characters of `alphabet`. */
  text(length: number, alphabet: string): string {
    return Array.from({ length }, () => alphabet.charAt(this.below(alphabet.length))).join('');
  }
}
