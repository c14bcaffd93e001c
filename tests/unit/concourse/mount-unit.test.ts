// What the relation `filesystem` says, and the mount unit that becomes of it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMountUnitOf, mountUnitFile, mountUnitName } from '../../../src/concourse/mount-unit.ts';
import { parseEndpoint, type Source } from '../../../src/relations/filesystem.ts';
import { settingsOf } from './settings.ts';

const key = '/etc/concourse/volume_key';
const sourceOf = (uri: string): Source => {
  const parsed = parseEndpoint(uri, key);
  if (parsed.ok) return parsed.source;
  throw new Error(parsed.problem);
};

describe('an endpoint', () => {
  // As Python's urllib writes them, and as people do.
  test.each([
    ['nfs://(192.168.1.254%3A2050)/srv', '192.168.1.254:/srv', ['hard', 'port=2050']],
    ['nfs://(192.168.1.254:2050)/srv', '192.168.1.254:/srv', ['hard', 'port=2050']],
    ['nfs://(files.example)/', 'files.example:/', ['hard']],
    ['nfs://(files.example)', 'files.example:/', ['hard']],
    ['nfs://(%5Bfd00%3A%3A5%5D%3A2049)/a%20b', '[fd00::5]:/a b', ['hard', 'port=2049']],
    ['nfs://(10.0.0.5%2C10.0.0.6)/srv', '10.0.0.5:/srv', ['hard']],
  ])('of NFS, %s', (uri, what, options) => {
    expect(sourceOf(uri)).toEqual({
      what,
      options,
      type: 'nfs4',
      program: 'mount.nfs4',
      package: 'nfs-common',
      auth: undefined,
    });
  });

  const ceph = (auth: string) =>
    `cephfs://fs-client@(10.0.0.1%3A6789%2C10.0.0.2%3A6789)/a/b?fsid=354ca7c4-f10d&name=store&auth=${auth}&auth-rev=1`;

  test('of CephFS names monitors and user, and the key by a file', () => {
    expect(sourceOf(ceph('secret%3Acvabc'))).toEqual({
      what: 'fs-client@354ca7c4-f10d.store=/a/b',
      type: 'ceph',
      options: ['mon_addr=10.0.0.1:6789/10.0.0.2:6789', `secretfile=${key}`],
      program: 'mount.ceph',
      package: 'ceph-common',
      auth: { secret: 'secret:cvabc' },
    });
    expect(sourceOf(ceph('plain%3AAQDh%2Bw%3D%3D')).auth).toEqual({ plain: 'AQDh+w==' });
  });

  test.each([
    ['', 'its endpoint is not scheme://(host)/path'],
    ['nfs://10.0.0.5/srv', 'its endpoint is not scheme://(host)/path'],
    ['nfs://()/srv', 'its endpoint is not scheme://(host)/path'],
    ['nfs://(10.0.0.5)/%zz', 'its endpoint is not scheme://(host)/path'],
    ['nfs://(-oexec)/srv', '"-oexec" is not a host'],
    ['nfs://(a%0Ab)/srv', '"a\\nb" is not a host'],
    ['nfs://(10.0.0.5)/s%0Arv', 'its path has a control character'],
    ['lustre://(10.0.0.1)/?fs-name=x', 'lustre is not mounted by this charm, only nfs and cephfs'],
    ['cephfs://(10.0.0.1)/?fsid=1&name=x&auth=plain:k', 'its cephfs endpoint has no usable user'],
    ['cephfs://u@(10.0.0.1)/?fsid=1&auth=plain:k', 'its cephfs endpoint has no usable name'],
    ['cephfs://u@(10.0.0.1)/?fsid=1,x&name=x&auth=plain:k', 'its cephfs endpoint has no usable fsid'],
    ['cephfs://u@(10.0.0.1)/?fsid=1&name=x', 'its cephfs endpoint says nothing of a key'],
    ['cephfs://u@(10.0.0.1)/?fsid=1&name=x&auth=other:k', 'its cephfs endpoint says nothing of a key'],
  ])('that cannot be mounted, %j, is refused with words for it', (uri, problem) => {
    expect(parseEndpoint(uri, key)).toEqual({ ok: false, problem });
  });

  test('whatever it says, no line of a mount unit is anything but its own', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.constantFrom('nfs', 'cephfs'), (host, path, scheme) => {
        const uri = `${scheme}://u@(${encodeURIComponent(host)})/${encodeURIComponent(path)}?fsid=f&name=n&auth=plain:k`;
        const parsed = parseEndpoint(uri, key);
        if (!parsed.ok) return;
        const lines = mountUnitFile('concourse-ci', '/var/lib/concourse', parsed.source).split('\n');
        expect(lines.filter((line) => line.includes('=')).map((line) => line.split('=')[0])).toEqual([
          'Description',
          'Documentation',
          'What',
          'Where',
          'Type',
          'Options',
          'TimeoutSec',
          'WantedBy',
        ]);
      }),
    );
  });
});

describe('the mount unit', () => {
  // As systemd-escape --path --suffix=mount says.
  test.each([
    ['/var/lib/concourse', 'var-lib-concourse.mount'],
    ['/srv/a-b/.c.d/ü', 'srv-a\\x2db-.c.d-\\xc3\\xbc.mount'],
    ['//srv//x/', 'srv-x.mount'],
    ['/.hidden', '\\x2ehidden.mount'],
    ['/', '-.mount'],
  ])('of %s is called %s', (path, name) => {
    expect(mountUnitName(path)).toBe(name);
  });

  test('is started at boot, bounds the mount, takes nothing for a specifier, and belongs to the application', () => {
    const unit = mountUnitFile('concourse-ci', '/var/lib/concourse', sourceOf('nfs://(10.0.0.5)/100%25n'));
    expect(settingsOf(unit, 'What')).toEqual(['10.0.0.5:/100%%n']);
    expect(settingsOf(unit, 'Where')).toEqual(['/var/lib/concourse']);
    expect(settingsOf(unit, 'Type')).toEqual(['nfs4']);
    expect(settingsOf(unit, 'TimeoutSec')).toEqual(['30']);
    expect(settingsOf(unit, 'WantedBy')).toEqual(['remote-fs.target']);
    expect(isMountUnitOf('concourse-ci', unit)).toBe(true);
    expect(isMountUnitOf('concourse', unit)).toBe(false);
    expect(isMountUnitOf('concourse-ci', undefined)).toBe(false);
  });
});
