// Options and what is malformed: a clear status that names option, value and what is accepted, and nothing touched.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { helpText } from 'concourse-stand-in';
import { describe, expect, test } from 'vitest';
import { concourseOptions } from '../../src/concourse-options.ts';
import { application, Deployment, webService, workerService } from './support/deployment.ts';
import { watch } from './support/invariants.ts';

describe('a malformed option', () => {
  test.each([
    ['mode', 'both', /juju config concourse-ci mode=…: 'both' is not .*auto/],
    ['version', 'latest', /version=…: 'latest' is not/],
    ['web-port', 99999, /web-port=…: '99999' is not .*65535/],
    ['upgrade-ready-timeout', '2 minutes', /upgrade-ready-timeout=…: '2 minutes' is not .*90s/],
    ['log-level', 'warn', /log-level=…: 'warn' is not .*debug/],
    ['external-url', 'ci.example.com', /external-url=…: 'ci\.example\.com' is not .*http/],
    ['release-sha256', 'abc', /release-sha256=…: 'abc' is not/],
    ['release-mirror', 'ftp://x', /release-mirror=…: 'ftp:\/\/x' is not/],
    [
      'container-placement-strategy',
      'volume-locality,rand',
      /container-placement-strategy=…: 'volume-locality,rand' is not some of volume-locality/,
    ],
    ['main-team-local-user', 'alice:secret', /main-team-local-user=…: 'alice:secret' is not names of users/],
    ['default-build-logs-to-retain', -1, /default-build-logs-to-retain=…: '-1' is not at least 0/],
    ['gc-failed-grace-period', '5 days', /gc-failed-grace-period=…: '5 days' is not a span such as/],
    ['containerd-dns-server', '1.1.1.1,dns', /containerd-dns-server=…: '1.1.1.1,dns' is not IP addresses/],
    ['containerd-network-pool', '10.80.0.0', /containerd-network-pool=…: '10.80.0.0' is not an IPv4 network/],
    [
      'https-proxy',
      'http://me:hunter2@proxy',
      /https-proxy=…: 'http:\/\/…@proxy' is not .*without a password/,
    ],
    ['http-proxy', 'somebody:hunter2@proxy:3128', /http-proxy=…: '…@proxy:3128' is not a URL/],
    [
      'http-proxy',
      'http://somebody:hun/ter2@proxy:3128',
      /http-proxy=…: 'http:\/\/…@proxy:3128' is not a URL/,
    ],
    ['http-proxy', 'proxy:3128', /http-proxy=…: 'proxy:3128' is not a URL that begins with http/],
    ['team', 'a,b', /team=…: 'a,b' is not one team's name/],
  ] as const)(
    '%s=%s is named, and nothing is restarted or upgraded for it',
    async (option, value, message) => {
      const d = await Deployment.settled({ units: 2 });
      const seen = watch(d);
      const starts = () => [0, 1].map((number) => d.machine(d.unit(number)).services.starts.length);
      const before = starts();
      d.juju.configure(application, { [option]: value });
      await d.cluster.settle();
      expect(d.status(d.unit(0))).toMatch(message);
      expect(starts()).toEqual(before);
      expect(seen.stops()).toEqual({});
    },
  );

  test('from the very beginning: nothing is begun until it is mended', async () => {
    const d = await Deployment.settled({ units: 2, config: { version: 'latest' } });
    expect(
      d.statuses().every((status) => /^blocked: juju config concourse-ci version=…: 'latest'/.test(status)),
    ).toBe(true);
    expect(d.downloads).toEqual([]);
    expect(d.goal()).toEqual({});
    d.juju.configure(application, { version: '8.1.0' });
    await d.cluster.settle();
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });

  test('keeps its last good value, so that the rest of the configuration still counts', async () => {
    const d = await Deployment.settled({ units: 2, config: { 'web-port': 9090 } });
    d.juju.configure(application, { 'web-port': 0, 'log-level': 'debug' });
    await d.cluster.settle();
    const environment = readFileSync(join(d.machine(d.unit(0)).paths.etc, 'web.env'), 'utf8');
    expect(environment).toMatch(/CONCOURSE_BIND_PORT="?9090/);
    expect(environment).toMatch(/CONCOURSE_LOG_LEVEL="?debug/);
  });

  test('a malformed version does not let the pin upgrade in its place', async () => {
    const d = await Deployment.settled({ units: 2, config: { version: '8.1.0' } });
    d.pins.push('8.3.0');
    d.juju.configure(application, { version: 'newest' });
    d.juju.refresh(application, d.files);
    await d.cluster.settle();
    expect(d.installed()).toBe('8.1.0');
  });
});

describe('the database', () => {
  test.each([
    [
      'was not granted',
      (d: Deployment) => d.juju.addSecret('other', { uri: 'postgresql://a:b@c/d' }),
      /juju grant-secret secret:/,
    ],
    [
      'has no key uri',
      (d: Deployment) => granted(d, { url: 'x' }),
      /secret of postgres-uri: it has no key uri/,
    ],
    [
      'is no URI',
      (d: Deployment) => granted(d, { uri: 'mysql://x' }),
      /secret of postgres-uri: .*postgresql:\/\//,
    ],
  ])('a secret that %s: web says what to do', async (_what, secret, message) => {
    const d = await Deployment.settled({ units: 1, config: { 'postgres-uri': '' } });
    d.juju.configure(application, { 'postgres-uri': secret(d) });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(message);
  });

  test('a password that changes restarts web with it, and no worker', async () => {
    const d = await Deployment.settled({ units: 2 });
    const workerStarts = d.machine(d.unit(1)).services.starts.length;
    d.juju.updateSecret('postgres', { uri: 'postgresql://concourse:changed-password@db:5432/concourse' });
    await d.cluster.settle();
    const environment = readFileSync(join(d.machine(d.unit(0)).paths.etc, 'web.env'), 'utf8');
    expect(environment).toContain('changed-password');
    expect(d.machine(d.unit(1)).services.starts).toHaveLength(workerStarts);
  });

  test('an option that is cleared takes web down', async () => {
    const d = await Deployment.settled({ units: 2 });
    d.juju.configure(application, { 'postgres-uri': '' });
    await d.cluster.settle();
    expect(await d.runs(d.unit(0), webService)).toBeUndefined();
    expect(d.status(d.unit(0))).toMatch(/^blocked: .*: web has no database$/);
  });
});

describe('local users', () => {
  const environment = (d: Deployment) =>
    readFileSync(join(d.machine(d.unit(0)).paths.etc, 'web.env'), 'utf8');

  test('come beside the administrator, change with their secret, and go with it', async () => {
    const d = await Deployment.settled({ units: 1 });
    const plain = environment(d);
    d.juju.configure(application, {
      'local-users': granted(d, { users: 'alice:first-password\nbob:other-password' }),
      'main-team-local-user': 'alice',
    });
    await d.cluster.settle();
    expect(environment(d)).toMatch(
      /ADD_LOCAL_USER="admin:[0-9a-f]{48},alice:first-password,bob:other-password"/,
    );
    expect(environment(d)).toContain('MAIN_TEAM_LOCAL_USER="admin,alice"');
    d.juju.updateSecret('mine', { users: 'alice:second-password' });
    await d.cluster.settle();
    expect(environment(d)).toMatch(/ADD_LOCAL_USER="admin:[0-9a-f]{48},alice:second-password"/);
    d.juju.updateSecret('mine', { users: 'alice:third:password' });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe(
      'blocked: secret of local-users: entry 1 is not NAME:PASSWORD, without another : or a ,',
    );
    expect(await d.runs(d.unit(0), webService)).toBe('8.1.0');
    d.juju.configure(application, { 'local-users': '', 'main-team-local-user': '' });
    await d.cluster.settle();
    expect(environment(d)).toBe(plain);
    const told = [...d.cluster.history.map(({ message }) => message), ...d.juju.log.map(({ text }) => text)];
    expect(told.join('\n')).not.toMatch(/(first|other|second)-password|third:/);
  });
});

describe('options of Concourse itself', () => {
  const given = [
    ['web.env', 'cluster-name', 'The Builds', 'CLUSTER_NAME="The Builds"'],
    [
      'web.env',
      'container-placement-strategy',
      'volume-locality, random',
      'CONTAINER_PLACEMENT_STRATEGY="volume-locality,random"',
    ],
    ['web.env', 'default-build-logs-to-retain', 50, 'DEFAULT_BUILD_LOGS_TO_RETAIN="50"'],
    ['web.env', 'max-build-logs-to-retain', 100, 'MAX_BUILD_LOGS_TO_RETAIN="100"'],
    ['web.env', 'default-days-to-retain-build-logs', 30, 'DEFAULT_DAYS_TO_RETAIN_BUILD_LOGS="30"'],
    ['web.env', 'max-days-to-retain-build-logs', 60, 'MAX_DAYS_TO_RETAIN_BUILD_LOGS="60"'],
    ['web.env', 'gc-failed-grace-period', '48h', 'GC_FAILED_GRACE_PERIOD="48h"'],
    ['web.env', 'vault-url', 'https://vault:8200', 'VAULT_URL="https://vault:8200"'],
    ['web.env', 'vault-path-prefix', 'ci/builds', 'VAULT_PATH_PREFIX="/ci/builds"'],
    ['worker.env', 'tag', 'gpu, big ,gpu', 'TAG="gpu,big"'],
    ['worker.env', 'team', 'ours', 'TEAM="ours"'],
    ['worker.env', 'containerd-dns-server', '10.0.0.2,fd00::2', 'CONTAINERD_DNS_SERVER="10.0.0.2,fd00::2"'],
    ['worker.env', 'containerd-dns-proxy-enable', true, 'CONTAINERD_DNS_PROXY_ENABLE="true"'],
    ['worker.env', 'containerd-network-pool', '10.90.0.0/16', 'CONTAINERD_NETWORK_POOL="10.90.0.0/16"'],
    ['worker.env', 'containerd-max-containers', 500, 'CONTAINERD_MAX_CONTAINERS="500"'],
    ['worker.env', 'http-proxy', 'http://proxy:3128', 'http_proxy="http://proxy:3128"'],
    ['worker.env', 'https-proxy', 'http://proxy:3129', 'https_proxy="http://proxy:3129"'],
    ['worker.env', 'no-proxy', '10.0.0.0/8, .example.com', 'no_proxy="10.0.0.0/8,.example.com"'],
  ] as const;

  test('these are all of them', () => {
    expect(given.map(([, option]) => option)).toEqual(Object.keys(concourseOptions));
  });

  test('each sets its variable for the program that it is for, and nothing once it is cleared', async () => {
    const d = await Deployment.settled({ units: 2 });
    const read = (name: string, unit = name === 'web.env' ? 0 : 1) =>
      readFileSync(join(d.machine(d.unit(unit)).paths.etc, name), 'utf8');
    const plain = ['web.env', 'worker.env'].map((name) => read(name));
    d.juju.configure(application, Object.fromEntries(given.map(([, option, value]) => [option, value])));
    await d.cluster.settle();
    for (const [name, , , line] of given) {
      expect(read(name)).toContain(`\n${/^[a-z]/.test(line) ? '' : 'CONCOURSE_'}${line}\n`);
      expect(read(name === 'web.env' ? 'worker.env' : 'web.env')).not.toContain(`${line}\n`);
    }
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
    const cleared: Record<string, string | number | boolean> = Object.fromEntries(
      given.map(([, option, value]) => [
        option,
        typeof value === 'number' ? 0 : typeof value === 'boolean' ? false : '',
      ]),
    );
    d.juju.configure(application, cleared);
    await d.cluster.settle();
    expect(['web.env', 'worker.env'].map((name) => read(name))).toEqual(plain);
  });
});

describe('any setting of Concourse', () => {
  /** Every machine's `concourse` tells its settings; how often it was asked is counted. */
  function telling(d: Deployment, without = '') {
    const asked: string[] = [];
    for (const unit of d.juju.units(application)) {
      const machine = d.machine(unit);
      const { onCommand } = machine;
      machine.onCommand = (command, args, ...rest) => {
        const [program] = args;
        if (args[1] !== '--help' || (program !== 'web' && program !== 'worker'))
          return onCommand(command, args, ...rest);
        asked.push(`${unit} ${command} ${program}`);
        const help = helpText(program).replace(`--${without}=`, `--not-${without}=`);
        return { code: 1, stdout: '', stderr: help.replace(/\[\$[^\]]*\]/g, '') };
      };
    }
    return asked;
  }
  const file = (d: Deployment, number: number, name: string) =>
    readFileSync(join(d.machine(d.unit(number)).paths.etc, name), 'utf8');
  const starts = (d: Deployment) => [0, 1].map((number) => d.machine(d.unit(number)).services.starts.length);

  test('reaches web and workers, each the one that it is for, and is gone when it is cleared', async () => {
    const d = await Deployment.settled({ units: 2 });
    const asked = telling(d);
    const before = starts(d);
    d.juju.configure(application, { 'extra-web-env': 'CONCOURSE_GC_INTERVAL=1m' });
    await d.cluster.settle();
    expect(file(d, 0, 'web.env')).toContain('CONCOURSE_GC_INTERVAL="1m"\n');
    expect(starts(d)).toEqual([before[0], before[1]].map((n, index) => (n ?? 0) + (index === 0 ? 1 : 0)));
    d.juju.configure(application, { 'extra-worker-env': 'CONCOURSE_CERTS_DIR="/a b"' });
    await d.cluster.settle();
    expect(file(d, 1, 'worker.env')).toContain('CONCOURSE_CERTS_DIR="/a b"\n');
    d.juju.configure(application, { 'extra-web-env': '', 'extra-worker-env': '' });
    await d.cluster.settle();
    expect(file(d, 0, 'web.env')).not.toContain('GC_INTERVAL');
    expect(file(d, 1, 'worker.env')).not.toContain('/a b');
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked).toHaveLength(4);
  });

  test('a typo is found at once, with the name that was meant, and nothing is restarted for it', async () => {
    const d = await Deployment.settled({ units: 2, config: { 'extra-web-env': 'CONCOURSE_GC_INTERVAL=1m' } });
    telling(d);
    const before = starts(d);
    d.juju.configure(application, { 'extra-web-env': 'CONCOURSE_GC_INTERVALL=2m' });
    await d.cluster.settle();
    for (const status of d.statuses())
      expect(status).toBe(
        'blocked: juju config concourse-ci extra-web-env=…: there is no CONCOURSE_GC_INTERVALL; CONCOURSE_GC_INTERVAL?',
      );
    expect(starts(d)).toEqual(before);
    expect(file(d, 0, 'web.env')).toContain('CONCOURSE_GC_INTERVAL="1m"\n');
    d.juju.configure(application, { 'extra-web-env': 'CONCOURSE_GC_INTERVAL=2m' });
    await d.cluster.settle();
    expect(file(d, 0, 'web.env')).toContain('CONCOURSE_GC_INTERVAL="2m"\n');
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });

  test('a setting that a newer release has no more is named after the upgrade, and the others stay', async () => {
    const d = await Deployment.settled({ units: 2 });
    telling(d);
    const both = 'CONCOURSE_GC_INTERVAL=1m\nCONCOURSE_COOKIE_SECURE=true';
    d.juju.configure(application, { 'extra-web-env': both });
    await d.cluster.settle();
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
    telling(d, 'gc-interval');
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(await d.runs(d.unit(0), webService)).toBe('8.2.0');
    expect(d.status(d.unit(0))).toMatch(
      /^blocked: .*extra-web-env=…: there is no CONCOURSE_GC_INTERVAL in concourse web --help/,
    );
    expect(file(d, 0, 'web.env')).not.toContain('CONCOURSE_GC_INTERVAL');
    expect(file(d, 0, 'web.env')).toContain('CONCOURSE_COOKIE_SECURE="true"\n');
  });

  test('a secret in it is refused with the command to type, and is not shown', async () => {
    const d = await Deployment.settled({ units: 1 });
    d.juju.configure(application, { 'extra-web-env': 'CONCOURSE_OIDC_CLIENT_SECRET=shown-nowhere' });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe(
      'blocked: juju config concourse-ci extra-web-env=…: CONCOURSE_OIDC_CLIENT_SECRET is secret: juju add-secret NAME oidc-client-secret=…, grant it, and set extra-web-secrets to it',
    );
    const told = [...d.cluster.history.map(({ message }) => message), ...d.juju.log.map(({ text }) => text)];
    expect(told.join('\n')).not.toContain('shown-nowhere');
  });

  test('secret ones come by a secret of their own, for web alone, and change and go with it', async () => {
    const d = await Deployment.settled({ units: 2 });
    telling(d);
    const uri = granted(d, { 'oidc-client-secret': 'one-secret-value' });
    d.juju.configure(application, { 'extra-web-secrets': uri });
    await d.cluster.settle();
    expect(file(d, 0, 'web.env')).toContain('CONCOURSE_OIDC_CLIENT_SECRET="one-secret-value"\n');
    expect(file(d, 1, 'worker.env')).not.toContain('one-secret-value');
    const workerStarts = starts(d)[1];
    d.juju.updateSecret('mine', { 'oidc-client-secret': 'next-secret-value' });
    await d.cluster.settle();
    expect(file(d, 0, 'web.env')).toContain('CONCOURSE_OIDC_CLIENT_SECRET="next-secret-value"\n');
    d.juju.updateSecret('mine', { 'oidc-client-secrets': 'third-secret-value' });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe(
      'blocked: secret of extra-web-secrets: there is no CONCOURSE_OIDC_CLIENT_SECRETS; CONCOURSE_OIDC_CLIENT_SECRET?',
    );
    expect(await d.runs(d.unit(0), webService)).toBe('8.1.0');
    d.juju.configure(application, { 'extra-web-secrets': '' });
    await d.cluster.settle();
    expect(file(d, 0, 'web.env')).not.toContain('OIDC');
    expect(d.status(d.unit(0))).toMatch(/^active: /);
    expect(starts(d)[1]).toBe(workerStarts);
    const told = [...d.cluster.history.map(({ message }) => message), ...d.juju.log.map(({ text }) => text)];
    expect(told.join('\n')).not.toMatch(/(one|next|third)-secret-value/);
  });

  test('such a secret that was not granted: web says what to do, and runs on', async () => {
    const d = await Deployment.settled({ units: 1 });
    d.juju.configure(application, {
      'extra-web-secrets': d.juju.addSecret('other', { 'ldap-bind-pw': 'xxxx' }),
    });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(
      /^blocked: juju grant-secret secret:.* concourse-ci: it was not granted/,
    );
    expect(await d.runs(d.unit(0), webService)).toBe('8.1.0');
  });

  test('the encryption key goes with the database when a rollback takes it down, and without it nothing is', async () => {
    const key = 'a key of 16 bytes'.slice(0, 16);
    const d = await Deployment.settled({ units: 1 });
    const uri = granted(d, { 'encryption-key': key });
    d.juju.configure(application, { 'extra-web-secrets': uri, version: '8.2.0' });
    await d.cluster.settle();
    expect(await d.runs(d.unit(0), webService)).toBe('8.2.0');
    const machine = d.machine(d.unit(0));
    const { onCommand } = machine;
    const keys: (string | undefined)[] = [];
    machine.onCommand = (command, args, env) => {
      const down = args[1]?.startsWith('--migrate-db-to-version') === true;
      if (down) keys.push(env['CONCOURSE_ENCRYPTION_KEY']);
      return onCommand(command, args, env);
    };
    d.juju.updateSecret('mine', { 'encryption-key': 'too short' });
    await d.cluster.action(d.unit(0), 'rollback');
    await d.cluster.settle();
    expect(d.installed()).toBe('8.2.0');
    expect(keys).toEqual([]);
    d.juju.updateSecret('mine', { 'encryption-key': key });
    await d.cluster.settle();
    await d.cluster.action(d.unit(0), 'rollback');
    await d.cluster.settle();
    expect(d.installed()).toBe('8.1.0');
    expect(keys).toEqual([key]);
  });

  test('a program that tells nothing is believed everything', async () => {
    const d = await Deployment.settled({ units: 1, config: { 'extra-web-env': 'CONCOURSE_OF_ITS_OWN=1' } });
    expect(file(d, 0, 'web.env')).toContain('CONCOURSE_OF_ITS_OWN="1"\n');
    expect(d.juju.log.map(({ text }) => text).join()).toContain('does not tell its settings');
  });
});

describe('modes', () => {
  test('all: the one unit is web and worker, and upgrades itself', async () => {
    const d = await Deployment.settled({ units: 1, config: { mode: 'all' } });
    expect(d.facts(d.unit(0))['role']).toBe('web,worker');
    expect(await d.runs(d.unit(0), workerService)).toBe('8.1.0');
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(await d.runs(d.unit(0), webService)).toBe('8.2.0');
    expect(await d.runs(d.unit(0), workerService)).toBe('8.2.0');
    expect(d.status(d.unit(0))).toMatch(/^active: web 8\.2\.0/);
  });

  test('web: every unit is web, and says how workers are had', async () => {
    const d = await Deployment.settled({ units: 2, config: { mode: 'web' } });
    for (const status of d.statuses())
      expect(status).toMatch(/^active: no worker yet: juju integrate WORKERS:flight concourse-ci:tsa/);
  });

  test('worker: without a web it says what to type, and downloads nothing', async () => {
    const d = await Deployment.settled({ units: 2, config: { mode: 'worker' } });
    for (const status of d.statuses())
      expect(status).toMatch(/^blocked: juju integrate concourse-ci:flight WEB:tsa: /);
    expect(d.downloads).toEqual([]);
  });

  test('from web to auto: one stays web, the others become workers', async () => {
    const d = await Deployment.settled({ units: 3, config: { mode: 'web' } });
    d.juju.configure(application, { mode: 'auto' });
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.1.0', '8.1.0']);
    expect([await d.runs(d.unit(1), webService), await d.runs(d.unit(2), webService)]).toEqual([
      undefined,
      undefined,
    ]);
    d.juju.configure(application, { mode: 'web' });
    await d.cluster.settle();
    expect(await Promise.all(d.juju.units(application).map((unit) => d.runs(unit, webService)))).toEqual([
      '8.1.0',
      '8.1.0',
      '8.1.0',
    ]);
  });
});

function granted(d: Deployment, content: Record<string, string>): string {
  const uri = d.juju.addSecret('mine', content);
  d.juju.grantSecret('mine', application);
  return uri;
}
