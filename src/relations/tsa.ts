// The endpoints `tsa` and `flight` (interface concourse-ci_tsa): what web writes for the workers of another application, what
// those write for web, and what comes of it. Keys of other charms keep their names and formats; what is ours is only added.
import { z } from 'zod';
import { keyProblem } from '../concourse/keys.ts';
import { compareVersions } from '../release/version.ts';
import { type Facts, flagText, instantText, jsonText, numberText, versionText } from '../upgrade/facts.ts';
import { byNumber, numberOf } from '../upgrade/goal.ts';

/** One that Concourse cannot read would keep web or worker from starting. */
const publicKey = z
  .string()
  .refine(
    (text) => keyProblem(text) === undefined,
    'a public RSA key of 2048 bits or more, as ssh-rsa AAAA…',
  );

/** A web unit's databag. Those of the Python charm write the first three. */
export const tsaWebSchema = z.object({
  /** `HOST:2222`, as the workers of this relation reach it. */
  'tsa-host': z.string().regex(/^[^\s,]+:[0-9]{1,5}$/),
  'tsa-public-key': publicKey,
  'concourse-version': versionText,
  /** Fingerprints of this relation's worker keys that web lets in. */
  'authorized-workers': jsonText(z.array(z.string())),
  /** Of web's goal, which counts moves of web and changes of version: a unit that is gone cannot take back its word. */
  'goal-id': numberText,
  /** By the goal's installer alone, as the rest: the numbers of the units that are web. */
  webs: jsonText(z.array(z.number().int().nonnegative())),
  /** Where web's releases lie: an application of workers may share that volume. */
  'volume-id': z.uuid(),
  /** What web is about to go to, so that workers have it ready; and the digests of its archives, by architecture. */
  'goal-version': versionText,
  digests: jsonText(z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/))),
  /** Web's upgrade, as its own units hear of it. */
  'upgrade-state': z.enum(['prepare', 'complete']),
  'upgrade-id': numberText,
  'upgrade-to': versionText,
  'upgrade-deadline': instantText,
});

/** A worker unit's databag. Those of the Python charm write the first. */
export const tsaWorkerSchema = z.object({
  'worker-public-key': publicKey,
  /** Its name in web's list without what counts its work directories; never one that web's own workers could have. */
  'worker-name': z.string().regex(/^[a-z0-9-]+-m[0-9a-f]{8}$/),
  'volume-id': z.uuid(),
  'running-worker': versionText,
  /** Web's `goal-version`, once it lies whole on this unit's volume; else why it cannot be had there. */
  'staged-version': versionText,
  'staging-error': z.string(),
  /** Of web's upgrade with that id: it has stopped for it. */
  'upgrade-id': numberText,
  'upgrade-ready': flagText,
});

type Partly<T> = { [K in keyof T]?: T[K] | undefined };
export type TsaWeb = Partly<z.output<typeof tsaWebSchema>>;
export type TsaWorker = Partly<z.output<typeof tsaWorkerSchema>>;

/** A worker of another application, as web hears of it. */
export interface Guest {
  unit: string;
  /** Undefined: not said, or of no use. */
  publicSsh: string | undefined;
  /** As web lists it. */
  name: string | undefined;
  /** The volume that it runs from; undefined of another charm's. */
  volume: string | undefined;
  runs: string | undefined;
  staged: string | undefined;
  stagingError: string | undefined;
  /** The upgrade of web's that it has stopped for. */
  stoppedFor: number | undefined;
}

export const guestOf = (unit: string, word: TsaWorker): Guest => ({
  unit,
  publicSsh: word['worker-public-key'],
  name: word['worker-name'],
  volume: word['volume-id'],
  runs: word['running-worker'],
  staged: word['staged-version'],
  stagingError: word['staging-error'],
  stoppedFor: word['upgrade-ready'] === true ? word['upgrade-id'] : undefined,
});

/** The upgrade of a web elsewhere, as facts like those of a unit of one's own application. */
export type UpgradeWord = Pick<Facts, 'upgrade-state' | 'upgrade-id' | 'upgrade-to' | 'upgrade-deadline'>;

/** What the units of a web elsewhere say together. */
export interface Webs {
  /** `HOST:PORT` of each, and the host keys that workers must find there; empty while none has said so. */
  hosts: string[];
  hostKeys: string[];
  /** What web runs: its installer, or the highest where none says that it is. */
  version: string | undefined;
  /** Fingerprints of workers that one of them lets in; undefined where none tells. */
  authorized: string[] | undefined;
  /** What its installer tells of upgrades; undefined of a charm that does not. */
  told: ToldOfUpgrades | undefined;
}

export interface ToldOfUpgrades {
  upgrade: UpgradeWord;
  volume: string | undefined;
  /** The version that web is about to go to. */
  ahead: string | undefined;
  digests: Readonly<Record<string, string>> | undefined;
}

export function websOf(units: ReadonlyMap<string, TsaWeb>): Webs {
  const sorted = [...units].sort(([left], [right]) => byNumber(left, right));
  const installer = sorted
    .map(([, word]) => word)
    .filter((word) => word.webs !== undefined)
    .reduce<TsaWeb | undefined>(
      (newest, word) => ((word['goal-id'] ?? 0) >= (newest?.['goal-id'] ?? 0) ? word : newest),
      undefined,
    );
  const webs = sorted
    // Of an application in another model only the numbers of its units are the same on both sides.
    .filter(([name]) => installer?.webs?.includes(numberOf(name)) !== false)
    .flatMap(([, { 'tsa-host': host, 'tsa-public-key': hostKey, ...more }]) =>
      host === undefined || hostKey === undefined ? [] : [{ host, hostKey, ...more }],
    );
  const versions = webs.flatMap(({ 'concourse-version': version }) => version ?? []);
  const lists = webs.flatMap(({ 'authorized-workers': list }) => (list === undefined ? [] : [list]));
  return {
    hosts: [...new Set(webs.map(({ host }) => host))],
    hostKeys: [...new Set(webs.map(({ hostKey }) => hostKey.trim()))],
    version: installer?.['concourse-version'] ?? versions.sort(compareVersions).at(-1),
    // One that is let in by some web gets there: Concourse tries another when it is refused.
    authorized: lists.length === 0 ? undefined : [...new Set(lists.flat())],
    told: installer && toldBy(installer),
  };
}

function toldBy(installer: TsaWeb): ToldOfUpgrades {
  return {
    upgrade: {
      'upgrade-state': installer['upgrade-state'],
      'upgrade-id': installer['upgrade-id'],
      'upgrade-to': installer['upgrade-to'],
      'upgrade-deadline': installer['upgrade-deadline'],
    },
    volume: installer['volume-id'],
    ahead: installer['goal-version'],
    digests: installer.digests,
  };
}

/** Units of `relation-list` that there are, by what `goal-state` lists at the endpoint: on Juju 4 one that was removed by force
 * may stay in the former for ever. An application that is not listed is another model's, of whose units nothing is told. */
export function living(units: readonly string[], application: string, listed: readonly string[]): string[] {
  return listed.includes(application) ? units.filter((unit) => listed.includes(unit)) : [...units];
}
