// What web serves to Prometheus: one metric under Concourse's own name, which is enough to be scraped.
import { createServer, type Server } from 'node:http';

import { log } from './log.ts';

/** `running`: how many workers are registered. Undefined where nobody has asked for metrics. */
export function serveMetrics(running: () => number): Server | undefined {
  const { CONCOURSE_PROMETHEUS_BIND_IP: host, CONCOURSE_PROMETHEUS_BIND_PORT: port } = process.env;
  if (!host || !port) return undefined;
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(
      '# HELP concourse_workers_registered Number of workers per state as seen by the database\n' +
        `# TYPE concourse_workers_registered gauge\nconcourse_workers_registered{state="running"} ${running()}\n`,
    );
  });
  // As there: without its port web goes on.
  server.on('error', (error) => log('metrics.failed-to-listen', { error: error.message }, 'error'));
  return server.listen(Number(port), host);
}
