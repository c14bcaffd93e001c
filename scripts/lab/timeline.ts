// Keeps the picture of a lab's last upgrade up to date in a file, which outlives the lab.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from 'juju-lab';
import { application } from '../start/story.ts';
import { noteUpgrades, type Timeline } from './phases.ts';
import { timelineSvg } from './timeline-svg.ts';

export const timelineFile = (folder: string): string => join(folder, 'timeline.svg');

/** Drawn anew after each hook of an upgrade; what an earlier lab left goes. */
export function keepTimeline(lab: Lab, folder: string): void {
  const file = timelineFile(folder);
  rmSync(file, { force: true });
  const upgrades = noteUpgrades(lab, application);
  let drawn = '';
  lab.events.on('hook-end', () => {
    const timeline = upgrades.last();
    if (timeline === undefined || timeline.title === drawn) return;
    writeFileSync(file, timelineSvg(timeline));
    // Once it is over it does not change any more.
    if (isOver(timeline)) drawn = timeline.title;
  });
}

const isOver = ({ units, phases }: Timeline): boolean =>
  units.every((unit) => phases.findLast((phase) => phase.unit === unit)?.kind === 'runs');

/** Says where it is, and what it shows. */
export function tellTimeline(folder: string): void {
  const file = timelineFile(folder);
  if (!existsSync(file)) {
    console.error('no upgrade has been seen in the lab yet');
    process.exitCode = 1;
    return;
  }
  const [, title = ''] = /aria-label="([^"]*)"/.exec(readFileSync(file, 'utf8')) ?? [];
  console.log(`${file}: ${title}`);
}
