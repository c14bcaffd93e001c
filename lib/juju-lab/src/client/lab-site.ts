// A lab answers Juju's client: `juju deploy ./charm app` typed at a terminal, with its files and folder.
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { isRecord } from '../charm.ts';
import { codeOf, LabError } from '../errors.ts';
import type { Lab } from '../lab.ts';
import type { ToolAnswer } from '../tools/server.ts';
import { runJuju } from './juju.ts';
import type { Site } from './site.ts';

/** `folder`: where it was typed. */
export function jujuOf(lab: Lab, folder: string, words: readonly string[]): Promise<ToolAnswer> {
  return runJuju(siteOf(lab, folder), words);
}

function siteOf(lab: Lab, folder: string): Site {
  return {
    juju: lab.juju,
    operate: (command) => lab.operate(command),
    deploy: (application, charm, options) => {
      const { directory, files } = lab.charm();
      const name = isRecord(files.metadata) ? String(files.metadata.name) : '';
      const archive = new RegExp(`^${name}_[^_]*\\.charm$`);
      // An archive of that name is taken for the charm that the lab has in unpacked form.
      const isOurs = charm === name || resolve(folder, charm) === directory || archive.test(basename(charm));
      if (!isOurs) throw new LabError(`this lab has one charm, ${directory}: there is no "${charm}"`);
      lab.deploy(application, options);
    },
    refresh: (application) => lab.refresh(application, lab.charmDirectory(application)),
    runAction: (unit, name, params) => lab.runAction(unit, name, params),
    exec: (unit, script) => lab.execIn(unit, script),
    readFile: (path) => {
      try {
        return readFileSync(resolve(folder, path), 'utf8');
      } catch (error) {
        if (codeOf(error) === 'ENOENT') throw new LabError(`there is no file ${path}`);
        throw error;
      }
    },
  };
}
