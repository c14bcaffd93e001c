// Web and workers of which one side is the Python charm for Concourse: each works with the other by the keys that both know.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sshKey } from '../support/observed.ts';
import { application, Deployment, webService, workerService } from './support/deployment.ts';
import {
  deployPythonWeb,
  deployPythonWorkers,
  environment,
  letIn,
  related,
  startsOf,
  web,
  worker,
} from './support/elsewhere.ts';

describe('with the Python charm', () => {
  const says = { host: '10.9.9.9:2222', key: `${sshKey(3)} \n`, version: '8.1.0' };

  async function flying() {
    const d = new Deployment({ units: 0 });
    d.deployWorkers('workers');
    const python = deployPythonWeb(d, says);
    d.juju.integrate(`${python.app}:tsa`, 'workers:flight');
    await d.cluster.advance(60_000);
    return { d, python };
  }

  test('workers join its web as soon as it says host and key, by the key that it reads', async () => {
    const { d } = await flying();
    expect(d.statuses('workers')).toEqual(['active: worker 8.1.0', 'active: worker 8.1.0']);
    expect((await environment(d, worker))['CONCOURSE_TSA_HOST']).toBe(says.host);
    const hostKey = readFileSync(join(d.machine(worker).paths.etc, 'tsa_host_key.pub'), 'utf8');
    expect(hostKey).toBe(`${sshKey(3)}\n`);
  });

  test('its version, address and host key change while workers run: they follow', async () => {
    const { d, python } = await flying();
    python.says = { ...says, version: '8.2.0' };
    python.look();
    await d.cluster.advance(60_000);
    expect(await d.workersRun('workers')).toEqual(['8.2.0', '8.2.0']);
    python.says = { host: '10.9.9.10:2222', key: sshKey(4), version: '8.2.0' };
    python.look();
    await d.cluster.advance(60_000);
    expect((await environment(d, worker))['CONCOURSE_TSA_HOST']).toBe('10.9.9.10:2222');
    expect(readFileSync(join(d.machine(worker).paths.etc, 'tsa_host_key.pub'), 'utf8')).toBe(
      `${sshKey(4)}\n`,
    );
    expect(d.statuses('workers')).toEqual(['active: worker 8.2.0', 'active: worker 8.2.0']);
  });

  test.each([
    ['a host key that is none', { key: 'ssh-rsa AAAA' }],
    ['a host without a port', { host: '10.9.9.9' }],
    ['nothing', { host: '', key: '', version: '' }],
    ['a version that is none', { version: 'latest' }],
  ])('%s moves no worker, and is survived', async (_what, wrong) => {
    const { d, python } = await flying();
    const starts = startsOf(d, worker, workerService);
    python.says = { ...says, ...wrong };
    python.look();
    await d.cluster.advance(60_000);
    expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
    expect(startsOf(d, worker, workerService)).toBe(starts);
    expect((await environment(d, worker))['CONCOURSE_TSA_HOST']).toBe(says.host);
  });

  test('a release that cannot be had leaves workers on theirs, with the reason', async () => {
    const { d, python } = await flying();
    python.says = { ...says, version: '8.9.0' };
    python.look();
    await d.cluster.advance(60_000);
    expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
    expect(d.statuses('workers').some((status) => /^blocked: .*8\.9\.0.*next try in/.test(status))).toBe(
      true,
    );
  });

  test('its workers are let in and told, beside ours; a key that is none harms nobody; one that goes is revoked', async () => {
    const { d } = await related();
    const python = deployPythonWorkers(d, {
      'python-worker/0': `${sshKey(5)} \n`,
      'python-worker/1': 'ssh-rsa AAAA broken',
      'python-worker/2': `${sshKey(6)} worker@host`,
    });
    d.juju.integrate(`${application}:tsa`, 'python-worker:flight');
    await d.cluster.settle();
    expect(d.status(web)).toBe('active: web 8.1.0 at http://10.0.0.10:8080, 5 workers');
    expect(letIn(d)).toEqual(expect.arrayContaining([sshKey(5), sshKey(6)]));
    expect(letIn(d)).toHaveLength(5);
    expect(python.told.get('python-worker/0')).toEqual([
      '10.0.0.10:2222',
      d.facts(web)['tsa-host-key'],
      '8.1.0',
    ]);
    expect(
      d.juju.log.filter(({ text }) => text.includes('python-worker/1: worker-public-key=')),
    ).toHaveLength(1);
    d.juju.removeUnit('python-worker/0');
    await d.cluster.settle();
    expect(letIn(d)).not.toContain(sshKey(5));
    expect(letIn(d)).toContain(sshKey(6));
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(python.told.get('python-worker/2')?.[2]).toBe('8.2.0');
    expect(startsOf(d, web, webService)).toBe(2);
  });
});
