// Whether a Node binary starts on a fresh unit: another machine than the one that packs.
import type { Architecture } from './charm.ts';
import { architectureOf, neededLibraries } from './elf.ts';

/** What Ubuntu's minimal images have. libatomic, which newer releases of Node need, is not among it. */
const presentLibraries =
  /^(libdl\.so\.2|libstdc\+\+\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libpthread\.so\.0|libc\.so\.6|ld-linux-(x86-64\.so\.2|aarch64\.so\.1))$/;

/** Throws for another architecture's binary, and for one that a fresh unit could not start. */
export function checkNode(binary: Buffer, architecture: Architecture): void {
  const found = architectureOf(binary);
  if (found !== architecture)
    throw new Error(`a Node binary for ${found} where one for ${architecture} was wanted`);
  const missing = neededLibraries(binary).filter((library) => !presentLibraries.test(library));
  if (missing.length > 0) {
    throw new Error(
      `Node for ${architecture} needs ${missing.join(', ')}, which a fresh Ubuntu unit may lack: pin another release`,
    );
  }
}
