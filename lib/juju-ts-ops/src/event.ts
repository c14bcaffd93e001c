// Juju's environment, parsed into one typed event: whatever Juju leaves out or empty is absence, not an error.

const unitKinds = [
  'install',
  'start',
  'config-changed',
  'upgrade-charm',
  'update-status',
  'leader-elected',
  'leader-settings-changed',
  'stop',
  'remove',
] as const;
const relationKinds = [
  'relation-created',
  'relation-joined',
  'relation-changed',
  'relation-departed',
  'relation-broken',
] as const;
const storageKinds = ['storage-attached', 'storage-detaching'] as const;
const secretKinds = ['secret-changed', 'secret-expired', 'secret-remove', 'secret-rotate'] as const;

export interface EventRelation {
  endpoint: string;
  /** As Juju writes it: `peers:0`. */
  id: string;
  /** Absent in created and broken, and when an application's databag changed. */
  remoteUnit?: string;
  remoteApp?: string;
  /** In departed: who goes. This unit itself when it is the one that is removed. */
  departingUnit?: string;
}
export interface EventStorage {
  name: string;
  /** As Juju writes it: `data/0`. */
  id: string;
  location?: string;
  kind?: string;
}
export interface EventSecret {
  uri: string;
  label?: string;
  /** In expired and remove only. */
  revision?: number;
}
export interface EventAction {
  name: string;
  /** Juju's task number, as text. */
  id?: string;
}

interface Parts {
  /** The hook's, action's or wake-up's full name: `peers-relation-changed`. */
  name: string;
  relation?: EventRelation;
  storage?: EventStorage;
  secret?: EventSecret;
  action?: EventAction;
}
export type Event = Parts &
  (
    | { kind: (typeof unitKinds)[number] }
    | { kind: (typeof relationKinds)[number]; relation: EventRelation }
    | { kind: (typeof storageKinds)[number]; storage: EventStorage }
    | { kind: (typeof secretKinds)[number]; secret: EventSecret }
    | { kind: 'action'; action: EventAction }
    /** A wake-up of the charm's own (`juju-exec` with a JUJU_DISPATCH_PATH), or a hook that the framework does not know. */
    | { kind: 'custom' }
  );

type Env = Readonly<Record<string, string | undefined>>;

/** The properties of `parts` that have a value: Juju sets variables to the empty string where it has nothing to say. */
function present<const T extends Record<string, unknown>>(
  parts: T,
): { [K in keyof T]?: Exclude<T[K], undefined | ''> } {
  const kept = Object.entries(parts).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(kept) as { [K in keyof T]?: Exclude<T[K], undefined | ''> };
}

/** What this run is about. Total: an environment that Juju never made gives a `custom` event. */
export function eventOf(env: Env): Event {
  const path = env.JUJU_DISPATCH_PATH ?? '';
  const actionName = path.startsWith('actions/') ? path.slice('actions/'.length) : '';
  if (actionName !== '' || (path === '' && env.JUJU_ACTION_NAME)) {
    const name = actionName || (env.JUJU_ACTION_NAME ?? '');
    return { kind: 'action', name, action: { name, ...present({ id: env.JUJU_ACTION_UUID }) } };
  }
  // Without any name it is `juju-exec` that runs the executable as it is.
  const name = path.slice(path.lastIndexOf('/') + 1) || env.JUJU_HOOK_NAME || 'unnamed';

  const unitKind = unitKinds.find((kind) => kind === name);
  if (unitKind) return { kind: unitKind, name };

  const relation = relationOf(env);
  const relationKind = relationKinds.find((kind) => name.endsWith(`-${kind}`));
  if (relationKind && relation) return { kind: relationKind, name, relation };

  const storageKind = storageKinds.find((kind) => name.endsWith(`-${kind}`));
  const storageId = env.JUJU_STORAGE_ID;
  if (storageKind && storageId) {
    const extra = present({ location: env.JUJU_STORAGE_LOCATION, kind: env.JUJU_STORAGE_KIND });
    return {
      kind: storageKind,
      name,
      storage: { name: storageId.slice(0, storageId.lastIndexOf('/')), id: storageId, ...extra },
    };
  }
  const secretKind = secretKinds.find((kind) => kind === name);
  const uri = env.JUJU_SECRET_ID;
  if (secretKind && uri) {
    const revision = Number(env.JUJU_SECRET_REVISION || Number.NaN);
    const label = present({ label: env.JUJU_SECRET_LABEL });
    return {
      kind: secretKind,
      name,
      secret: { uri, ...label, ...(Number.isInteger(revision) ? { revision } : {}) },
    };
  }
  return { kind: 'custom', name, ...(relation ? { relation } : {}) };
}

function relationOf(env: Env): EventRelation | undefined {
  const id = env.JUJU_RELATION_ID;
  if (!id) return undefined;
  return {
    endpoint: env.JUJU_RELATION || id.slice(0, id.indexOf(':')),
    id,
    ...present({
      remoteUnit: env.JUJU_REMOTE_UNIT,
      remoteApp: env.JUJU_REMOTE_APP || env.JUJU_REMOTE_UNIT?.split('/')[0],
      departingUnit: env.JUJU_DEPARTING_UNIT,
    }),
  };
}

/** True in the hooks that Juju runs only because this unit is being removed. */
export function isDying(event: Event, unit: string): boolean {
  if (event.kind === 'relation-departed') return event.relation.departingUnit === unit;
  return event.kind === 'stop' || event.kind === 'remove';
}
