// What a service of Concourse consists of on a machine: a unit file, its environment file, and the files beside it.
import { CONFIGURATION_MARK, configurationHash, RELEASE_MARK } from './configuration-hash.ts';
import { type Environment, type EnvironmentProblem, renderEnvironmentFile } from './environment-file.ts';

export interface ServiceFile {
  path: string;
  content: string;
  mode: number;
  /** The system group that must be able to read it; root's otherwise. */
  group?: string;
}

export interface ServicePlan {
  /** With its suffix: `concourse-worker.service`. */
  name: string;
  /** The unit file's text. */
  unit: string;
  /** What the process will see, marks included. */
  environment: Environment;
  /** To be written, with exact modes, before a start: the environment file first, keys, scripts. */
  files: ServiceFile[];
  /** What `CHARM_CONFIGURATION` of an up-to-date process says. */
  configuration: string;
}

export type PlannedService = { ok: true; plan: ServicePlan } | { ok: false; problems: EnvironmentProblem[] };

/** Puts the marks into the environment and renders it. */
export function planService(parts: {
  name: string;
  unit: string;
  version: string;
  environment: Environment;
  environmentPath: string;
  files: ServiceFile[];
  operatorEnvironment?: string | undefined;
}): PlannedService {
  const released = { ...parts.environment, [RELEASE_MARK]: parts.version };
  const configuration = configurationHash({ ...parts, environment: released });
  const environment = { ...released, [CONFIGURATION_MARK]: configuration };
  const rendered = renderEnvironmentFile(environment);
  if (!rendered.ok) return rendered;
  const file = { path: parts.environmentPath, content: rendered.text, mode: 0o600 };
  return {
    ok: true,
    plan: { name: parts.name, unit: parts.unit, environment, files: [file, ...parts.files], configuration },
  };
}
