// The simulation's files are honest where they claim to be: the same calls have the same results as on the real file system.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Seeded } from 'juju-ts-ops/testing';
import { afterAll, describe, expect, test } from 'vitest';
import type { Files } from '../../../src/host/host.ts';
import { realFiles } from '../../../src/host/real/files.ts';
import { Disk } from '../../simulation/disk.ts';
import { simulatedFiles, StaleLookups } from '../../simulation/files.ts';
import { Mounts } from '../../simulation/mounts.ts';
import { Scheduler } from '../../simulation/scheduler.ts';

const scratch = mkdtempSync(join(tmpdir(), 'simulated-files-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;

/** What each call came to: its answer, or its error's code. */
type Script = (files: Files, at: (name: string) => string) => Promise<unknown>[] | Promise<unknown>;

async function onReal(script: Script): Promise<unknown> {
  folders += 1;
  const root = join(scratch, String(folders));
  const files = realFiles('/');
  await files.makeDirectory(root, { mode: 0o755 });
  return script(files, (name) => join(root, name));
}

async function onSimulated(script: Script, disk = newDisk()): Promise<unknown> {
  const scheduler = new Scheduler(new Seeded(1), 0, 1);
  const mounts = new Mounts(disk);
  if (mounts.look('/v', true) === undefined) mounts.makeDirectory('/v', 0o755, true);
  let result: unknown;
  let failed: unknown;
  scheduler.spawn(
    'a/0',
    'test',
    () => 0,
    async (process) => {
      const files = simulatedFiles({
        process,
        scheduler,
        mounts,
        volumePath: '/nowhere',
        link: { state: 'good', staleMs: 0 },
        watcher: { before: () => {}, after: () => {}, looked: () => {} },
        stale: new StaleLookups(),
        alive: () => false,
      });
      result = await script(files, (name) => `/v/${name}`);
    },
    (_, error) => {
      failed = error;
    },
  );
  await scheduler.quiet();
  for (let choice = scheduler.pick(scheduler.ready()); choice; choice = scheduler.pick(scheduler.ready()))
    await scheduler.take(choice);
  if (failed !== undefined) throw failed;
  return result;
}

const newDisk = () => new Disk({ device: 1, type: 'ext4', now: () => 0, syncNames: false });

async function outcome(attempt: () => Promise<unknown>): Promise<unknown> {
  try {
    return (await attempt()) ?? null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? { code: error.code } : { message: String(error) };
  }
}

const names = ['a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'd/e/a', 'l'];
const call = fc.oneof(
  fc.record({ op: fc.constant('write' as const), one: fc.constantFrom(...names), exclusive: fc.boolean() }),
  fc.record({ op: fc.constant('mkdir' as const), one: fc.constantFrom(...names), recursive: fc.boolean() }),
  fc.record({
    op: fc.constantFrom('rename' as const, 'link' as const, 'symlink' as const),
    one: fc.constantFrom(...names),
    two: fc.constantFrom(...names),
  }),
  fc.record({
    op: fc.constantFrom(
      'remove' as const,
      'read' as const,
      'list' as const,
      'lstat' as const,
      'stat' as const,
      'readLink' as const,
    ),
    one: fc.constantFrom(...names),
  }),
);
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

function perform(files: Files, at: (name: string) => string, each: Call, index: number): Promise<unknown> {
  const path = at(each.one);
  const shape = async (stat: ReturnType<Files['stat']>) => {
    const found = await stat;
    return (
      found && [
        found.kind,
        found.kind === 'file' ? found.sizeBytes : 0,
        found.kind === 'link' ? 0 : found.mode,
      ]
    );
  };
  switch (each.op) {
    case 'write':
      return files.write(path, `text ${index}`, { mode: 0o640, exclusive: each.exclusive });
    case 'mkdir':
      return files.makeDirectory(path, { mode: 0o750, recursive: each.recursive });
    case 'rename':
      return files.rename(path, at(each.two));
    case 'link':
      return files.link(path, at(each.two));
    case 'symlink':
      return files.symbolicLink(each.one.split('/').at(-1) ?? '', at(each.two));
    case 'remove':
      return files.remove(path);
    case 'read':
      return files.readText(path);
    case 'list':
      return files.list(path).then((found) => found?.sort());
    case 'lstat':
      return shape(files.lstat(path));
    case 'stat':
      return shape(files.stat(path));
    case 'readLink':
      return files.readLink(path);
    default:
      return each satisfies never;
  }
}

describe('simulated files', () => {
  test('answer every sequence of calls as the kernel does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 25 }), async (calls) => {
        const script: Script = async (files, at) => {
          const results: unknown[] = [];
          for (const [index, each] of calls.entries())
            results.push([each, await outcome(() => perform(files, at, each, index))]);
          return results;
        };
        expect(await onSimulated(script)).toEqual(await onReal(script));
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  test('lose what was not synced in a power cut, and nothing that was', async () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const disk = newDisk();
      await onSimulated(async (files, at) => {
        await files.write(at('kept'), 'kept', { mode: 0o644, sync: true });
        await files.syncDirectory(at('.'));
        await files.syncDirectory('/');
        await files.write(at('kept.new'), 'newer', { mode: 0o644, sync: true });
        await files.rename(at('kept.new'), at('kept'));
        await files.write(at('loose'), 'loose', { mode: 0o644 });
      }, disk);
      disk.lose(new Seeded(seed));
      const [kept, loose] = (await onSimulated(
        async (files, at) => [await files.readText(at('kept')), await files.readText(at('loose'))],
        disk,
      )) as [string, string | undefined];
      expect(['kept', 'newer']).toContain(kept);
      expect(loose === undefined || 'loose'.startsWith(loose)).toBe(true);
    }
  });
});
