// A new charm: the template under the name that it shall have.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

const template = join(import.meta.dirname, '../template');
/** npm leaves files of these names out of a package, or out of its own sight. */
const named: Readonly<Record<string, string>> = {
  gitignore: '.gitignore',
  'package.template.json': 'package.json',
};

/** `folder`: where it shall be; its last part is the charm's name. `spec`: what npm installs this package by. */
export function create(folder: string, spec: string | undefined): void {
  const name = basename(resolve(folder));
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$/.test(name))
    throw new Error(`${name}: Juju takes names of a-z, 0-9 and hyphens, such as my-charm`);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Error(`${folder} is not empty: name a folder that is not there`);
  for (const path of readdirSync(template, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(template.length + 1))) {
    const text = readFileSync(join(template, path), 'utf8').replaceAll('my-charm', name);
    const to = join(folder, dirname(path), named[basename(path)] ?? basename(path));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(
      to,
      spec === undefined
        ? text
        : text.replace(/("juju-ts-ops": )"[^"]*"/, (_, key) => key + JSON.stringify(spec)),
    );
  }
  console.log(`${folder} is a charm. Next:\n  cd ${folder}\n  npm install\n  npm test\n  npm run pack`);
}
