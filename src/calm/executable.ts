// What an update-status needs where all is calm, for the executable: loaded without the framework that reads the environment otherwise.
import { spawnTools, toolTimeoutMs } from 'juju-ts-ops/tools';
import type { AskTool } from './ask-again.ts';
import type { Surroundings } from './note.ts';

export { isCalm } from './ask-again.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const orNone = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** As a `Hook` has it. */
export const aboutThis = (env: Environment): Surroundings => ({
  unit: env.JUJU_UNIT_NAME ?? '',
  model: { name: env.JUJU_MODEL_NAME ?? '', uuid: env.JUJU_MODEL_UUID ?? '' },
  machineId: env.JUJU_MACHINE_ID ?? '',
  jujuVersion: env.JUJU_VERSION ?? '',
  proxies: {
    http: orNone(env.JUJU_CHARM_HTTP_PROXY),
    https: orNone(env.JUJU_CHARM_HTTPS_PROXY),
    no: orNone(env.JUJU_CHARM_NO_PROXY),
  },
  charmDirectory: orNone(env.JUJU_CHARM_DIR) ?? orNone(env.CHARM_DIR) ?? process.cwd(),
});

export function asking(env: Environment): AskTool {
  const run = spawnTools(env);
  return async (tool, args) => {
    const { code, stdout, stderr } = await run(tool, args, { timeoutMs: toolTimeoutMs });
    if (code !== 0) throw new Error(`${tool} failed with exit code ${code}: ${stderr.trim()}`);
    return stdout;
  };
}
