// What a hook does last of all: it adds itself to the charm's figures.
import path from 'node:path';
import type { Session } from '../session.ts';
import { addHook, figuresPath } from './figures.ts';

/** Called where there is an exporter to serve them. */
export async function noteFigures(session: Session, ok: boolean): Promise<void> {
  const { hook, host, situation } = session;
  const file = figuresPath(host.paths.run, hook.unit);
  const run = {
    ok,
    seconds: (host.clock.monotonic() - session.startedAt) / 1000,
    toolCalls: hook.toolCalls,
    endedAt: host.clock.now() / 1000,
  };
  const text = addHook(await host.files.readText(file), run, situation);
  // Its reader is not root, and what it reads is no secret.
  await host.files.makeDirectory(path.dirname(file), { mode: 0o755, recursive: true });
  await host.files.write(`${file}.new`, text, { mode: 0o644 });
  await host.files.rename(`${file}.new`, file);
}
