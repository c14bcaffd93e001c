// `npm run test:machines`: the packed charm on real machines with systemd. As root, on Debian 12; installs the packages that it
// needs. Words that follow narrow it down, as for vitest: a file's path, or -t and a title. `--random N` plays N seeded histories
// instead, from `--seed S` on.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { obstacles } from 'juju-lab';
import { endWithout, installPrograms } from './test/debian-packages.ts';
import { runOwnTier } from './test/tiers.ts';

const root = join(import.meta.dirname, '..');
/** Program → Debian package. */
const programs = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  openssl: 'openssl',
  unzip: 'unzip',
  'mkfs.ext4': 'e2fsprogs',
  '/usr/lib/postgresql/15/bin/initdb': 'postgresql',
};

installPrograms(programs);
endWithout('machines', obstacles());
const words = process.argv.slice(2);
const histories = take('--random');
if (histories !== undefined) {
  const seed = take('--seed') ?? randomInt(1_000_000);
  Object.assign(process.env, { MACHINES_RANDOM: String(histories), MACHINES_SEED: String(seed) });
  console.log(`${histories} random histories from seed ${seed} on`);
}
process.exitCode = await runOwnTier(root, 'machines', words);

/** The number that follows the word; both are taken out. Ends the process when it is none. */
function take(word: string): number | undefined {
  const at = words.indexOf(word);
  if (at < 0) return undefined;
  const [, text = ''] = words.splice(at, 2);
  if (/^\d+$/.test(text)) return Number(text);
  console.error(`${word} is followed by a number, not by '${text}'`);
  process.exit(2);
}
