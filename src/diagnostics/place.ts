// Where the archives of collect-diagnostics lie on a unit's machine.
import path from 'node:path';
import type { Host } from '../host/host.ts';

/** Not below what only root may enter: `juju scp` reads it as the user ubuntu. */
export const diagnosticsFolder = (host: Pick<Host, 'paths'>): string =>
  path.join(host.paths.root, 'var/lib/concourse-ci-diagnostics');
