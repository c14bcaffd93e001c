// What a hook asks its machine, as questions that can be asked again: each with the digest of what counts of the answer.
import type { Host } from '../host/host.ts';

/** `files.readText`, its arguments, and the digest. */
export type Reading = readonly [question: string, args: readonly unknown[], digest: string];

/** cyrb53, twice: 106 bits. Whoever could write what they are held against has no need to deceive us, and to load node:crypto takes
 * a third of the time of all the rest. */
export function digest(value: unknown): string {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value) ?? 'undefined');
  return `${mixed(bytes, 0)}-${mixed(bytes, 1)}`;
}

function mixed(bytes: Uint8Array, seed: number): string {
  let [high, low] = [0xdeadbeef ^ seed, 0x41c6ce57 ^ seed];
  for (const byte of bytes) {
    high = Math.imul(high ^ byte, 2_654_435_761);
    low = Math.imul(low ^ byte, 1_597_334_677);
  }
  const [top, bottom] = [
    Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909),
    Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909),
  ];
  return (4_294_967_296 * (2_097_151 & bottom) + (top >>> 0)).toString(36);
}

/** Of each question what counts of its answer. What is not here is an act, after which nothing is said to be as it was. */
const questions: Readonly<
  Record<string, (answer: unknown, args: readonly unknown[], volume: string) => unknown>
> = {
  'files.read': (answer) => answer,
  'files.readText': (answer) => answer,
  'files.readLink': (answer) => answer,
  'files.list': (answer) => (Array.isArray(answer) ? answer.toSorted() : answer),
  'files.stat': whatIsThere,
  'files.lstat': whatIsThere,
  'files.space': (answer) => picked(answer, ['type']),
  // Containers come and go: what the volume lies on counts.
  'files.mounts': (answer, _, volume) =>
    Array.isArray(answer)
      ? answer.filter((mount: unknown) => {
          const point = String(picked(mount, ['mountPoint'])[0]);
          return point === '/' || volume === point || volume.startsWith(`${point}/`);
        })
      : answer,
  'services.show': (answer) => answer,
  'services.log': (answer) => answer,
  'services.timerArmed': (answer) => answer,
  // Of public pipelines only whether they can be read.
  'http.probe': (answer, [url]) =>
    picked(answer, String(url).endsWith('/pipelines') ? ['status'] : ['status', 'body']),
  'commands.run': (answer) => answer,
  bootId: (answer) => answer,
};

/** Programs that only look. */
const looking = /^(?:stat|nvidia-smi|nvidia-ctk)$/;

function isQuestion(question: string, args: readonly unknown[]): boolean {
  if (!Object.hasOwn(questions, question)) return false;
  if (question === 'commands.run') return looking.test(String(args[0]));
  // A third argument is a request of another kind than to look.
  return question !== 'http.probe' || args[2] === undefined;
}

/** A folder's size and links change with what is made in it, which is asked for by name. */
function whatIsThere(answer: unknown): unknown {
  const always = ['kind', 'mode', 'uid', 'gid', 'device', 'inode'];
  return picked(answer, picked(answer, ['kind'])[0] === 'file' ? [...always, 'sizeBytes'] : always);
}

const picked = (value: unknown, keys: readonly string[]): unknown[] =>
  typeof value === 'object' && value !== null ? keys.map((key) => Reflect.get(value, key)) : [];

/** Asks again. Rejects with whatever the machine rejects with. */
export async function isStill(host: Host, [question, args, expected]: Reading): Promise<boolean> {
  const [area = '', name] = question.split('.');
  const owner: unknown = name === undefined ? host : Reflect.get(host, area);
  const ask: unknown = typeof owner === 'object' && owner !== null && Reflect.get(owner, name ?? area);
  if (typeof ask !== 'function' || !isQuestion(question, args)) return false;
  return digestOf(host, question, args, await Reflect.apply(ask, owner, [...args])) === expected;
}

const digestOf = (host: Host, question: string, args: readonly unknown[], answer: unknown): string =>
  digest(questions[question]?.(answer, args, host.paths.volume));

/** The same machine, watched. */
export interface Watched {
  host: Host;
  unwatched: Host;
  /** What it was asked; undefined where it was not only asked, or did not answer the same twice, or not at all. */
  readings(): readonly Reading[] | undefined;
}

const areas = new Set(['files', 'services', 'http', 'commands', 'locks', 'databases', 'random']);

export function watched(host: Host): Watched {
  const found = new Map<string, Reading>();
  let acted = false;
  const note = (question: string, args: readonly unknown[], answer: unknown): void => {
    if (!isQuestion(question, args) || !(answer instanceof Promise)) {
      acted = true;
      return;
    }
    const asked = args.filter((each) => each !== undefined);
    answer.then(
      (value: unknown) => {
        const key = JSON.stringify([question, asked]);
        const reading = [question, asked, digestOf(host, question, asked, value)] as const;
        if ((found.get(key) ?? reading)[2] !== reading[2]) acted = true;
        found.set(key, reading);
      },
      () => {
        acted = true;
      },
    );
  };
  const watch = (name: string, member: unknown, owner: object): unknown => {
    if (typeof member !== 'function') return member;
    return (...args: unknown[]): unknown => {
      const answer: unknown = Reflect.apply(member, owner, args);
      note(name, args, answer);
      return answer;
    };
  };
  const area = (name: string, target: object): object =>
    new Proxy(target, {
      get: (from, key) => watch(`${name}.${String(key)}`, Reflect.get(from, key), from),
    });
  const watching = new Map<string | symbol, unknown>([['bootId', watch('bootId', host.bootId, host)]]);
  for (const name of areas) {
    const target: unknown = Reflect.get(host, name);
    if (typeof target === 'object' && target !== null) watching.set(name, area(name, target));
  }
  return {
    unwatched: host,
    host: new Proxy(host, { get: (from, key) => watching.get(key) ?? Reflect.get(from, key) }),
    readings: () => (acted ? undefined : [...found.values()]),
  };
}
