import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findDigest, parseDigestFile } from '../../../src/release/digests.ts';
import { ReleaseError } from '../../../src/release/failures.ts';
import { planRelease, type ReleasePlan, type ReleaseSettings } from '../../../src/release/source.ts';
import { temporaryDirectory, testMachine, testServer } from './machine.ts';

const base = { version: '8.2.0', architecture: 'amd64' } as const;
const name = 'concourse-8.2.0-linux-amd64.tgz';
const hex = 'ab'.repeat(32);
const shortHex = 'cd'.repeat(20);

async function plan(settings: Partial<ReleaseSettings>): Promise<ReleasePlan> {
  const planned = await planRelease(testMachine().files, { ...base, ...settings });
  if (!planned.ok) throw new ReleaseError(planned.failure);
  return planned.plan;
}

describe('the archive', () => {
  test('comes from upstream unless something else is set', async () => {
    expect((await plan({})).archive).toEqual({
      kind: 'url',
      mirror: false,
      url: 'https://github.com/concourse/concourse/releases/download/v8.2.0/concourse-8.2.0-linux-amd64.tgz',
    });
    expect((await plan({})).apiUrl).toBe(
      'https://api.github.com/repos/concourse/concourse/releases/tags/v8.2.0',
    );
    expect((await plan({ mirror: ' ' })).archive).toMatchObject({ mirror: false });
  });

  test.each([
    ['https://m.example/concourse', `https://m.example/concourse/${name}`],
    ['https://m.example/concourse/', `https://m.example/concourse/${name}`],
    ['https://m.example', `https://m.example/${name}`],
    ['https://m.example/v{version}/', `https://m.example/v8.2.0/${name}`],
    ['https://m.example/{version}/{arch}.tgz', 'https://m.example/8.2.0/amd64.tgz'],
    ['http://u:p@m.example/c?key=1', `http://u:p@m.example/c/${name}?key=1`],
  ])('of the mirror %s is at %s', async (mirror, url) => {
    const made = await plan({ mirror });
    expect(made.archive).toEqual({ kind: 'url', url, mirror: true });
    expect(made.apiUrl).toBeUndefined();
  });

  test.each(['m.example/concourse', 'ftp://m.example/', 'file:///srv'])(
    'is not looked for at %s',
    async (mirror) => {
      await expect(plan({ mirror })).rejects.toMatchObject({ failure: { code: 'bad-mirror' } });
    },
  );

  test('is the resource when one is attached, and not Juju’s placeholder of no bytes', async () => {
    const directory = await temporaryDirectory();
    const attached = join(directory, 'release.tgz');
    const placeholder = join(directory, 'empty.tgz');
    await writeFile(attached, 'x');
    await writeFile(placeholder, '');
    const mirror = 'https://m.example';
    expect((await plan({ resourcePath: attached, mirror })).archive).toEqual({
      kind: 'resource',
      path: attached,
    });
    expect((await plan({ resourcePath: placeholder, mirror })).archive).toMatchObject({
      kind: 'url',
      mirror: true,
    });
    expect((await plan({ resourcePath: join(directory, 'none') })).archive).toMatchObject({ kind: 'url' });
  });
});

describe('a digest', () => {
  test('of the option goes before that of the pin', async () => {
    expect(
      (
        await plan({
          digestOption: `SHA256:${hex.toUpperCase()}`.replace('SHA256', 'sha256'),
          pinDigest: 'ef'.repeat(32),
        })
      ).digest,
    ).toEqual({
      algorithm: 'sha256',
      hex,
      from: 'option',
    });
    expect((await plan({ digestOption: '', pinDigest: hex })).digest).toMatchObject({ hex, from: 'pin' });
    expect((await plan({ pinDigest: null })).digest).toBeUndefined();
  });

  test('that is malformed blocks as an option, and counts as absent as a pin', async () => {
    await expect(plan({ digestOption: 'abc' })).rejects.toMatchObject({
      failure: { code: 'bad-sha256-option' },
    });
    expect((await plan({ pinDigest: 'abc' })).digest).toBeUndefined();
  });

  test.each([
    [`${shortHex}  ${name}\n`, shortHex],
    [`${shortHex} *${name}\r\n`, shortHex],
    [shortHex.toUpperCase(), shortHex],
    [`${shortHex}\n`, shortHex],
    [`${shortHex}  other.tgz\n`, undefined],
    [`${shortHex}  dir/${name}\n`, undefined],
    [`${shortHex}  ${name}\n${shortHex}  other.tgz\n`, undefined],
    [`${hex}  ${name}\n`, undefined],
    ['<!doctype html>', undefined],
    ['', undefined],
  ])('file %j says %s', (text, expected) => {
    expect(parseDigestFile(text, name, 'sha1')).toBe(expected);
  });
});

describe('who vouches for an archive that is neither pinned nor set', () => {
  /** What upstream, or a mirror, answers by path; a number is a status. */
  async function ask(answers: Record<string, string | number>, settings: 'upstream' | 'mirror') {
    const server = await testServer((request, response) => {
      const answer = answers[(request.url ?? '').split('/').at(-1) ?? ''] ?? 404;
      if (typeof answer === 'number') response.writeHead(answer).end();
      else response.end(answer);
    });
    const lines: string[] = [];
    const made = await plan(
      settings === 'mirror'
        ? { mirror: server.url }
        : { upstream: { releases: `${server.url}/dl`, api: `${server.url}/api` } },
    );
    const log = (level: string, text: string) => lines.push(`${level}: ${text}`);
    const asked = findDigest(testMachine(), made, { signal: new AbortController().signal, log });
    const outcome = await asked.then(
      (digest) => digest,
      (error: unknown) => (error instanceof ReleaseError ? error.failure : error),
    );
    return { outcome, lines, paths: server.requests.map(({ url }) => url) };
  }
  const api = (digest: string | null, asset = name) =>
    JSON.stringify({
      tag_name: 'v8.2.0',
      assets: [{ name: `${name}.sha1` }, { name: asset, digest, size: 9 }],
    });

  test('is the release API first', async () => {
    const { outcome, paths } = await ask(
      { 'v8.2.0': api(`sha256:${hex}`), [`${name}.sha1`]: shortHex },
      'upstream',
    );
    expect(outcome).toEqual({ algorithm: 'sha256', hex, from: 'api' });
    expect(paths).toEqual(['/api/tags/v8.2.0']);
  });

  test.each([
    ['has no digest of it', api(null)],
    ['is used up', 403],
    ['fails', 500],
    ['is not GitHub’s', '<html>'],
  ])('is the .sha1 file when the API %s, and the log says that it is only SHA-1', async (_why, answer) => {
    const { outcome, lines } = await ask(
      { 'v8.2.0': answer, [`${name}.sha1`]: `${shortHex}  ${name}\n` },
      'upstream',
    );
    expect(outcome).toEqual({ algorithm: 'sha1', hex: shortHex, from: 'sha1-file' });
    expect(lines.some((line) => line.startsWith('warning') && line.includes('only a SHA-1'))).toBe(true);
  });

  test('is nobody for a version that upstream has not, or whose files are not there yet', async () => {
    expect((await ask({}, 'upstream')).outcome).toMatchObject({ code: 'not-found', version: '8.2.0' });
    expect((await ask({ 'v8.2.0': api(null, 'other.tgz') }, 'upstream')).outcome).toMatchObject({
      code: 'not-found',
    });
  });

  test('is the mirror’s .sha256 file, then its .sha1 file, and never the internet', async () => {
    const both = await ask({ [`${name}.sha256`]: `${hex}  ${name}\n`, [`${name}.sha1`]: shortHex }, 'mirror');
    expect(both.outcome).toEqual({ algorithm: 'sha256', hex, from: 'sha256-file' });
    const one = await ask({ [`${name}.sha256`]: 403, [`${name}.sha1`]: shortHex }, 'mirror');
    expect(one.outcome).toMatchObject({ algorithm: 'sha1', from: 'sha1-file' });
    expect(one.paths).toEqual([`/${name}.sha256`, `/${name}.sha1`]);
  });

  test('is not the .sha1 file while the better one may be there but cannot be read', async () => {
    expect(
      (await ask({ [`${name}.sha256`]: 500, [`${name}.sha1`]: shortHex }, 'mirror')).outcome,
    ).toMatchObject({ code: 'server-error' });
  });

  test('is nobody when there is no digest file, or none that can be read', async () => {
    expect((await ask({}, 'mirror')).outcome).toMatchObject({ code: 'no-digest' });
    expect((await ask({ [`${name}.sha256`]: '<html>' }, 'mirror')).outcome).toMatchObject({
      code: 'no-digest',
    });
  });
});
