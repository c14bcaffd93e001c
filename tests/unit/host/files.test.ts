// Real files: exact modes, links that are not followed, what is absent as a value; and the kernel's lock.
import { spawnSync } from 'node:child_process';
import { link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { realFiles } from '../../../src/host/real/files.ts';
import { createHost } from '../../../src/host/real/index.ts';
import { realLocks } from '../../../src/host/real/locks.ts';
import { parseMounts, typeOfMagic } from '../../../src/host/real/mounts.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const files = realFiles('/');
let directory: string;
const at = (...parts: string[]) => path.join(directory, ...parts);
const modeOf = async (file: string) => (await stat(file)).mode & 0o7777;

beforeEach(async () => {
  directory = await temporaryDirectory();
});

describe('files', () => {
  it('have the mode that was asked for, whatever the umask and whatever was there', async () => {
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
    await files.write(at('new'), 'x', { mode: 0o644, sync: true });
    await writeFile(at('wide'), 'long content', { mode: 0o666 });
    await files.write(at('wide'), 'secret', { mode: 0o600 });
    await files.makeDirectory(at('a/b/c'), { mode: 0o755, recursive: true });
    await files.makeDirectory(at('private'), { mode: 0o700 });
    const writer = await files.create(at('program'), 0o755);
    await writer.write(Buffer.from('#!'));
    await writer.write(Buffer.from('/bin/sh'));
    await writer.sync();
    await writer.close();
    expect(await readFile(at('wide'), 'utf8')).toBe('secret');
    expect(await readFile(at('program'), 'utf8')).toBe('#!/bin/sh');
    const modes = ['new', 'wide', 'a', 'a/b', 'a/b/c', 'private', 'program'].map((name) => modeOf(at(name)));
    expect(await Promise.all(modes)).toEqual([0o644, 0o600, 0o755, 0o755, 0o755, 0o700, 0o755]);
  });

  it('a directory that is there keeps its mode', async () => {
    await files.makeDirectory(at('there'), { mode: 0o700 });
    await files.makeDirectory(at('there'), { mode: 0o755, recursive: true });
    expect(await modeOf(at('there'))).toBe(0o700);
  });

  it('what is not there is undefined, also below a file', async () => {
    await writeFile(at('file'), '');
    for (const name of ['none', 'file/none']) {
      expect(await files.read(at(name))).toBeUndefined();
      expect(await files.readText(at(name))).toBeUndefined();
      expect(await files.stat(at(name))).toBeUndefined();
      expect(await files.lstat(at(name))).toBeUndefined();
      expect(await files.readLink(at(name))).toBeUndefined();
      await files.remove(at(name));
    }
    expect(await files.list(at('none'))).toBeUndefined();
    expect(await files.readLink(at('file'))).toBeUndefined();
  });

  it('exclusive writing, creating and linking fail where something is', async () => {
    await writeFile(at('there'), 'theirs');
    await symlink(at('elsewhere'), at('dangling'));
    for (const name of ['there', 'dangling']) {
      const exclusive = files.write(at(name), 'x', { mode: 0o644, exclusive: true });
      await expect(exclusive).rejects.toHaveProperty('code', 'EEXIST');
      await expect(files.create(at(name), 0o644)).rejects.toHaveProperty('code', 'EEXIST');
      await expect(files.link(at('there'), at(name))).rejects.toHaveProperty('code', 'EEXIST');
    }
    expect(await readdir(directory)).toEqual(['dangling', 'there']);
  });

  it('removing a tree follows no link out of it', async () => {
    await mkdir(at('kept'));
    await writeFile(at('kept/precious'), '');
    await mkdir(at('tree/deep'), { recursive: true });
    await symlink(at('kept'), at('tree/deep/directory-link'));
    await symlink(at('kept/precious'), at('tree/file-link'));
    await symlink(at('kept'), at('top-link'));
    await files.remove(at('tree'));
    await files.remove(at('top-link'));
    expect(await readdir(directory)).toEqual(['kept']);
    expect(await readdir(at('kept'))).toEqual(['precious']);
  });

  it.skipIf(process.getuid?.() !== 0)('removing refuses a tree in which something is mounted', () => {
    // In a mount namespace of its own, so that nothing is left whatever happens.
    const script = `
      mkdir -p ${at('tree/inner')} ${at('other')} && touch ${at('other/precious')}
      mount --bind ${at('other')} ${at('tree/inner')} || exit 77
      exec ${process.execPath} --input-type=module-typescript -e "
        import { realFiles } from '${path.resolve('src/host/real/files.ts')}';
        await realFiles('/').remove('${at('tree')}').then(() => console.log('removed'), (error) => console.log(error.code, error.message));
      "`;
    const run = spawnSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8' });
    if (run.status === 77) return;
    expect(run.stdout).toContain(`EBUSY cannot remove ${at('tree')}`);
    expect(spawnSync('ls', [at('other')], { encoding: 'utf8' }).stdout).toBe('precious\n');
  });

  it('stat tells blocks, links and inodes', async () => {
    await writeFile(at('file'), Buffer.alloc(10_000, 1), { mode: 0o640 });
    await link(at('file'), at('second'));
    const found = await files.lstat(at('file'));
    expect(found).toMatchObject({ kind: 'file', sizeBytes: 10_000, links: 2 });
    expect(found?.allocatedBytes).toBeGreaterThanOrEqual(10_000);
    expect(found?.inode).toBe((await files.lstat(at('second')))?.inode);
  });

  it('a stream gives the bytes in chunks of 1 MiB', async () => {
    const content = Buffer.alloc(2_500_000, 7);
    await writeFile(at('big'), content);
    const sizes: number[] = [];
    for await (const chunk of files.stream(at('big'))) sizes.push(chunk.length);
    expect(sizes).toEqual([1_048_576, 1_048_576, 402_848]);
  });

  it('what the lab writes below a root stands for the machine’s own', async () => {
    await mkdir(at('proc/sys/kernel/random'), { recursive: true });
    await mkdir(at('proc/self'));
    await writeFile(at('proc/sys/kernel/random/boot_id'), 'lab-boot\n');
    await writeFile(at('proc/self/mountinfo'), '1 2 0:1 / /lab\\040volume ro - nfs4 nas:/x rw,vers=4.2\n');
    const host = createHost({ root: directory });
    expect(await host.bootId()).toBe('lab-boot');
    expect(await host.files.mounts()).toEqual([
      { mountPoint: `${directory}/lab volume`, type: 'nfs4', source: 'nas:/x', options: ['ro', 'vers=4.2'] },
    ]);
    expect(host.paths.volume).toBe(at('var/lib/concourse'));
    expect(await createHost().bootId()).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('mounts', () => {
  it('this machine’s own are read', async () => {
    expect((await files.mounts()).map(({ mountPoint }) => mountPoint)).toContain('/proc');
    expect((await files.space('/')).totalBytes).toBeGreaterThan(0);
  });

  it('optional fields and odd lines do no harm', () => {
    const text =
      '36 35 98:0 / /mnt rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue\nnonsense\n\n';
    expect(parseMounts(text)).toEqual([
      {
        mountPoint: '/mnt',
        type: 'ext3',
        source: '/dev/root',
        options: ['rw', 'noatime', 'errors=continue'],
      },
    ]);
  });

  it('file systems have names, or their number', () => {
    expect([0xef53, 0x6969, -1859950530, 0x1234].map(typeOfMagic)).toEqual([
      'ext4',
      'nfs',
      'btrfs',
      '0x1234',
    ]);
  });
});

describe('locks', () => {
  it('one description holds it; flock(1) and a second open are refused until it is released', async () => {
    const file = at('lock');
    const lock = await realLocks.tryLock(file);
    expect(await modeOf(file)).toBe(0o644);
    expect(await realLocks.tryLock(file)).toBeUndefined();
    expect(spawnSync('flock', ['-n', file, 'true']).status).toBe(1);
    await lock?.release();
    await lock?.release();
    expect(spawnSync('flock', ['-n', file, 'true']).status).toBe(0);
    await (await realLocks.tryLock(file))?.release();
  });

  it('a child that outlives the release does not keep it', async () => {
    const lock = await realLocks.tryLock(at('lock'));
    const child = createHost().commands.run('sleep', ['1'], { timeoutMs: 5_000 });
    await lock?.release();
    const again = await realLocks.tryLock(at('lock'));
    expect(again).toBeDefined();
    await again?.release();
    await child;
  });

  it('a directory that is not there is an error with its code', async () => {
    await expect(realLocks.tryLock(at('none/lock'))).rejects.toHaveProperty('code', 'ENOENT');
  });
});
