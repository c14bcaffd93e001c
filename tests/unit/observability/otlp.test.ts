// A hook's trace: the request that OTLP over HTTP wants in JSON, and a collector that is slow, away or broken.
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { probe } from '../../../src/host/real/http-probe.ts';
import { traceBody } from '../../../src/observability/otlp.ts';

const trace = {
  traceId: '5b8efff798038103d269b633813fc60c',
  spanIds: ['eee19b7ec3c1b174', 'eee19b7ec3c1b173'] as const,
  name: 'config-changed',
  start: 1_700_000_000_000.4,
  end: 1_700_000_001_500,
  ok: true,
  toolCalls: 12,
  effects: [{ name: 'start-web', start: 1_700_000_000_100, end: 1_700_000_000_900, problem: 'no room' }],
  resource: { 'juju.unit': 'concourse-ci/0' },
};

test('the hook is the parent of its effects; ids are hex, times nanoseconds as text', () => {
  expect(JSON.parse(traceBody({ ...trace, spanIds: [...trace.spanIds] }))).toEqual({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'juju.unit', value: { stringValue: 'concourse-ci/0' } }] },
        scopeSpans: [
          {
            scope: { name: 'concourse-ci-charm' },
            spans: [
              {
                traceId: trace.traceId,
                spanId: 'eee19b7ec3c1b174',
                name: 'config-changed',
                kind: 1,
                startTimeUnixNano: '1700000000000000000',
                endTimeUnixNano: '1700000001500000000',
                attributes: [{ key: 'juju.tool_calls', value: { intValue: '12' } }],
                status: { code: 1 },
              },
              {
                traceId: trace.traceId,
                spanId: 'eee19b7ec3c1b173',
                parentSpanId: 'eee19b7ec3c1b174',
                name: 'start-web',
                kind: 1,
                startTimeUnixNano: '1700000000100000000',
                endTimeUnixNano: '1700000000900000000',
                status: { code: 2, message: 'no room' },
              },
            ],
          },
        ],
      },
    ],
  });
});

test('a collector that never answers is not waited for', async () => {
  const server = createServer(() => {});
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const sent = { method: 'POST', headers: {}, body: '{}' };
  expect(await probe(`http://127.0.0.1:${port}/v1/traces`, 50, sent)).toBeUndefined();
});
