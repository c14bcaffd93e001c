// A service as it really runs: which release and which configuration, by the environment of its process.
import { CONFIGURATION_MARK, RELEASE_MARK } from '../concourse/configuration-hash.ts';
import type { ServiceState } from '../host/host.ts';
import type { ServiceView } from '../observed.ts';

export function viewService(state: ServiceState | undefined): ServiceView {
  const up = state !== undefined && ['active', 'activating', 'reloading'].includes(state.active);
  return {
    up,
    enabled: state?.enabled ?? false,
    runningVersion: state?.environment?.[RELEASE_MARK],
    runningConfiguration: state?.environment?.[CONFIGURATION_MARK],
    restarts: state?.restarts ?? 0,
    invocation: state?.invocation ?? '',
  };
}
