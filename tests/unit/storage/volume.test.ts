// What is seen on a volume, whatever lies there, and how it gets its identity.
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { mountOf, openVolume } from '../../../src/storage/volume.ts';
import { FakeMachine } from '../../support/fake-host.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const identity = {
  uuid: '0b8f6a52-3a51-4a57-8a43-0d8a5b1f0c11',
  modelUuid: 'b2a4f5c0-1111-4222-8333-444455556666',
  application: 'concourse-ci',
};

let machine: FakeMachine;
let volume: string;
let clock: VirtualClock;

beforeEach(async () => {
  clock = new VirtualClock();
  machine = new FakeMachine({ directory: await temporaryDirectory(), clock });
  volume = machine.paths.volume;
});

const observe = () => openVolume(machine.process().host).observe();
const put = async (file: string, text = '') => {
  await mkdir(path.dirname(path.join(volume, file)), { recursive: true });
  await writeFile(path.join(volume, file), text);
};

describe('observing', () => {
  it('an empty volume holds nothing, and that is no problem', async () => {
    expect(await observe()).toEqual({
      state: 'present',
      mount: { isMount: true, type: 'ext4', source: '/dev/vdb', options: ['rw', 'relatime'] },
      readOnly: false,
      problems: [],
      id: undefined,
      installed: undefined,
      marker: undefined,
      previous: undefined,
      releases: [],
      foreign: [],
      staging: [],
      download: undefined,
      holder: undefined,
    });
    expect(await openVolume(machine.process().host).workers()).toEqual([]);
  });

  it('a server that does not answer is named, and the volume is not touched: that would wait for ever', async () => {
    await put('.volume-id', JSON.stringify(identity));
    const asked: string[] = [];
    let code = 124;
    machine.onCommand = (command, args) => {
      asked.push([command, ...args].join(' '));
      return { code, stdout: '', stderr: '' };
    };
    expect(await observe()).toMatchObject({ state: 'present', id: identity });
    expect(asked).toEqual([]);
    machine.mounts = machine.mounts.map((mount) =>
      mount.mountPoint === volume ? { ...mount, type: 'nfs4', source: '10.0.0.5:/srv' } : mount,
    );
    expect(await observe()).toEqual({
      state: 'unusable',
      mount: expect.objectContaining({ isMount: true, type: 'nfs4' }),
      problems: [`${volume} does not answer: is 10.0.0.5:/srv (nfs4) up, and can this machine reach it?`],
    });
    expect(asked).toEqual([`stat --file-system --format=%T -- ${volume}`]);
    // Whoever asked and cannot be killed is company enough.
    const cmdline = path.join(machine.paths.root, 'proc/4711/cmdline');
    await mkdir(path.dirname(cmdline), { recursive: true });
    await writeFile(cmdline, `${asked[0]}\n`.replaceAll(' ', '\0').replace('\n', '\0'));
    expect(await observe()).toMatchObject({ state: 'unusable' });
    expect(asked).toHaveLength(1);
    await rm(path.dirname(cmdline), { recursive: true });
    code = 0;
    expect(await observe()).toMatchObject({ state: 'present', id: identity });
    expect(asked).toHaveLength(2);
    expect(await readdir(path.join(machine.paths.run, 'concourse-ci'))).toEqual([]);
  });

  it('a volume in use is read in full', async () => {
    for (const version of ['8.10.0', '8.9.0']) {
      await put(`releases/${version}/bin/concourse`);
      await put(`releases/${version}/.manifest.json`, '{}');
    }
    await put('releases/8.11.0/bin/concourse');
    await put('.volume-id', JSON.stringify(identity));
    await put('.installed_version', '8.10.0\n');
    await put('.previous_version', '8.9.0\n');
    await put('.staging/8.11.0-concourse-ci-0-00ff00ff/x');
    await put('worker/concourse-ci-1/state.json');
    await put('worker/lost+found/x');
    const download = {
      version: '8.11.0',
      unit: 'concourse-ci/0',
      started: '2026-01-01T00:00:00Z',
      bytes: 5,
      total: 10,
    };
    await put('.download_in_progress', JSON.stringify(download));
    await symlink('releases/8.10.0/bin', path.join(volume, 'bin'));
    expect(await observe()).toMatchObject({
      id: identity,
      installed: '8.10.0',
      marker: '8.10.0',
      previous: '8.9.0',
      releases: ['8.9.0', '8.10.0'],
      staging: ['8.11.0-concourse-ci-0-00ff00ff'],
      download,
      problems: [],
    });
    expect(await openVolume(machine.process().host).workers()).toEqual(['concourse-ci/1']);
  });

  it('no volume, a file in its place, and noexec are values', async () => {
    machine.mounts = [{ mountPoint: volume, type: 'nfs4', source: 'nas:/ci', options: ['rw', 'noexec'] }];
    expect(await observe()).toMatchObject({
      state: 'unusable',
      problems: [expect.stringContaining('noexec')],
    });
    await rm(volume, { recursive: true });
    expect(await observe()).toMatchObject({ state: 'absent', problems: [`${volume} does not exist`] });
    await writeFile(volume, '');
    expect(await observe()).toMatchObject({ state: 'unusable', problems: [`${volume} is not a directory`] });
  });

  it('a volume mounted read-only is still read', async () => {
    machine.mounts = [{ mountPoint: volume, type: 'nfs4', source: 'nas:/ci', options: ['ro'] }];
    await put('.installed_version', '8.2.0\n');
    expect(await observe()).toMatchObject({
      state: 'present',
      readOnly: true,
      marker: '8.2.0',
      problems: [`${volume} is mounted read-only`],
    });
  });

  it('a directory of the machine’s own disk is no mount', () => {
    const root = { mountPoint: '/', type: 'ext4', source: '/dev/sda1', options: ['rw'] };
    const sibling = { mountPoint: '/var/lib/con', type: 'nfs4', source: 'nas:/x', options: ['ro'] };
    expect(mountOf('/var/lib/concourse', [root, sibling])).toMatchObject({ isMount: false, type: 'ext4' });
    const first = { ...root, mountPoint: '/var/lib/concourse' };
    const over = { ...sibling, mountPoint: '/var/lib/concourse' };
    expect(mountOf('/var/lib/concourse', [root, first, over])).toMatchObject({ isMount: true, type: 'nfs4' });
  });

  it.each([
    ['a real bin directory', () => put('bin/concourse'), ['bin']],
    ['a bin that points elsewhere', () => symlink('/opt/concourse/bin', path.join(volume, 'bin')), ['bin']],
    ['a bin that climbs out', () => symlink('releases/../../x/bin', path.join(volume, 'bin')), ['bin']],
    ['an archive unpacked at the top', () => put('resource-types/git/rootfs.tgz'), ['resource-types']],
    ['a file named releases', () => put('releases'), ['releases']],
  ])('%s is foreign', async (_, make, foreign) => {
    await make();
    expect(await observe()).toMatchObject({ state: 'present', installed: undefined, foreign });
  });

  it('broken links and malformed files are problems or nothing, never exceptions', async () => {
    await symlink('releases/8.2.0/bin', path.join(volume, 'bin'));
    await put('.volume-id', '{"uuid":"../.."}');
    await put('.installed_version', '../../etc\n');
    await put('.download_in_progress', '{"version":');
    await put('.install.lock', 'what?');
    await put('releases/..8/.manifest.json');
    await put('worker', 'a file');
    expect(await observe()).toMatchObject({
      state: 'present',
      id: undefined,
      installed: undefined,
      marker: undefined,
      releases: [],
      holder: undefined,
      problems: [
        `${volume}/.volume-id is not one that this charm wrote`,
        expect.stringContaining('which is not there'),
      ],
    });
  });

  it('a volume that may not be read is unusable, in words', async () => {
    const { host } = machine.process();
    const refuse = () =>
      Promise.reject(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }));
    expect(await openVolume({ ...host, files: { ...host.files, list: refuse } }).observe()).toMatchObject({
      state: 'unusable',
      problems: [`${volume} cannot be read: EACCES: permission denied`],
    });
  });
});

describe('claiming an identity', () => {
  const claim = (changes: Partial<ReturnType<FakeMachine['process']>['host']['files']> = {}) => {
    const { host } = machine.process();
    return openVolume({ ...host, files: { ...host.files, ...changes } }).claimIdentity(identity);
  };

  it('the first claim stands, and every later one reads it', async () => {
    expect(await claim()).toEqual(identity);
    const other = { ...identity, uuid: 'ffffffff-ffff-4fff-8fff-ffffffffffff', application: 'other' };
    expect(await openVolume(machine.process().host).claimIdentity(other)).toEqual(identity);
    expect(await readdir(volume)).toEqual(['.volume-id']);
  });

  it('without hard links it is made all the same', async () => {
    const link = () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' }));
    expect(await claim({ link })).toEqual(identity);
    expect(await readdir(volume)).toEqual(['.volume-id']);
  });

  it('a name that NFS hides for 30 s is waited for', async () => {
    const { host } = machine.process();
    const start = clock.monotonic();
    const theirs = { ...identity, application: 'theirs' };
    await writeFile(path.join(volume, '.volume-id'), JSON.stringify(theirs));
    const readText = async (file: string) =>
      clock.monotonic() - start < 29_500 ? undefined : host.files.readText(file);
    expect(await claim({ readText })).toEqual(theirs);
    await expect(claim({ readText: async () => undefined })).rejects.toThrow('cannot be read back');
  });

  it('an empty file, left by a death where there are no hard links, is replaced', async () => {
    await put('.volume-id');
    expect(await claim()).toEqual(identity);
    expect(await readdir(volume)).toEqual(['.volume-id']);
  });

  it('a file of somebody else is left alone', async () => {
    await put('.volume-id', 'mine\n');
    await expect(claim()).rejects.toThrow('is not an identity that this charm wrote');
    expect(await readFile(path.join(volume, '.volume-id'), 'utf8')).toBe('mine\n');
  });

  it.skipIf(process.getuid?.() === 0)('a directory without write permission is named', async () => {
    await chmod(volume, 0o555);
    await expect(claim()).rejects.toThrow('permission denied (EACCES)');
    await chmod(volume, 0o755);
  });
});
