// lxd-profile.yaml as Juju will take it: what it refuses fails the deployment, and what LXD refuses keeps the container from starting.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { root, unpacked } from './support/folders.ts';

/** A profile's form (LXD's api.ProfilePut): every value is text. */
const profile = z.strictObject({
  description: z.string(),
  config: z.record(z.string(), z.string()),
  devices: z.record(z.string(), z.record(z.string(), z.string())),
});

const { config, devices } = profile.parse(
  parse(readFileSync(join(unpacked('amd64'), 'lxd-profile.yaml'), 'utf8')),
);

describe('the packed lxd-profile.yaml', () => {
  test('is the project’s, in the charms for both architectures', () => {
    const text = readFileSync(join(root, 'lxd-profile.yaml'), 'utf8');
    for (const of of ['amd64', 'arm64']) {
      expect(readFileSync(join(unpacked(of), 'lxd-profile.yaml'), 'utf8')).toBe(text);
    }
  });

  // juju/charm lxdprofile.go, ValidateConfigDevices.
  test('has nothing that Juju refuses: keys of boot, limits and migration, and devices but for four types', () => {
    expect(Object.keys(config).filter((key) => /^(boot|limits|migration)/.test(key))).toEqual([]);
    const types = Object.values(devices).map(({ type }) => type ?? '');
    expect(types.filter((type) => !['unix-char', 'unix-block', 'gpu', 'usb'].includes(type))).toEqual([]);
    expect(Object.keys(config).length + types.length).toBeGreaterThan(0);
  });

  test('lets containers nest without making the unit’s own a privileged one', () => {
    expect(config).toMatchObject({
      'security.nesting': 'true',
      'security.syscalls.intercept.mknod': 'true',
      'security.syscalls.intercept.setxattr': 'true',
    });
    expect(config['security.privileged']).toBeUndefined();
    expect(Object.keys(config).filter((key) => key.startsWith('raw.'))).toEqual([]);
  });

  test('loads no module that newer kernels lack, for then LXD would not start the container', () => {
    const modules = config['linux.kernel_modules']?.split(',') ?? [];
    expect(modules).toContain('overlay');
    // Ubuntu's kernels from 6.17 on can be without the legacy tables; iptables goes through nf_tables there.
    expect(modules.filter((name) => /^(ip6?_?table|iptable|ip6table|ebtable|arp_?table)/.test(name))).toEqual(
      [],
    );
    for (const name of modules) expect(name).toMatch(/^[a-zA-Z0-9_]+$/);
  });
});
