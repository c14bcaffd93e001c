// What systemd says of several services in one question, and the environment their processes really run with.
import { unless } from '../errors.ts';
import type { Files, ServiceState } from '../host.ts';

const properties = [
  'Id',
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'MainPID',
  'NRestarts',
  'InvocationID',
];
const activeStates = ['active', 'activating', 'deactivating', 'inactive', 'failed', 'reloading'] as const;

/** `systemctl show` answers in the order asked, one block of KEY=VALUE lines for each name, an empty line between. */
export async function showServices(
  systemctl: (args: readonly string[]) => Promise<string>,
  files: Files,
  names: readonly string[],
): Promise<Record<string, ServiceState>> {
  if (names.length === 0) return {};
  const blocks = parseShow(await systemctl(['show', ...names, `--property=${properties.join(',')}`]));
  const entries = names.map(
    async (name, index) => [name, await stateOf(files, blocks[index] ?? {})] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

export function parseShow(text: string): Record<string, string>[] {
  const blocks = text.trim() === '' ? [] : text.trim().split(/\n\n+/);
  return blocks.map((block) =>
    Object.fromEntries(
      block.split('\n').map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    ),
  );
}

async function stateOf(files: Files, shown: Record<string, string>): Promise<ServiceState> {
  const mainPid = Number(shown.MainPID ?? 0) || 0;
  return {
    active: activeStates.find((state) => state === shown.ActiveState) ?? 'unknown',
    subState: shown.SubState ?? '',
    enabled: (shown.UnitFileState ?? '').startsWith('enabled'),
    installed: shown.LoadState !== undefined && shown.LoadState !== 'not-found',
    mainPid,
    restarts: Number(shown.NRestarts ?? 0) || 0,
    invocation: shown.InvocationID ?? '',
    environment: mainPid === 0 ? undefined : await environmentOf(files, mainPid),
  };
}

/** proc(5): entries end with a NUL. Undefined when the process has gone meanwhile (ESRCH) or belongs to another user. */
async function environmentOf(files: Files, pid: number): Promise<Record<string, string> | undefined> {
  const text = await unless(files.readText(`/proc/${pid}/environ`), 'ESRCH', 'EACCES', 'EPERM');
  if (text === undefined) return undefined;
  return Object.fromEntries(
    text.split('\0').flatMap((entry) => {
      const at = entry.indexOf('=');
      return at > 0 ? [[entry.slice(0, at), entry.slice(at + 1)]] : [];
    }),
  );
}
