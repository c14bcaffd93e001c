// `npm run record`: plays `npm start` and writes what it printed, in its own time, as the picture that README shows; and the upgrade
// in it as the one that docs/explanation/upgrades.md shows.
import { spawnSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { timelineFile } from './lab/timeline.ts';
import { recordingOf } from './record/recording.ts';
import { asSvg } from './record/svg.ts';

const root = join(import.meta.dirname, '..');
const picture = join(root, 'docs/pictures/start.svg');

const played = spawnSync(process.execPath, ['scripts/start.ts'], { cwd: root, encoding: 'utf8' });
if (played.status !== 0) {
  console.error(`npm start failed:\n${played.stdout}${played.stderr}`);
  process.exit(1);
}
copyFileSync(timelineFile(join(root, '.lab')), join(root, 'docs/pictures/upgrade.svg'));
writeFileSync(picture, asSvg('npm start', recordingOf(played.stdout, root)));
console.log(picture);
