// Whether a file system that lies elsewhere answers at all. On a hard mount of a server that is gone every system call waits for ever,
// and a hook with it; so another process asks first, which can be left behind.
import path from 'node:path';
import type { Files, Host } from '../host/host.ts';

/** Longer than GlusterFS takes to reconnect or NFS to fail over within its site, and nothing that a hook would mind. */
const answerMs = 15_000;

/** As /proc/self/mountinfo names them. A virtual machine's host (virtiofs) goes only when the machine does. */
const elsewhere = /^(?:nfs4?|ceph|cifs|smb3|9p|lustre|afs|glusterfs|fuse(?:\..+)?)$/;

const program = 'stat';
/** statfs(2) is never answered from a cache of NFS or CephFS. */
const question = (directory: string): string[] => ['--file-system', '--format=%T', '--', directory];

/** There while the volume of this machine is silent. */
export const silenceNotePath = (run: string): string => path.join(run, 'concourse-ci', 'volume.silent');

/** Words for people, or undefined where it answers or does not lie elsewhere. */
export async function silence(
  { commands, files, paths }: Pick<Host, 'commands' | 'files' | 'paths'>,
  directory: string,
  { type, source }: { type: string; source: string },
): Promise<string | undefined> {
  if (!elsewhere.test(type)) return undefined;
  const words = `${directory} does not answer: is ${source === '' ? 'its server' : source} (${type}) up, and can this machine reach it?`;
  const note = silenceNotePath(paths.run);
  const wasSilent = (await files.lstat(note)) !== undefined;
  if (wasSilent && (await stillAsks(files, paths.root, directory))) return words;
  const { code } = await commands.run(program, question(directory), { timeoutMs: answerMs });
  if (code === 124) {
    await files.makeDirectory(path.dirname(note), { mode: 0o700, recursive: true });
    await files.write(note, '', { mode: 0o600 });
    return words;
  }
  // Any other failure is one that the system call tells better.
  if (wasSilent) await files.remove(note);
  return undefined;
}

/** A process that waits for FUSE cannot be killed: while one of an earlier hook does, there is no need for another. */
async function stillAsks(files: Files, root: string, directory: string): Promise<boolean> {
  const asked = [program, ...question(directory), ''].join('\0');
  const processes = ((await files.list(path.join(root, 'proc'))) ?? []).filter((name) =>
    /^[0-9]+$/.test(name),
  );
  for (const id of processes)
    if ((await files.readText(path.join(root, 'proc', id, 'cmdline'))) === asked) return true;
  return false;
}
