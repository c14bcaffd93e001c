// A unit's file system: a folder that stands for `/`, with the few files of a machine that a charm looks at, and the
// shared volume, which a symbolic link puts where a real machine would have it mounted.
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface VolumeMount {
  /** Absolute, as the charm names it, such as `/srv/shared`. */
  mountPath: string;
  /** The folder of this machine that is the volume. */
  directory: string;
  /** Says `ro` in mountinfo. The folder itself stays writable: that is the charm's to respect. */
  readOnly: boolean;
}

export class MachineRoot {
  readonly path: string;
  #mounted: VolumeMount | undefined;

  constructor(path: string) {
    this.path = path;
    for (const folder of [
      'etc/systemd/system',
      'proc/self',
      'proc/sys/kernel/random',
      'tmp',
      'usr/bin',
      'var/lib',
    ]) {
      mkdirSync(join(path, folder), { recursive: true });
    }
    writeFileSync(join(path, 'etc/os-release'), osRelease());
    this.boot();
    this.#writeMounts();
  }

  /** What a boot renews: the boot's id. */
  boot(): void {
    writeFileSync(join(this.path, 'proc/sys/kernel/random/boot_id'), `${randomUUID()}\n`);
  }

  get mounted(): VolumeMount | undefined {
    return this.#mounted;
  }

  /** Mounts the volume, in place of what was mounted there before. What a folder at that path holds is hidden while
   * a real mount covers it; here it is moved aside and comes back with `unmount`. */
  mount(volume: VolumeMount): void {
    this.unmount();
    const at = join(this.path, volume.mountPath);
    mkdirSync(dirname(at), { recursive: true });
    if (existsSync(at)) renameAway(at);
    symlinkSync(volume.directory, at);
    this.#mounted = volume;
    this.#writeMounts();
  }

  /** Leaves an ordinary, writable folder of the unit's own disk at the mount path, as a real unmount does. */
  unmount(): void {
    if (this.#mounted === undefined) return;
    const at = join(this.path, this.#mounted.mountPath);
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(at);
    bringBack(at);
    this.#mounted = undefined;
    this.#writeMounts();
  }

  #writeMounts(): void {
    const disk = mountOf(this.path);
    const lines = [mountLine(20, 1, '/', disk, 'rw')];
    if (this.#mounted !== undefined) {
      const { mountPath, directory, readOnly } = this.#mounted;
      lines.push(mountLine(21, 20, mountPath, mountOf(directory), readOnly ? 'ro' : 'rw'));
    }
    writeFileSync(join(this.path, 'proc/self/mountinfo'), lines.map((line) => `${line}\n`).join(''));
  }
}

const underMount = (at: string): string => `${at}.under-the-mount`;

function renameAway(at: string): void {
  rmSync(underMount(at), { recursive: true, force: true });
  renameSync(at, underMount(at));
}

function bringBack(at: string): void {
  if (existsSync(underMount(at))) renameSync(underMount(at), at);
  else mkdirSync(at, { recursive: true });
}

interface RealMount {
  device: string;
  type: string;
  source: string;
}

/** The file system of this machine on which a folder lies, so that what mountinfo says of it is true. */
function mountOf(folder: string): RealMount {
  const covering = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(
      ([, , , , at]) => at !== undefined && (folder === at || folder.startsWith(at === '/' ? at : `${at}/`)),
    )
    .sort((a, b) => (a[4]?.length ?? 0) - (b[4]?.length ?? 0))
    .at(-1);
  const separator = covering?.indexOf('-') ?? -1;
  return {
    device: covering?.[2] ?? '0:1',
    type: covering?.[separator + 1] ?? 'ext4',
    source: covering?.[separator + 2] ?? '/dev/root',
  };
}

/** One line in the form of proc_pid_mountinfo(5). */
function mountLine(id: number, parent: number, at: string, from: RealMount, mode: 'ro' | 'rw'): string {
  const place = at.replace(/[\s\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `${id} ${parent} ${from.device} / ${place} ${mode},relatime shared:1 - ${from.type} ${from.source} ${mode}`;
}

function osRelease(): string {
  return existsSync('/etc/os-release')
    ? readFileSync('/etc/os-release', 'utf8')
    : 'ID=ubuntu\nVERSION_ID="24.04"\n';
}
