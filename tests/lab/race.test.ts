// Two installers on one volume, from separate processes, at the same moment: one download, no damage, every time.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serveMirror } from '../../scripts/start/mirror.ts';
import { createHost } from '../../src/host/real/index.ts';
import { verifyRelease } from '../../src/release/manifest.ts';
import { architecture, standIn, temporary } from './support/concourse-lab.ts';

const rounds = 50;

test(`two installers racing, ${rounds} times in a row`, async () => {
  const directory = temporary();
  const mirror = await serveMirror([await standIn(directory, '8.1.0')]);
  // Web has no database, so no service is started: only the volume is raced for.
  const tools = join(directory, 'tools');
  mkdirSync(tools);
  writeFileSync(join(tools, 'systemctl'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  writeFileSync(join(tools, 'systemd-run'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  let raced = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const volume = join(directory, `volume-${round}`);
    mkdirSync(volume);
    const racers = [0, 1].map((number) => {
      const machine = join(directory, `machine-${round}-${number}`);
      mkdirSync(join(machine, 'var/lib'), { recursive: true });
      symlinkSync(volume, join(machine, 'var/lib/concourse'));
      return race(machine, number, mirror.url, tools);
    });
    const ends = await Promise.all(racers);
    for (const end of ends)
      expect(end, JSON.stringify(ends)).toMatchObject({ exit: 0, status: { status: 'blocked' } });
    expect(ends.map(({ status }) => status.message)).toEqual(
      Array(2).fill(expect.stringMatching(/: web has no database$/)),
    );
    expect(mirror.downloads, `round ${round}`).toHaveLength(round);
    expect(readlinkSync(join(volume, 'bin'))).toBe('releases/8.1.0/bin');
    expect(readFileSync(join(volume, '.installed_version'), 'utf8')).toBe('8.1.0\n');
    expect(readdirSync(join(volume, '.staging'))).toEqual([]);
    const verified = await verifyRelease(createHost().files, join(volume, 'releases/8.1.0'), {
      architecture,
      depth: 'contents',
    });
    expect(verified).toMatchObject({ ok: true });
    if (ends.every(({ logs }) => logs.some((text) => text.includes('bin points at')))) raced += 1;
  }
  await mirror.close();
  console.log(`${rounds} rounds, ${mirror.downloads.length} downloads; both switched in ${raced}`);
}, 600_000);

interface End {
  exit: number;
  status: { status: string; message: string };
  logs: string[];
}

function race(machine: string, number: number, mirror: string, tools: string): Promise<End> {
  const racer = spawn(
    process.execPath,
    [join(import.meta.dirname, 'support/racer.ts'), machine, String(number), mirror],
    {
      env: { PATH: `${tools}:${process.env['PATH']}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  racer.stdout.on('data', (chunk) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    racer.on('error', reject);
    racer.on('close', () => {
      try {
        resolve(JSON.parse(text));
      } catch (error) {
        reject(new Error(`the racer said: ${text}`, { cause: error }));
      }
    });
  });
}
