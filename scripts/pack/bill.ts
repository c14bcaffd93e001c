// What is in the charm and what it was made from, for machines to read: a bill of materials (CycloneDX) and a statement of
// provenance (in-toto, SLSA). Neither says when or where: equal sources give equal bytes.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from 'juju-ts-ops/pack';
import { z } from 'zod';
import { locked, sha512Of } from './lock-file.ts';
import { nodePackage } from './node-binary.ts';

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string().optional() });

interface Part {
  name: string;
  version: string;
  license: string;
  sha512: string;
}

/** `packages`: folders relative to `root`, as the bundler has found them. */
export function partsOf(root: string, packages: readonly string[], architecture: Architecture): Part[] {
  const node = nodePackage(architecture);
  return [`node_modules/${node}`, ...packages].map((folder) => {
    const { version, integrity, license } = locked(root, folder);
    const name = folder.replace(/^.*node_modules\//, '');
    // npm's package for Node names no licence; its text is in NOTICES.
    return { name, version, license: name === node ? 'MIT' : (license ?? ''), sha512: sha512Of(integrity) };
  });
}

const purl = ({ name, version }: Part): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;
const asText = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** CycloneDX 1.6. */
export function billOfMaterials(root: string, parts: readonly Part[]): string {
  const own = manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  const reference = `${own.name}@${own.version}`;
  return asText({
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': reference,
        name: own.name,
        version: own.version,
        licenses: [{ license: { id: own.license } }],
      },
    },
    components: parts.map((part) => ({
      type: part.name.startsWith('node-linux-') ? 'platform' : 'library',
      'bom-ref': purl(part),
      name: part.name,
      version: part.version,
      purl: purl(part),
      hashes: [{ alg: 'SHA-512', content: part.sha512 }],
      licenses: /^[\w.+-]+$/.test(part.license)
        ? [{ license: { id: part.license } }]
        : [{ expression: part.license }],
    })),
    dependencies: [{ ref: reference, dependsOn: parts.map(purl) }],
  });
}

/** SLSA provenance 1.0 in an in-toto statement. `made`: the files of the charm; `sources`: of the project, relative to `root`. */
export function provenance(
  root: string,
  made: readonly { path: string; content: Buffer }[],
  from: { entry: string; architecture: Architecture; sources: readonly string[]; parts: readonly Part[] },
): string {
  const bundler = locked(root, 'node_modules/esbuild');
  return asText({
    _type: 'https://in-toto.io/Statement/v1',
    subject: made.map(({ path, content }) => ({ name: path, digest: { sha256: sha256(content) } })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:concourse-ci-charm:npm-run-pack:1',
        externalParameters: { entry: from.entry, architecture: from.architecture },
        resolvedDependencies: [
          ...['package-lock.json', ...from.sources].map((path) => ({
            name: path,
            digest: { sha256: sha256(readFileSync(join(root, path))) },
          })),
          ...from.parts.map((part) => ({ uri: purl(part), digest: { sha512: part.sha512 } })),
        ],
      },
      runDetails: {
        builder: {
          id: 'urn:concourse-ci-charm:npm-run-pack',
          builderDependencies: [
            {
              uri: `pkg:npm/esbuild@${bundler.version}`,
              digest: { sha512: sha512Of(bundler.integrity) },
            },
          ],
        },
      },
    },
  });
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
