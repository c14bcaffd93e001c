// A charm as Juju takes it, with a Node of its own: as an archive, or as a folder. Needs esbuild.
export { type Bundle, bundle, packagesOf } from './bundle.ts';
export { type Architecture, type CharmSource, type MadeFile, packCharm, unpackCharm } from './charm.ts';
export { checkNode } from './check-node.ts';
export { architectureOf, ElfError, neededLibraries, strip } from './elf.ts';
export { writeZip, type ZipFile } from './zip.ts';
