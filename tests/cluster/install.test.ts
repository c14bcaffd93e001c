// First deployment, and units that come and go.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SystemdFailure } from '../../src/host/errors.ts';
import { Deployment, webService, workerService } from './support/deployment.ts';

describe('a first deployment', () => {
  test('downloads the release once, and every unit runs it', async () => {
    const d = await Deployment.settled();
    expect(d.downloads).toEqual(['8.1.0']);
    expect(d.statuses()).toEqual([
      'active: web 8.1.0 at http://10.0.0.10:8080, 2 workers',
      'active: worker 8.1.0',
      'active: worker 8.1.0',
    ]);
    expect(d.installed()).toBe('8.1.0');
    expect(d.binTarget()).toBe('releases/8.1.0/bin');
    expect(d.facts(d.unit(0))['upgrade-state']).toBeUndefined();
    expect(d.leftovers()).toEqual([]);
  });

  test('a worker that joins later downloads nothing, and nobody is restarted for it', async () => {
    const d = await Deployment.settled();
    const starts = () => [0, 1, 2].map((number) => d.machine(d.unit(number)).services.starts.length);
    const before = starts();
    d.juju.addUnit('concourse-ci');
    await d.cluster.settle();
    expect(d.downloads).toEqual(['8.1.0']);
    expect(d.status(d.unit(3))).toBe('active: worker 8.1.0');
    expect(starts()).toEqual(before);
    expect(d.machine(d.unit(0)).services.signals.map(({ signal }) => signal)).toContain('SIGHUP');
  });

  test('a SIGHUP that finds no process is sent again, by timer', async () => {
    const d = await Deployment.settled({ units: 2 });
    const services = d.machine(d.unit(0)).services;
    const signal = services.onSignal;
    services.onSignal = () => {
      throw new SystemdFailure('systemctl kill failed: No main process to kill');
    };
    d.juju.addUnit('concourse-ci');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: .*No main process/);
    services.onSignal = signal;
    await d.cluster.advance(60_000);
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });

  test('config-changed without a change restarts nothing and writes nothing to the volume', async () => {
    const d = await Deployment.settled();
    const starts = () => [0, 1, 2].map((number) => d.machine(d.unit(number)).services.starts.length);
    const before = starts();
    const effects: string[] = [];
    d.everyProcess = (_unit, process) => {
      process.beforeEach = (effect) => {
        if (effect.includes(d.volume)) effects.push(effect);
      };
    };
    d.juju.configure('concourse-ci', { 'upgrade-ready-timeout': '3m' });
    await d.cluster.settle();
    expect(starts()).toEqual(before);
    expect(effects).toEqual([]);
  });

  test('a second worker on one machine is blocked, and leaves the first one’s service alone', async () => {
    const d = new Deployment({ units: 2 });
    const { paths } = d.machine(d.unit(1));
    const first = '# Owner: other-ci/4\n[Service]\nExecStart=/bin/true\n';
    writeFileSync(join(paths.systemd, workerService), first);
    mkdirSync(join(paths.root, 'var/lib/juju/agents/unit-other-ci-4'), { recursive: true });
    await d.cluster.settle();
    expect(d.status(d.unit(1))).toMatch(/^blocked: remove this unit or other-ci\/4/);
    expect(readFileSync(join(paths.systemd, workerService), 'utf8')).toBe(first);
    // The other unit is removed, by force: its agent is gone from the machine, and so is its claim.
    rmSync(join(paths.root, 'var/lib/juju/agents/unit-other-ci-4'), { recursive: true });
    d.juju.configure('concourse-ci', { 'log-level': 'debug' });
    await d.cluster.settle();
    expect(d.status(d.unit(1))).toBe('active: worker 8.1.0');
  });

  test('web of two applications on one machine: the second is blocked, and the first one’s service goes on', async () => {
    const d = new Deployment();
    const { paths, services } = d.machine(d.unit(0));
    const first = '# Owner: other-ci/4\n[Service]\nExecStart=/bin/true\n';
    writeFileSync(join(paths.systemd, webService), first);
    mkdirSync(join(paths.root, 'var/lib/juju/agents/unit-other-ci-4'), { recursive: true });
    const { onStart } = services;
    services.onStart = async () => {};
    await services.start(webService);
    services.onStart = onStart;
    const starts = () => services.starts.filter(({ name }) => name === webService).length;
    const before = starts();
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: remove this unit or other-ci\/4: two web units/);
    expect(readFileSync(join(paths.systemd, webService), 'utf8')).toBe(first);
    expect(await d.cluster.action(d.unit(0), 'restart-services')).toMatchObject({ status: 'failed' });
    expect(starts()).toBe(before);
  });

  test('web and a worker of two units on one machine leave each other’s service alone', async () => {
    const d = await Deployment.settled({ units: 2 });
    const theirUnitFile = '# Owner: concourse-ci/4\n[Service]\nExecStart=/bin/true\n';
    const theirs: [string, string][] = [
      [d.unit(0), workerService],
      [d.unit(1), webService],
    ];
    for (const [unit, service] of theirs) {
      const { services, paths } = d.machine(unit);
      writeFileSync(join(paths.systemd, service), theirUnitFile);
      mkdirSync(join(paths.root, 'var/lib/juju/agents/unit-concourse-ci-4'), { recursive: true });
      const { onStart } = services;
      services.onStart = async () => {};
      await services.start(service);
      services.onStart = onStart;
    }
    d.juju.configure('concourse-ci', { 'log-level': 'debug' });
    await d.cluster.settle();
    for (const [unit, service] of theirs) {
      const { services } = d.machine(unit);
      expect((await services.show([service]))[service]?.active).toBe('active');
    }
    expect(d.statuses()).toEqual([
      'active: web 8.1.0 at http://10.0.0.10:8080, 1 worker',
      'active: worker 8.1.0',
    ]);
    expect(d.facts(d.unit(0))['running-worker']).toBeUndefined();
  });

  test('a worker does not stop the docker or containerd of its machine: it says what to type', async () => {
    const d = new Deployment({ units: 2 });
    const { services, paths } = d.machine(d.unit(1));
    writeFileSync(join(paths.systemd, 'docker.service'), '[Service]\n');
    await services.start('docker.service');
    await d.cluster.settle();
    expect(d.status(d.unit(1))).toMatch(
      /^blocked: juju ssh concourse-ci\/1 sudo systemctl disable --now docker.service/,
    );
    await services.stop('docker.service');
    await d.cluster.advance(31_000);
    expect(d.status(d.unit(1))).toBe('active: worker 8.1.0');
  });

  test('a setting in the operator’s own file with which a worker would not start is named', async () => {
    const d = new Deployment({ units: 2 });
    const { paths } = d.machine(d.unit(1));
    mkdirSync(paths.defaults, { recursive: true });
    writeFileSync(join(paths.defaults, 'concourse-worker'), 'CONCOURSE_GARDEN_ALLOW_HOST_ACCESS=true\n');
    await d.cluster.settle();
    expect(d.status(d.unit(1))).toMatch(
      /^blocked: remove from \/etc\/default\/concourse-worker: CONCOURSE_GARDEN_ALLOW_HOST_ACCESS/,
    );
  });

  test('a databag value that cannot be read counts as absent, and is logged once', async () => {
    const d = await Deployment.settled({ units: 2 });
    const bag = [...d.juju.model.relations.values()][0]?.bags.get(d.unit(1));
    // The worker is away, so that it does not put it right; web's agent starts anew, so that it reads it.
    d.juju.agentDown(d.unit(1));
    if (bag !== undefined) bag.values = { ...bag.values, protocol: 'many' };
    d.juju.agentDown(d.unit(0));
    d.juju.agentUp(d.unit(0), { rebooted: false });
    for (const level of ['debug', 'info', 'debug']) {
      d.juju.configure('concourse-ci', { 'log-level': level });
      await d.cluster.settle();
    }
    const told = d.juju.log.filter(
      ({ unit, text }) => unit === d.unit(0) && text.includes('protocol="many"'),
    );
    expect(told).toHaveLength(1);
    expect(d.status(d.unit(0))).toMatch(/^active: /);
  });

  test('a unit that is removed is forgotten: its key, its folder, its services', async () => {
    const d = await Deployment.settled();
    d.juju.removeUnit(d.unit(2));
    await d.cluster.settle();
    expect(await d.runs(d.unit(2), workerService)).toBeUndefined();
    expect(readdirSync(join(d.volume, 'worker'))).toEqual(['concourse-ci-1']);
    expect(readdirSync(d.machine(d.unit(2)).paths.systemd)).toEqual([]);
    expect(existsSync(d.machine(d.unit(2)).paths.etc)).toBe(false);
    expect(existsSync(d.machine(d.unit(2)).paths.memory)).toBe(false);
    const keys = await d
      .machine(d.unit(0))
      .process()
      .host.files.readText(join(d.machine(d.unit(0)).paths.etc, 'authorized_worker_keys'));
    expect(keys?.trim().split('\n')).toHaveLength(1);
  });

  test('without a database web says what to type, and the release is there for when it comes', async () => {
    const d = await Deployment.settled({ config: { 'postgres-uri': '' } });
    expect(d.status(d.unit(0))).toMatch(
      /^blocked: juju integrate concourse-ci:postgresql …, or juju config concourse-ci postgres-uri=…: /,
    );
    expect(d.installed()).toBe('8.1.0');
    expect(await d.runs(d.unit(0), webService)).toBeUndefined();
  });

  test('a release that cannot be had blocks with the reason, and is tried again by timer', async () => {
    const d = new Deployment({ config: { version: '8.9.9' } });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: .*8\.9\.9/);
    d.mirrored.set('8.9.9', d.mirrored.get('8.1.0') ?? Buffer.alloc(0));
    await d.cluster.advance(61_000);
    expect(d.status(d.unit(0))).not.toMatch(/404|not found/);
  });
});
