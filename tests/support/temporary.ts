// Directories that live as long as one test.
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A new directory, removed when the test that asked for it is over. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), 'concourse-ci-test-')));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
