// Which releases of web and worker work together. Concourse gives each release a worker version of two numbers, and its web gives
// work to the workers of the same first number whose second number is not below web's own (its atc/worker/pool.go).
import { compareVersions, parseVersion } from '../release/version.ts';

export interface WorkerVersion {
  major: number;
  minor: number;
}

/** From each release on, its worker version; undefined: not known for sure. By the constant in Concourse's versions.go; 8.3.0 is taken
 * from its main branch of August 2026, before that release. */
const known: readonly (readonly [since: string, version: WorkerVersion | undefined])[] = [
  ['6.0.0', { major: 2, minor: 2 }],
  ['7.0.0', { major: 2, minor: 3 }],
  ['7.5.0', undefined],
  ['7.8.0', { major: 2, minor: 4 }],
  ['7.9.0', undefined],
  ['7.10.0', { major: 2, minor: 5 }],
  ['8.3.0', { major: 3, minor: 0 }],
  ['9.0.0', undefined],
];

/** Release candidates count as the release that they are for. */
export function workerVersion(release: string): WorkerVersion | undefined {
  const parsed = parseVersion(release);
  if (parsed === undefined) return undefined;
  const final = `${parsed.major}.${parsed.minor}.${parsed.patch}`;
  return known.findLast(([since]) => compareVersions(since, final) <= 0)?.[1];
}

export type Compatibility = 'builds' | 'no-builds' | 'unknown';

/** Whether web of one release gives builds to a worker of another. */
export function compatibility(web: string, worker: string): Compatibility {
  if (web === worker) return 'builds';
  const [wants, has] = [workerVersion(web), workerVersion(worker)];
  if (wants === undefined || has === undefined) return 'unknown';
  return wants.major === has.major && has.minor >= wants.minor ? 'builds' : 'no-builds';
}

/** In which order web and workers may go from one release to another so that builds are given out all the time: in any; one
 * before the other; or not at all, or not for sure: then together. */
export function upgradeOrder(
  from: string,
  to: string,
): 'any-order' | 'web-first' | 'workers-first' | 'together' {
  const webFirst = compatibility(to, from) === 'builds';
  const workersFirst = compatibility(from, to) === 'builds';
  if (webFirst) return workersFirst ? 'any-order' : 'web-first';
  return workersFirst ? 'workers-first' : 'together';
}
