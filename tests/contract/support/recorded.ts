// The recordings as typed values: read once, checked at the door.
import { readFileSync } from 'node:fs';
import * as z from 'zod';

const read = <S extends z.ZodType>(name: string, schema: S): z.output<S> =>
  schema.parse(JSON.parse(readFileSync(new URL(`../recorded/${name}.json`, import.meta.url), 'utf8')));

const call = z
  .tuple([z.string(), z.array(z.string()), z.int(), z.string(), z.string()], z.string())
  .transform(([tool, args, code, stdout, stderr, stdin]) => ({ tool, args, code, stdout, stderr, stdin }));

export type RecordedCall = z.output<typeof call>;

/** Context → the unit it ran on and its calls in order. */
export const hookTools = read(
  'hook-tools',
  z.object({ contexts: z.record(z.string(), z.object({ unit: z.string(), calls: z.array(call) })) }),
).contexts;

const hook = z.object({
  /** Seconds since the scenario began. */
  t: z.number(),
  end: z.number(),
  unit: z.string(),
  /** The how-manieth run of `dispatch` on this unit. */
  seq: z.int(),
  dispatch: z.string(),
  leader: z.boolean(),
  rel: z.string().optional(),
  remote: z.string().optional(),
  departing: z.string().optional(),
  storage: z.string().optional(),
  rc: z.int(),
});

export type RecordedHook = z.output<typeof hook>;

const scenario = z.object({
  scenario: z.string(),
  note: z.string(),
  /** Seconds since the first scenario began. */
  at: z.number(),
  commands: z.array(
    z.object({ t: z.number(), cmd: z.string(), code: z.int(), stdout: z.string(), stderr: z.string() }),
  ),
  hooks: z.array(hook),
});

export type Scenario = z.output<typeof scenario>;
export const scenarios = read('hooks', z.array(scenario));

const dump = z.object({
  unit: z.string(),
  seq: z.int(),
  env: z.record(z.string(), z.string()),
  where: z.string(),
  tools: z.string(),
});

export type Dump = z.output<typeof dump>;

/** `unit seq` → what the recorder's dispatch saw there. */
export const dumps: ReadonlyMap<string, Dump> = new Map(
  Object.values(read('environment', z.record(z.string(), z.array(dump))))
    .flat()
    .map((each) => [`${each.unit} ${each.seq}`, each]),
);
