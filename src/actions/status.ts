// The status action: everything that an operator asks first, from what this unit sees, also while Concourse is down.
import { observe } from '../observe/observe.ts';
import { type Observed, ownUp } from '../observed.ts';
import type { Session } from '../session.ts';
import { describeHolder } from '../storage/holder.ts';
import { usageOf } from '../storage/usage.ts';
import type { VolumeFacts } from '../storage/volume.ts';
import { factsOf } from '../upgrade/goal.ts';

export async function status(session: Session, params: { format: 'text' | 'json' }) {
  const { host } = session;
  const o = await observe(session);
  const facts = await session.volume.observe();
  const sharing = await sharingUnits(session, o);
  // A volume that does not answer is not touched.
  const usage = facts.state === 'present' ? await usageOf(host, Math.max(1, sharing.length)) : undefined;
  const report = reportOf(o, facts, sharing, usage);
  return params.format === 'json' ? { json: JSON.stringify(report) } : { text: asText(report) };
}

/** The units that see the same volume, this one included. */
async function sharingUnits({ hook }: Session, o: Observed): Promise<string[]> {
  const peer = await hook.peer('peers');
  const mine = o.volume.identity?.uuid;
  if (peer === undefined || mine === undefined) return [o.unit];
  const names = (await peer.units()).filter((name) => o.living?.has(name) !== false);
  const bags = await Promise.all(names.map(async (name) => [name, (await peer.unit(name)).values] as const));
  const others = bags
    .filter(([, theirs]) => theirs['volume-id'] === mine && theirs.leaving !== true)
    .map(([name]) => name);
  return [o.unit, ...others];
}

type Report = Record<string, Record<string, string | number | boolean | null>>;

function reportOf(
  o: Observed,
  facts: VolumeFacts,
  sharing: readonly string[],
  usage: Awaited<ReturnType<typeof usageOf>> | undefined,
): Report {
  const installer = o.goal === undefined ? undefined : factsOf(o.goal.installer, o.unit, o.facts, o.peers);
  const holder = facts.state === 'present' ? facts.holder : undefined;
  const download = facts.state === 'present' ? facts.download : undefined;
  return {
    unit: {
      name: o.unit,
      role: o.facts.role ?? null,
      leader: o.leader,
      'web-unit': o.goal?.installer ?? null,
      'web-application': o.flight?.application ?? null,
    },
    versions: {
      target: o.goal?.version ?? null,
      pinned: o.pin.version,
      installed: o.volume.installed ?? null,
      previous: o.volume.previous ?? null,
      'on-volume': [...o.volume.releases.keys()].join(', ') || null,
      'running-web': ownUp(o.web) ? (o.web.runningVersion ?? null) : null,
      'running-worker': ownUp(o.worker) ? (o.worker.runningVersion ?? null) : null,
    },
    volume: {
      id: o.volume.identity?.uuid ?? null,
      'is-mount': o.volume.isMount,
      'file-system': facts.mount.type || null,
      source: facts.mount.source || null,
      'shared-by': sharing.join(', '),
      'is-application-volume':
        o.goal?.['volume-id'] !== undefined && o.goal['volume-id'] === o.volume.identity?.uuid,
      problems: facts.problems.join('; ') || null,
    },
    upgrade: {
      held: o.goal?.hold === true,
      state: installer?.['upgrade-state'] ?? null,
      id: installer?.['upgrade-id'] ?? null,
      to: installer?.['upgrade-to'] ?? null,
      outcome: installer?.['upgrade-outcome'] ?? null,
      error: installer?.['upgrade-error'] ?? null,
      deadline:
        installer?.['upgrade-deadline'] === undefined
          ? null
          : new Date(installer['upgrade-deadline']).toISOString(),
      ready: o.facts['upgrade-ready'] ?? null,
    },
    lock: {
      holder: holder === undefined ? null : describeHolder(holder),
      since: holder?.since ?? null,
      download:
        download === undefined
          ? null
          : `${download.version}: ${download.bytes} of ${download.total ?? '?'} bytes`,
    },
    disk: {
      'release-bytes':
        usage === undefined ? null : Object.values(usage.releases).reduce((sum, bytes) => sum + bytes, 0),
      'shared-bytes': usage?.sharedBytes ?? null,
      'unshared-bytes': usage?.unsharedBytes ?? null,
      'saved-bytes': usage?.savedBytes ?? null,
    },
    worker: {
      'work-directory': o.worker.work === undefined ? null : `${o.worker.work.path}: ${o.worker.work.reason}`,
      'volume-driver':
        o.worker.work === undefined ? null : `${o.worker.work.driver}: ${o.worker.work.driverReason}`,
    },
    services: {
      web: serviceWord(ownUp(o.web), o.web.enabled, o.facts.role?.includes('web')),
      'web-answers': o.web.answers ?? null,
      'tsa-hosts': o.flight?.hosts.join(', ') || null,
      'workers-elsewhere':
        o.tsa.length === 0 ? null : o.tsa.reduce((sum, { workers }) => sum + workers.length, 0),
      'web-database': o.web.database ?? null,
      'web-url': o.web.url || (installer?.['web-url'] ?? null),
      worker: serviceWord(ownUp(o.worker), o.worker.enabled, o.facts.role?.includes('worker')),
      'worker-registration': ownUp(o.worker) ? o.worker.registration : null,
      complaint: o.web.complaint ?? o.worker.complaint ?? null,
    },
  };
}

function serviceWord(up: boolean, enabled: boolean, expected: boolean | undefined): string {
  if (up) return enabled ? 'running' : 'running, and not enabled';
  return expected === true ? 'stopped' : 'not on this unit';
}

/** Aligned, one line for each thing that is known. */
function asText(report: Report): string {
  const lines = Object.entries(report).flatMap(([section, values]) =>
    Object.entries(values)
      .filter(([, value]) => value !== null)
      .map(
        ([key, value]) =>
          [`${section} ${key}`, section === 'disk' ? megabytes(Number(value)) : String(value)] as const,
      ),
  );
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
