// A whole `Observed` for tests of the pure functions: an application with one web unit and its workers, nothing under
// way; each test says what differs.
import { definition } from '../../src/definition.ts';
import { settleOptions, type Values } from '../../src/settings.ts';
import type { Observed, Settings, VolumeView, WebView, WorkerView } from '../../src/observed.ts';
import type { ServicePlan } from '../../src/concourse/service.ts';
import type { Facts } from '../../src/upgrade/facts.ts';
import type { Goal } from '../../src/upgrade/goal.ts';

export const volumeId = '11111111-1111-4111-8111-111111111111';
export const otherVolumeId = '22222222-2222-4222-8222-222222222222';
export const modelUuid = '33333333-3333-4333-8333-333333333333';
export const web = 'concourse-ci/0';
export const digestOf = (version: string): string =>
  `sha256:${Buffer.from(version).toString('hex').padEnd(64, '0').slice(0, 64)}`;

// Of 2048 bits, made for these tests only.
export const sshKey = (seed: number): string => {
  const field = (body: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    return Buffer.concat([length, body]);
  };
  const modulus = Buffer.alloc(257, seed % 250);
  modulus[0] = 0;
  modulus[1] = 0xc0;
  const body = Buffer.concat([field(Buffer.from('ssh-rsa')), field(Buffer.from([1, 0, 1])), field(modulus)]);
  return `ssh-rsa ${body.toString('base64')}`;
};

/** As options are where nobody has set one, with a database. */
export const defaultSettings: Settings = {
  ...settleOptions({ values: readDefaults(), problems: [] }, {}, 'concourse-ci').settings,
  postgresConfigured: true,
};

function readDefaults(): Values {
  const values = Object.entries(definition.declared.options).map(([name, { schema, ...option }]) => [
    name,
    'default' in option ? schema.parse(option.default) : undefined,
  ]);
  // Each option's own schema has made its value.
  return Object.fromEntries(values) as Values;
}

export const goalOf = (goal: Partial<Goal> = {}): Goal => ({
  version: '8.1.0',
  'upgrade-id': 1,
  installer: web,
  'volume-id': volumeId,
  'web-secret': 'secret:web',
  ...goal,
});

export function planFor(version: string, name = 'concourse-worker.service'): ServicePlan {
  return {
    name,
    unit: `# ${version}`,
    environment: { CHARM_RELEASE: version, CHARM_CONFIGURATION: `configuration-${version}` },
    files: [],
    configuration: `configuration-${version}`,
  };
}

export function volumeOf(versions: readonly string[], volume: Partial<VolumeView> = {}): VolumeView {
  const installed = versions[0];
  return {
    absent: false,
    problem: undefined,
    isMount: true,
    identity: { uuid: volumeId, modelUuid, application: 'concourse-ci' },
    installed,
    marker: installed,
    previous: undefined,
    releases: new Map(
      versions.map((version) => [version, { digest: digestOf(version), architecture: 'amd64' }]),
    ),
    leftovers: 0,
    ...volume,
  };
}

export const stoppedWeb: WebView = {
  up: false,
  enabled: false,
  runningVersion: undefined,
  runningConfiguration: undefined,
  restarts: 0,
  invocation: '',
  otherUnit: undefined,
  plan: undefined,
  answers: undefined,
  database: undefined,
  privileges: undefined,
  complaint: undefined,
  authorizedText: undefined,
  authorizedTold: true,
  url: 'http://10.0.0.10:8080',
  innerUrl: undefined,
  concerns: [],
  openPort: undefined,
  certificate: { asked: [] },
  tsaAddress: '10.0.0.10:2222',
  tsaHostKey: sshKey(1),
  revision: 1,
};

export const webRunning = (version: string, web: Partial<WebView> = {}): WebView => ({
  ...stoppedWeb,
  up: true,
  enabled: true,
  runningVersion: version,
  runningConfiguration: `configuration-${version}`,
  invocation: 'web-1',
  plan: planFor(version, 'concourse-server.service'),
  answers: version,
  database: 'readable',
  ...web,
});

export const stoppedWorker: WorkerView = {
  up: false,
  enabled: false,
  runningVersion: undefined,
  runningConfiguration: undefined,
  restarts: 0,
  invocation: '',
  plan: undefined,
  registration: 'unknown',
  complaint: undefined,
  publicKey: sshKey(9),
  fingerprint: 'own-fingerprint',
  rival: undefined,
  otherUnit: undefined,
  moving: false,
  parked: undefined,
  work: undefined,
  gpus: undefined,
  retirable: false,
  upgrade: undefined,
};

export const workerRunning = (version: string, worker: Partial<WorkerView> = {}): WorkerView => ({
  ...stoppedWorker,
  up: true,
  enabled: true,
  retirable: true,
  runningVersion: version,
  runningConfiguration: `configuration-${version}`,
  invocation: 'worker-1',
  plan: planFor(version),
  registration: 'registered',
  ...worker,
});

/** What the web unit publishes while nothing is under way. */
export const installerFacts = (version: string, facts: Facts = {}): Facts => ({
  role: 'web',
  'volume-id': volumeId,
  'running-web': version,
  protocol: 1,
  'installed-version': version,
  'release-digest': digestOf(version),
  'tsa-address': '10.0.0.10:2222',
  'tsa-host-key': sshKey(1),
  'authorized-workers': ['own-fingerprint'],
  ...facts,
});

export const workerFacts = (version: string, facts: Facts = {}): Facts => ({
  role: 'worker',
  'volume-id': volumeId,
  'running-worker': version,
  protocol: 1,
  'upgrade-ready': false,
  'worker-key': sshKey(9),
  ...facts,
});

function base(): Observed {
  return {
    now: 1_800_000_000_000,
    unit: web,
    application: 'concourse-ci',
    modelUuid,
    leader: false,
    connected: true,
    architecture: 'amd64',
    settings: defaultSettings,
    optionProblems: [],
    optionsUnsettled: false,
    pin: { version: '8.1.0', digests: {} },
    webSecret: 'secret:web',
    goal: goalOf(),
    published: {},
    facts: {},
    peers: new Map(),
    dying: new Set(),
    living: undefined,
    unmet: [],
    lost: [],
    volume: volumeOf(['8.1.0']),
    filesystem: { wanted: undefined, ours: false, current: false },
    flight: undefined,
    tsa: [],
    web: stoppedWeb,
    worker: stoppedWorker,
    exporter: { installed: false, current: true, plan: undefined },
    memory: {},
    postgresSecret: 'secret:postgres',
    failures: new Map(),
    done: new Set(),
  };
}

/** The web unit, which installs and leads, with two workers that run `8.1.0`. */
export function asInstaller(differing: Partial<Observed> = {}): Observed {
  const o: Observed = {
    ...base(),
    leader: true,
    facts: installerFacts('8.1.0'),
    peers: new Map([
      ['concourse-ci/1', workerFacts('8.1.0')],
      ['concourse-ci/2', workerFacts('8.1.0')],
    ]),
    living: new Set([web, 'concourse-ci/1', 'concourse-ci/2']),
    web: webRunning('8.1.0'),
    ...differing,
  };
  return { ...o, published: differing.published ?? o.facts };
}

/** The worker concourse-ci/1, which runs `8.1.0`. */
export function asWorker(differing: Partial<Observed> = {}): Observed {
  return {
    ...base(),
    unit: 'concourse-ci/1',
    facts: workerFacts('8.1.0'),
    peers: new Map([[web, installerFacts('8.1.0')]]),
    worker: workerRunning('8.1.0'),
    ...differing,
  };
}
