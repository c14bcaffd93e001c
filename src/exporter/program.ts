// The exporter: looks at Concourse's API now and then, and answers scrapes at once from what it saw last. It runs beside web
// as a service of its own, and web never waits for it.
import { figureFamilies } from '../observability/figures.ts';
import type { Host } from '../host/host.ts';
import { type Look, look, type Token } from './collect.ts';
import { exporterSettings } from './settings.ts';
import { exposition, type Family } from './text.ts';

/** Between one look and the next. */
const pauseMs = 30_000;
/** While web does not answer: it starts beside this program, and each restart of it would leave a hole of half a minute. */
const againMs = 5_000;

export interface Answer {
  status: number;
  body: string;
}
/** Listens; `answer` is called for each GET. Rejects when the port cannot be had. */
export type Serve = (
  address: string,
  port: number,
  answer: (path: string) => Promise<Answer>,
) => Promise<{ close(): Promise<void> }>;

/** Resolves once it listens and has looked; goes on until `signal` aborts. `say`: a line for the journal. */
export async function exporter(
  host: Pick<Host, 'http' | 'clock' | 'files'>,
  file: string,
  { serve, say, signal }: { serve: Serve; say: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const settings = exporterSettings.parse(JSON.parse((await host.files.readText(file)) ?? ''));
  let last: Look = { jobs: undefined, token: undefined, problem: 'not looked yet' };
  const server = await serve(settings.address, settings.port, async (path) => {
    if (path !== '/metrics') return { status: 404, body: 'GET /metrics\n' };
    const figures = figureFamilies(await host.files.readText(settings.figures));
    return {
      status: 200,
      body: exposition([...(last.jobs ?? []), ...own(last, settings.version), ...figures]),
    };
  });
  say(`listening on ${settings.address}:${settings.port}`);
  let said = last.problem;
  for (let token: Token | undefined; !signal.aborted; token = last.token) {
    last = await look(host, settings, token);
    // Once for each reason, not every half minute.
    if (last.problem !== said) say(last.problem ?? 'web lists its jobs');
    said = last.problem;
    await host.clock.wait(last.jobs === undefined ? againMs : pauseMs, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
  await server.close();
}

const own = ({ jobs }: Look, version: string): Family[] => [
  {
    name: 'concourse_exporter_info',
    type: 'gauge',
    help: "The exporter of the charm, by the charm's revision",
    samples: [{ labels: { version }, value: 1 }],
  },
  {
    name: 'concourse_exporter_up',
    type: 'gauge',
    help: 'Whether web listed its jobs when it was last asked',
    samples: [{ value: jobs === undefined ? 0 : 1 }],
  },
];
