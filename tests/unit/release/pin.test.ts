import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from './archives.ts';
import { temporaryDirectory, testServer } from './machine.ts';

const script = join(import.meta.dirname, '../../../scripts/pin.ts');

async function pin(args: string[]): Promise<{ code: number; stderr: string; pins: string }> {
  const file = join(await temporaryDirectory(), 'pins.json');
  await writeFile(file, 'before');
  const { code, stderr } = await new Promise<{ code: number; stderr: string }>((resolve) => {
    execFile(process.execPath, [script, ...args, '--file', file, '--retries', '0'], (error, _stdout, text) =>
      resolve({ code: error === null ? 0 : Number(error.code), stderr: text }),
    );
  });
  return { code, stderr, pins: await readFile(file, 'utf8') };
}

describe('npm run pin', () => {
  const asset = (architecture: string, digest: string | null) => ({
    name: `concourse-8.3.1-linux-${architecture}.tgz`,
    digest,
  });

  test('writes the digests of both architectures as the API tells them', async () => {
    const server = await testServer((_request, response) =>
      response.end(
        JSON.stringify({
          assets: [asset('amd64', `sha256:${'ab'.repeat(32)}`), asset('arm64', `sha256:${'cd'.repeat(32)}`)],
        }),
      ),
    );
    const { code, pins } = await pin(['8.3.1', '--api', server.url]);
    expect(code).toBe(0);
    expect(server.requests[0]?.url).toBe('/tags/v8.3.1');
    expect(JSON.parse(pins)).toEqual({
      version: '8.3.1',
      sha256: { amd64: 'ab'.repeat(32), arm64: 'cd'.repeat(32) },
      seen: expect.stringMatching(/^as told by http.* on \d{4}-\d\d-\d\d$/),
    });
  });

  test('changes nothing when one digest cannot be had', async () => {
    const server = await testServer((_request, response) =>
      response.end(
        JSON.stringify({ assets: [asset('amd64', `sha256:${'ab'.repeat(32)}`), asset('arm64', null)] }),
      ),
    );
    const { code, pins, stderr } = await pin(['8.3.1', '--api', server.url]);
    expect([code, pins]).toEqual([1, 'before']);
    expect(stderr).toContain('Nothing was changed');
  });

  test('changes nothing offline, for an unknown version, or for a bad one', async () => {
    expect(await pin(['8.3.1', '--api', 'http://127.0.0.1:1'])).toMatchObject({
      code: 1,
      pins: 'before',
      stderr: expect.stringContaining('Nothing was changed'),
    });
    const server = await testServer((_request, response) => response.writeHead(404).end());
    expect(await pin(['8.3.1', '--api', server.url])).toMatchObject({ code: 1, pins: 'before' });
    expect(await pin(['v8.3.1', '--api', server.url])).toMatchObject({
      code: 2,
      pins: 'before',
      stderr: expect.stringContaining('write it as 8.3.1'),
    });
    expect(await pin([])).toMatchObject({ code: 2, pins: 'before' });
  });

  test('hashes the archives themselves when asked to', async () => {
    const server = await testServer((request, response) => response.end(`archive at ${request.url}`));
    const { code, pins } = await pin(['8.3.1', '--download', '--releases', server.url]);
    expect(code).toBe(0);
    expect(JSON.parse(pins).sha256.arm64).toBe(sha256('archive at /v8.3.1/concourse-8.3.1-linux-arm64.tgz'));
  });
});
