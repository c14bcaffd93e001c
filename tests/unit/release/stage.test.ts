import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Commands } from '../../../src/host/host.ts';
import { verifyRelease } from '../../../src/release/manifest.ts';
import { planRelease, type ReleasePlan, type ReleaseSettings } from '../../../src/release/source.ts';
import { stageRelease } from '../../../src/release/stage.ts';
import { archive, releaseEntries, sha1, sha256 } from './archives.ts';
import {
  serveBytes,
  stagingArea,
  type TestArea,
  type TestMachine,
  temporaryDirectory,
  testMachine,
  testServer,
} from './machine.ts';

const bytes = archive();
const name = 'concourse-8.2.0-linux-amd64.tgz';

async function plan(machine: TestMachine, settings: Partial<ReleaseSettings>): Promise<ReleasePlan> {
  const planned = await planRelease(machine.files, { version: '8.2.0', architecture: 'amd64', ...settings });
  if (!planned.ok) throw new Error(planned.failure.code);
  return planned.plan;
}

/** A mirror that serves `content` as the archive, with `beside` as further files. */
async function mirror(content: Buffer, beside: Record<string, string> = {}) {
  return testServer((request, response) => {
    const file = (request.url ?? '').slice(1);
    if (file === name) serveBytes(request, response, content);
    else if (beside[file] !== undefined) response.end(beside[file]);
    else response.writeHead(404).end();
  });
}

async function stage(
  settings: Partial<ReleaseSettings>,
  options: { machine?: TestMachine; area?: TestArea } = {},
) {
  const machine = options.machine ?? testMachine();
  const area = options.area ?? (await stagingArea());
  const lines: string[] = [];
  const log = (level: string, text: string) => lines.push(`${level}: ${text}`);
  const result = await stageRelease(machine, area, await plan(machine, settings), { log });
  return { result, area, lines, machine, left: await readdir(area.directory) };
}

describe('staging', () => {
  test('makes a whole, verified release in the holder’s folder, and reports its progress', async () => {
    const server = await mirror(bytes);
    const { result, area, left } = await stage({ mirror: server.url, pinDigest: sha256(bytes) });
    if (!result.ok) throw new Error(result.failure.code);
    expect(left).toEqual(['8.2.0']);
    expect(result.directory).toBe(`${area.directory}/8.2.0`);
    expect(result.manifest.archive).toEqual({ sha256: sha256(bytes), verifiedBy: 'pin' });
    expect(
      await verifyRelease(testMachine().files, result.directory, {
        architecture: 'amd64',
        version: '8.2.0',
        expectedDigest: result.digest,
        depth: 'contents',
      }),
    ).toMatchObject({ ok: true });
    expect(area.reports.at(-1)).toEqual({ version: '8.2.0', bytes: bytes.length, total: bytes.length });
    expect(JSON.parse(await readFile(`${result.directory}/.manifest.json`, 'utf8')).files).toHaveLength(6);
  });

  test('survives a connection that breaks in the middle', async () => {
    const big = archive([
      ...releaseEntries(),
      {
        path: 'concourse/noise',
        content: Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * i * 2654435761) >>> 24)),
      },
    ]);
    const server = await testServer((request, response, earlier) =>
      serveBytes(request, response, big, earlier === 0 ? { breakAfter: 60_000 } : {}),
    );
    const { result } = await stage({ mirror: server.url, digestOption: sha256(big) });
    expect(result).toMatchObject({ ok: true });
    expect(server.requests).toHaveLength(2);
  });

  test('starts over once when the file changes under way, and takes the new one only if it is vouched for', async () => {
    const noise = (seed: number) =>
      Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * i * 2654435761 * seed) >>> 24));
    const [older, newer] = [
      archive([...releaseEntries(), { path: 'concourse/n', content: noise(1) }]),
      archive([...releaseEntries(), { path: 'concourse/n', content: noise(3) }]),
    ];
    const server = await testServer((request, response, earlier) =>
      earlier === 0
        ? serveBytes(request, response, older, { breakAfter: 60_000 })
        : serveBytes(request, response, newer, { etag: '"two"' }),
    );
    expect((await stage({ mirror: server.url, digestOption: sha256(newer) })).result).toMatchObject({
      ok: true,
    });
    const changing = await testServer((request, response, earlier) =>
      serveBytes(request, response, older, { breakAfter: 60_000, etag: `"${earlier}"` }),
    );
    expect((await stage({ mirror: changing.url, digestOption: sha256(older) })).result).toEqual({
      ok: false,
      failure: { code: 'changed-under-way', url: `${changing.url}/${name}` },
    });
  });

  test('accepts what the .sha1 file beside the archive vouches for, and says so', async () => {
    const server = await mirror(bytes, { [`${name}.sha1`]: `${sha1(bytes)}  ${name}\n` });
    const { result, lines } = await stage({ mirror: server.url });
    expect(result).toMatchObject({
      ok: true,
      verifiedBy: { algorithm: 'sha1', from: 'sha1-file' },
      manifest: { archive: { verifiedBy: 'sha1-file' } },
    });
    expect(lines.some((line) => line.startsWith('warning') && line.includes('SHA-1'))).toBe(true);
  });

  test('of the same archive twice gives the same digest', async () => {
    const server = await mirror(bytes);
    const [one, two] = [
      await stage({ mirror: server.url, pinDigest: sha256(bytes) }),
      await stage({ mirror: server.url, pinDigest: sha256(bytes) }),
    ];
    expect(one.result.ok && one.result.digest).toBe(two.result.ok && two.result.digest);
  });
});

describe('a resource', () => {
  async function attached(content = bytes) {
    const path = join(await temporaryDirectory(), 'release.tgz');
    await writeFile(path, content);
    return path;
  }

  test('is staged when the option or the pin vouches for it', async () => {
    const resourcePath = await attached();
    const { result, area } = await stage({ resourcePath, digestOption: sha256(bytes) });
    expect(result).toMatchObject({ ok: true });
    expect(area.reports.at(-1)).toEqual({ version: '8.2.0', bytes: bytes.length, total: bytes.length });
  });

  test('that nobody vouches for is not unpacked: its digest is told', async () => {
    const { result, left } = await stage({ resourcePath: await attached() });
    expect(result).toEqual({
      ok: false,
      failure: { code: 'resource-without-digest', version: '8.2.0', sha256: sha256(bytes) },
    });
    expect(left).toEqual([]);
  });

  test('of another version is found out by asking the program', async () => {
    const other = archive(releaseEntries('8.1.0'));
    const { result, left } = await stage({
      resourcePath: await attached(other),
      digestOption: sha256(other),
    });
    expect(result).toEqual({
      ok: false,
      failure: { code: 'wrong-version', found: '8.1.0', wanted: '8.2.0' },
    });
    expect(left).toEqual([]);
  });
});

describe('a failure leaves nothing behind and names the thing:', () => {
  test('a wrong digest', async () => {
    const server = await mirror(bytes);
    const { result, left } = await stage({ mirror: server.url, digestOption: 'ab'.repeat(32) });
    expect(result).toEqual({
      ok: false,
      failure: {
        code: 'wrong-digest',
        source: name,
        algorithm: 'sha256',
        expected: 'ab'.repeat(32),
        found: sha256(bytes),
        from: 'option',
      },
    });
    expect(left).toEqual([]);
  });

  test('a wrong .sha1', async () => {
    const server = await mirror(bytes, { [`${name}.sha1`]: 'ab'.repeat(20) });
    expect((await stage({ mirror: server.url })).result).toMatchObject({
      ok: false,
      failure: { code: 'wrong-digest', algorithm: 'sha1' },
    });
  });

  test('no digest anywhere, before anything is downloaded', async () => {
    const server = await mirror(bytes);
    expect((await stage({ mirror: server.url })).result).toMatchObject({
      ok: false,
      failure: { code: 'no-digest' },
    });
    expect(server.requests.map(({ url }) => url)).not.toContain(`/${name}`);
  });

  test('a version that is not there', async () => {
    const server = await testServer((_request, response) => response.writeHead(404).end());
    expect((await stage({ mirror: server.url, pinDigest: sha256(bytes) })).result).toMatchObject({
      ok: false,
      failure: { code: 'not-found' },
    });
  });

  test('a truncated file, a hostile one, one that is none', async () => {
    for (const content of [bytes.subarray(0, 200), archive([{ path: '../evil' }]), Buffer.from('<html>')]) {
      const server = await mirror(content);
      const { result, left } = await stage({ mirror: server.url, pinDigest: sha256(content) });
      expect(result).toMatchObject({ ok: false, failure: { code: expect.stringMatching(/^archive-/) } });
      expect(left).toEqual([]);
    }
  });

  test('no space, before the body is read', async () => {
    const space = { freeBytes: 1e6, totalBytes: 1e9, freeFiles: 1e6, type: 'ext4' };
    const server = await mirror(bytes);
    const { result, left, area } = await stage(
      { mirror: server.url, pinDigest: sha256(bytes) },
      { machine: testMachine({ files: { space: async () => space } }) },
    );
    expect(result).toMatchObject({
      ok: false,
      failure: { code: 'no-space', freeBytes: 1e6, neededBytes: expect.any(Number) },
    });
    expect(area.reports).toEqual([]);
    expect(left).toEqual([]);
  });

  test('no inodes', async () => {
    const space = { freeBytes: 1e12, totalBytes: 1e12, freeFiles: 7, type: 'ext4' };
    const server = await mirror(bytes);
    const machine = testMachine({ files: { space: async () => space } });
    expect((await stage({ mirror: server.url, pinDigest: sha256(bytes) }, { machine })).result).toMatchObject(
      { failure: { code: 'no-free-files' } },
    );
  });

  test.each([
    ['ENOSPC', 'no-space'],
    ['EDQUOT', 'no-space'],
    ['EROFS', 'read-only'],
    ['EIO', 'volume-broken'],
  ])('%s while writing', async (code, expected) => {
    const real = testMachine();
    const machine = testMachine({
      files: {
        create: async (path, mode) => {
          if (path.endsWith('rootfs.tgz')) throw Object.assign(new Error(code), { code });
          return real.files.create(path, mode);
        },
      },
    });
    const server = await mirror(bytes);
    const { result, left } = await stage({ mirror: server.url, pinDigest: sha256(bytes) }, { machine });
    expect(result).toMatchObject({ ok: false, failure: { code: expected } });
    expect(left).toEqual([]);
  });

  test('a volume mounted noexec', async () => {
    const commands: Commands = {
      run: async () => ({ code: 127, stdout: '', stderr: 'spawn bin/concourse EACCES' }),
    };
    const server = await mirror(bytes);
    expect(
      (await stage({ mirror: server.url, pinDigest: sha256(bytes) }, { machine: testMachine({ commands }) }))
        .result,
    ).toMatchObject({ failure: { code: 'not-executable' } });
  });
});

describe('a lost lock', () => {
  test('ends the staging with its own reason, and what was made is removed', async () => {
    const area = await stagingArea();
    const reason = new Error('the lease was lost');
    const server = await testServer((_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 400), () => area.lose(reason));
    });
    await expect(stage({ mirror: server.url, pinDigest: sha256(bytes) }, { area })).rejects.toBe(reason);
    expect(await readdir(area.directory)).toEqual([]);
  });

  test('that only the last look finds out is thrown as well', async () => {
    const area = await stagingArea();
    let looks = 0;
    const lost = new Error('somebody else holds it');
    const server = await mirror(bytes);
    const doubtful = {
      ...area,
      assertHeld: async () => {
        looks += 1;
        if (looks > 1) throw lost;
      },
    };
    await expect(stage({ mirror: server.url, pinDigest: sha256(bytes) }, { area: doubtful })).rejects.toBe(
      lost,
    );
    expect(await readdir(area.directory)).toEqual([]);
  });
});
