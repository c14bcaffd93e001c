import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { bindAddresses, hostAndPort } from '../../../src/concourse/addresses.ts';
import { configurationHash } from '../../../src/concourse/configuration-hash.ts';
import { parseEnvironmentFile } from '../../../src/concourse/environment-file.ts';
import { commandLine } from '../../../src/concourse/unit-file.ts';
import { webService } from '../../../src/concourse/web.ts';
import { workerService } from '../../../src/concourse/worker.ts';
import { HOST_KEY, planOf, settingsOf, web, worker } from './settings.ts';

describe('web', () => {
  const plan = planOf(webService(web));

  test("runs its own release's program, as its own user, and never gives up", () => {
    expect(plan.name).toBe('concourse-server.service');
    expect(settingsOf(plan.unit, 'ExecStart')).toEqual([
      '/var/lib/concourse/releases/8.2.0/bin/concourse web',
    ]);
    expect(settingsOf(plan.unit, 'User')).toEqual(['concourse']);
    expect(settingsOf(plan.unit, 'Restart')).toEqual(['always']);
    expect(settingsOf(plan.unit, 'StartLimitIntervalSec')).toEqual(['0']);
    expect(settingsOf(plan.unit, 'EnvironmentFile')).toEqual([
      '/etc/concourse/web.env',
      '-/etc/default/concourse-web',
    ]);
    expect(plan.unit).toMatch(/^# Owner: concourse-ci\/0\n/);
  });

  test('may use a low port, and has that capability only then', () => {
    expect(settingsOf(plan.unit, 'AmbientCapabilities')).toEqual([]);
    const low = planOf(webService({ ...web, port: 443 }));
    expect(settingsOf(low.unit, 'AmbientCapabilities')).toEqual(['CAP_NET_BIND_SERVICE']);
    expect(settingsOf(low.unit, 'CapabilityBoundingSet')).toEqual(['CAP_NET_BIND_SERVICE']);
  });

  test('serves HTTPS beside HTTP with a certificate, on a low port with that capability', () => {
    const tls = planOf(
      webService({
        ...web,
        externalUrl: 'https://ci.example',
        tls: { port: 443, certificate: 'CERTIFICATE', key: 'KEY' },
      }),
    );
    expect(tls.environment).toMatchObject({
      CONCOURSE_BIND_PORT: '8080',
      CONCOURSE_TLS_BIND_PORT: '443',
      CONCOURSE_TLS_CERT: '/etc/concourse/tls_cert.pem',
      CONCOURSE_TLS_KEY: '/etc/concourse/tls_key.pem',
    });
    expect(tls.files.find(({ path }) => path === '/etc/concourse/tls_key.pem')).toMatchObject({
      content: 'KEY',
      mode: 0o640,
      group: 'concourse',
    });
    expect(settingsOf(tls.unit, 'AmbientCapabilities')).toEqual(['CAP_NET_BIND_SERVICE']);
    expect(tls.configuration).not.toBe(plan.configuration);
  });

  test('writes nowhere, and has of the kernel what a network program needs', () => {
    for (const [key, value] of [
      ['NoNewPrivileges', 'yes'],
      ['CapabilityBoundingSet', ''],
      ['ProtectSystem', 'strict'],
      ['ProtectHome', 'yes'],
      ['ProtectProc', 'invisible'],
      ['PrivateDevices', 'yes'],
      ['PrivateTmp', 'yes'],
      ['RestrictNamespaces', 'yes'],
      ['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6 AF_NETLINK'],
      ['SystemCallArchitectures', 'native'],
      ['SystemCallFilter', '@system-service'],
    ] as const)
      expect(settingsOf(plan.unit, key), key).toEqual([value]);
    expect(plan.unit).not.toMatch(/ReadWritePaths|StateDirectory/);
  });

  test('finds in its environment what it needs', () => {
    expect(plan.environment).toMatchObject({
      CONCOURSE_BIND_IP: '0.0.0.0',
      CONCOURSE_BIND_PORT: '8080',
      CONCOURSE_TSA_BIND_PORT: '2222',
      CONCOURSE_PEER_ADDRESS: '10.0.0.7',
      CONCOURSE_EXTERNAL_URL: 'http://10.0.0.7:8080',
      CONCOURSE_POSTGRES_HOST: 'db',
      CONCOURSE_POSTGRES_PASSWORD: 'p$w"d',
      CONCOURSE_ADD_LOCAL_USER: 'admin:s3cret',
      CONCOURSE_MAIN_TEAM_LOCAL_USER: 'admin',
      CONCOURSE_TSA_AUTHORIZED_KEYS: '/var/lib/concourse/keys/authorized_worker_keys',
    });
    const file = plan.files.find(({ path }) => path === '/etc/concourse/web.env');
    expect(file?.mode).toBe(0o600);
    expect(parseEnvironmentFile(file?.content ?? '')).toEqual(plan.environment);
  });

  test('names files of keys that only root and its own group may read, each of them written', () => {
    for (const key of ['CONCOURSE_TSA_HOST_KEY', 'CONCOURSE_SESSION_SIGNING_KEY']) {
      const file = plan.files.find(({ path }) => path === plan.environment[key]);
      expect(file, key).toMatchObject({ mode: 0o640, group: 'concourse' });
    }
    const unprivileged = planOf(webService({ ...web, user: undefined }));
    expect(unprivileged.unit).not.toContain('User=');
    expect(unprivileged.files.map(({ mode }) => mode)).toEqual([0o600, 0o600, 0o600]);
  });

  test('has no secret in its unit file', () => {
    for (const secret of ['s3cret', 'p$w', 'PEM']) expect(plan.unit).not.toContain(secret);
  });

  test('uses the external URL where one is set; an empty one is none', () => {
    const url = (externalUrl: string) =>
      planOf(webService({ ...web, externalUrl })).environment.CONCOURSE_EXTERNAL_URL;
    expect(url('https://ci.example')).toBe('https://ci.example');
    expect(url('')).toBe('http://10.0.0.7:8080');
  });

  test.each(['a:b', 'a,b'])('refuses the admin password %j, which Concourse would cut in two', (password) => {
    expect(webService({ ...web, admin: { user: 'admin', password } })).toMatchObject({
      ok: false,
      problems: [{ key: 'CONCOURSE_ADD_LOCAL_USER' }],
    });
  });

  test('refuses a line break in a setting, by the name of the variable', () => {
    expect(webService({ ...web, externalUrl: 'http://x\nCONCOURSE_X=1' })).toMatchObject({
      ok: false,
      problems: [{ key: 'CONCOURSE_EXTERNAL_URL' }],
    });
  });
});

describe('a worker', () => {
  const plan = planOf(workerService(worker));

  test("runs its own release's program, and is not restarted after it has landed or retired", () => {
    expect(settingsOf(plan.unit, 'ExecStart')).toEqual([
      '/var/lib/concourse/releases/8.2.0/bin/concourse worker',
    ]);
    expect(settingsOf(plan.unit, 'Restart')).toEqual(['on-failure']);
    expect(settingsOf(plan.unit, 'SendSIGKILL')).toEqual(['yes']);
    expect(settingsOf(plan.unit, 'TimeoutStopSec')).toEqual(['60']);
    expect(settingsOf(plan.unit, 'ExecStartPre').at(-1)).toBe(
      '/bin/mkdir -p /var/lib/concourse/worker/concourse-ci-1/work_dir/overlays/work',
    );
  });

  test('finds in its environment what it needs, each file written', () => {
    expect(plan.environment).toMatchObject({
      CONCOURSE_NAME: 'concourse-ci-1',
      CONCOURSE_TSA_HOST: '10.0.0.7:2222',
      CONCOURSE_RUNTIME: 'containerd',
      CONCOURSE_HEALTHCHECK_BIND_IP: '127.0.0.1',
      CONCOURSE_RESOURCE_TYPES: '/var/lib/concourse/releases/8.2.0/resource-types',
      CONCOURSE_CERTS_DIR: '/etc/ssl/certs',
    });
    expect(plan.environment.PATH?.split(':')).toContain('/usr/sbin');
    const content = (key: string) => plan.files.find(({ path }) => path === plan.environment[key])?.content;
    expect(content('CONCOURSE_TSA_PUBLIC_KEY')).toBe(`${HOST_KEY}\n`);
    expect(content('CONCOURSE_TSA_WORKER_PRIVATE_KEY')).toBe('WORKER PEM');
    for (const { path, mode } of plan.files.filter((file) => /worker_key$|env$/.test(file.path)))
      expect(mode, path).toBe(0o600);
  });

  test('can write to its own folder on the volume and to nothing else there, wherever the volume is', () => {
    expect(settingsOf(plan.unit, 'ReadOnlyPaths')).toEqual(['-/var/lib/concourse']);
    expect(settingsOf(plan.unit, 'ReadWritePaths')).toEqual(['-/var/lib/concourse/worker/concourse-ci-1']);
    const odd = { ...worker, volume: '/srv/a b%', folder: '/srv/a b%/worker/concourse-ci-1' };
    const { unit } = planOf(workerService(odd));
    expect(settingsOf(unit, 'ReadOnlyPaths')).toEqual(['"-/srv/a b%%"']);
    expect(settingsOf(unit, 'ReadWritePaths')).toEqual(['"-/srv/a b%%/worker/concourse-ci-1"']);
  });

  test('waits for the volume where systemd mounts it, and so does web', () => {
    for (const { unit } of [plan, planOf(webService(web))])
      expect(settingsOf(unit, 'RequiresMountsFor')[0]?.split(' ')).toContain('/var/lib/concourse');
  });

  test('is told of proxies by their lower-case names, and only of those that are set', () => {
    const { environment } = planOf(
      workerService({ ...worker, proxies: { http: 'http://p:3128', https: '', no: '10.0.0.0/8' } }),
    );
    expect(environment).toMatchObject({ http_proxy: 'http://p:3128', no_proxy: '10.0.0.0/8' });
    expect(environment).not.toHaveProperty('https_proxy');
  });

  test('begins nothing in the place of a disk that is not mounted', () => {
    const workDirectory = '/srv/scratch/0/concourse-ci-1';
    const { unit } = planOf(workerService({ ...worker, workDirectory }));
    expect(settingsOf(unit, 'RequiresMountsFor')).toEqual([`/var/lib/concourse ${workDirectory}`]);
    expect(settingsOf(unit, 'ExecStartPre')).toContain(`/usr/bin/test -d ${workDirectory}`);
  });
});

describe('addresses', () => {
  test('on a machine of its own web listens everywhere, and what has no password on this machine only', () => {
    expect(bindAddresses('10.0.0.7')).toEqual({ public: '0.0.0.0', private: '127.0.0.1' });
    expect(bindAddresses('fd00::7')).toEqual({ public: '0.0.0.0', private: '127.0.0.1' });
  });

  test('with a loopback address of its own a unit listens there and nowhere else', () => {
    const here = '127.0.10.3';
    expect(bindAddresses(here)).toEqual({ public: here, private: here });
    for (const { environment } of [
      planOf(webService({ ...web, address: here })),
      planOf(workerService({ ...worker, address: here })),
    ]) {
      const bound = Object.entries(environment).filter(([key]) => key.endsWith('BIND_IP'));
      expect(bound.length).toBeGreaterThan(2);
      for (const [key, address] of bound) expect(address, key).toBe(here);
    }
  });

  test('IPv6 stands in brackets in a URL', () => {
    expect(hostAndPort('fd00::7', 2222)).toBe('[fd00::7]:2222');
  });
});

describe('the configuration hash', () => {
  const hash = (change: Partial<typeof web>): string =>
    planOf(webService({ ...web, ...change })).configuration;

  test('is the same for the same settings, and stands in the environment', () => {
    const plan = planOf(webService({ ...web }));
    expect(plan.configuration).toBe(hash({}));
    expect(plan.configuration).toMatch(/^[0-9a-f]{16}$/);
    expect(plan.environment.CHARM_CONFIGURATION).toBe(plan.configuration);
  });

  test.each([
    ['the version', { version: '8.2.1' }],
    ['a port', { port: 8081 }],
    ['the password', { admin: { user: 'admin', password: 'other' } }],
    ['a key', { keys: { ...web.keys, tsaHostPem: 'OTHER' } }],
    ['the unit file', { user: undefined }],
    ["the operator's file", { operatorEnvironment: 'CONCOURSE_GC_INTERVAL=1m\n' }],
  ])('changes with %s', (_, change) => {
    expect(hash(change)).not.toBe(hash({}));
  });

  test('does not look at the order of things, nor at itself', () => {
    const files = [
      { path: '/a', content: '1' },
      { path: '/b', content: '2' },
    ];
    const one = configurationHash({ unit: 'u', environment: { A: '1', B: '2' }, files });
    const other = configurationHash({
      unit: 'u',
      environment: { B: '2', A: '1', CHARM_CONFIGURATION: one },
      files: [...files].reverse(),
    });
    expect(other).toBe(one);
  });
});

test.each([
  [['/bin/true', 'plain'], '/bin/true plain'],
  [['/a b/c%d$e', 'f$g', 'h"i\\'], '"/a b/c%%d$e" f$$g "h\\"i\\\\"'],
])('the words %j become one command line', ([program = '', ...args], line) => {
  expect(commandLine(program, ...args)).toBe(line);
});

const ANALYZE = '/usr/bin/systemd-analyze';

test.skipIf(!existsSync(ANALYZE))(
  'systemd finds no fault in either unit file, in an odd directory either',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'units-'));
    const release = join(directory, 'a $HOME %h');
    try {
      mkdirSync(join(release, 'bin'), { recursive: true });
      writeFileSync(join(release, 'bin/concourse'), '', { mode: 0o755 });
      for (const { name, unit } of [
        planOf(webService({ ...web, release, user: 'daemon' })),
        planOf(workerService({ ...worker, release })),
      ]) {
        writeFileSync(join(directory, name), unit);
        // Fails the test by a code other than 0; says what it finds on stderr, which must be nothing.
        execFileSync(
          '/bin/sh',
          ['-c', '"$0" verify "$1" 2>&1 | { ! grep .; }', ANALYZE, join(directory, name)],
          { stdio: 'inherit' },
        );
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
