// This charm, packed by the framework: with the Node that the lock file pins, a bill of materials and its provenance.
import * as framework from 'juju-ts-ops/pack';
import { billOfMaterials, partsOf, provenance } from './bill.ts';
import { nodeBinary } from './node-binary.ts';

export type CharmSource = Omit<framework.CharmSource, 'node' | 'more'>;

/** As the framework's. */
export const packCharm = async (source: CharmSource): Promise<Buffer> =>
  framework.packCharm(await completed(source));

/** As the framework's. */
export const unpackCharm = async (
  source: CharmSource,
  folder: string,
  options: { linkNode: boolean },
): Promise<void> => framework.unpackCharm(await completed(source), folder, options);

async function completed(source: CharmSource): Promise<framework.CharmSource> {
  const { root, entry, architecture } = source;
  const more: framework.CharmSource['more'] = (files, { packages, sources }) => {
    const parts = partsOf(root, packages, architecture);
    const bill = { path: 'sbom.cdx.json', content: Buffer.from(billOfMaterials(root, parts)) };
    // Without Node's binary, which the bill has by its package, and the manifest, which charmcraft writes itself.
    const made = [...files.filter(({ path }) => path !== 'manifest.yaml'), bill];
    const statement = provenance(root, made, { entry, architecture, sources, parts });
    return [bill, { path: 'provenance.json', content: Buffer.from(statement) }];
  };
  return { ...source, node: await nodeBinary(root, architecture), more };
}
