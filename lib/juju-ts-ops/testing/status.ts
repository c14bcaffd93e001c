// Statuses as `juju status` and the tools show them: a failed hook covers the charm's own words.
import { type Application, type Model, type StatusInfo, type Unit, unitsOf } from './model.ts';

export function shownStatus(unit: Unit): StatusInfo {
  const { failed } = unit.agent;
  return failed
    ? { ...unit.workload, status: 'error', message: `hook failed: "${failed.hook.name}"` }
    : unit.workload;
}

const severity = ['unknown', 'active', 'terminated', 'maintenance', 'waiting', 'blocked', 'error'];

/** What the leader said, or else the worst of the units. */
export function applicationStatus(model: Model, app: Application): StatusInfo {
  if (app.status) return app.status;
  const all = unitsOf(model, app.name).map(shownStatus);
  const worst = all.sort((a, b) => severity.indexOf(b.status) - severity.indexOf(a.status))[0];
  return worst ?? { status: 'unknown', message: '', since: 0 };
}
