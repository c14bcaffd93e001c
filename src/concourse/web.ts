// The web service: its environment, its unit file, and the keys beside it.
import { confined, runsAs } from './confined.ts';
import { bindAddresses, hostAndPort } from './addresses.ts';
import { type Environment, FORBIDDEN_VARIABLE } from './environment-file.ts';
import { type PostgresConnection, postgresEnvironment } from './postgres.ts';
import { type PlannedService, planService, type ServiceFile } from './service.ts';
import { commandLine, type Setting, unitFile, word } from './unit-file.ts';

export const WEB_SERVICE = 'concourse-server.service';
/** The system user and group that web runs as; it needs no more than to read its keys. */
export const WEB_USER = 'concourse';
export const TSA_PORT = 2222;
/** Where Concourse's own metrics are, with `enable-metrics`. */
export const METRICS_PORT = 9391;
/** Concourse would wait up to 60 s for one open browser tab (hard-coded): what does not end by then is killed, which is
 * safe but in the middle of a migration. */
export const WEB_STOP_SECONDS = 20;

export type LogLevel = 'debug' | 'info' | 'error' | 'fatal';

export interface WebSettings {
  /** The Juju unit that owns the service: `concourse-ci/0`. */
  unit: string;
  version: string;
  /** The release's own directory, never the `bin` link: `/var/lib/concourse/releases/8.2.0`. */
  release: string;
  /** `/var/lib/concourse` */
  volume: string;
  /** `/etc/concourse`; web's user must be able to pass through it (0711). */
  etc: string;
  /** `/etc/default` */
  defaults: string;
  /** This unit's own address, as `network-get` tells it. */
  address: string;
  port: number;
  /** What browsers and `fly` are sent to; by default this unit's own address. */
  externalUrl?: string | undefined;
  clusterName?: string | undefined;
  logLevel?: LogLevel | undefined;
  /** Serve metrics to Prometheus. */
  metrics?: boolean | undefined;
  /** PEM. HTTPS is served beside HTTP, which this machine's own checks use; the external URL must begin with https then. */
  tls?: { port: number; certificate: string; key: string } | undefined;
  /** PEM: the authority that vouches for Vault. */
  vaultCa?: string | undefined;
  postgres: PostgresConnection;
  /** A `:` or `,` in the password would be read as a separator. */
  admin: { user: string; password: string };
  /** `NAME:PASSWORD` of further local users. */
  localUsers?: readonly string[] | undefined;
  /** Names of local users that the team main has as owners, besides the administrator. */
  mainTeam?: readonly string[] | undefined;
  keys: { tsaHostPem: string; sessionSigningPem: string };
  /** Read again on SIGHUP. */
  authorizedKeysPath: string;
  /** Undefined: as whoever runs the charm, where there is no such user. */
  user?: string | undefined;
  /** Further settings, as options have them. */
  extra?: Environment | undefined;
  /** The text of the operator's own file, where there is one. */
  operatorEnvironment?: string | undefined;
}

/** All that the web service consists of; nothing is written. */
export function webService(settings: WebSettings): PlannedService {
  if (/[:,]/.test(settings.admin.user + settings.admin.password)) {
    const message = 'the admin user or password holds a `:` or `,`, which Concourse takes for a separator';
    return { ok: false, problems: [{ key: 'CONCOURSE_ADD_LOCAL_USER', code: 'character', message }] };
  }
  return planService({
    name: WEB_SERVICE,
    unit: webUnitFile(settings),
    version: settings.version,
    environment: webEnvironment(settings),
    environmentPath: environmentPath(settings.etc),
    files: keyFiles(settings),
    operatorEnvironment: settings.operatorEnvironment,
  });
}

const environmentPath = (etc: string): string => `${etc}/web.env`;
const hostKeyPath = (etc: string): string => `${etc}/tsa_host_key`;
/** The certificate authority of the database, where a relation brings one. */
export const databaseCaPath = (etc: string): string => `${etc}/postgres_ca.pem`;
const signingKeyPath = (etc: string): string => `${etc}/session_signing_key`;
export const certificatePath = (etc: string): string => `${etc}/tls_cert.pem`;
const certificateKeyPath = (etc: string): string => `${etc}/tls_key.pem`;

export const vaultCaPath = (etc: string): string => `${etc}/vault_ca.pem`;

/** Files that not every web has: a start leaves none behind that its plan does not have. */
export const occasionalFiles = (etc: string): string[] => [
  certificatePath(etc),
  certificateKeyPath(etc),
  databaseCaPath(etc),
  vaultCaPath(etc),
];

/** What a web that runs has read, and nobody else has a use for: each start writes it anew. */
export const filesOfWeb = (etc: string): string[] => [
  environmentPath(etc),
  hostKeyPath(etc),
  signingKeyPath(etc),
  ...occasionalFiles(etc),
];

function keyFiles(settings: WebSettings): ServiceFile[] {
  const { etc, keys, tls, vaultCa } = settings;
  const { ca } = settings.postgres;
  const access = settings.user === undefined ? { mode: 0o600 } : { mode: 0o640, group: settings.user };
  return [
    { path: hostKeyPath(etc), content: keys.tsaHostPem, ...access },
    { path: signingKeyPath(etc), content: keys.sessionSigningPem, ...access },
    ...(tls === undefined
      ? []
      : [
          { path: certificatePath(etc), content: tls.certificate, mode: 0o644 },
          { path: certificateKeyPath(etc), content: tls.key, ...access },
        ]),
    ...(ca === undefined ? [] : [{ path: ca.file, content: ca.pem, ...access }]),
    ...(vaultCa === undefined ? [] : [{ path: vaultCaPath(etc), content: vaultCa, mode: 0o644 }]),
  ];
}

/** Without the marks that `webService` adds. */
export function webEnvironment(settings: WebSettings): Environment {
  const bind = bindAddresses(settings.address);
  return {
    CONCOURSE_BIND_IP: bind.public,
    CONCOURSE_BIND_PORT: String(settings.port),
    CONCOURSE_TSA_BIND_IP: bind.public,
    CONCOURSE_TSA_BIND_PORT: String(TSA_PORT),
    CONCOURSE_DEBUG_BIND_IP: bind.private,
    CONCOURSE_PEER_ADDRESS: settings.address,
    CONCOURSE_EXTERNAL_URL: settings.externalUrl || `http://${hostAndPort(settings.address, settings.port)}`,
    ...(settings.tls && {
      CONCOURSE_TLS_BIND_PORT: String(settings.tls.port),
      CONCOURSE_TLS_CERT: certificatePath(settings.etc),
      CONCOURSE_TLS_KEY: certificateKeyPath(settings.etc),
      CONCOURSE_COOKIE_SECURE: 'true',
    }),
    ...postgresEnvironment(settings.postgres),
    CONCOURSE_TSA_HOST_KEY: hostKeyPath(settings.etc),
    CONCOURSE_TSA_AUTHORIZED_KEYS: settings.authorizedKeysPath,
    // Optional to Concourse, which would make a new one at each start and end every session.
    CONCOURSE_SESSION_SIGNING_KEY: signingKeyPath(settings.etc),
    CONCOURSE_ADD_LOCAL_USER: [
      `${settings.admin.user}:${settings.admin.password}`,
      ...(settings.localUsers ?? []),
    ].join(','),
    CONCOURSE_MAIN_TEAM_LOCAL_USER: [settings.admin.user, ...(settings.mainTeam ?? [])].join(','),
    CONCOURSE_LOG_LEVEL: settings.logLevel ?? 'info',
    ...(settings.clusterName && { CONCOURSE_CLUSTER_NAME: settings.clusterName }),
    // A build whose worker went away is run again instead of ending in an error.
    CONCOURSE_ENABLE_RERUN_WHEN_WORKER_DISAPPEARS: 'true',
    ...(settings.metrics === true && {
      CONCOURSE_PROMETHEUS_BIND_IP: bind.public,
      CONCOURSE_PROMETHEUS_BIND_PORT: String(METRICS_PORT),
    }),
    ...settings.extra,
  };
}

export function webUnitFile(
  settings: Pick<
    WebSettings,
    'unit' | 'version' | 'release' | 'volume' | 'etc' | 'defaults' | 'port' | 'tls' | 'user'
  >,
): string {
  const { etc, defaults, user } = settings;
  const service: Setting[] = [
    ['Type', 'exec'],
    ...runsAs(user),
    ['EnvironmentFile', environmentPath(etc)],
    ['EnvironmentFile', `-${defaults}/concourse-web`],
    // Even from the operator's file: with it set, every command panics.
    ['UnsetEnvironment', FORBIDDEN_VARIABLE],
    ['ExecStart', commandLine(`${settings.release}/bin/concourse`, 'web')],
    ['ExecReload', '/bin/kill -HUP $MAINPID'],
    ['KillSignal', 'SIGTERM'],
    ['TimeoutStopSec', String(WEB_STOP_SECONDS)],
    // Without PostgreSQL it exits after 19 s, each time: never give up.
    ['Restart', 'always'],
    ['RestartSec', '5'],
    ['LimitNOFILE', '65536'],
    ...hardening(Math.min(settings.port, settings.tls?.port ?? settings.port)),
  ];
  return unitFile(settings.unit, {
    Unit: [
      ['Description', `Concourse web ${settings.version}`],
      ['Documentation', 'https://concourse-ci.org/docs/'],
      ['Wants', 'network-online.target'],
      ['After', 'network-online.target local-fs.target remote-fs.target postgresql.service'],
      ['RequiresMountsFor', word(settings.volume)],
      ['StartLimitIntervalSec', '0'],
    ],
    Service: service,
    Install: [['WantedBy', 'multi-user.target']],
  });
}

/** A pure network program: it writes no file at all, and needs no more of the kernel than sockets. */
function hardening(port: number): Setting[] {
  const capability = port < 1024 ? 'CAP_NET_BIND_SERVICE' : '';
  return [
    ...(capability ? ([['AmbientCapabilities', capability]] as const) : []),
    ...confined(capability),
    ['ProtectKernelLogs', 'yes'],
    ['ProtectHostname', 'yes'],
    // Other users' processes, a worker's among them, are not there for it.
    ['ProtectProc', 'invisible'],
    // Netlink: Go asks the kernel for the machine's addresses by it.
    ['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6 AF_NETLINK'],
    ['RemoveIPC', 'yes'],
    ['SystemCallArchitectures', 'native'],
    ['SystemCallFilter', '@system-service'],
    ['SystemCallErrorNumber', 'EPERM'],
  ];
}
