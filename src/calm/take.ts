// At the end of an update-status that had nothing to do: notes what it asked. Every other hook, and every action, forgets it.
import path from 'node:path';
import type { ConcourseHook, Session } from '../session.ts';
import type { Host } from '../host/host.ts';
import { calmNotePath } from '../quiet.ts';
import {
  type Answered,
  aboutOf,
  calmNoteText,
  heard,
  isAskedAgain,
  statusDigest,
  statusQuestion,
} from './note.ts';

/** After so long everything is looked at, whatever was noted. */
export const calmAtMostMs = 60 * 60_000;

/** Called when the hook has ended well. `wakeAt`: what this unit's timer is armed for. */
export async function takeNote({ hook, watch, calmUntil, memory, otlpEndpoint }: Session): Promise<void> {
  const readings = watch?.readings();
  if (watch === undefined || readings === undefined || calmUntil === undefined) return;
  // Where hooks are counted or traced, each is.
  if (memory.exporter === true || otlpEndpoint !== undefined) return;
  const { asked, told } = await hook.transcript();
  const [status, ...more] = told;
  if (status?.tool !== 'status-set' || more.length > 0) return;
  const [shown, ...message] = status.args;
  const tools: Answered[] = [[...statusQuestion, statusDigest(shown, message.at(-1) ?? '')]];
  for (const { tool, args, answer } of asked) {
    if (answer === undefined) return;
    if (isAskedAgain(tool, args)) tools.push([tool, args, heard(tool, answer)]);
  }
  const from = watch.unwatched.clock.now();
  const note = {
    about: aboutOf(hook),
    from,
    until: Math.min(calmUntil, from + calmAtMostMs),
    tools,
    readings,
  };
  const { files, paths } = watch.unwatched;
  const file = calmNotePath(paths.run, hook.unit);
  await files.makeDirectory(path.dirname(file), { mode: 0o700, recursive: true });
  await files.write(file, calmNoteText(note), { mode: 0o600 });
}

export async function forgetNote({ files, paths }: Host, unit: ConcourseHook['unit']): Promise<void> {
  const file = calmNotePath(paths.run, unit);
  if ((await files.lstat(file)) !== undefined) await files.remove(file);
}
