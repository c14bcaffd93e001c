// Bundles the charm's TypeScript into code-split ES modules, so that a hook loads only what it runs.
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

export interface Bundle {
  /** `charm.mjs`, and chunks whose names tell their content; paths relative to one folder. */
  files: { path: string; content: Buffer }[];
  /** Folders of the third-party packages that are in it, relative to the root. */
  packages: string[];
  /** Files of the project that are in it, relative to the root. */
  sources: string[];
}

/** CommonJS packages inside of ES modules look for `require`. */
const banner =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

/** Zod brings its messages in fifty languages, and nothing here asks for another than English: that is 300 kB, and 8 ms of
 * every hook. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/locales\/index\.js$/ }, ({ path, resolveDir }) =>
      /node_modules\/zod\//.test(`${resolveDir}/`)
        ? { path: join(resolveDir, dirname(path), 'en.js') }
        : undefined,
    );
  },
};

/** Gives a lazily imported CommonJS package the names that Node gives it; by esbuild alone it would have its default only,
 * and `const { request } = await import('undici')` would work in tests and not in the charm. */
const commonJsNames: Plugin = {
  name: 'common-js-names',
  setup: ({ onResolve, onLoad, resolve }) => {
    onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind !== 'dynamic-import' || isBuiltin(path) || pluginData === 'resolving') return undefined;
      const found = await resolve(path, { kind, resolveDir, pluginData: 'resolving' });
      if (found.errors.length > 0) return undefined; // esbuild will say so
      const exported: object = await import(pathToFileURL(found.path).href);
      // Node marks the namespace of a CommonJS module so.
      return 'module.exports' in exported
        ? { path, namespace: 'common-js', pluginData: { resolveDir, names: Object.keys(exported) } }
        : undefined;
    });
    onLoad({ filter: /^/, namespace: 'common-js' }, ({ path, pluginData: { resolveDir, names } }) => ({
      contents: reexport(path, names),
      resolveDir,
    }));
  },
};

/** Node's own modules as `require` gives them. As ES modules each has all of its names read when it is imported, which loads what lies
 * behind them: fetch and WebSocket behind node:http, 20 ms of a hook that asks web whether it answers. */
const builtIns: Plugin = {
  name: 'built-ins',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'built-in' } : undefined,
    );
    onLoad({ filter: /^/, namespace: 'built-in' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

function reexport(path: string, names: readonly string[]): string {
  const named = names.filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default').toSorted();
  const lines = [`import whole from ${JSON.stringify(path)};`, 'export default whole;'];
  return [...lines, `export const { ${named.join(', ')} } = whole;`].join('\n');
}

/** `entry`: the executable's source, relative to `root`. Names stay, so that stack traces in Juju's log can be read. */
export async function bundle(root: string, entry: string): Promise<Bundle> {
  const folder = join(root, 'node_modules/.cache/pack/bundle'); // only a name: nothing is written
  const result = await build({
    absWorkingDir: root,
    entryPoints: { charm: entry },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: { js: banner },
    plugins: [englishOnly, commonJsNames, builtIns],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none', // the licences are in NOTICES, whole
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const files = result.outputFiles.map(({ path, contents }) => ({
    path: relative(folder, path),
    content: Buffer.from(contents),
  }));
  const inputs = Object.keys(result.metafile.inputs);
  // `name:…` is what a plug-in made up.
  const sources = inputs.filter((input) => !/^[a-z-]+:|node_modules\//.test(input)).toSorted();
  return { files, packages: packagesOf(inputs), sources };
}

/** `node_modules/a/node_modules/@b/c/index.js` is of the package in `node_modules/a/node_modules/@b/c`. */
export function packagesOf(inputs: readonly string[]): string[] {
  const folders = inputs.flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []);
  return [...new Set(folders)].toSorted();
}
