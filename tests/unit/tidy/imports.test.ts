import { describe, expect, test } from 'vitest';
import { codeOf, importsOf, type Source, sources } from './sources.ts';

const all = sources(/^(charm\.ts|(src|lib|tests|scripts)\/.*\.ts)$/);
const byPath = new Map(all.map((source) => [source.path, source]));
const within = (folder: string) => all.filter(({ path }) => path.startsWith(folder));

/** `file imports target`, for every import that runs and that `forbidden` names. */
function offences(from: readonly Source[], forbidden: (target: string, path: string) => boolean): string[] {
  return from.flatMap((source) =>
    importsOf(source)
      .filter(({ typeOnly, target }) => !typeOnly && forbidden(target, source.path))
      .map(({ target }) => `${source.path} imports ${target}`),
  );
}

describe('what decides is pure', () => {
  const isPure = (path: string) =>
    /^src\/(decide\.ts|statuses\.ts|release\/version\.ts|storage\/layout\.ts|(decide|upgrade|concourse|statuses)\/)/.test(
      path,
    );
  /** Functions of their arguments: paths and digests. */
  const allowed = /^(zod|node:path|node:crypto)$/;

  /** The pure files and all that they reach. */
  function reached(): Source[] {
    const found = new Map<string, Source>();
    const visit = (source: Source) => {
      if (found.has(source.path)) return;
      found.set(source.path, source);
      for (const { target, typeOnly } of importsOf(source)) {
        const next = byPath.get(target);
        if (next !== undefined && !typeOnly) visit(next);
      }
    };
    for (const source of all) if (isPure(source.path)) visit(source);
    return [...found.values()];
  }

  test('it reaches zod, its own kind and deterministic built-ins, and nothing of the machine', () => {
    expect(
      offences(reached(), (target) => !allowed.test(target) && !/^src\/.*\.(ts|json)$/.test(target)),
    ).toEqual([]);
    expect(
      reached()
        .map(({ path }) => path)
        .filter((path) => path.startsWith('src/host/')),
    ).toEqual([]);
  });

  test('it looks at no clock, no dice and no process', () => {
    const outside =
      /\b(Date\.now|performance\.now|Math\.random|randomBytes|randomUUID|new Date\(\)|process\.(env|pid|platform|arch)|setTimeout)\b/;
    const found = reached().flatMap(({ path, lines }) =>
      lines.flatMap((line, index) =>
        outside.test(line.replace(/\/\/.*|^\s*\*.*/, '')) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
      ),
    );
    expect(found).toEqual([]);
  });

  test('decide and the upgrade protocol never await', () => {
    const deciding = all.filter(({ path }) => /^src\/(decide\.ts|(decide|upgrade)\/)/.test(path));
    expect(
      deciding.filter(({ text }) => /\b(await|async)\s/.test(codeOf(text))).map(({ path }) => path),
    ).toEqual([]);
  });
});

test('the real machine is reached from the executable, the scripts and tests alone', () => {
  const others = all.filter(
    ({ path }) => path !== 'charm.ts' && !/^(src\/host\/real|tests|scripts|lib\/juju-lab)\//.test(path),
  );
  expect(offences(others, (target) => target.startsWith('src/host/real/'))).toEqual([]);
});

test('src touches files, processes, services and connections through Host alone', () => {
  const machine =
    /^(node:)?(fs|fs\/promises|child_process|http|https|http2|net|dgram|dns|os|timers|timers\/promises|worker_threads|cluster)$|^execa$|^undici$|^postgres$/;
  const charm = within('src/').filter(({ path }) => !path.startsWith('src/host/real/'));
  expect(offences(charm, (target) => machine.test(target))).toEqual([]);
});

test('src ships no test code', () => {
  const forbidden =
    /^(tests|scripts|lib)\/|^juju-lab|^juju-ts-ops\/testing|^concourse-stand-in|^vitest|^fast-check/;
  expect(
    offences([...within('src/'), ...all.filter(({ path }) => path === 'charm.ts')], (target) =>
      forbidden.test(target),
    ),
  ).toEqual([]);
});

describe('the packages under lib', () => {
  test.each(['juju-ts-ops', 'juju-lab', 'concourse-stand-in'])(
    '%s imports nothing of the charm, nor files of another package',
    (name) => {
      const own = `lib/${name}/`;
      const isOutside = (target: string) =>
        /^(src|tests|scripts|lib)\//.test(target) && !target.startsWith(own);
      expect(offences(within(own), isOutside)).toEqual([]);
    },
  );

  test('the framework needs zod alone, and its testing half nothing of the lab', () => {
    expect(
      offences(
        within('lib/juju-ts-ops/src/'),
        (target) => !/^(zod|node:|lib\/juju-ts-ops\/src\/)/.test(target),
      ),
    ).toEqual([]);
    expect(offences(within('lib/juju-ts-ops/'), (target) => target.startsWith('juju-lab'))).toEqual([]);
  });

  test('framework and lab do not know what they are used for', () => {
    const telling = sources(/^lib\/(juju-lab|juju-ts-ops)\/(src|testing)\//).filter(({ text }) =>
      /concourse/i.test(text),
    );
    expect(telling.map(({ path }) => path)).toEqual([]);
  });
});

test('imports are told apart as the compiler does', () => {
  const text = [
    "import { a, type B } from './a.ts';",
    "import type { C } from './c.ts';",
    "import {\n  type D,\n  type E,\n} from '../d.ts';",
    "export { f } from 'f';",
    "import 'g';",
    "const h = await import('h');",
    "type I = import('i').I;",
  ].join('\n');
  expect(importsOf({ path: 'src/x/y.ts', text, lines: [] })).toEqual([
    { target: 'src/x/a.ts', typeOnly: false },
    { target: 'src/x/c.ts', typeOnly: true },
    { target: 'src/d.ts', typeOnly: true },
    { target: 'f', typeOnly: false },
    { target: 'g', typeOnly: false },
    { target: 'h', typeOnly: false },
    { target: 'i', typeOnly: true },
  ]);
});
