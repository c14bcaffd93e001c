// A small HTTP server for figures: it answers GET, keeps few connections, and waits for nobody.
import http from 'node:http';
import type { Serve } from '../../exporter/program.ts';

const connectionsAtMost = 16;

/** See `Serve`. */
export const serve: Serve = async (address, port, answer) => {
  const server = http.createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) => {
    request.resume();
    const reply = (status: number, body: string) => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(request.method === 'HEAD' ? '' : body);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return reply(405, 'GET only\n');
    const [path = '/'] = (request.url ?? '/').split('?');
    answer(path).then(
      ({ status, body }) => reply(status, body),
      (error: unknown) => reply(500, `${error instanceof Error ? error.message : String(error)}\n`),
    );
  });
  server.maxConnections = connectionsAtMost;
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(port, address, listening.resolve);
  await listening.promise;
  return {
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
