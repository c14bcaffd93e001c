// Gathers the licences of everything that is shipped but not written here, as their terms ask.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string().optional() });

/** One text: Node's licence, then each package's, by name. `packages` are folders relative to `root`. */
export function notices(root: string, packages: readonly string[], nodeLicense: string): string {
  const sections = packages.map((folder) => {
    const content: unknown = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const { name, version, license } = manifest.parse(content);
    return section(
      `${name} ${version} (${license ?? 'no licence named'})`,
      licenseText(join(root, folder)) ?? 'It ships no licence text.',
    );
  });
  return [
    'This charm contains Node.js and the following packages. Their licences:\n',
    section('Node.js', nodeLicense),
    ...new Set(sections.toSorted()),
  ].join('\n');
}

function section(title: string, text: string): string {
  return `${'='.repeat(78)}\n${title}\n${'='.repeat(78)}\n${text.replaceAll('\r\n', '\n').trim()}\n`;
}

function licenseText(folder: string): string | undefined {
  const names = readdirSync(folder).filter((name) => /^(licen[cs]e|copying)(\.|-|$)/i.test(name));
  return names.length === 0
    ? undefined
    : names
        .toSorted()
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .join('\n');
}
