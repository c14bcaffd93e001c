// The options as the charm uses them: malformed ones are said and keep their last good value, so that nothing is touched
// because of a typo.
import type { Config } from 'juju-ts-ops';
import { optionEnvironment } from './concourse-options.ts';
import type { Environment } from './concourse/environment-file.ts';
import type { Program } from './concourse/extra-environment.ts';
import type { definition } from './definition.ts';
import type { Status } from './observed.ts';
import { statuses } from './statuses.ts';

export type Values = Config<typeof definition.declared>['values'];

/** The validated options as deciding knows them. An option with a problem has its last good value here, and a status of its own. */
export function settingsOf(values: Values) {
  return {
    mode: values.mode,
    /** Undefined: the charm's pin. */
    version: values.version,
    releaseMirror: values['release-mirror'],
    releaseSha256: values['release-sha256'],
    sharedStorage: values['shared-storage'],
    upgradeReadyTimeoutMs: values['upgrade-ready-timeout'],
    upgradeCompleteTimeoutMs: values['upgrade-complete-timeout'],
    upgradeHold: values['upgrade-hold'],
    upgradeStrategy: values['upgrade-strategy'],
    maxUnavailable: values['max-unavailable'],
    requireBackup: values['require-backup'],
    webPort: values['web-port'],
    externalUrl: values['external-url'],
    /** What workers are told instead of web's own address: `HOST:PORT`. */
    tsaAddress: values['tsa-address'],
    /** Where web serves HTTPS, when it has a certificate. */
    tlsPort: values['tls-port'],
    logLevel: values['log-level'],
    /** Whether web serves metrics, and monitoring is told of it. */
    metrics: values['enable-metrics'],
    /** Where traces of hooks go. */
    otlpEndpoint: values['otlp-endpoint'],
    workerRuntime: values['worker-runtime'],
    volumeDriver: values['volume-driver'],
    folderMounts: values['folder-mounts'] ?? [],
    computeRuntime: values['compute-runtime'],
    gpuDeviceIds: values['gpu-device-ids'],
    workerDrain: values['worker-drain'],
    workerDrainTimeoutMs: values['worker-drain-timeout'],
    /** Whether `postgres-uri` is set at all. */
    postgresConfigured: values['postgres-uri'] !== undefined,
  };
}
export type Settings = Readonly<ReturnType<typeof settingsOf>>;

export interface SettledOptions {
  settings: Settings;
  problems: Status[];
  /** `postgres-uri`: the secret's URI. */
  postgresSecret: string | undefined;
  /** What options of their own put into Concourse's environment. */
  environment: Record<Program, Environment>;
  /** What extra-web-env and extra-worker-env add to it. */
  extra: Record<Program, Environment>;
  /** `vault-ca-cert`, PEM. */
  vaultCa: string | undefined;
  /** `tls-certificate`: the secret's URI. */
  certificateSecret: string | undefined;
  /** `extra-web-secrets`: the secret's URI. */
  extraSecret: string | undefined;
  /** `local-users`: the secret's URI; and which of them own the team main. */
  usersSecret: string | undefined;
  mainTeam: readonly string[];
  /** The values that were good, to be remembered for a hook that finds a malformed one in their place. */
  good: Partial<Values>;
  /** A malformed option never had a good value: nothing can be begun. */
  unsettled: boolean;
}

/** A refused URL is shown to everybody, but not what stands before its host, with or without a scheme. */
const withoutPassword = (value: string): string =>
  value.replace(/^(?:(\w[\w+.-]*:\/+))?.*@/s, (_, scheme = '') => `${scheme}…@`);

/** `remembered`: what an earlier hook found good. */
export function settleOptions(
  config: Config<typeof definition.declared>,
  remembered: Partial<Values>,
  application: string,
): SettledOptions {
  const malformed = new Set<string>(config.problems.map(({ option }) => option));
  const kept = Object.fromEntries(Object.entries(remembered).filter(([name]) => malformed.has(name)));
  const values: Values = { ...config.values, ...kept };
  return {
    settings: settingsOf(values),
    problems: config.problems.map(({ option, value, accepted }) =>
      /^extra-.*-env$/.test(option)
        ? statuses.extra(application, option, accepted)
        : statuses.option(application, option, withoutPassword(value), accepted),
    ),
    postgresSecret: values['postgres-uri'],
    environment: { web: optionEnvironment(values, 'web'), worker: optionEnvironment(values, 'worker') },
    extra: { web: values['extra-web-env'] ?? {}, worker: values['extra-worker-env'] ?? {} },
    vaultCa: values['vault-ca-cert'],
    certificateSecret: values['tls-certificate'],
    extraSecret: values['extra-web-secrets'],
    usersSecret: values['local-users'],
    mainTeam: values['main-team-local-user'] ?? [],
    good: Object.fromEntries(Object.entries(values).filter(([name]) => !malformed.has(name) || name in kept)),
    unsettled: [...malformed].some((name) => !(name in kept)),
  };
}
