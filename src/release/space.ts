// Whether a volume can take a release, asked before the first byte of it is downloaded.
import type { Files } from '../host/host.ts';
import type { ReleaseFailure } from './failures.ts';

/** Unpacked bytes for each byte of the archive, with a margin. Most of a release are the already compressed root file
 * systems of its resource types and its fly archives (ratio 1.0); its programs (some 400 MB) expand two- to threefold: 1.2
 * to 1.3 is what a release of 930 MB comes to. The archive itself is never on the disk: it is unpacked as it comes. */
export const unpackedRatio = 1.5;
/** Room for everybody else on the volume (state files, markers), and for a journal. */
export const reserveBytes = 128e6;
/** A release has about 100 files and folders. */
const neededFiles = 500;

/** undefined: there is room, as far as can be told. */
export async function spaceFailure(
  files: Pick<Files, 'space'>,
  path: string,
  archiveBytes: number,
): Promise<ReleaseFailure | undefined> {
  const space = await files.space(path);
  const neededBytes = Math.ceil(archiveBytes * unpackedRatio) + reserveBytes;
  if (space.freeBytes < neededBytes)
    return { code: 'no-space', path, neededBytes, freeBytes: space.freeBytes };
  // btrfs and some network file systems have no table of inodes, and say 0.
  if (space.freeFiles > 0 && space.freeFiles < neededFiles) {
    return { code: 'no-free-files', path, freeFiles: space.freeFiles, neededFiles };
  }
  return undefined;
}
