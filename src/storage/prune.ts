// Which releases and worker folders may go: pure, so that the rule can be read and tested by itself.
import { compareVersions } from '../release/version.ts';

/** Everything but the installed release, the one before it, what any unit runs, and what the goal or an upgrade under way
 * names. Where it is not known which release was the one before, the newest other one counts as it. */
export function whatToPrune(volume: {
  releases: readonly string[];
  installed: string | undefined;
  previous: string | undefined;
  /** What units say that they run. */
  running: ReadonlySet<string>;
  /** What goal, configuration or `upgrade-to` name. */
  wanted: ReadonlySet<string>;
}): string[] {
  // Without an installed release nothing tells which of them matter.
  if (volume.installed === undefined) return [];
  const others = volume.releases.filter((version) => version !== volume.installed).sort(compareVersions);
  const before = others.find((version) => version === volume.previous) ?? others.at(-1);
  return others.filter(
    (version) => version !== before && !volume.running.has(version) && !volume.wanted.has(version),
  );
}

/** Folders of units that are no more. `living` are all units of the application, this one included. */
export function workerFoldersToPrune(folders: readonly string[], living: ReadonlySet<string>): string[] {
  return folders.filter((unit) => !living.has(unit));
}
