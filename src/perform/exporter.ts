// Effects on the exporter of this unit.
import path from 'node:path';
import { EXPORTER_SERVICE } from '../concourse/exporter.ts';
import type { ServicePlan } from '../concourse/service.ts';
import { rememberedSchema } from '../memory.ts';
import { exporterUser } from '../observe/exporter-view.ts';
import { figuresPath } from '../observability/figures.ts';
import type { Session } from '../session.ts';
import { openMemory } from '../storage/memory.ts';
import { makeEtc, marksLast, replaceFile } from './files.ts';
import { systemUser } from './web.ts';

const files = ['exporter.env', 'exporter.json'];

export async function startExporter(session: Session, plan: ServicePlan): Promise<void> {
  const { hook, host } = session;
  // First of all: a hook that is killed in the middle must not leave what no later one looks for.
  session.memory = { ...session.memory, exporter: true };
  await openMemory(host, hook.unit, rememberedSchema).replace(session.memory);
  const user = exporterUser(host);
  const gid = user === undefined ? undefined : await systemUser(session, user);
  await makeEtc(host);
  await host.services.install(EXPORTER_SERVICE, plan.unit);
  for (const file of marksLast(plan))
    await replaceFile(host.files, { ...file, gid: file.group === undefined ? undefined : gid });
  await host.services.enable(EXPORTER_SERVICE);
  await host.services.restart(EXPORTER_SERVICE);
  hook.log.info('concourse-exporter.service starts');
}

/** With all that it read. */
export async function removeExporter(session: Session): Promise<void> {
  const { hook, host } = session;
  for (const name of files) await host.files.remove(path.join(host.paths.etc, name));
  const figures = figuresPath(host.paths.run, hook.unit);
  await host.files.remove(figures);
  if ((await host.files.list(path.dirname(figures)))?.length === 0)
    await host.files.remove(path.dirname(figures));
  await host.services.uninstall(EXPORTER_SERVICE);
  session.memory = { ...session.memory, exporter: undefined };
  hook.log.info('concourse-exporter.service is removed');
}
