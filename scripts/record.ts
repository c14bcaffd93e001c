// `npm run record`: plays `npm start` and writes what it printed, in its own time, as the picture that README shows.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordingOf } from './record/recording.ts';
import { asSvg } from './record/svg.ts';

const root = join(import.meta.dirname, '..');
const picture = join(root, 'docs/pictures/start.svg');

const played = spawnSync(process.execPath, ['scripts/start.ts'], { cwd: root, encoding: 'utf8' });
if (played.status !== 0) {
  console.error(`npm start failed:\n${played.stdout}${played.stderr}`);
  process.exit(1);
}
writeFileSync(picture, asSvg('npm start', recordingOf(played.stdout, root)));
console.log(picture);
