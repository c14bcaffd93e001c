// The options that reach any setting of Concourse, held against what the installed release knows. Its `--help` is read once
// for each release and boot, and only where one of those options is set.
import { parseJson } from '../json.ts';
import path from 'node:path';
import { z } from 'zod';
import type { Environment } from '../concourse/environment-file.ts';
import {
  type Program,
  secretEnvironment,
  type SettingNames,
  unknownSetting,
} from '../concourse/extra-environment.ts';
import { settingNames } from '../concourse/setting-names.ts';
import type { Status } from '../observed.ts';
import type { Session } from '../session.ts';
import type { SettledOptions } from '../settings.ts';
import { statuses } from '../statuses.ts';
import { readUserSecret } from './user-secret.ts';

const helpTimeoutMs = 20_000;
/** Fewer are not the help of Concourse. */
const namesAtLeast = 20;

const noteSchema = z.object({
  version: z.string(),
  web: z.array(z.string()),
  worker: z.array(z.string()),
});

/** `options` with the settings that the installed release has. A name that it does not have is a problem as if the option
 * were malformed: its last good value counts, or, where that names it as well (a release in which it is gone), the others. */
export async function settleExtras(
  session: Session,
  options: SettledOptions,
  installed: string | undefined,
): Promise<SettledOptions> {
  const programs = (['web', 'worker'] as const).filter(
    (program) => Object.keys(options.extra[program]).length > 0,
  );
  if (installed === undefined || programs.length === 0) return options;
  const known = await readNames(session, installed);
  if (known === undefined) return options;
  const settled = { ...options, extra: { ...options.extra }, good: { ...options.good } };
  const problems: Status[] = [];
  for (const program of programs) {
    const problem = unknownSetting(program, Object.keys(options.extra[program]), known);
    if (problem === undefined) continue;
    const option = `extra-${program}-env` as const;
    const last = lastGood(session, program);
    const whole = unknownSetting(program, Object.keys(last), known) === undefined;
    settled.extra[program] = whole ? last : knownOf(options.extra[program], known[program]);
    settled.good[option] = settled.extra[program];
    problems.push(statuses.extra(session.hook.application, option, problem));
  }
  return { ...settled, problems: [...options.problems, ...problems] };
}

/** What the secret of `extra-web-secrets` sets, or what is wrong with it. */
export async function readExtraSecrets(
  session: Session,
  uri: string | undefined,
  installed: string,
): Promise<{ environment: Environment } | { missing: Status }> {
  if (uri === undefined) return { environment: {} };
  const secret = await readUserSecret(session.hook, uri);
  if ('missing' in secret) return secret;
  const read = secretEnvironment(secret.content);
  if ('problem' in read) return { missing: statuses.extraSecret(read.problem) };
  const known = await readNames(session, installed);
  const unknown = known && unknownSetting('web', Object.keys(read.environment), known);
  return unknown === undefined ? read : { missing: statuses.extraSecret(unknown) };
}

function lastGood(session: Session, program: Program): Environment {
  return (
    z.record(z.string(), z.string()).safeParse(session.memory.options?.[`extra-${program}-env`]).data ?? {}
  );
}

const knownOf = (environment: Environment, names: readonly string[]): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => names.includes(name)));

/** Undefined when the program does not tell: then no name is doubted. */
export async function readNames(session: Session, version: string): Promise<SettingNames | undefined> {
  const { hook, host, volume } = session;
  const file = settingsNotePath(host.paths.run, hook.unit);
  const noted = parseJson(noteSchema, await host.files.readText(file));
  if (noted?.version === version) return noted;
  if (untold.has(session)) return undefined;
  const program = path.join(volume.layout.release(version), 'bin/concourse');
  const names = async (command: Program) => {
    // Where it is printed and with which exit code differs between releases.
    const said = await host.commands.run(program, [command, '--help'], { timeoutMs: helpTimeoutMs });
    return settingNames(`${said.stdout}\n${said.stderr}`);
  };
  const known = { version, web: await names('web'), worker: await names('worker') };
  if (known.web.length < namesAtLeast || known.worker.length < namesAtLeast) {
    hook.log.warning(`concourse ${version} does not tell its settings: their names are not checked`);
    untold.add(session);
    return undefined;
  }
  await host.files.makeDirectory(path.dirname(file), { mode: 0o700, recursive: true });
  await host.files.write(file, JSON.stringify(known), { mode: 0o600 });
  return known;
}

/** Hooks in which the program did not tell: it may have taken its time, and is not asked in each of their rounds. */
const untold = new WeakSet<Session>();

/** Gone after a reboot. */
export const settingsNotePath = (run: string, unit: string): string =>
  path.join(run, 'concourse-ci', `${unit.replace('/', '-')}.settings.json`);
