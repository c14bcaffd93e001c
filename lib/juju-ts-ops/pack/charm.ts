// Puts a charm together: which files it has, with which modes, as a folder or as an archive.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Bundle, bundle } from './bundle.ts';
import { notices } from './notices.ts';
import { writeZip } from './zip.ts';

export type Architecture = 'amd64' | 'arm64';

export interface CharmSource {
  /** The project's folder: YAML files and packages. */
  root: string;
  /** The executable's source, relative to `root`. */
  entry: string;
  architecture: Architecture;
  /** Where its Node lies, stripped, and Node's licence. */
  node: { binary: string; license: string };
  /** Further files, made from what there is: all but Node's binary. */
  more?(files: readonly MadeFile[], code: Bundle): MadeFile[];
}

export interface MadeFile {
  path: string;
  content: Buffer;
}

interface CharmFile {
  path: string;
  mode: number;
  /** Its bytes, or where they lie. */
  content: Buffer | { at: string };
}

const required = ['metadata.yaml', 'config.yaml', 'actions.yaml'];
const optional = ['lxd-profile.yaml', 'LICENSE', 'README.md', 'icon.svg'];
const dispatch = join(import.meta.dirname, 'dispatch');
/** Node's binary needs glibc 2.28; these releases of Ubuntu are what the charm is for. */
const bases = ['22.04', '24.04'];

async function charmFiles({ root, entry, architecture, node, more }: CharmSource): Promise<CharmFile[]> {
  const missing = required.find((name) => !existsSync(join(root, name)));
  if (missing !== undefined) throw new Error(`a charm needs ${missing}, and ${root} has none`);
  const code = await bundle(root, entry);
  const texts = [...required, ...optional.filter((name) => existsSync(join(root, name)))];
  const text = (path: string, content: string) => ({ path, mode: 0o644, content: Buffer.from(content) });
  const files: CharmFile[] = [
    { path: 'dispatch', mode: 0o755, content: readFileSync(dispatch) },
    { path: 'bin/node', mode: 0o755, content: { at: node.binary } },
    // The entry is executable for charmcraft's linter, which looks at the last word of dispatch.
    ...code.files.map(({ path, content }) => ({
      path: `lib/${path}`,
      mode: path === 'charm.mjs' ? 0o755 : 0o644,
      content,
    })),
    ...texts.map((path) => ({ path, mode: 0o644, content: readFileSync(join(root, path)) })),
    text('manifest.yaml', manifest(architecture)),
    text('NOTICES', notices(root, code.packages, readFileSync(node.license, 'utf8'))),
  ];
  const made = files.flatMap(({ path, content }) => (Buffer.isBuffer(content) ? [{ path, content }] : []));
  return [...files, ...(more?.(made, code) ?? []).map((file) => ({ ...file, mode: 0o644 }))];
}

/** Juju 4 refuses a charm whose manifest names no base. */
function manifest(architecture: Architecture): string {
  const entries = bases.map(
    (base) => `  - name: ubuntu\n    channel: "${base}"\n    architectures: [${architecture}]\n`,
  );
  return `bases:\n${entries.join('')}`;
}

/** The bytes of a `.charm`: the same for the same source, wherever and whenever it is packed. */
export async function packCharm(source: CharmSource): Promise<Buffer> {
  const files = await charmFiles(source);
  return writeZip(
    files.map(({ path, mode, content }) => ({
      path,
      mode,
      content: Buffer.isBuffer(content) ? content : readFileSync(content.at),
    })),
  );
}

/**
 * Writes the charm as a folder, as Juju unpacks it. `linkNode`: Node's binary is a hard link where possible. A folder that
 * is there must be empty or hold a charm written by this, which is replaced.
 */
export async function unpackCharm(
  source: CharmSource,
  folder: string,
  options: { linkNode: boolean },
): Promise<void> {
  const files = await charmFiles(source);
  emptyFolder(folder);
  for (const { path, mode, content } of files) {
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    if (Buffer.isBuffer(content)) writeFileSync(to, content);
    else if (!options.linkNode || !linked(content.at, to)) copyFileSync(content.at, to);
    chmodSync(to, mode); // whatever the umask
  }
}

function emptyFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(folder);
  if (names.length > 0 && !(names.includes('dispatch') && names.includes('NOTICES'))) {
    throw new Error(
      `${folder} holds something else than a charm: name an empty folder, or one that is not there`,
    );
  }
  for (const name of names) rmSync(join(folder, name), { recursive: true });
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    // EXDEV: another file system; EPERM, EMLINK: this one does not want to.
    if (error instanceof Error && 'code' in error && /^(EXDEV|EPERM|EMLINK)$/.test(String(error.code)))
      return false;
    throw error;
  }
}
