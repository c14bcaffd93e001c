// Hooks as traces: with the option each whole hook sends one, with its effects, to the collector alone; a collector that is away
// keeps nobody, and without the option nothing is sent.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { application, Deployment, webService } from './support/deployment.ts';

const request = z.object({
  resourceSpans: z.tuple([
    z.object({
      resource: z.object({
        attributes: z.array(z.object({ key: z.string(), value: z.object({ stringValue: z.string() }) })),
      }),
      scopeSpans: z.tuple([
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z.string().optional(),
              name: z.string(),
              status: z.object({ code: z.number(), message: z.string().optional() }),
            }),
          ),
        }),
      ]),
    }),
  ]),
});
const endpoint = 'http://10.0.9.9:4318';

/** Hears what is sent to the collector; `answers`: whether it is there. */
function collected(d: Deployment, answers = true) {
  const traces: { unit: string; hook: string; effects: string[]; problems: string[] }[] = [];
  for (const unit of d.juju.units(application)) {
    const { http } = d.machine(unit);
    const { onProbe } = http;
    http.onProbe = (url, sent) => {
      if (!url.startsWith('http://10.0.9.9')) return onProbe(url, sent);
      expect(url).toBe(`${endpoint}/v1/traces`);
      const [{ scopeSpans, resource }] = request.parse(JSON.parse(sent?.body ?? '')).resourceSpans;
      const [hook, ...effects] = scopeSpans[0].spans;
      expect(effects.every(({ parentSpanId }) => parentSpanId === hook?.spanId)).toBe(true);
      expect(resource.attributes).toContainEqual({ key: 'juju.unit', value: { stringValue: unit } });
      traces.push({
        unit,
        hook: hook?.name ?? '',
        effects: effects.map(({ name }) => name),
        problems: effects.flatMap(({ status }) => status.message ?? []),
      });
      return answers ? { status: 200, body: '{}' } : undefined;
    };
  }
  return traces;
}

test('each hook sends a trace with its effects', async () => {
  const d = await Deployment.settled({ config: { 'otlp-endpoint': endpoint } });
  const traces = collected(d);
  d.juju.configure(application, { 'log-level': 'debug' });
  await d.cluster.settle();
  const web = traces.find(({ unit, hook }) => unit === d.unit(0) && hook === 'config-changed');
  expect(web?.effects).toEqual(['start-web']);
  expect(
    traces
      .filter(({ hook }) => hook === 'config-changed')
      .map(({ unit }) => unit)
      .sort(),
  ).toEqual(d.juju.units(application));
});

test('what fails is said in its span, without a secret', async () => {
  const d = await Deployment.settled({ config: { 'otlp-endpoint': endpoint } });
  const traces = collected(d);
  d.silentWeb.add('8.1.0');
  d.juju.configure(application, { 'log-level': 'debug' });
  await d.cluster.settle();
  expect(traces.flatMap(({ problems }) => problems).join()).toMatch(/web 8\.1\.0 did not answer/);
  expect(JSON.stringify(traces)).not.toContain('hunter2');
});

test('a collector that is away changes nothing', async () => {
  const d = await Deployment.settled({ config: { 'otlp-endpoint': endpoint } });
  collected(d, false);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(await d.runs(d.unit(0), webService)).toBe('8.2.0');
  expect(d.statuses().every((status) => status.startsWith('active'))).toBe(true);
});

test('without the option nothing is sent', async () => {
  const d = await Deployment.settled({ config: { 'otlp-endpoint': endpoint } });
  d.juju.configure(application, { 'otlp-endpoint': '' });
  await d.cluster.settle();
  const traces = collected(d);
  d.juju.configure(application, { 'log-level': 'debug' });
  await d.cluster.settle();
  expect(traces).toEqual([]);
});

test.each(['4318', 'grpc://collector:4317', 'http://user:word@collector:4318'])(
  '%s is refused as a collector’s address',
  async (value) => {
    const d = await Deployment.settled({ units: 1 });
    d.juju.configure(application, { 'otlp-endpoint': value });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: juju config concourse-ci otlp-endpoint=/);
    expect(d.status(d.unit(0))).not.toContain('word@');
  },
);
