// Asks releases which database schema they bring: what a release says once it says for ever, so it is remembered.
import { parseSchema, supportedSchema } from '../concourse/migrations.ts';
import type { Session } from '../session.ts';
import { fail } from './failure.ts';

const answerMs = 20_000;

/** Of releases on the volume; no database is asked. */
export async function askSchemas(session: Session, versions: readonly string[]): Promise<void> {
  const { host, volume, memory } = session;
  const schemas = { ...memory.schemas };
  for (const version of versions) {
    const { command, args, env } = supportedSchema(volume.layout.release(version));
    const schema = parseSchema(await host.commands.run(command, args, { env, timeoutMs: answerMs }));
    if (schema === undefined)
      fail('schema', `concourse ${version} does not tell which database schema it brings`);
    schemas[version] = schema;
  }
  session.memory = { ...session.memory, schemas };
}
