// The charm: its definition with what it does in hooks and actions, on whatever machine it is given.
import type { Charm } from 'juju-ts-ops';
import { getAdminPassword, restartServices } from './actions/services.ts';
import { status } from './actions/status.ts';
import { moveWeb, rollback, upgrade } from './actions/upgrades.ts';
import { acceptVolume, prune, unlock, verify } from './actions/volume.ts';
import { definition } from './definition.ts';
import type { Host } from './host/host.ts';
import { reconcile } from './reconcile.ts';
import { teardown } from './teardown.ts';

export function concourse(host: Host): Charm {
  return definition.implement({
    reconcile: (hook) => reconcile(hook, host),
    teardown: (hook) => teardown(hook, host),
    actions: {
      status: (hook, params) => status(hook, host, params),
      upgrade: (hook) => upgrade(hook, host),
      rollback: (hook, params) => rollback(hook, host, params),
      verify: (hook) => verify(hook, host),
      prune: (hook, params) => prune(hook, host, params),
      unlock: (hook) => unlock(hook, host),
      'get-admin-password': (hook) => getAdminPassword(hook, host),
      'move-web': (hook, params) => moveWeb(hook, host, params),
      'restart-services': (hook) => restartServices(hook, host),
      'accept-volume': (hook) => acceptVolume(hook, host),
    },
  });
}
