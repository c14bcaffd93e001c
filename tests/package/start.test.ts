// Whether Node starts on a machine with little on it, and what dispatch says where it does not.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { unpacked } from './support/folders.ts';
import { rootfs } from './support/rootfs.ts';

/** Runs dispatch on the bare machine's files without those of `lacking`, shell patterns. Every mount and process is in
 * namespaces that end with the shell. */
function dispatch(event: string, charm: string, ...lacking: string[]) {
  const script = [
    'mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work /mnt/root',
    'mount -t overlay overlay -o "lowerdir=$0,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root',
    'mkdir /mnt/root/charm && mount --bind -o ro "$1" /mnt/root/charm',
    ...lacking.map((pattern) => `rm /mnt/root${pattern}`),
    'exec chroot /mnt/root env -i PATH=/usr/bin:/bin JUJU_DISPATCH_PATH="$2" /charm/dispatch',
  ].join(' && ');
  const namespaces = ['-m', '-p', '-f', '--kill-child=KILL', '--propagation', 'private'];
  const words = [...namespaces, 'sh', '-c', script, rootfs(), charm, event];
  const { status, stderr } = spawnSync('unshare', words, { encoding: 'utf8' });
  return { status, stderr };
}

const libraries = '/usr/lib/*-linux-gnu';

describe('on a machine that lacks a library of Node’s', () => {
  test.each([
    ['libstdc++6', `${libraries}/libstdc++.so.6`],
    ['libgcc-s1', `${libraries}/libgcc_s.so.1`],
  ])('install fails and names the package to install: %s', (name, file) => {
    for (const event of ['hooks/install', 'hooks/upgrade-charm']) {
      const { status, stderr } = dispatch(event, unpacked(), file);
      expect(status).toBe(1);
      expect(stderr).toContain(
        `does not start on this machine: sudo apt-get install ${name}. Juju tries again`,
      );
      // In one line of Juju's log.
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });
});

test('no other hook asks first: there the loader’s own words must do', () => {
  const { status, stderr } = dispatch('hooks/config-changed', unpacked(), `${libraries}/libstdc++.so.6`);
  expect(status).toBe(127);
  expect(stderr).toContain('libstdc++.so.6');
});

test('a charm for another architecture says so', () => {
  const other = unpacked().endsWith('amd64') ? unpacked('arm64') : unpacked('amd64');
  const { status, stderr } = dispatch('hooks/install', other);
  expect(status).toBe(1);
  expect(stderr).toContain('deploy the charm that was packed for it');
});

test('with essential packages, systemd, mount, passwd and libstdc++6 the charm starts: Juju’s environment is all that it misses', () => {
  const { status, stderr } = dispatch('hooks/install', unpacked());
  // The charm's own words: it got as far as reading them.
  expect(stderr).toContain('JUJU_');
  expect(status).toBe(2);
  expect(stderr).not.toContain('does not start');
});
