// The endpoints `tsa` and `flight` (interface concourse-ci_tsa): what web writes for the workers of another application, what
// those write for web, and what comes of it. Keys of other charms keep their names and formats; what is ours is only added.
import { z } from 'zod';
import { keyProblem } from '../concourse/keys.ts';
import { compareVersions } from '../release/version.ts';
import { jsonText, numberText, versionText } from '../upgrade/facts.ts';
import { byNumber } from '../upgrade/goal.ts';

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
  'upgrade-id': numberText,
});

/** A worker unit's databag. Those of the Python charm write the first. */
export const tsaWorkerSchema = z.object({
  'worker-public-key': publicKey,
  /** Its name in web's list without what counts its work directories; never one that web's own workers could have. */
  'worker-name': z.string().regex(/^[a-z0-9-]+-m[0-9a-f]{8}$/),
});

type Partly<T> = { [K in keyof T]?: T[K] | undefined };
export type TsaWeb = Partly<z.output<typeof tsaWebSchema>>;
export type TsaWorker = Partly<z.output<typeof tsaWorkerSchema>>;

/** What the units of a web elsewhere say together. */
export interface Webs {
  /** `HOST:PORT` of each, and the host keys that workers must find there; empty while none has said so. */
  hosts: string[];
  hostKeys: string[];
  /** What web runs: the highest, where its units differ. */
  version: string | undefined;
  /** Fingerprints of workers that every one of them lets in; undefined where none tells. */
  authorized: string[] | undefined;
}

export function websOf(units: ReadonlyMap<string, TsaWeb>): Webs {
  const newest = Math.max(...[...units.values()].map((word) => word['upgrade-id'] ?? 0));
  const webs = [...units]
    .filter(([, word]) => (word['upgrade-id'] ?? 0) === newest)
    .sort(([left], [right]) => byNumber(left, right))
    .flatMap(([, { 'tsa-host': host, 'tsa-public-key': hostKey, ...more }]) =>
      host === undefined || hostKey === undefined ? [] : [{ host, hostKey, ...more }],
    );
  const versions = webs.flatMap(({ 'concourse-version': version }) => version ?? []);
  const lists = webs.flatMap(({ 'authorized-workers': list }) => (list === undefined ? [] : [list]));
  const [first, ...rest] = lists;
  return {
    hosts: [...new Set(webs.map(({ host }) => host))],
    hostKeys: [...new Set(webs.map(({ hostKey }) => hostKey.trim()))],
    version: versions.sort(compareVersions).at(-1),
    authorized: first?.filter((each) => rest.every((list) => list.includes(each))),
  };
}

/** Units of `relation-list` that there are, by what `goal-state` lists at the endpoint: on Juju 4 one that was removed by force
 * may stay in the former for ever. An application that is not listed is another model's, of whose units nothing is told. */
export function living(units: readonly string[], application: string, listed: readonly string[]): string[] {
  return listed.includes(application) ? units.filter((unit) => listed.includes(unit)) : [...units];
}
