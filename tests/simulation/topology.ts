// Which applications a history has: web's own, and those of workers alone, with a volume for all or one for each, in web's model or in
// another one. Drawn from the seed apart from everything else, so that histories of one application stay what they were.
import { Seeded } from 'juju-ts-ops/testing';

/** Web's application. */
export const application = 'concourse-ci';

/** An application of workers alone, related to web's. */
export interface Elsewhere {
  app: string;
  units: number;
  /** `shared` by its units, one for `each` of them, or that of web's application. */
  volume: 'shared' | 'each' | 'web';
  /** In a model of its own, where it bears the name that web's application has here; each side knows the other as an offer. */
  abroad?: boolean;
}

export interface Topology {
  units: number;
  elsewhere: Elsewhere[];
  /** Workers go to a release a few at a time, where that may be. */
  rolls?: boolean;
  /** Every unit of web's application is web (`mode=web`): on one volume for all, or on one each. */
  webs?: 'shared' | 'each';
  /** A client asks for web all the time, and nothing happens that may keep every web from answering. */
  polled?: boolean;
}

/** Of histories with more than web's application in its usual mode. */
const severalWebs = 0.4;
const names = ['workers', 'gpu', 'arm'];
/** Numbers of machines: so many units an application may have had, with those that are gone. */
export const unitsAtMost = 16;

/** `likelihood`: of applications beside web's. Undefined: there is one application. */
export function drawTopology(
  seed: number,
  likelihood: number,
  {
    webs: several = severalWebs,
    polled = 0.4,
    rolls = 0.3,
  }: { webs?: number; polled?: number; rolls?: number } = {},
): Topology | undefined {
  const random = new Seeded(seed + 0.5);
  if (random.next() >= likelihood) return undefined;
  const pick = <T>(items: readonly [T, ...T[]]): T => random.pick(items) ?? items[0];
  if (random.next() < several) {
    const webs = pick(['shared', 'shared', 'each'] as const);
    // A volume of one web unit goes with it.
    const volume =
      webs === 'each' ? pick(['shared', 'each'] as const) : pick(['shared', 'each', 'web'] as const);
    const workers: Elsewhere = { app: 'workers', units: pick([1, 1, 2]), volume };
    return {
      units: pick([2, 2, 3]),
      elsewhere: random.next() < 0.8 ? [workers] : [],
      webs,
      ...(random.next() < polled ? { polled: true } : {}),
    };
  }
  const elsewhere = names.slice(0, pick([1, 1, 1, 2, 2, 3])).map((app): Elsewhere => {
    const units = pick([1, 1, 2]);
    const volume = pick(['shared', 'shared', 'each', 'web'] as const);
    // Of the same name, they could not share one.
    return { app, units, volume, ...(random.next() < 0.3 && volume !== 'web' ? { abroad: true } : {}) };
  });
  const topology = { units: elsewhere.length > 2 ? 1 : pick([1, 1, 2]), elsewhere };
  if (random.next() >= rolls) return topology;
  return { units: 4, elsewhere: elsewhere.slice(0, 1), rolls: true };
}

export const appOf = (unit: string): string => unit.split('/')[0] ?? unit;

/** One number for each unit of all applications: `index` counts applications, web's first. */
export const machineNumber = (unit: string, index: number): number =>
  index * unitsAtMost + Number(unit.split('/')[1]);

export const addressOf = (index: number, unit: number): string => `10.0.${index}.${10 + unit}`;

/** What the units of one application see of names, where its model is another one than web's. */
export class Border {
  private readonly outward: ReadonlyMap<string, string>;
  private readonly inward: ReadonlyMap<string, string>;
  /** Applications of other models, by their names in the simulation. */
  readonly foreign: ReadonlySet<string>;

  constructor(app: string, elsewhere: readonly Elsewhere[]) {
    const seen = new Map<string, string>();
    const foreign = new Set<string>();
    for (const other of elsewhere) {
      if (other.abroad !== true) continue;
      if (other.app === app) {
        seen.set(app, application).set(application, 'ci-offer');
        foreign.add(application);
      } else if (app === application) {
        seen.set(other.app, `remote-${uuidOf(other.app).replaceAll('-', '')}`);
        foreign.add(other.app);
      }
    }
    this.outward = seen;
    this.inward = new Map([...seen].map(([here, there]) => [there, here]));
    this.foreign = foreign;
  }

  get needed(): boolean {
    return this.outward.size > 0;
  }

  /** An application or a unit as its model calls it. */
  there(name: string): string {
    return renamed(name, this.outward);
  }

  /** Back again. */
  here(name: string): string {
    return renamed(name, this.inward);
  }

  environment(env: Readonly<Record<string, string>>, app: string): Record<string, string> {
    if (!this.needed) return env;
    const names = ['JUJU_UNIT_NAME', 'JUJU_REMOTE_UNIT', 'JUJU_REMOTE_APP', 'JUJU_DEPARTING_UNIT'];
    const changed = names.flatMap((name) => (env[name] === undefined ? [] : [[name, this.there(env[name])]]));
    const abroad = this.foreign.has(application);
    return {
      ...env,
      ...Object.fromEntries(changed),
      ...(abroad ? { JUJU_MODEL_UUID: uuidOf(app), JUJU_MODEL_NAME: `model-of-${app}` } : {}),
    };
  }

  /** Names that a hook tool is asked with. */
  asked(tool: string, args: readonly string[]): string[] {
    return tool === 'relation-get' ? args.map((arg) => this.here(arg)) : [...args];
  }

  /** Names in a hook tool's answer. `goal-state` says nothing of units of another model. */
  answered(tool: string, stdout: string): string {
    if (tool === 'relation-list')
      return JSON.stringify(mapped(JSON.parse(stdout), (name) => this.there(name)));
    if (tool !== 'goal-state') return stdout;
    // As the fake Juju writes it.
    const { units, relations = {} } = JSON.parse(stdout) as Record<
      'units' | 'relations',
      Record<string, object>
    >;
    const kept = Object.entries(relations).map(([endpoint, others]) => [
      endpoint,
      entries(others, ([name]) => !this.foreign.has(appOf(name))),
    ]);
    return JSON.stringify({
      units: entries(
        units,
        () => true,
        (name) => this.there(name),
      ),
      relations: Object.fromEntries(kept),
    });
  }
}

function entries(
  of: object,
  keep: (entry: [string, unknown]) => boolean,
  name = (text: string) => text,
): object {
  return Object.fromEntries(
    Object.entries(of)
      .filter(keep)
      .map(([key, value]) => [name(key), value]),
  );
}

function mapped(answer: unknown, name: (text: string) => string): unknown {
  if (typeof answer === 'string') return name(answer);
  return Array.isArray(answer) ? answer.map((each) => mapped(each, name)) : answer;
}

function renamed(name: string, names: ReadonlyMap<string, string>): string {
  const [app = '', ...rest] = name.split('/');
  return [names.get(app) ?? app, ...rest].join('/');
}

/** Of the model in which an application is abroad. */
export const uuidOf = (app: string): string =>
  `${Buffer.from(app.padEnd(4, '0')).toString('hex').slice(0, 8)}-0000-4000-8000-000000000000`;
