// The actions that replace secrets: set-admin-password, rotate-keys, rotate-encryption-key. All change the application's secret or
// the goal on the leader; web and workers follow in their next hooks.
import { createHash } from 'node:crypto';
import { ActionFailure } from 'juju-ts-ops';
import { hasEncryptionKey } from '../concourse/encryption.ts';
import { parseEnvironmentFile } from '../concourse/environment-file.ts';
import { secretEnvironment } from '../concourse/extra-environment.ts';
import { observe } from '../observe/observe.ts';
import { readUserSecret } from '../observe/user-secret.ts';
import { readWebSecret } from '../observe/web-view.ts';
import type { Observed } from '../observed.ts';
import type { Session } from '../session.ts';
import { factsOf, type Goal } from '../upgrade/goal.ts';
import type { WebSecret } from '../web-secret.ts';
import { demandLeader, goalOf, setGoal } from './situation.ts';

/** Concourse reads `:` and `,` as separators, and bcrypt 72 bytes at most. */
const passwordFits = (text: string): boolean => /^[\x21-\x7e]{8,72}$/.test(text) && !/[:,]/.test(text);

/** The password itself is never a parameter: Juju keeps those, for whoever may look at the model. */
export async function setAdminPassword(session: Session, params: { secret?: string | undefined }) {
  const { hook, host } = session;
  const o = await observe(session);
  demandLeader(o, 'set-admin-password');
  const password =
    params.secret === undefined
      ? host.random.bytes(24).toString('hex')
      : await passwordOf(session, params.secret);
  hook.mask(password);
  await setGoal(session, await changeSecret(session, o, () => ({ 'admin-password': password })));
  return {
    username: 'admin',
    result: `web restarts with the new password; juju run ${o.application}/leader get-admin-password shows it`,
  };
}

async function passwordOf({ hook }: Session, uri: string): Promise<string> {
  // Not repeated: it may be the password itself.
  if (!/^secret:\S+$/.test(uri))
    throw new ActionFailure('secret is not the URI of a secret, which begins with secret: (juju add-secret)');
  const secret = await readUserSecret(hook, uri);
  if ('missing' in secret) throw new ActionFailure(secret.missing.message);
  const { password } = secret.content;
  if (password === undefined) throw new ActionFailure(`the secret ${uri} has no key password`);
  if (!passwordFits(password))
    throw new ActionFailure(
      `the password in ${uri} is not 8 to 72 printable ASCII characters without blanks, : and ,`,
    );
  return password;
}

export async function rotateKeys(
  session: Session,
  params: { keys: 'session' | 'tsa-host' | 'workers' | 'all' },
) {
  const { random } = session.host;
  const o = await observe(session);
  demandLeader(o, `rotate-keys keys=${params.keys}`);
  // An application of workers has all that it has.
  const all = params.keys === 'all';
  const has = (key: typeof params.keys) =>
    params.keys === key || (all && (key === 'workers' || o.settings.mode !== 'worker'));
  const results: Record<string, string> = {};
  let goal = goalOf(o);
  if (has('session') || has('tsa-host')) {
    const signing = has('session') ? await random.rsaKey() : undefined;
    const host = has('tsa-host') ? await random.rsaKey() : undefined;
    goal = await changeSecret(session, o, () => ({
      ...(signing && { 'session-signing-key': signing.privatePem }),
      ...(host && { 'tsa-host-key': host.privatePem, 'tsa-host-key-pub': host.publicSsh }),
    }));
    if (signing) results['session'] = 'web restarts; everybody logs in again';
    if (host) results['tsa-host'] = 'web restarts; workers follow when they have heard of the new host key';
  }
  if (has('workers')) {
    goal = { ...goal, 'worker-keys': (goal['worker-keys'] ?? 0) + 1 };
    results['workers'] = 'each worker makes a new key, and restarts with it when web lets it in';
  }
  await setGoal(session, goal);
  return results;
}

/** Once web has started with the key of this action, and not before, may there be a next one: rows that are still encrypted with
 * the key before the last would be lost. */
export async function rotateEncryptionKey(session: Session) {
  const { hook, host } = session;
  const o = await observe(session);
  demandLeader(o, 'rotate-encryption-key');
  const goal = goalOf(o);
  await demandOwnKey(session, o);
  const { revision } = await webSecretOf(session, o);
  const web = factsOf(goal.installer, o.unit, session.published, o.peers);
  if (web?.['upgrade-state'] === 'prepare')
    throw new ActionFailure('an upgrade is under way: try again when it has ended');
  if (web?.['web-revision'] !== revision)
    throw new ActionFailure(
      `web on ${goal.installer} has not started with its present keys yet: see its status, and try again`,
    );
  const key = host.random.bytes(24).toString('base64url');
  hook.mask(key);
  let first = true;
  const next = await changeSecret(session, o, (secret) => {
    first = secret['encryption-key'] === undefined;
    return { 'encryption-key': key, ...(!first && { 'old-encryption-key': secret['encryption-key'] }) };
  });
  await setGoal(session, next);
  const done = first ? 'encrypts what was plain until now' : 'encrypts with the new key what had the old one';
  return {
    'key-id': createHash('sha256').update(key).digest('hex').slice(0, 12),
    result: `web restarts, and ${done}; a backup of the database is of no use without the key`,
  };
}

/** Where an operator has set a key, it is theirs to rotate. */
async function demandOwnKey(session: Session, o: Observed): Promise<void> {
  const { hook, host } = session;
  const uri = (await hook.config()).values['extra-web-secrets'];
  const secret = uri === undefined ? { content: {} } : await readUserSecret(hook, uri);
  if ('missing' in secret) throw new ActionFailure(secret.missing.message);
  const read = secretEnvironment(secret.content);
  const inSecret = 'environment' in read && hasEncryptionKey(read.environment);
  const file = `${host.paths.defaults}/concourse-web`;
  const inFile = hasEncryptionKey(parseEnvironmentFile((await host.files.readText(file)) ?? ''));
  if (!inSecret && !inFile) return;
  const where = inSecret ? 'the secret of extra-web-secrets' : '/etc/default/concourse-web';
  throw new ActionFailure(
    `${where} of ${o.application} holds an encryption key: put the new one there, and the present one as old-encryption-key`,
  );
}

async function webSecretOf(session: Session, o: Observed): Promise<WebSecret> {
  if (o.settings.mode === 'worker')
    throw new ActionFailure(
      `${o.flight?.application ?? 'web'} has those: ${o.application} has workers alone`,
    );
  const secret = await readWebSecret(session);
  if (secret === undefined)
    throw new ActionFailure('the leader has not made the keys of web yet: try again when web has started');
  return secret;
}

/** Makes a new revision of the application's secret; resolves with the goal that wakes web to read it. Both are sent when the action
 * ends. */
async function changeSecret(
  session: Session,
  o: Observed,
  change: (secret: WebSecret) => Record<string, string | undefined>,
): Promise<Goal> {
  const { hook } = session;
  const uri = session.webSecret;
  const secret = await webSecretOf(session, o);
  const whole = uri === undefined ? undefined : await hook.secrets.get(uri, 'refresh');
  if (uri === undefined || whole === undefined) throw new Error('the keys of web were there a moment ago');
  const revision = secret.revision + 1;
  const content: Record<string, string> = { ...whole, revision: String(revision) };
  for (const [key, value] of Object.entries(change(secret))) if (value !== undefined) content[key] = value;
  await hook.secrets.set(uri, content);
  return { ...goalOf(o), 'web-revision': revision };
}
