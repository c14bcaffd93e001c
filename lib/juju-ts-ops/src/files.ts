// The YAML files that Juju reads, as plain objects made from the definition: a test can hold the two equal.
import * as z from 'zod';
import type { Action, Definition, Endpoint, Storage } from './definition.ts';

type Plain = Record<string, unknown>;

/** What metadata.yaml, config.yaml and actions.yaml must say. Throws TypeError for action parameters that Juju cannot check. */
export function charmFiles(charm: { readonly declared: Definition }): {
  metadata: Plain;
  config: Plain;
  actions: Plain;
} {
  const { name, summary, description, assumes, metadata, ...sections } = charm.declared;
  return {
    metadata: defined({
      name,
      summary,
      description,
      assumes,
      ...metadata,
      peers: mapped(sections.peers, endpointFile),
      requires: mapped(sections.requires, endpointFile),
      provides: mapped(sections.provides, endpointFile),
      storage: mapped(sections.storage, storageFile),
      resources: mapped(sections.resources, (one) => defined({ type: 'file', ...one })),
    }),
    config: {
      options: Object.fromEntries(
        Object.entries(sections.options ?? {}).map(([key, one]) => [
          key,
          defined({ type: one.type, default: one.default, description: one.description }),
        ]),
      ),
    },
    actions: mapped(sections.actions, actionFile) ?? {},
  };
}

const defined = (object: Plain): Plain =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

function mapped<T>(section: Readonly<Record<string, T>> | undefined, file: (one: T, name: string) => Plain) {
  const entries = Object.entries(section ?? {});
  return entries.length === 0
    ? undefined
    : Object.fromEntries(entries.map(([name, one]) => [name, file(one, name)]));
}

const endpointFile = (endpoint: Endpoint): Plain =>
  defined({
    interface: endpoint.interface,
    limit: endpoint.limit,
    optional: endpoint.optional,
    scope: endpoint.scope,
  });

const storageFile = (declared: Storage): Plain =>
  defined({
    type: declared.type,
    description: declared.description,
    location: declared.location,
    'minimum-size': declared.minimumSize,
    multiple: declared.range === undefined ? undefined : { range: declared.range },
    'read-only': declared.readOnly,
    properties: declared.transient ? ['transient'] : undefined,
  });

function actionFile(declared: Action, name: string): Plain {
  const schema = z.toJSONSchema(declared.params, { target: 'draft-4', io: 'input' });
  const { properties, required } = z
    .object({
      properties: z.record(z.string(), z.unknown()).default({}),
      required: z.array(z.string()).optional(),
    })
    .parse(jujuSchema(schema, name));
  return defined({
    description: declared.description,
    parallel: declared.parallel,
    'execution-group': declared.executionGroup,
    params: Object.keys(properties).length === 0 ? undefined : properties,
    required,
    // Juju 3 would accept unknown parameters, Juju 4 would not: said explicitly, both refuse them.
    additionalProperties: false,
  });
}

/** A JSON schema without the bounds that only say "a safe integer". (`$schema`, which Juju refuses, stands at its root only.) */
function jujuSchema(node: unknown, action: string): unknown {
  if (Array.isArray(node)) return node.map((one) => jujuSchema(one, action));
  if (typeof node !== 'object' || node === null) return node;
  if ('$ref' in node) throw new TypeError(`action ${action}: Juju takes no recursive parameters`);
  const isNoise = (key: string, value: unknown): boolean =>
    /^m(in|ax)imum$/.test(key) && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER;
  return Object.fromEntries(
    Object.entries(node).flatMap(([key, value]) =>
      isNoise(key, value) ? [] : [[key, jujuSchema(value, action)]],
    ),
  );
}
