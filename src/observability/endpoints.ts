// The endpoints by which others watch the application, as Juju is told of them.
import { provides } from 'juju-ts-ops';
import { agentUnit, dashboardApplication, scrapeApplication, scrapeUnit } from './schemas.ts';

export const watchers = {
  // Read by prometheus-k8s and whoever else scrapes from afar.
  monitoring: provides({
    interface: 'prometheus_scrape',
    app: { local: scrapeApplication },
    unit: { local: scrapeUnit },
  }),
  // Read by opentelemetry-collector and grafana-agent, on each unit's own machine.
  'cos-agent': provides({ interface: 'cos_agent', unit: { local: agentUnit } }),
  // Read by grafana-k8s.
  'grafana-dashboard': provides({
    interface: 'grafana_dashboard',
    app: { local: dashboardApplication },
  }),
} as const;
