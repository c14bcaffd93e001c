// For which machine a program was built, read from the first bytes of the file, so that a wrong archive never reaches a volume.
import type { Architecture } from './version.ts';

/** How many bytes from a file's start `programArchitecture` needs. */
export const elfHeadBytes = 20;

/** undefined: not an ELF file (a script runs anywhere), or too short to tell. `other …`: an ELF file for neither of ours. */
export function programArchitecture(head: Uint8Array): Architecture | `other (${string})` | undefined {
  if (
    head.length < elfHeadBytes ||
    head[0] !== 0x7f ||
    head[1] !== 0x45 ||
    head[2] !== 0x4c ||
    head[3] !== 0x46
  ) {
    return undefined;
  }
  // e_machine: two bytes at offset 18, in the byte order that EI_DATA (offset 5) names: 1 is little-endian.
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const machine = view.getUint16(18, head[5] === 1);
  if (machine === 0x3e && head[5] === 1) return 'amd64';
  if (machine === 0xb7 && head[5] === 1) return 'arm64';
  return `other (ELF machine ${machine})`;
}
