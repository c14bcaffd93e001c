import { readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { FileWriter } from '../../../src/host/host.ts';
import { ReleaseError } from '../../../src/release/failures.ts';
import { unpackLimits } from '../../../src/release/tree.ts';
import { unpackRelease } from '../../../src/release/unpack.ts';
import { archive, checksummed, type Entry, elf, releaseEntries, sha1, sha256, tarball } from './archives.ts';
import { inChunks, temporaryDirectory, testMachine } from './machine.ts';

const program: Entry = { path: 'concourse/bin/concourse', mode: 0o755, content: 'program' };

async function unpack(
  bytes: Buffer,
  options: { limits?: Partial<typeof unpackLimits>; chunk?: number; signal?: AbortSignal } = {},
) {
  const directory = await temporaryDirectory();
  const unpacked = await unpackRelease(testMachine().files, directory, inChunks(bytes, options.chunk), {
    source: 'archive',
    architecture: 'amd64',
    sha1: true,
    signal: options.signal ?? new AbortController().signal,
    limits: { ...unpackLimits, ...options.limits },
  });
  return { directory, ...unpacked };
}

/** The failure's data, or what was thrown instead. */
async function failureOf(attempt: Promise<unknown>): Promise<unknown> {
  try {
    await attempt;
  } catch (error) {
    return error instanceof ReleaseError ? error.failure : error;
  }
  return 'no failure';
}

describe('a good archive', () => {
  test('is unpacked without its top folder, with modes, links and a digest of each file', async () => {
    const bytes = archive();
    const { directory, files, archive: digests } = await unpack(bytes);
    expect(digests).toEqual({ sha256: sha256(bytes), sha1: sha1(bytes), bytes: bytes.length });
    expect(files.map(({ path }) => path)).toEqual([
      'bin/concourse',
      'bin/gdn',
      'bin/runc',
      'fly-assets/fly-linux-amd64.tgz',
      'resource-types/git/resource_metadata.json',
      'resource-types/git/rootfs.tgz',
    ]);
    expect(files).toContainEqual({ kind: 'link', path: 'bin/runc', target: 'gdn' });
    expect(files).toContainEqual({
      kind: 'file',
      path: 'bin/gdn',
      mode: 0o755,
      size: 3,
      sha256: sha256('gdn'),
    });
    expect(await readlink(join(directory, 'bin/runc'))).toBe('gdn');
    expect((await stat(join(directory, 'bin/concourse'))).mode & 0o7777).toBe(0o755);
    expect(await readFile(join(directory, 'resource-types/git/rootfs.tgz'))).toEqual(
      Buffer.alloc(70_000, 'rootfs'),
    );
  });

  test.each([1, 7, 511, 512, 513, 100_000])(
    'is the same when it comes in pieces of %i bytes',
    async (chunk) => {
      const bytes = archive([
        program,
        { path: 'concourse/data', content: Buffer.from(Array.from({ length: 3000 }, (_, i) => i % 251)) },
        { path: 'concourse/empty' },
      ]);
      const { directory, files } = await unpack(bytes, { chunk });
      expect(files.map(({ path }) => path)).toEqual(['bin/concourse', 'data', 'empty']);
      expect((await stat(join(directory, 'data'))).size).toBe(3000);
    },
  );

  test('loses set-user-id bits and write permission for everybody', async () => {
    const { directory } = await unpack(archive([{ ...program, mode: 0o6777 }]));
    expect((await stat(join(directory, 'bin/concourse'))).mode & 0o7777).toBe(0o775);
  });

  test('may repeat what it said, and may link to a file that came before', async () => {
    const { directory, files } = await unpack(
      archive([
        program,
        program,
        { path: 'concourse/bin/ctr', type: 'Link', linkpath: 'concourse/bin/concourse' },
      ]),
    );
    expect(files).toContainEqual(
      expect.objectContaining({ path: 'bin/ctr', sha256: sha256('program'), mode: 0o755 }),
    );
    expect(await readFile(join(directory, 'bin/ctr'), 'utf8')).toBe('program');
  });

  test('may have any owner-writable folder modes: folders are 0755', async () => {
    const { directory } = await unpack(
      archive([{ path: 'concourse/bin/', type: 'Directory', mode: 0o000 }, program]),
    );
    expect((await stat(join(directory, 'bin'))).mode & 0o777).toBe(0o755);
  });

  test('of several megabytes comes out byte by byte the same', async () => {
    const big = Buffer.alloc(11 * 1024 * 1024);
    for (let at = 0; at < big.length; at += 4) big.writeUInt32LE((at * 2654435761) >>> 0, at);
    const { directory, files } = await unpack(archive([program, { path: 'concourse/big', content: big }]));
    expect(files.find(({ path }) => path === 'big')).toMatchObject({ size: big.length, sha256: sha256(big) });
    expect(sha256(await readFile(join(directory, 'big')))).toBe(sha256(big));
  });
});

describe('a large file', () => {
  const large = archive([program, { path: 'concourse/large', content: Buffer.alloc(48 * 1024 * 1024) }]);
  const watched = (sync: (real: () => Promise<void>) => Promise<void>) => {
    const { files } = testMachine();
    const calls: string[] = [];
    const create = async (path: string, mode: number): Promise<FileWriter> => {
      const writer = await files.create(path, mode);
      if (!path.endsWith('large')) return writer;
      return {
        write: (bytes) => {
          calls.push('write');
          return writer.write(bytes);
        },
        sync: () => {
          calls.push('sync');
          return sync(writer.sync);
        },
        close: async () => {
          calls.push('close');
          await writer.close();
        },
      };
    };
    const unpacking = async () =>
      unpackRelease({ ...files, create }, await temporaryDirectory(), inChunks(large, 64_000), {
        source: 'archive',
        architecture: 'amd64',
        signal: new AbortController().signal,
        limits: { ...unpackLimits, ratio: Number.POSITIVE_INFINITY },
      });
    return { calls, unpacking };
  };

  test('is on its way to the disk before all of it is written, and synced again at its end', async () => {
    const { calls, unpacking } = watched((real) => real());
    await unpacking();
    expect(calls.indexOf('sync')).toBeLessThan(calls.lastIndexOf('write'));
    expect(calls.slice(-2)).toEqual(['sync', 'close']);
  });

  test('that cannot be synced under way fails with that failure, closed', async () => {
    const broken = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    const { calls, unpacking } = watched(async () => {
      if (calls.filter((call) => call === 'sync').length === 1) throw broken;
    });
    await expect(unpacking()).rejects.toBe(broken);
    expect(calls.at(-1)).toBe('close');
  });
});

describe('a hostile archive is refused', () => {
  const hostile: [string, Entry[], string][] = [
    ['a path with ..', [{ path: 'concourse/../../evil', content: 'x' }], "'..'"],
    ['an absolute path', [{ path: '/etc/cron.d/evil', content: 'x' }], 'absolute'],
    ['a path beside the top folder', [{ path: 'evil', content: 'x' }], 'outside'],
    [
      'a link to an absolute path',
      [{ path: 'concourse/l', type: 'SymbolicLink', linkpath: '/etc/passwd' }],
      'absolute',
    ],
    [
      'a link out of the release',
      [{ path: 'concourse/l', type: 'SymbolicLink', linkpath: '../x' }],
      'out of the release',
    ],
    [
      'a file below a link',
      [
        { path: 'concourse/l', type: 'SymbolicLink', linkpath: 'bin' },
        { path: 'concourse/l/x', content: 'x' },
      ],
      'twice',
    ],
    ['a file below a file', [program, { path: 'concourse/bin/concourse/x', content: 'x' }], 'twice'],
    [
      'a file in place of a link',
      [
        { path: 'concourse/l', type: 'SymbolicLink', linkpath: 'bin' },
        { path: 'concourse/l', content: 'x' },
      ],
      'twice',
    ],
    [
      'a link in place of a file',
      [program, { path: 'concourse/bin/concourse', type: 'SymbolicLink', linkpath: 'gdn' }],
      'twice',
    ],
    [
      'a folder in place of a file',
      [program, { path: 'concourse/bin/concourse/', type: 'Directory' }],
      'twice',
    ],
    ['a file in place of a folder', [program, { path: 'concourse/bin', content: 'x' }], 'twice'],
    [
      'a link in place of the top folder',
      [{ path: 'concourse', type: 'SymbolicLink', linkpath: '.' }],
      'not a folder',
    ],
    ['two contents for one path', [program, { ...program, content: 'evil' }], 'twice, differently'],
    ['two modes for one path', [program, { ...program, mode: 0o644 }], 'twice, differently'],
    [
      'a hard link to a file outside',
      [program, { path: 'concourse/l', type: 'Link', linkpath: '/etc/shadow' }],
      'not unpacked before',
    ],
    [
      'a hard link to a later file',
      [{ path: 'concourse/l', type: 'Link', linkpath: 'concourse/bin/concourse' }, program],
      'not unpacked before',
    ],
    [
      'a hard link to a symbolic link',
      [
        { path: 'concourse/s', type: 'SymbolicLink', linkpath: 'bin' },
        { path: 'concourse/l', type: 'Link', linkpath: 'concourse/s' },
      ],
      'not unpacked before',
    ],
    ['a character device', [{ path: 'concourse/null', type: 'CharacterDevice' }], 'CharacterDevice'],
    ['a block device', [{ path: 'concourse/sda', type: 'BlockDevice' }], 'BlockDevice'],
    ['a fifo', [{ path: 'concourse/fifo', type: 'FIFO' }], 'FIFO'],
    ['a sparse file', [{ path: 'concourse/s', typeByte: 'S' }], 'unsupported'],
    ['an unknown type', [{ path: 'concourse/s', typeByte: 'Z' }], 'unsupported'],
    ['a control character', [{ path: 'concourse/a\u001bb', content: 'x' }], 'control character'],
    ["the manifest's own name", [{ path: 'concourse/.manifest.json', content: '{}' }], 'keeps for itself'],
    ['no program', [{ path: 'concourse/bin/gdn', mode: 0o755, content: 'x' }], 'missing'],
    [
      'a program that is a link',
      [{ path: 'concourse/bin/concourse', type: 'SymbolicLink', linkpath: 'gdn' }],
      'missing',
    ],
    ['a program that is not executable', [{ ...program, mode: 0o644 }], 'not executable'],
  ];

  test.each(hostile)('for %s', async (_what, entries, reason) => {
    expect(await failureOf(unpack(archive(entries)))).toMatchObject({
      code: 'archive-refused',
      reason: expect.stringContaining(reason),
    });
  });

  test('for a header that fails its checksum', async () => {
    const tar = tarball([program]);
    tar[0] = 0x64;
    expect(await failureOf(unpack(gzipSync(tar)))).toMatchObject({
      code: 'archive-refused',
      reason: expect.stringContaining('checksum'),
    });
  });

  test('for a path that an extended header lengthens out of the release', async () => {
    const pax = '30 path=concourse/../../evil\n'.replace('30', '29');
    const entries: Entry[] = [{ path: 'PaxHeader', typeByte: 'x', content: pax }, program];
    expect(await failureOf(unpack(archive(entries)))).toMatchObject({
      code: 'archive-refused',
      reason: expect.stringContaining("'..'"),
    });
  });

  test('for an oversized extended header', async () => {
    const entries: Entry[] = [
      { path: 'PaxHeader', typeByte: 'x', content: Buffer.alloc(200_000, 'x') },
      program,
    ];
    expect(await failureOf(unpack(archive(entries)))).toMatchObject({
      code: 'archive-refused',
      reason: expect.stringContaining('oversized'),
    });
  });

  test('for more entries than the limit', async () => {
    const many = Array.from({ length: 30 }, (_, index): Entry => ({ path: `concourse/f${index}` }));
    expect(await failureOf(unpack(archive(many), { limits: { entries: 20 } }))).toMatchObject({
      code: 'archive-refused',
    });
    const deep: Entry = { path: `concourse/${'d/'.repeat(40)}f` };
    expect(await failureOf(unpack(archive([deep]), { limits: { entries: 20 } }))).toMatchObject({
      code: 'archive-refused',
    });
  });

  test('for the ratio of a bomb, before it is written out', async () => {
    const bomb = archive([program, { path: 'concourse/zeros', content: Buffer.alloc(64 * 1024 * 1024) }]);
    expect(bomb.length * unpackLimits.ratio).toBeLessThan(64 * 1024 * 1024);
    expect(await failureOf(unpack(bomb))).toMatchObject({
      code: 'archive-refused',
      reason: expect.stringContaining('200 times'),
    });
  });

  test('for a bomb that hides behind the end marker', async () => {
    const bomb = gzipSync(Buffer.concat([tarball([program]), Buffer.alloc(64 * 1024 * 1024)]));
    expect(await failureOf(unpack(bomb))).toMatchObject({ code: 'archive-refused' });
  });

  test('for more bytes than the limit', async () => {
    expect(await failureOf(unpack(archive(), { limits: { bytes: 10_000 } }))).toMatchObject({
      code: 'archive-refused',
    });
  });

  test('for being compressed twice', async () => {
    expect(await failureOf(unpack(gzipSync(archive())))).toMatchObject({
      code: 'archive-refused',
      reason: 'is compressed twice',
    });
  });

  test('for a size that is no size', async () => {
    const tar = tarball([program]);
    // Base-256 with the sign bit: a negative size.
    tar.fill(0xff, 124, 136);
    checksummed(tar.subarray(0, 512));
    expect(await failureOf(unpack(gzipSync(tar)))).toMatchObject({ code: 'archive-refused' });
  });
});

describe('a damaged archive fails', () => {
  test('when it is no gzip', async () => {
    expect(await failureOf(unpack(Buffer.from('<html>not here</html>')))).toMatchObject({
      code: 'archive-damaged',
    });
    expect(await failureOf(unpack(Buffer.alloc(0)))).toMatchObject({
      code: expect.stringMatching(/^archive-/),
    });
  });

  test('when it was cut anywhere', async () => {
    const bytes = archive([
      program,
      {
        path: 'concourse/random',
        content: Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i * 31) % 256)),
      },
    ]);
    for (let length = 1; length < bytes.length; length += 37) {
      expect(await failureOf(unpack(bytes.subarray(0, length)))).toMatchObject({
        code: expect.stringMatching(/^archive-/),
      });
    }
  });

  test('when a bit has flipped', async () => {
    const bytes = Buffer.from(archive());
    bytes[200] = (bytes[200] ?? 0) ^ 1;
    expect(await failureOf(unpack(bytes))).toMatchObject({ code: expect.stringMatching(/^archive-/) });
  });

  test('when something follows it, but for the zeros that tapes are padded with, which its digest covers', async () => {
    for (const more of [Buffer.from('garbage'), Buffer.alloc(5_000_000, 'garbage')]) {
      expect(await failureOf(unpack(Buffer.concat([archive(), more])))).toMatchObject({
        code: 'archive-damaged',
      });
    }
    for (const zeros of [7, 3_000_000]) {
      const bytes = Buffer.concat([archive(), Buffer.alloc(zeros)]);
      expect((await unpack(bytes)).archive.sha256).toBe(sha256(bytes));
    }
  });

  test('when its end marker is missing', async () => {
    expect(await failureOf(unpack(gzipSync(tarball([program], { endMarker: false }))))).toMatchObject({
      code: 'archive-refused',
      reason: expect.stringContaining('cut off'),
    });
    expect(await failureOf(unpack(gzipSync(tarball([program]).subarray(0, 700))))).toMatchObject({
      code: 'archive-refused',
    });
  });
});

describe('the architecture', () => {
  test('of the program must be this machine’s', async () => {
    const forMachine = (machine: number) => archive([{ ...program, content: elf(machine) }]);
    expect(await failureOf(unpack(forMachine(0x3e)))).toBe('no failure');
    expect(await failureOf(unpack(forMachine(0xb7)))).toEqual({
      code: 'wrong-architecture',
      found: 'arm64',
      wanted: 'amd64',
    });
    expect(await failureOf(unpack(forMachine(0x16)))).toMatchObject({
      code: 'wrong-architecture',
      found: expect.stringContaining('other'),
    });
  });
});

describe('an interruption', () => {
  test('by the signal ends it with no file left open and nothing written afterwards', async () => {
    const controller = new AbortController();
    const directory = await temporaryDirectory();
    const { files } = testMachine();
    let open = 0;
    async function* endless() {
      const bytes = archive([
        ...releaseEntries(),
        { path: 'concourse/big', content: Buffer.alloc(3_000_000, 'x') },
      ]);
      for await (const chunk of inChunks(bytes, 1000)) {
        yield chunk;
      }
      controller.abort(new Error('lock lost'));
      await new Promise(() => undefined);
    }
    const counted = {
      ...files,
      create: async (path: string, mode: number) => {
        const writer = await files.create(path, mode);
        open += 1;
        return {
          ...writer,
          close: async () => {
            open -= 1;
            await writer.close();
          },
        };
      },
    };
    const attempt = unpackRelease(counted, directory, endless(), {
      source: 'archive',
      architecture: 'amd64',
      signal: controller.signal,
    });
    await expect(attempt).rejects.toThrow();
    expect(open).toBe(0);
  });

  const files = ['rootfs.tgz', 'fly-linux-amd64.tgz'];
  test.each(files.flatMap((file) => (['write', 'sync'] as const).map((call) => ({ call, file }))))(
    'by a volume on which $call of $file fails ends it with that failure, and no file left open',
    async ({ call, file }) => {
      const real = testMachine().files;
      const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      const fail = async () => {
        throw full;
      };
      let open = 0;
      const create = async (path: string, mode: number): Promise<FileWriter> => {
        const writer = await real.create(path, mode);
        open += 1;
        const close = async () => {
          open -= 1;
          await writer.close();
        };
        return { ...writer, close, ...(path.endsWith(file) ? { [call]: fail } : {}) };
      };
      const attempt = unpackRelease({ ...real, create }, await temporaryDirectory(), inChunks(archive()), {
        source: 'archive',
        architecture: 'amd64',
        signal: new AbortController().signal,
      });
      await expect(attempt).rejects.toBe(full);
      expect(open).toBe(0);
    },
  );
});
