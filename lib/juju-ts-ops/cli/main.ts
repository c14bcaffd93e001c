#!/usr/bin/env node
// The program `juju-ts-ops`: what a charm's author does beside writing, each in a file of its own.
import { parseArgs } from 'node:util';

const usage = `usage: juju-ts-ops create NAME [--package SPEC]
         A new charm in the folder NAME. SPEC is where npm finds this package; by default its version.
       juju-ts-ops files [--check]
         Writes metadata.yaml, config.yaml and actions.yaml from the \`definition\` that src/charm.ts exports;
         with --check only says which of them are not current.
       juju-ts-ops pack [--node FILE] [--out FOLDER | --unpacked FOLDER]
         Packs charm.ts with a Node of its own (by default the one that runs this; its architecture is the charm's).`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    package: { type: 'string' },
    check: { type: 'boolean', default: false },
    node: { type: 'string', default: process.execPath },
    out: { type: 'string', default: '.' },
    unpacked: { type: 'string' },
  },
});
const [command, name] = positionals;
// Each is loaded when it is wanted: `create` runs where nothing is installed yet.
try {
  if (process.features.typescript === false || process.features.typescript === undefined)
    throw new Error(
      `this is Node ${process.versions.node}, which does not run TypeScript: take Node 24 or newer`,
    );
  if (command === 'create' && name !== undefined) (await import('./create.ts')).create(name, values.package);
  else if (command === 'files') await (await import('./files.ts')).files(values.check);
  else if (command === 'pack') await (await import('./pack.ts')).pack(values);
  else {
    console.error(usage);
    process.exitCode = 2;
  }
} catch (error) {
  // The outermost boundary: a stack would tell an author of charms nothing.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
