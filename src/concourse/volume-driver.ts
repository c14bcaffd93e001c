// How a worker keeps the volumes of builds (baggageclaim's driver): what the file system of its work directory can carry, of
// what this machine's kernel and programs can do. Concourse itself takes overlay on every kernel since 4.0, and then each
// build fails where that cannot be.

export type VolumeDriver = 'overlay' | 'btrfs' | 'naive';

export interface DriverGrounds {
  /** The work directory's file system, by statfs(2). */
  type: string;
  /** Of overlay and btrfs, those that the kernel has: /proc/filesystems. Undefined where nobody can tell: none is doubted. */
  kernel: readonly string[] | undefined;
  /** The program `btrfs`, by which that driver makes and removes subvolumes, is there. */
  btrfsProgram: boolean;
}

export type DriverChoice = { driver: VolumeDriver; reason: string } | { problem: string };

/** overlayfs can have its upper directory there (kernel: d_type, trusted xattrs, RENAME_WHITEOUT). */
const overlayCarriers = ['ext4', 'xfs', 'btrfs', 'tmpfs'];
/** It cannot there: file systems of other machines, FUSE, and another overlay. Of those that are named in neither, such as zfs,
 * nothing is known: naive serves there, and overlay for whoever asks for it. */
const noOverlay = ['nfs', 'fuse', 'ceph', 'cifs', 'smb2', '9p', 'overlayfs'];
/** Not even copies: containers' users and device files do not arrive there. */
const nothing = ['nfs', 'fuse', 'cifs', 'smb2', '9p'];

export const carriesOverlay = (type: string): boolean => overlayCarriers.includes(type);

export function chooseDriver(wanted: 'auto' | VolumeDriver, grounds: DriverGrounds): DriverChoice {
  const { type } = grounds;
  if (nothing.includes(type)) {
    return {
      problem: `attach the storage worker-scratch: the work directory is ${type}, and carries no containers`,
    };
  }
  const overlay = overlayProblem(grounds);
  const btrfs = btrfsProblem(grounds);
  switch (wanted) {
    case 'overlay':
      return overlay === undefined ? { driver: 'overlay', reason: 'it was asked for' } : { problem: overlay };
    case 'btrfs':
      return btrfs === undefined ? { driver: 'btrfs', reason: 'it was asked for' } : { problem: btrfs };
    case 'naive':
      return { driver: 'naive', reason: 'it was asked for' };
    case 'auto':
      if (overlay === undefined && carriesOverlay(type)) {
        return { driver: 'overlay', reason: `the work directory is ${type}, which carries overlayfs` };
      }
      if (btrfs === undefined) return { driver: 'btrfs', reason: 'this kernel has btrfs and no overlayfs' };
      return {
        driver: 'naive',
        reason: `${carriesOverlay(type) ? 'this kernel has no overlayfs' : `the work directory is ${type}, which may not carry overlayfs`}: volumes are whole copies`,
      };
    default:
      return wanted satisfies never;
  }
}

function overlayProblem({ type, kernel }: DriverGrounds): string | undefined {
  if (noOverlay.includes(type)) {
    return `attach the storage worker-scratch: the work directory is ${type}, which carries no overlayfs`;
  }
  return kernel?.includes('overlay') === false
    ? 'load the module overlay: this kernel has no overlayfs'
    : undefined;
}

/** Elsewhere Concourse would make an image of the whole disk's size, which does not survive that the disk is resized. */
function btrfsProblem({ type, kernel, btrfsProgram }: DriverGrounds): string | undefined {
  if (type !== 'btrfs') {
    return `attach a worker-scratch that is btrfs: the work directory is ${type}, and the driver btrfs needs btrfs`;
  }
  if (kernel?.includes('btrfs') === false) return 'load the module btrfs: this kernel has no btrfs';
  return btrfsProgram
    ? undefined
    : 'apt-get install -y btrfs-progs on this machine: the program btrfs is missing';
}
