// The web service of this unit: what it should run (keys, database, options), what it runs, and whether it answers.
import path from 'node:path';
import { bindAddresses, hostAndPort } from '../concourse/addresses.ts';
import { encryptionEnvironment } from '../concourse/encryption.ts';
import { type Environment, parseEnvironmentFile } from '../concourse/environment-file.ts';
import { FAILURE_MARKS, webDatabase, webFailure, webInfo } from '../concourse/health.ts';
import { ADMINISTRATOR, parseLocalUsers } from '../concourse/local-users.ts';
import type { ServicePlan } from '../concourse/service.ts';
import {
  certificatePath,
  TSA_PORT,
  vaultCaPath,
  WEB_SERVICE,
  WEB_USER,
  webService,
} from '../concourse/web.ts';
import { vaultEnvironment } from '../concourse/vault.ts';
import type { Host, ServiceState } from '../host/host.ts';
import type { Missing, Settings, Status, WebView } from '../observed.ts';
import type { ConcourseHook, Session } from '../session.ts';
import { statuses } from '../statuses.ts';
import { webSecretSchema } from '../web-secret.ts';
import { readExtraSecrets, readNames } from './extra-view.ts';
import { type Database, privilegesKey, readPostgres } from './postgres-view.ts';
import { viewService } from './services.ts';
import { readIngress } from './ingress-view.ts';
import { certificateOf, peoplesUrl, readTls, type Tls } from './tls-view.ts';
import { conceal, readUserSecret } from './user-secret.ts';
import { readVault } from './vault-view.ts';

const probeTimeoutMs = 2_000;

/** The file that web reads worker keys from, again at each SIGHUP. On web's own machine: a worker never needs it. */
export const authorizedKeysPath = (host: Host): string => path.join(host.paths.etc, 'authorized_worker_keys');

/** The system user that web runs as. In a lab there is none: services run as whoever runs the lab. */
export const webUser = (host: Host): string | undefined => (host.paths.root === '/' ? WEB_USER : undefined);

export interface WebInputs {
  settings: Settings;
  postgresSecret: string | undefined;
  /** Settings that options put into web's environment. */
  extra: Environment;
  /** `vault-ca-cert`, PEM. */
  vaultCa: string | undefined;
  /** `tls-certificate`: the URI of the secret. */
  certificateSecret: string | undefined;
  /** `extra-web-secrets`: the URI of the secret. */
  extraSecret: string | undefined;
  /** `local-users`: the URI of the secret. */
  usersSecret: string | undefined;
  mainTeam: readonly string[];
  installed: string | undefined;
  state: ServiceState | undefined;
  /** This unit installs: otherwise neither keys nor database are asked for. */
  wanted: boolean;
}

export async function viewWeb(session: Session, inputs: WebInputs): Promise<WebView> {
  const { hook, host } = session;
  const { settings } = inputs;
  const view = await viewService(session, WEB_SERVICE, inputs.state);
  if (!inputs.wanted) return { ...nothing, ...view };
  const address = await ownAddress(hook);
  const secret = await readWebSecret(session);
  const tls = await readTls(session, { ...inputs, address: address.ingress });
  const ingress = await readIngress(session);
  const url = peoplesUrl(settings, ingress.url, tls, address.ingress);
  const local = localUrl(address.bind, settings.webPort);
  const answer = view.up ? await webInfo(host.http, local, probeTimeoutMs) : undefined;
  const database = answer === undefined ? undefined : await databaseState(session, local, view.invocation);
  const failing = view.up && database !== 'readable' && view.invocation !== '';
  const { installed } = inputs;
  const postgres =
    settings.mode === 'worker' || installed === undefined || secret === undefined
      ? undefined
      : await readPostgres(session, inputs.postgresSecret);
  const authorizedText = await host.files.readText(authorizedKeysPath(host));
  const told = session.memory.authorized;
  // With a certificate that cannot be used web goes on as it is.
  const serves =
    'pair' in tls
      ? tls.pair !== undefined
      : (await host.files.lstat(certificatePath(host.paths.etc))) !== undefined;
  const openPort = serves ? settings.tlsPort : settings.webPort;
  return {
    ...view,
    plan: await planWeb(session, inputs, { bind: address.bind, url, tls }, secret, postgres),
    answers: answer?.version,
    database,
    privileges:
      postgres === undefined || 'missing' in postgres || installed === undefined
        ? undefined
        : privilegesKey(postgres, installed),
    complaint: failing ? await complaintOf(session, view.invocation) : undefined,
    authorizedText,
    authorizedTold: told?.invocation === view.invocation && told.text === authorizedText,
    url,
    openPort,
    innerUrl: session.memory.related?.includes('ingress')
      ? `${openPort === settings.webPort ? 'http' : 'https'}://${hostAndPort(address.ingress, openPort)}`
      : undefined,
    concerns: settings.externalUrl === undefined && ingress.concern !== undefined ? [ingress.concern] : [],
    certificate: certificateOf(tls),
    tsaAddress: settings.tsaAddress ?? hostAndPort(address.ingress, TSA_PORT),
    tsaHostKey: secret?.['tsa-host-key-pub'],
    revision: secret?.revision,
  };
}

const nothing = {
  plan: undefined,
  answers: undefined,
  database: undefined,
  privileges: undefined,
  complaint: undefined,
  authorizedText: undefined,
  authorizedTold: true,
  url: '',
  openPort: undefined,
  innerUrl: undefined,
  concerns: [],
  certificate: { asked: [] },
  tsaAddress: '',
  tsaHostKey: undefined,
  revision: undefined,
};

/** Where this unit listens, and where others reach it. */
export async function ownAddress(hook: ConcourseHook): Promise<{ bind: string; ingress: string }> {
  const network = await hook.network('peers');
  const bind = network.bindAddresses[0]?.address ?? '127.0.0.1';
  return { bind, ingress: network.ingressAddresses[0] ?? bind };
}

/** Web as this machine itself reaches it. */
export function localUrl(bind: string, port: number): string {
  const listens = bindAddresses(bind).public;
  return `http://${hostAndPort(listens === '0.0.0.0' ? '127.0.0.1' : listens, port)}`;
}

export async function readWebSecret(session: Session) {
  if (session.webSecret === undefined) return undefined;
  const content = await session.hook.secrets.get(session.webSecret, 'refresh');
  return webSecretSchema.safeParse(content).data;
}

async function planWeb(
  session: Session,
  inputs: WebInputs,
  where: { bind: string; url: string; tls: Tls },
  secret: Awaited<ReturnType<typeof readWebSecret>>,
  postgres: Database | Missing | undefined,
): Promise<ServicePlan | Missing | undefined> {
  const { hook, host } = session;
  const { settings, installed } = inputs;
  if (settings.mode === 'worker') return { missing: statuses.workerAlone(hook.application) };
  if (installed === undefined || secret === undefined || postgres === undefined) return undefined;
  const { tls } = where;
  if ('missing' in tls) return { missing: tls.missing };
  if (tls.pair !== undefined && !where.url.startsWith('https:'))
    return { missing: statuses.httpsWanted(hook.application, where.url) };
  if ('missing' in postgres) return postgres;
  const secrets = await readExtraSecrets(session, inputs.extraSecret, installed);
  if ('missing' in secrets) return secrets;
  const local = await readLocalUsers(hook, inputs.usersSecret);
  if ('missing' in local) return local;
  const operatorEnvironment = await host.files.readText(path.join(host.paths.defaults, 'concourse-web'));
  const vault = await readVault(session);
  if ('missing' in vault) return vault;
  const settled = { ...inputs.extra, ...secrets.environment };
  const usesVault = vault.access !== undefined || settled['CONCOURSE_VAULT_URL'] !== undefined;
  const vaultCa = (vault.access === undefined ? inputs.vaultCa : vault.ca) || undefined;
  const extra = vaultEnvironment({
    extra: settled,
    relation: vault.access,
    caPath: vaultCa === undefined ? undefined : vaultCaPath(host.paths.etc),
    mountCache: usesVault && (await knowsMountCache(session, installed)),
  });
  const encryption = encryptionEnvironment(
    { key: secret['encryption-key'], old: secret['old-encryption-key'] },
    { ...extra, ...parseEnvironmentFile(operatorEnvironment ?? '') },
  );
  const planned = webService({
    unit: hook.unit,
    version: installed,
    release: session.volume.layout.release(installed),
    volume: host.paths.volume,
    etc: host.paths.etc,
    defaults: host.paths.defaults,
    address: where.bind,
    port: settings.webPort,
    externalUrl: where.url,
    tls: tls.pair && { port: settings.tlsPort, ...tls.pair },
    clusterName: hook.application,
    logLevel: settings.logLevel,
    metrics: settings.metrics,
    vaultCa: usesVault ? vaultCa : undefined,
    postgres: postgres.connection,
    admin: { user: ADMINISTRATOR, password: secret['admin-password'] },
    localUsers: local.users,
    mainTeam: inputs.mainTeam,
    keys: { tsaHostPem: secret['tsa-host-key'], sessionSigningPem: secret['session-signing-key'] },
    authorizedKeysPath: authorizedKeysPath(host),
    user: webUser(host),
    extra: { ...encryption, ...extra },
    operatorEnvironment,
  });
  if (planned.ok) return planned.plan;
  return { missing: statuses.effectFailed(planned.problems.map(({ message }) => message).join('; ')) };
}

/** Not every release has it. */
async function knowsMountCache(session: Session, installed: string): Promise<boolean> {
  return (
    (await readNames(session, installed))?.web.includes('CONCOURSE_VAULT_ENABLE_KV_MOUNT_CACHE') === true
  );
}

/** A silent one is waited for once in a hook, not in each of its rounds. */
async function databaseState(
  session: Session,
  url: string,
  invocation: string,
): Promise<WebView['database']> {
  if (invocation !== '' && silentWebs.get(session) === invocation) return 'silent';
  const state = await webDatabase(session.host.http, url, probeTimeoutMs);
  if (state === 'silent') silentWebs.set(session, invocation);
  return state;
}

const silentWebs = new WeakMap<Session, string>();

async function readLocalUsers(
  hook: ConcourseHook,
  uri: string | undefined,
): Promise<{ users: string[] } | { missing: Status }> {
  if (uri === undefined) return { users: [] };
  const secret = await readUserSecret(hook, uri);
  if ('missing' in secret) return secret;
  const { users } = secret.content;
  const read = users === undefined ? { problem: 'it has no key users' } : parseLocalUsers(users);
  if ('problem' in read) return { missing: statuses.localUsers(read.problem) };
  conceal(
    hook,
    read.users.map((user) => user.slice(user.indexOf(':') + 1)),
  );
  return read;
}

async function complaintOf({ hook, host }: Session, invocation: string): Promise<string | undefined> {
  const lines = await host.services.log(WEB_SERVICE, { invocation, containing: FAILURE_MARKS });
  const failure = webFailure(lines);
  return failure === undefined ? undefined : hook.masked(failure.explanation ?? failure.line);
}
