import { describe, expect, test } from 'vitest';
import { type DownloadRequest, fetchText, openDownload } from '../../../src/release/download.ts';
import { ReleaseError } from '../../../src/release/failures.ts';
import { serveBytes, type TestMachine, testMachine, testServer } from './machine.ts';

const file = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) % 256));

function request(url: string, more: Partial<DownloadRequest> = {}): DownloadRequest {
  return { url, version: '8.2.0', signal: new AbortController().signal, log: () => undefined, ...more };
}

async function download(
  machine: TestMachine,
  url: string,
  more: Partial<DownloadRequest> = {},
): Promise<Buffer> {
  const { chunks } = await openDownload(machine, request(url, more));
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function failureOf(attempt: Promise<unknown>): Promise<unknown> {
  try {
    await attempt;
  } catch (error) {
    return error instanceof ReleaseError ? error.failure : error;
  }
  return 'no failure';
}

describe('a download', () => {
  test('brings the bytes and tells the size first', async () => {
    const server = await testServer((asked, response) => serveBytes(asked, response, file));
    const opened = await openDownload(testMachine(), request(`${server.url}/a.tgz`));
    expect(opened.totalBytes).toBe(file.length);
    await opened.discard();
    expect(await download(testMachine(), `${server.url}/a.tgz`)).toEqual(file);
    expect(server.requests[0]?.headers['accept-encoding']).toBe('identity');
  });

  test('follows redirects', async () => {
    const server = await testServer((asked, response) => {
      if (asked.url === '/a.tgz') response.writeHead(302, { location: '/cdn/a.tgz?token=1' }).end();
      else serveBytes(asked, response, file);
    });
    expect(await download(testMachine(), `${server.url}/a.tgz`)).toEqual(file);
  });

  test('says the password of a mirror in a header, never in the log', async () => {
    const server = await testServer((asked, response, earlier) => {
      if (earlier === 0) response.writeHead(500).end();
      else serveBytes(asked, response, file);
    });
    const lines: string[] = [];
    const url = server.url.replace('http://', 'http://me:p%40ss@');
    await download(testMachine(), `${url}/a.tgz`, { log: (_level, text) => lines.push(text) });
    expect(server.requests[1]?.headers.authorization).toBe(
      `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/p%40ss|p@ss/);
  });

  test('reports its progress at most every 2 s, and once at the end', async () => {
    const reports: number[] = [];
    const server = await testServer((asked, response) => serveBytes(asked, response, file));
    const machine = testMachine();
    const { chunks } = await openDownload(
      machine,
      request(`${server.url}/a`, {
        onProgress: async (bytes) => {
          reports.push(bytes);
        },
      }),
    );
    let seen = 0;
    for await (const chunk of chunks) {
      seen += chunk.length;
      await machine.clock.wait(500);
    }
    expect(seen).toBe(file.length);
    expect(reports.at(-1)).toBe(file.length);
    expect(reports.length).toBeLessThanOrEqual(2 + machine.waits.length / 4);
  });
});

describe('a broken connection', () => {
  test('is resumed where it broke, with the validator', async () => {
    const server = await testServer((asked, response, earlier) =>
      serveBytes(asked, response, file, earlier < 2 ? { breakAfter: 100_000 } : {}),
    );
    const machine = testMachine();
    expect(await download(machine, `${server.url}/a.tgz`)).toEqual(file);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=\d+-$/),
      expect.stringMatching(/^bytes=\d+-$/),
    ]);
    expect(server.requests[1]?.headers['if-range']).toBe('"one"');
    expect(machine.waits).toHaveLength(2);
  });

  test('starts over, passing over what it has, when the server knows no ranges', async () => {
    const server = await testServer((asked, response, earlier) =>
      serveBytes(asked, response, file, { ranges: false, ...(earlier === 0 ? { breakAfter: 123_456 } : {}) }),
    );
    expect(await download(testMachine(), `${server.url}/a.tgz`)).toEqual(file);
  });

  test('is not resumed with a weak validator as if it were a strong one', async () => {
    const server = await testServer((asked, response, earlier) =>
      serveBytes(asked, response, file, {
        etag: 'W/"one"',
        ...(earlier === 0 ? { breakAfter: 50_000 } : {}),
      }),
    );
    expect(await download(testMachine(), `${server.url}/a.tgz`)).toEqual(file);
    expect(server.requests[1]?.headers['if-range']).toBeUndefined();
  });

  test('ends as changed when the file is another one by then', async () => {
    const server = await testServer((asked, response, earlier) =>
      serveBytes(asked, response, file, earlier === 0 ? { breakAfter: 50_000 } : { etag: '"two"' }),
    );
    expect(await failureOf(download(testMachine(), `${server.url}/a.tgz`))).toMatchObject({
      code: 'changed-under-way',
    });
  });

  test('ends as changed when the range begins elsewhere or the size differs', async () => {
    for (const contentRange of ['bytes 7-299999/300000', `bytes 50000-299999/400000`, 'nonsense']) {
      const server = await testServer((asked, response, earlier) => {
        if (earlier === 0) serveBytes(asked, response, file, { breakAfter: 50_000 });
        else
          response.writeHead(206, { 'content-range': contentRange, 'content-length': 10 }).end('0123456789');
      });
      expect(await failureOf(download(testMachine(), `${server.url}/a.tgz`))).toMatchObject({
        code: 'changed-under-way',
      });
    }
  });

  test('is given up after five tries in a row that bring little, with growing waits', async () => {
    const server = await testServer((_asked, response) => response.destroy());
    const machine = testMachine();
    expect(await failureOf(download(machine, `${server.url}/a.tgz`))).toMatchObject({ code: 'unreachable' });
    expect(server.requests).toHaveLength(6);
    for (const [index, full] of [1000, 2000, 4000, 8000, 16_000].entries()) {
      expect(machine.waits[index]).toBeGreaterThanOrEqual(full / 2);
      expect(machine.waits[index]).toBeLessThanOrEqual(full);
    }
  });

  test('does not wear out the patience while each connection brings a mebibyte', async () => {
    const big = Buffer.alloc(9 * 1024 * 1024, 'concourse');
    const server = await testServer((asked, response) =>
      serveBytes(asked, response, big, { breakAfter: 1_200_000 }),
    );
    const machine = testMachine();
    expect((await download(machine, `${server.url}/a.tgz`)).equals(big)).toBe(true);
    expect(server.requests.length).toBeGreaterThan(6);
    expect(Math.max(...machine.waits)).toBeLessThanOrEqual(1000);
  });

  test('that is a silence is treated like a break', async () => {
    const server = await testServer((asked, response, earlier) => {
      if (earlier > 0) return serveBytes(asked, response, file);
      response.writeHead(200, { etag: '"one"', 'content-length': file.length });
      response.write(file.subarray(0, 1000));
    });
    expect(await download(testMachine({ stallMs: 200 }), `${server.url}/a.tgz`)).toEqual(file);
    expect(server.requests[1]?.headers.range).toBe('bytes=1000-');
  });

  test('before anything was answered is tried again', async () => {
    const server = await testServer((asked, response, earlier) => {
      if (earlier < 2) response.destroy();
      else serveBytes(asked, response, file);
    });
    expect(await download(testMachine(), `${server.url}/a.tgz`)).toEqual(file);
  });
});

describe('an answer that is no file', () => {
  test.each([
    [404, 'not-found', 1],
    [410, 'not-found', 1],
    [401, 'forbidden', 1],
    [403, 'forbidden', 1],
    [400, 'server-error', 1],
    [204, 'server-error', 1],
    [429, 'rate-limited', 6],
    [503, 'rate-limited', 6],
    [500, 'server-error', 6],
    [502, 'server-error', 6],
  ])('of status %i is %s after %i tries', async (status, code, tries) => {
    const server = await testServer((_asked, response) =>
      response.writeHead(status).end(status === 204 ? undefined : 'no'),
    );
    const failure = await failureOf(download(testMachine(), `${server.url}/a.tgz`));
    expect(failure).toMatchObject({ code, url: `${server.url}/a.tgz` });
    expect(server.requests).toHaveLength(tries);
  });

  test.each([
    ['7', 7000],
    ['3600', 60_000],
    [new Date(1_800_000_020_000).toUTCString(), 20_000],
    ['soon', 0],
    ['-5', 0],
  ])('with Retry-After %s waits that long, a minute at most', async (retryAfter, atLeast) => {
    const server = await testServer((asked, response, earlier) => {
      if (earlier === 0) response.writeHead(429, { 'retry-after': retryAfter }).end();
      else serveBytes(asked, response, file);
    });
    const machine = testMachine();
    expect(await download(machine, `${server.url}/a.tgz`)).toEqual(file);
    expect(machine.waits[0]).toBeGreaterThanOrEqual(atLeast);
    expect(machine.waits[0]).toBeLessThanOrEqual(Math.max(atLeast, 1000));
  });

  test('because GitHub’s 60 requests an hour are used up is a matter of time', async () => {
    const server = await testServer((_asked, response) =>
      response.writeHead(403, { 'x-ratelimit-remaining': '0' }).end(),
    );
    expect(await failureOf(download(testMachine(), `${server.url}/a`))).toMatchObject({
      code: 'rate-limited',
      status: 403,
    });
  });

  test('because nobody listens is unreachable', async () => {
    expect(
      await failureOf(download(testMachine(), 'http://127.0.0.1:1/a.tgz', { retries: 1 })),
    ).toMatchObject({ code: 'unreachable' });
  });
});

test('an abort ends the waiting and the reading with its own reason', async () => {
  const controller = new AbortController();
  const reason = new Error('lock lost');
  const server = await testServer((_asked, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('x', () => controller.abort(reason));
  });
  await expect(download(testMachine(), `${server.url}/a`, { signal: controller.signal })).rejects.toBe(
    reason,
  );
  await expect(download(testMachine(), `${server.url}/a`, { signal: controller.signal })).rejects.toBe(
    reason,
  );
});

test('a text that is larger than it may be is not taken in', async () => {
  const server = await testServer((asked, response) => serveBytes(asked, response, file));
  expect(await failureOf(fetchText(testMachine(), request(`${server.url}/a.sha1`), 4096))).toMatchObject({
    code: 'unreachable',
  });
});
