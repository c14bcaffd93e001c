// A hook as a trace for OpenTelemetry: OTLP over HTTP, in JSON, sent once at the hook's end. Whether anybody takes it changes
// nothing. Why not with the SDK: docs/decisions/0010-traces-without-the-sdk.md.
import type { Session } from '../session.ts';

/** The most that a hook waits for its trace to be taken. */
const sendMs = 1_500;

/** An effect of a hook. */
export interface EffectSpan {
  name: string;
  /** ms since the epoch. */
  start: number;
  end: number;
  /** Why it failed. */
  problem: string | undefined;
}

export interface HookTrace {
  /** 16 and 8 random bytes in hex. */
  traceId: string;
  spanIds: readonly [hook: string, ...effects: string[]];
  name: string;
  start: number;
  end: number;
  ok: boolean;
  toolCalls: number;
  effects: readonly EffectSpan[];
  /** Of the process: unit, model and so on. */
  resource: Readonly<Record<string, string>>;
}

/** The `ExportTraceServiceRequest` of one trace, by the protocol's JSON mapping: ids in hex, 64-bit numbers as text. */
export function traceBody({ traceId, spanIds, effects, resource, ...hook }: HookTrace): string {
  const [own, ...others] = spanIds;
  const span = {
    traceId,
    spanId: own,
    name: hook.name,
    kind: internal,
    ...times(hook.start, hook.end),
    attributes: [{ key: 'juju.tool_calls', value: { intValue: String(hook.toolCalls) } }],
    status: status(hook.ok ? undefined : 'the hook failed'),
  };
  const children = effects.map(({ name, start, end, problem }, index) => ({
    traceId,
    spanId: others[index],
    parentSpanId: own,
    name,
    kind: internal,
    ...times(start, end),
    status: status(problem),
  }));
  const scopeSpans = [{ scope: { name: 'concourse-ci-charm' }, spans: [span, ...children] }];
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: texts(resource) }, scopeSpans }] });
}

const internal = 1;
const status = (problem: string | undefined) =>
  problem === undefined ? { code: 1 } : { code: 2, message: problem };
const nanoseconds = (ms: number): string => String(BigInt(Math.round(ms)) * 1_000_000n);
const times = (start: number, end: number) => ({
  startTimeUnixNano: nanoseconds(start),
  endTimeUnixNano: nanoseconds(end),
});
const texts = (all: Readonly<Record<string, string>>) =>
  Object.entries(all).map(([key, value]) => ({ key, value: { stringValue: value } }));

/** Resolves in time, whatever the other side does. */
export async function sendTrace(session: Session, endpoint: string, ok: boolean): Promise<void> {
  const { hook, host, effects } = session;
  const end = host.clock.now();
  const id = (bytes: number) => host.random.bytes(bytes).toString('hex');
  const body = traceBody({
    traceId: id(16),
    spanIds: [id(8), ...effects.map(() => id(8))],
    name: hook.event.name,
    start: end - (host.clock.monotonic() - session.startedAt),
    end,
    ok,
    toolCalls: hook.toolCalls,
    effects: effects.map(({ problem, ...effect }) => ({
      ...effect,
      problem: problem === undefined ? undefined : hook.masked(problem),
    })),
    resource: {
      'service.name': 'concourse-ci-charm',
      'service.instance.id': hook.unit,
      'juju.model': hook.model.name,
      'juju.model.uuid': hook.model.uuid,
      'juju.application': hook.application,
      'juju.unit': hook.unit,
    },
  });
  await host.http.probe(`${endpoint.replace(/\/+$/, '')}/v1/traces`, sendMs, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) },
    body,
    checkCertificate: true,
  });
}
