// A small charm's files, and the few words in which the tests drive a fake Juju by hand.
import type { End, FakeJujuOptions, FinishRecord, HookContext } from '../../testing/index.ts';
import { FakeJuju } from '../../testing/index.ts';

export const files = {
  metadata: {
    name: 'app',
    peers: { peers: { interface: 'app-peers' } },
    requires: { db: { interface: 'sql' } },
    storage: { data: { type: 'filesystem', location: '/srv/data' } },
    resources: { blob: { filename: 'blob.txt' } },
  },
  config: {
    options: {
      text: { type: 'string', default: 'hello' },
      number: { type: 'int', default: 7 },
      flag: { type: 'boolean', default: true },
      unset: { type: 'string' },
      key: { type: 'secret' },
    },
  },
  actions: {
    act: {
      params: {
        par: { type: 'string', default: 'dflt' },
        num: { type: 'integer' },
        obj: { type: 'object', properties: { depth: { type: 'integer', default: 1 } } },
      },
    },
    loose: { parallel: true },
    strict: { params: { must: { type: 'string', default: 'x' } }, required: ['must'] },
  },
};

export const database = { metadata: { name: 'db', provides: { sql: { interface: 'sql' } } } };

export function standing(start = Date.UTC(2026, 0, 1)) {
  let now = start;
  return {
    now: () => now,
    advance: (ms: number) => {
      now += ms;
    },
  };
}

export function model(options: Partial<FakeJujuOptions> = {}) {
  const clock = standing();
  return { clock, juju: new FakeJuju({ seed: 1, clock, ...options }) };
}

/** A model with `units` of `app`, all hooks run. */
export function deployed(units = 2, options: Partial<FakeJujuOptions> = {}) {
  const made = model(options);
  made.juju.deploy('app', files, { units, resources: { blob: '/resources/blob.txt' } });
  settle(made.juju);
  return made;
}

type Act = (context: HookContext) => End | undefined;

/** Runs the unit's next operation: `act` calls tools and may say how it ends. */
export function one(
  juju: FakeJuju,
  unit: string,
  act: Act = () => undefined,
): FinishRecord & { name: string } {
  const operation = juju.next(unit);
  if (!operation) throw new Error(`${unit} is idle`);
  const context = juju.begin(unit, operation);
  const end = act(context) ?? { exitCode: 0 };
  return { name: operation.name, ...context.finish(end) };
}

/** Runs all units, round robin, to the end; says what ran, as `app/0 install`. */
export function settle(juju: FakeJuju, act: Act = () => undefined, only?: string): string[] {
  const ran: string[] = [];
  for (let busy = true; busy; ) {
    busy = false;
    for (const unit of [...juju.model.units.keys()]) {
      if ((only !== undefined && unit !== only) || !juju.next(unit)) continue;
      busy = true;
      ran.push(`${unit} ${one(juju, unit, act).name}`);
      if (ran.length > 500) throw new Error(`does not settle: ${ran.slice(-10).join(', ')}`);
    }
  }
  return ran;
}

/** The names of what one unit ran. */
export const of = (unit: string, ran: readonly string[]): string[] =>
  ran.filter((each) => each.startsWith(`${unit} `)).map((each) => each.slice(unit.length + 1));

/** A juju-exec on the unit that calls tools; its writes are committed. */
export function inExec(juju: FakeJuju, unit: string, ...calls: [tool: string, ...args: string[]][]) {
  const record = juju.exec(unit, 'tools');
  const results: { code: number; stdout: string; stderr: string }[] = [];
  while (record.status === 'pending') {
    one(juju, unit, (context) => {
      if (context.operation.kind !== 'exec') return undefined;
      for (const [tool, ...args] of calls) results.push(context.tool(tool, args));
      return undefined;
    });
  }
  const [last = { code: -1, stdout: '', stderr: '' }] = results.slice(-1);
  return { ...last, results, record };
}
