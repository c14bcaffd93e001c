// Which configuration a running service was started with: the hash goes into its environment, so that the process itself
// tells whether it must be restarted, whatever the files on disk say by now.
import { createHash } from 'node:crypto';

import type { Environment } from './environment-file.ts';

/** The version of the release that the process runs. */
export const RELEASE_MARK = 'CHARM_RELEASE';
/** The hash of everything that it was started with. */
export const CONFIGURATION_MARK = 'CHARM_CONFIGURATION';

export interface Configuration {
  unit: string;
  environment: Environment;
  /** Contents of the files that the service reads at its start only: keys, scripts. What it reads again on SIGHUP (the
   * authorized worker keys) has no place here. */
  files: readonly { path: string; content: string }[];
  /** The operator's own environment file, as it is on disk. */
  operatorEnvironment?: string | undefined;
}

/** 16 hexadecimal digits; the same whatever the order of variables and files. */
export function configurationHash(configuration: Configuration): string {
  const { [CONFIGURATION_MARK]: _, ...environment } = configuration.environment;
  const canonical = JSON.stringify([
    configuration.unit,
    Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1)),
    configuration.files.map((file) => [file.path, file.content]).sort(),
    configuration.operatorEnvironment ?? '',
  ]);
  return createHash('sha256').update(canonical).digest('hex').slice(0, 16);
}
