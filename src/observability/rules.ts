// The alert rules and the dashboard that come with the charm, made out to one application.
import alerts from './alerts.json' with { type: 'json' };
import dashboard from './dashboard.json' with { type: 'json' };
import type { Rules, Topology } from './schemas.ts';
import { xzBase64 } from './xz.ts';

/** Stands in each expression where its series are chosen. */
const placeholder = '%%juju_topology%%';

/** Rules that look at this application's series alone, as monitoring charms expect them. */
export function alertRules({ model, model_uuid, application, charm_name }: Topology): Rules {
  const chosen = { juju_model: model, juju_model_uuid: model_uuid, juju_application: application };
  const matchers = Object.entries(chosen).map(([label, value]) => `${label}="${value}"`);
  const groups = alerts.groups.map(({ name, rules }) => ({
    // Unique among all that a Prometheus is told.
    name: `${model}_${model_uuid}_${application}_${name}_alerts`,
    rules: rules.map((rule) => ({
      ...rule,
      expr: rule.expr.replaceAll(placeholder, matchers.join(',')),
      labels: { ...rule.labels, ...chosen, juju_charm: charm_name },
    })),
  }));
  return { groups };
}

/** The dashboard as monitoring charms take it, and the one id by which all of them know it. */
export const encodedDashboard = (): string => xzBase64(JSON.stringify(dashboard));
export const dashboardUid = dashboard.uid;
