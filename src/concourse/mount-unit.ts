// The systemd mount unit of a shared volume.
import type { Source } from '../relations/filesystem.ts';
import { ownerOf, unitFile } from './unit-file.ts';

/** A server that does not answer must not hold up a hook; mount(8) itself would try for two minutes. */
const MOUNT_SECONDS = 30;

/** systemd takes a mount unit only under the name of its path: `/var/lib/concourse` → `var-lib-concourse.mount`. */
export function mountUnitName(path: string): string {
  const trimmed = path.replace(/^\/+|\/+$/g, '').replace(/\/+/g, '/');
  const bytes = [...Buffer.from(trimmed)].map((byte, index) => {
    const character = String.fromCharCode(byte);
    if (character === '/') return '-';
    const plain = /[A-Za-z0-9:_]/.test(character) || (character === '.' && index > 0);
    return plain ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `${bytes.join('') || '-'}.mount`;
}

/** Owned by the application: units of it on one machine mount the same. */
export function mountUnitFile(application: string, where: string, source: Source): string {
  const literal = (text: string) => text.replace(/%/g, '%%');
  return unitFile(application, {
    Unit: [
      ['Description', 'The volume that Concourse units share'],
      ['Documentation', 'man:systemd.mount(5)'],
    ],
    Mount: [
      ['What', literal(source.what)],
      ['Where', literal(where)],
      ['Type', source.type],
      ['Options', literal(source.options.join(','))],
      ['TimeoutSec', String(MOUNT_SECONDS)],
    ],
    Install: [['WantedBy', 'remote-fs.target']],
  });
}

/** Whether a unit file is one that this application wrote. */
export const isMountUnitOf = (application: string, text: string | undefined): boolean =>
  ownerOf(text) === application;
