// The exporter of this unit: what it should run, where web is, and what it runs. Looked at only where metrics are wanted, or
// where it may be left over.
import path from 'node:path';
import { EXPORTER_SERVICE, EXPORTER_USER, exporterService } from '../concourse/exporter.ts';
import { ADMINISTRATOR } from '../concourse/local-users.ts';
import type { ServicePlan } from '../concourse/service.ts';
import type { Host, ServiceState } from '../host/host.ts';
import { figuresPath } from '../observability/figures.ts';
import type { ExporterView } from '../observability/exporter-step.ts';
import type { Settings } from '../observed.ts';
import type { Session } from '../session.ts';
import { viewService } from './services.ts';
import { localUrl, ownAddress, readWebSecret } from './web-view.ts';

export const exporterUser = (host: Host): string | undefined =>
  host.paths.root === '/' ? EXPORTER_USER : undefined;

/** Whether to look: a unit without a memory does not know what it has begun. */
export const mayHaveExporter = ({ memory, remembered }: Session, metrics: boolean): boolean =>
  metrics || memory.exporter === true || remembered === undefined;

export async function viewExporter(
  session: Session,
  settings: Settings,
  state: ServiceState | undefined,
  wanted: boolean,
): Promise<ExporterView> {
  if (!mayHaveExporter(session, settings.metrics))
    return { installed: false, current: true, plan: undefined };
  const view = await viewService(session, EXPORTER_SERVICE, state);
  const installed = (state?.installed ?? false) && view.otherUnit === undefined;
  // Also after a hook that was killed when it had just taken it away.
  if (!installed && !settings.metrics) session.memory = { ...session.memory, exporter: undefined };
  const plan =
    wanted && settings.metrics && view.otherUnit === undefined
      ? await planExporter(session, settings)
      : undefined;
  const current = view.up && view.enabled && view.runningConfiguration === plan?.configuration;
  return { installed, current, plan };
}

async function planExporter(session: Session, settings: Settings): Promise<ServicePlan | undefined> {
  const { hook, host } = session;
  const secret = await readWebSecret(session);
  if (secret === undefined) return undefined;
  const { bind } = await ownAddress(hook);
  const planned = exporterService({
    unit: hook.unit,
    charm: hook.charmDirectory,
    // Juju writes it beside the charm's own files.
    revision: (await host.files.readText(path.join(hook.charmDirectory, 'revision')))?.trim() ?? '',
    etc: host.paths.etc,
    address: bind,
    url: localUrl(bind, settings.webPort),
    admin: { user: ADMINISTRATOR, password: secret['admin-password'] },
    figures: figuresPath(host.paths.run, hook.unit),
    user: exporterUser(host),
  });
  return planned.ok ? planned.plan : undefined;
}
