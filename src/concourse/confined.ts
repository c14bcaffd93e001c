// What the charm's services that are not root have in common: whose they are, and what is taken from them.
import type { Setting } from './unit-file.ts';

/** Undefined where there are no users to be had: as whoever runs the charm. */
export const runsAs = (user: string | undefined): Setting[] =>
  user === undefined
    ? []
    : [
        ['User', user],
        ['Group', user],
      ];

/** `capability`: the one that it keeps, or ''. */
export const confined = (capability = ''): Setting[] => [
  ['CapabilityBoundingSet', capability],
  ['NoNewPrivileges', 'yes'],
  ['ProtectSystem', 'strict'],
  ['ProtectHome', 'yes'],
  ['PrivateTmp', 'yes'],
  ['PrivateDevices', 'yes'],
  ['ProtectKernelTunables', 'yes'],
  ['ProtectKernelModules', 'yes'],
  ['ProtectControlGroups', 'yes'],
  ['RestrictNamespaces', 'yes'],
  ['RestrictRealtime', 'yes'],
  ['RestrictSUIDSGID', 'yes'],
  ['LockPersonality', 'yes'],
  ['UMask', '0077'],
];
