// An update-status before which all is as it was: it asks little and changes nothing, and misses nothing that it is there for.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { calmNotePath } from '../../src/quiet.ts';
import { application, Deployment, webService, workerService } from './support/deployment.ts';

const updateStatusMs = 5 * 60_000;
/** Juju adds or takes away 20 % at random. */
const longest = updateStatusMs * 1.2;

const noteOf = (d: Deployment, unit: string): string => calmNotePath(d.machine(unit).paths.run, unit);
const isNoted = (d: Deployment, unit: string): boolean => existsSync(noteOf(d, unit));

/** At rest, with a note on each unit. */
async function calm(options: { units?: number; config?: Record<string, string> } = {}): Promise<Deployment> {
  const d = await Deployment.settled({ units: 2, updateStatusMs, ...options });
  await d.cluster.advance(2 * longest);
  expect([d.unit(0), d.unit(1)].map((unit) => isNoted(d, unit))).toEqual([true, true]);
  return d;
}

/** The hook tools that were run until every unit had another update-status. */
async function toolsOf(d: Deployment): Promise<string[]> {
  d.ran.length = 0;
  await d.cluster.advance(longest);
  return d.ran.map((line) => line.split(' ')[0] ?? '').filter((tool) => /^[a-z]+-[a-z-]+$/.test(tool));
}

test('asks for what no event tells, and sets nothing', async () => {
  const d = await calm();
  const asked = new Set(await toolsOf(d));
  expect([...asked].sort()).toEqual(['config-get', 'goal-state', 'relation-get', 'status-get']);
});

test('after an hour everything is looked at again', async () => {
  const d = await calm();
  await d.cluster.advance(50 * 60_000);
  d.ran.length = 0;
  await d.cluster.advance(20 * 60_000);
  expect(d.ran.filter((line) => line.startsWith('network-get')).length).toBeGreaterThan(0);
  expect(isNoted(d, d.unit(0))).toBe(true);
});

describe('what nobody tells is seen in the next update-status:', () => {
  test('a worker that was stopped behind the charm’s back', async () => {
    const d = await calm();
    await d.machine(d.unit(1)).services.stop(workerService);
    await d.cluster.advance(longest);
    expect(await d.workersRun()).toEqual(['8.1.0']);
  });

  test('web that was stopped behind the charm’s back', async () => {
    const d = await calm();
    await d.machine(d.unit(0)).services.stop(webService);
    await d.cluster.advance(longest);
    expect((await d.machine(d.unit(0)).services.show([webService]))[webService]?.active).toBe('active');
  });

  test('a marker on the volume that somebody removed', async () => {
    const d = await calm();
    rmSync(join(d.volume, '.installed_version'));
    await d.cluster.advance(longest);
    expect(d.installed()).toBe('8.1.0');
  });

  test('settings of the operator beside the charm’s', async () => {
    const d = await calm();
    const { services, paths } = d.machine(d.unit(1));
    mkdirSync(paths.defaults, { recursive: true });
    writeFileSync(join(paths.defaults, 'concourse-worker'), 'CONCOURSE_NAME=by-hand\n');
    const { [workerService]: before } = await services.show([workerService]);
    await d.cluster.advance(longest);
    const { [workerService]: after } = await services.show([workerService]);
    expect(after?.invocation).not.toBe(before?.invocation);
  });

  test('web that cannot read its database any more', async () => {
    const d = await calm();
    d.database = 'unreadable';
    await d.cluster.advance(longest);
    expect(d.status(d.unit(0))).not.toContain('active');
  });

  test('a status that is another one', async () => {
    const d = await calm();
    const before = d.status(d.unit(1));
    const context = d.juju.begin(d.unit(1), {
      kind: 'hook',
      name: 'update-status',
      hook: { name: 'update-status', kind: 'update-status' },
    });
    context.tool('status-set', ['blocked', 'by hand']);
    context.finish({ exitCode: 0 });
    expect(d.status(d.unit(1))).toBe('blocked: by hand');
    await d.cluster.advance(longest);
    expect(d.status(d.unit(1))).toBe(before);
  });

  test('a note that was torn', async () => {
    const d = await calm();
    writeFileSync(noteOf(d, d.unit(1)), '{"format":1,"ab');
    await d.cluster.advance(2 * longest);
    expect(isNoted(d, d.unit(1))).toBe(true);
  });
});

test('every other hook forgets the note, and is told what is new as ever', async () => {
  const d = await calm();
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect([d.unit(0), d.unit(1)].map((unit) => isNoted(d, unit))).toEqual([false, false]);
  expect(await d.workersRun()).toEqual(['8.2.0']);
});

test('a unit of six asks as much as a unit of two', async () => {
  const two = await calm();
  const six = await calm({ units: 6 });
  const ofWeb = async (d: Deployment) => (await toolsOf(d)).filter((tool) => tool === 'goal-state').length;
  expect(await ofWeb(six)).toBe(await ofWeb(two));
  six.ran.length = 0;
  await six.cluster.advance(longest);
  expect(six.ran.filter((line) => line.startsWith('relation-list'))).toEqual([]);
});

test('where hooks are counted, each is', async () => {
  const d = await Deployment.settled({ units: 2, updateStatusMs, config: { 'enable-metrics': true } });
  await d.cluster.advance(2 * longest);
  expect(isNoted(d, d.unit(0))).toBe(false);
});

test('an option that is set back to its default, of which Juju 4.0 tells nobody, is seen by the next', async () => {
  const d = await Deployment.settled({
    units: 2,
    updateStatusMs: 300_000,
    config: { 'external-url': 'http://ci.example.com' },
  });
  await d.cluster.advance(2 * 360_000);
  d.juju.resetConfig(application, ['external-url']);
  await d.cluster.advance(2 * 360_000);
  expect(d.status(d.unit(0))).toContain('10.0.0.10');
});
