// What web's API does for an operator: workers that it has given up on are pruned, and a build shows that all of it works.
import { describe, expect, test } from 'vitest';
import { application, Deployment } from './support/deployment.ts';

const failure = async (d: Deployment, unit: string, name: string, params = {}) => {
  const action = await d.cluster.action(unit, name, params);
  expect(action.status, action.message).toBe('failed');
  return action.message;
};

describe('prune-workers', () => {
  test('takes those that are stalled, and a landed one only by its name', async () => {
    const d = await Deployment.settled({ units: 2 });
    d.listed.set('gone-7', 'stalled');
    d.listed.set('away-3', 'landed');
    const dry = await d.cluster.action(d.unit(0), 'prune-workers', { 'dry-run': true });
    expect(dry.results).toMatchObject({
      pruned: 'none',
      found: 'gone-7',
      listed: 'concourse-ci-1 (running), gone-7 (stalled), away-3 (landed)',
    });
    expect((await d.cluster.action(d.unit(0), 'prune-workers')).results).toMatchObject({ pruned: 'gone-7' });
    expect((await d.cluster.action(d.unit(0), 'prune-workers')).results).toMatchObject({ pruned: 'none' });
    await d.cluster.action(d.unit(0), 'prune-workers', { worker: 'away-3' });
    expect([...d.listed.keys()]).toEqual(['concourse-ci-1']);
  });

  test('fails clearly: elsewhere, for one that runs, for one that is not there, without a web that answers', async () => {
    const d = await Deployment.settled({ units: 2 });
    expect(await failure(d, d.unit(1), 'prune-workers')).toBe(
      'this unit is not web: juju run concourse-ci/0 prune-workers',
    );
    expect(await failure(d, d.unit(0), 'prune-workers', { worker: 'concourse-ci-1' })).toBe(
      'concourse-ci-1 runs: juju run UNIT retire-worker on its unit, instead',
    );
    expect(await failure(d, d.unit(0), 'prune-workers', { worker: 'nobody' })).toBe(
      'web knows no worker nobody; it lists concourse-ci-1 (running)',
    );
    d.silentWeb.add('8.1.0');
    expect(await failure(d, d.unit(0), 'prune-workers')).toMatch(/^web does not answer here/);
  });
});

describe('smoke-test', () => {
  test('runs a build that fetches nothing, and says where it ran and how long', async () => {
    const d = await Deployment.settled({ units: 2 });
    const action = await d.cluster.action(d.unit(0), 'smoke-test', { tag: 'gpu' });
    expect(action).toMatchObject({
      status: 'completed',
      results: { build: '1', status: 'succeeded', worker: 'concourse-ci-1' },
    });
    expect(String(action.results['url'])).toBe('http://10.0.0.10:8080/builds/1');
    expect(action.log.map(({ message }) => message)).toEqual([
      'build 1 has begun',
      'it runs on concourse-ci-1',
    ]);
    expect(JSON.parse(d.begun[0] ?? '')).toMatchObject({
      task: { tags: ['gpu'], config: { image_resource: { type: 'mock', source: { mirror_self: true } } } },
    });
  });

  test.each([
    [
      { status: 'errored', worker: 'concourse-ci-1' },
      /^build 1 errored after \S+ s: it ran on concourse-ci-1; see http/,
    ],
    [{ status: 'failed', worker: 'concourse-ci-1' }, /^build 1 failed after/],
    [
      { status: 'started' },
      /^build 1 did not end within 30\.0 s and was aborted: no worker took it; see http/,
    ],
    [undefined, /^web begins no build: no$/],
  ])('%j: says so', async (builds, message) => {
    const d = await Deployment.settled({ units: 2 });
    d.builds = builds;
    const action = await d.cluster.action(d.unit(0), 'smoke-test', { timeout: '30s' });
    expect(action.status).toBe('failed');
    expect(action.message).toMatch(message);
    expect(d.aborted).toHaveLength(builds?.status === 'started' ? 1 : 0);
  });

  test("is web's, and takes a span of time", async () => {
    const d = await Deployment.settled({ units: 2 });
    expect(await failure(d, d.unit(1), 'smoke-test')).toBe(
      'this unit is not web: juju run concourse-ci/0 smoke-test',
    );
    expect(await failure(d, d.unit(0), 'smoke-test', { timeout: '48h' })).toMatch(/timeout.*from 1s to 24h/);
    d.juju.configure(application, { mode: 'worker' });
    await d.cluster.settle();
    expect(await failure(d, d.unit(0), 'smoke-test')).toMatch(/^this application has no web/);
  });
});
