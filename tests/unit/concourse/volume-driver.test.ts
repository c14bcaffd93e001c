// Which volume driver it is: by the work directory's file system, the kernel and the programs.
import { describe, expect, test } from 'vitest';
import { chooseDriver, type DriverGrounds } from '../../../src/concourse/volume-driver.ts';

const grounds = (type: string, other: Partial<DriverGrounds> = {}): DriverGrounds => ({
  type,
  kernel: ['overlay', 'btrfs'],
  btrfsProgram: false,
  ...other,
});

describe('auto', () => {
  test.each([
    ['ext4', 'overlay'],
    ['xfs', 'overlay'],
    ['btrfs', 'overlay'],
    ['tmpfs', 'overlay'],
    ['overlayfs', 'naive'],
    ['zfs', 'naive'],
    ['ceph', 'naive'],
    ['0x4d44', 'naive'],
  ])('on %s it is %s, and the reason names the file system', (type, driver) => {
    const choice = chooseDriver('auto', grounds(type, { btrfsProgram: true }));
    expect(choice).toEqual({ driver, reason: expect.stringContaining(type) });
  });

  test.each(['nfs', 'fuse', 'cifs', 'smb2', '9p'])('on %s there is none', (type) => {
    expect(chooseDriver('auto', grounds(type))).toEqual({
      problem: `attach the storage worker-scratch: the work directory is ${type}, and carries no containers`,
    });
  });

  test('a kernel without overlayfs has btrfs on btrfs, where its program is, and copies elsewhere', () => {
    const kernel = ['btrfs'];
    expect(chooseDriver('auto', grounds('btrfs', { kernel, btrfsProgram: true }))).toMatchObject({
      driver: 'btrfs',
    });
    expect(chooseDriver('auto', grounds('btrfs', { kernel }))).toMatchObject({ driver: 'naive' });
    expect(chooseDriver('auto', grounds('ext4', { kernel, btrfsProgram: true }))).toEqual({
      driver: 'naive',
      reason: 'this kernel has no overlayfs: volumes are whole copies',
    });
  });

  test('a kernel that does not tell is not doubted', () => {
    expect(chooseDriver('auto', grounds('ext4', { kernel: undefined }))).toMatchObject({ driver: 'overlay' });
  });
});

describe('a driver that is asked for', () => {
  test.each([
    ['overlay', grounds('overlayfs'), /overlayfs, which carries no overlayfs/],
    ['overlay', grounds('ceph'), /ceph, which carries no overlayfs/],
    ['overlay', grounds('ext4', { kernel: [] }), /load the module overlay/],
    ['btrfs', grounds('ext4', { btrfsProgram: true }), /needs btrfs/],
    ['btrfs', grounds('btrfs', { kernel: ['overlay'], btrfsProgram: true }), /load the module btrfs/],
    ['btrfs', grounds('btrfs'), /apt-get install -y btrfs-progs/],
    ['naive', grounds('nfs'), /carries no containers/],
  ] as const)('%s is refused where it cannot be', (wanted, on, problem) => {
    expect(chooseDriver(wanted, on)).toEqual({ problem: expect.stringMatching(problem) });
  });

  test.each([
    ['overlay', grounds('ext4')],
    ['overlay', grounds('zfs')],
    ['btrfs', grounds('btrfs', { btrfsProgram: true })],
    ['naive', grounds('ext4')],
    ['naive', grounds('overlayfs')],
  ] as const)('%s is taken where it can be', (wanted, on) => {
    expect(chooseDriver(wanted, on)).toEqual({ driver: wanted, reason: 'it was asked for' });
  });
});
