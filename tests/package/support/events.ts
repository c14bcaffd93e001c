// Which hooks and actions Juju can run of a charm, by what its metadata says; and how an operator runs one by hand.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const metadata = z.object({
  peers: z.record(z.string(), z.unknown()).default({}),
  provides: z.record(z.string(), z.unknown()).default({}),
  requires: z.record(z.string(), z.unknown()).default({}),
  storage: z.record(z.string(), z.unknown()).default({}),
});
const actions = z.record(z.string(), z.object({ required: z.array(z.string()).default([]) }));

/** A machine charm's, whatever it declares: Juju 3.6 and 4.0 (core/hooks.go), without those of workload containers. */
const ofEveryCharm =
  'install start config-changed leader-elected leader-settings-changed update-status upgrade-charm stop remove ' +
  'secret-changed secret-rotate secret-expired secret-remove pre-series-upgrade post-series-upgrade';

export interface Events {
  hooks: string[];
  /** Relation endpoints, peers included. */
  endpoints: string[];
  storages: string[];
  /** Action → the parameters that it must have. */
  actions: Map<string, string[]>;
}

export function eventsOf(charm: string): Events {
  const read = (name: string): unknown => parse(readFileSync(join(charm, name), 'utf8'));
  const { peers, provides, requires, storage } = metadata.parse(read('metadata.yaml'));
  const endpoints = Object.keys({ ...peers, ...provides, ...requires });
  const storages = Object.keys(storage);
  return {
    hooks: [
      ...ofEveryCharm.split(' '),
      ...endpoints.flatMap((name) =>
        ['created', 'joined', 'changed', 'departed', 'broken'].map((what) => `${name}-relation-${what}`),
      ),
      ...storages.flatMap((name) => [`${name}-storage-attached`, `${name}-storage-detaching`]),
    ],
    endpoints,
    storages,
    actions: new Map(Object.entries(actions.parse(read('actions.yaml'))).map(([k, v]) => [k, v.required])),
  };
}

/** A shell line for juju-exec in the charm's folder: the hook, with the variables of its kind, about something that is not there
 * any more. That is what a hook finds whose relation, storage or secret went while it was on its way. */
export function byHand(hook: string, { endpoints, storages }: Events): string {
  const variables: Record<string, string> = { JUJU_DISPATCH_PATH: `hooks/${hook}`, JUJU_HOOK_NAME: hook };
  const endpoint = endpoints.find((name) => hook.startsWith(`${name}-relation-`));
  const storage = storages.find((name) => hook.startsWith(`${name}-storage-`));
  if (endpoint !== undefined) {
    Object.assign(variables, {
      JUJU_RELATION: endpoint,
      JUJU_RELATION_ID: `${endpoint}:99`,
      JUJU_REMOTE_APP: 'other',
      JUJU_REMOTE_UNIT: 'other/0',
    });
  }
  if (storage !== undefined) {
    Object.assign(variables, {
      JUJU_STORAGE_ID: `${storage}/99`,
      JUJU_STORAGE_LOCATION: '/srv/gone',
      JUJU_STORAGE_KIND: 'filesystem',
    });
  }
  if (hook.startsWith('secret-')) {
    const id = 'secret:d0c6qtd1h4i0q1m2n3o4';
    Object.assign(variables, { JUJU_SECRET_ID: id, JUJU_SECRET_LABEL: '', JUJU_SECRET_REVISION: '1' });
  }
  const words = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
  return `${words.join(' ')} ./dispatch`;
}
