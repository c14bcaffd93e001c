// What the archive's maker has baked into the program: which release it plays, and which fault.

/** How a release misbehaves. The variable CONCOURSE_STAND_IN_BEHAVIOUR (JSON) adds to what is baked in. */
export interface Behaviour {
  /** Web and worker do nothing for so long after their start. */
  startDelayMs?: number;
  /** `silent`: web runs and never listens. `exits`: web ends with 1 at once. */
  web?: 'silent' | 'exits';
  /** `exits`: the worker ends with 1 at once. */
  worker?: 'exits';
  /** `postgresql`: web keeps its workers in the server that its environment names, over TCP, and not in a directory. */
  database?: 'postgresql';
  /** The `error: …` line of what exits. */
  exitMessage?: string;
}

declare const STAND_IN: { version: string; behaviour: Behaviour };

export const version = STAND_IN.version;

const [major = 0, minor = 0] = version.split('.').map(Number);

export const isAtLeast = (wantedMajor: number, wantedMinor: number): boolean =>
  major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);

/** What web and worker must agree on: 2.5 from 7.10 to 8.2, 3.0 from 8.3 on. */
export const workerVersion = isAtLeast(8, 3) ? '3.0' : '2.5';

/** The schema that this release brings: as 8.1.0 and 8.2.0 have it, and in proportion for others. */
export const supportedSchema = 966_802_718 + major * 100_000_000 + minor * 4_689_781;

/** Parsed at the edge: what is not an object of the right shape is a mistake of the test that set it. */
export function behaviour(): Behaviour {
  const text = process.env.CONCOURSE_STAND_IN_BEHAVIOUR;
  return { ...STAND_IN.behaviour, ...(text ? (JSON.parse(text) as Behaviour) : {}) };
}
