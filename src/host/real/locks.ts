// flock(2) without an add-on: flock(1), which every Debian and Ubuntu has, locks a descriptor that it inherits. The lock
// belongs to the open file description, so it stays with this process when that child ends, and the kernel frees it
// however this process ends. Node opens with O_CLOEXEC: no later child keeps the lock.
import { spawn } from 'node:child_process';
import * as promises from 'node:fs/promises';
import { hasCode } from '../errors.ts';
import type { FileLock, Locks } from '../host.ts';
import { naming } from './codes.ts';

const fs = naming(promises);

const lockFileMode = 0o644;
const openTries = 3;

export const realLocks: Locks = {
  tryLock: async (file) => {
    // 'a+' is open for writing: NFS answers EBADF to an exclusive lock on a descriptor that is not.
    const handle = await open(file);
    let locked = false;
    try {
      locked = await lockDescriptor(handle.fd, file);
    } finally {
      if (!locked) await handle.close();
    }
    return locked ? held(handle) : undefined;
  },
};

/** MooseFS answers EEXIST while another client makes the file: the next try finds it. */
async function open(file: string): Promise<promises.FileHandle> {
  for (let tries = 1; ; tries += 1) {
    try {
      return naming(await fs.open(file, 'a+', lockFileMode));
    } catch (error) {
      if (!hasCode(error, 'EEXIST') || tries === openTries) throw error;
    }
  }
}

function held(handle: promises.FileHandle): FileLock {
  let released = false;
  return {
    release: async () => {
      if (released) return;
      released = true;
      try {
        await handle.close();
      } catch (error) {
        // Freed all the same. GlusterFS answers EBADFD when it had to connect anew since the file was opened.
        if (!hasCode(error, 'EBADFD', 'EIO', 'ENOTCONN', 'ESTALE')) throw error;
      }
    },
  };
}

async function lockDescriptor(descriptor: number, file: string): Promise<boolean> {
  const child = spawn('flock', ['-xn', '3'], { stdio: ['ignore', 'ignore', 'pipe', descriptor] });
  const { code, complaint } = await new Promise<{ code: number | null; complaint: string }>(
    (resolve, reject) => {
      let complaint = '';
      child.stderr?.on('data', (text: Buffer) => {
        complaint += text.toString();
      });
      child.on('error', (cause) =>
        reject(new Error(`cannot run flock (package util-linux) for ${file}`, { cause })),
      );
      child.on('close', (code) => resolve({ code, complaint }));
    },
  );
  if (code === 0) return true;
  // 1 without a word is "another holds it"; a file system without flock says so.
  if (code === 1 && complaint === '') return false;
  const failure = new Error(`flock of ${file} failed with exit code ${code}: ${complaint.trim()}`);
  const unsupported = /No locks available|not supported|not implemented/i.test(complaint);
  // Stale handles, servers that do not answer: the volume's trouble, whatever its number.
  throw Object.assign(failure, { code: unsupported ? 'ENOLCK' : 'EIO' });
}
