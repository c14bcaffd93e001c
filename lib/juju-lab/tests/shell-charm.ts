// A charm in a few lines of sh, and a lab that runs it: what the lab's own tests deploy.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Lab, type LabOptions } from '../src/index.ts';
import { temporaryFolder } from './temporary.ts';

export const metadata = `
name: shell
summary: a charm in sh
description: for the lab's tests
peers:
  peers: {interface: shell_peers}
`;

const config = `
options:
  greeting: {type: string, default: hello}
  count: {type: int, default: 1}
  loud: {type: boolean, default: false}
`;

const actions = `
echo:
  params: {text: {type: string, default: nothing}}
  additionalProperties: false
fail: {}
`;

/** Writes the charm. `body` runs in each hook, action and event; `$event` is its name. Each run is noted in the unit's
 * root, in `events`. */
export function writeShellCharm(folder: string, body: string, extra: Record<string, string> = {}): string {
  mkdirSync(folder, { recursive: true });
  const dispatch = `#!/bin/sh\nset -eu\nevent=\${JUJU_DISPATCH_PATH#*/}\necho "$event" >> "$JUJU_LAB_ROOT/events"\n${body}\n`;
  const files = {
    'metadata.yaml': metadata,
    'config.yaml': config,
    'actions.yaml': actions,
    dispatch,
    ...extra,
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content, { mode: name === 'dispatch' ? 0o755 : 0o644 });
  }
  return folder;
}

export function startLab(
  body: string,
  options: Partial<LabOptions> = {},
  files: Record<string, string> = {},
) {
  const folder = temporaryFolder();
  const charm = writeShellCharm(join(folder, 'charm'), body, files);
  const lab = new Lab({
    directory: join(folder, 'lab'),
    charm: { directory: charm },
    timeScale: 50,
    ...options,
  });
  onTestFinished(() => lab.close());
  const rootOf = (unit: string) => lab.unit(unit).root.path;
  return {
    lab,
    folder,
    charm,
    rootOf,
    /** Of a file in the unit's root. */
    read: (unit: string, path: string) => readFileSync(join(rootOf(unit), path), 'utf8'),
    eventsOf: (unit: string) =>
      readFileSync(join(rootOf(unit), 'events'), 'utf8')
        .trim()
        .split('\n'),
  };
}
