// Effects on the web service of this unit.
import { webInfo } from '../concourse/health.ts';
import type { ServicePlan } from '../concourse/service.ts';
import { filesOfWeb, occasionalFiles, WEB_SERVICE } from '../concourse/web.ts';
import type { Host } from '../host/host.ts';
import { otherUnit } from '../observe/services.ts';
import { authorizedKeysPath, localUrl, ownAddress, webUser } from '../observe/web-view.ts';
import { plannedVersion, type Settings, type WebView } from '../observed.ts';
import type { Session } from '../session.ts';
import { fail } from './failure.ts';
import { groupId, makeEtc, marksLast, replaceFile } from './files.ts';

const answerMs = 60_000;
const pollMs = 250;
const probeMs = 2_000;
/** After so many starts within the wait, web is not slow but broken. */
const restartsAtMost = 3;

/** Writes what the plan says, and restarts. systemd bounds the stop (TimeoutStopSec). */
export async function startWeb(session: Session, plan: ServicePlan): Promise<void> {
  const { hook, host } = session;
  const user = webUser(host);
  const gid = user === undefined ? undefined : await systemUser({ host }, user);
  await makeEtc(host);
  await host.services.install(WEB_SERVICE, plan.unit);
  for (const file of marksLast(plan)) {
    await replaceFile(host.files, { ...file, gid: file.group === undefined ? undefined : gid });
  }
  await removeFiles(
    host,
    occasionalFiles(host.paths.etc).filter((file) => plan.files.every(({ path }) => path !== file)),
  );
  await host.services.enable(WEB_SERVICE);
  const text = await host.files.readText(authorizedKeysPath(host));
  await host.services.restart(WEB_SERVICE);
  rememberAuthorized(session, await invocation(host.services), text);
  hook.log.info(`concourse-server.service starts Concourse ${plannedVersion(plan)}`);
}

async function removeFiles({ files }: Host, paths: readonly string[]): Promise<void> {
  for (const file of paths) if ((await files.lstat(file)) !== undefined) await files.remove(file);
}

function rememberAuthorized(session: Session, invocation: string, text: string | undefined): void {
  session.memory = { ...session.memory, authorized: text === undefined ? undefined : { invocation, text } };
}

async function invocation(services: Session['host']['services']): Promise<string> {
  return (await services.show([WEB_SERVICE]))[WEB_SERVICE]?.invocation ?? '';
}

/** A user and group that a service runs as, made when they are not there. Resolves with the group's id. */
export async function systemUser({ host }: Pick<Session, 'host'>, name: string): Promise<number> {
  const there = await groupId(host, name);
  if (there !== undefined) return there;
  const args = [
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/usr/sbin/nologin',
    name,
  ];
  const made = await host.commands.run('useradd', args, { timeoutMs: 30_000 });
  const id = await groupId(host, name);
  if (id === undefined)
    fail('no-user', `useradd ${name} failed: ${made.stderr.trim() || `exit code ${made.code}`}`);
  return id;
}

/** S6: until web answers with the version, 60 s at most; a database that is migrated may take most of it. */
export async function awaitWeb({ hook, host }: Session, settings: Settings, version: string): Promise<void> {
  const { bind } = await ownAddress(hook);
  const url = localUrl(bind, settings.webPort);
  const start = host.clock.monotonic();
  const restartsBefore = await restarts(host.services);
  for (;;) {
    const answer = await webInfo(host.http, url, probeMs);
    if (answer?.version === version) return;
    const waitedMs = host.clock.monotonic() - start;
    const crashing = (await restarts(host.services)) - restartsBefore >= restartsAtMost;
    if (waitedMs >= answerMs || crashing) {
      fail('web-silent', `web ${version} did not answer within ${Math.round(waitedMs / 1000)}s`);
    }
    await host.clock.wait(pollMs);
  }
}

async function restarts(services: Session['host']['services']): Promise<number> {
  return (await services.show([WEB_SERVICE]))[WEB_SERVICE]?.restarts ?? 0;
}

/** SIGHUP instead of a restart: web reads its authorised keys again, and no build notices. Only a web that answers is
 * signalled: one that has hardly started would die of it. */
export async function authorizeWorkers(
  session: Session,
  { text, units }: { text: string; units: readonly string[] },
  web: WebView,
): Promise<void> {
  const { hook, host } = session;
  const known = new Set([...(session.memory.workers ?? []), ...units]);
  session.memory = { ...session.memory, workers: [...known].sort() };
  await makeEtc(host);
  await replaceFile(host.files, { path: authorizedKeysPath(host), content: text, mode: 0o644 });
  hook.log.info(`web lets in ${text.split('\n').filter(Boolean).length} worker keys`);
  if (web.answers === undefined) return;
  await host.services.signal(WEB_SERVICE, 'SIGHUP');
  rememberAuthorized(session, web.invocation, text);
}

/** Web that does not install is about to stop for an upgrade. */
export async function standAside(
  session: Session,
  { id, deadline }: { id: number; deadline: number },
): Promise<void> {
  session.memory = { ...session.memory, aside: { id, deadline } };
  session.hook.log.info(`web stops for upgrade ${id}, until ${new Date(deadline).toISOString()} at most`);
}

/** This unit's own only. Passwords and private keys go with it, before it stops: one that is down already is not stopped again. */
export async function stopWeb({ hook, host }: Session): Promise<void> {
  if ((await otherUnit({ hook, host }, WEB_SERVICE)) !== undefined) return;
  await host.services.disable(WEB_SERVICE);
  await removeFiles(host, filesOfWeb(host.paths.etc));
  await host.services.stop(WEB_SERVICE, 60_000);
  hook.log.info('concourse-server.service is stopped and disabled');
}
