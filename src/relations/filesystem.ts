// The `filesystem` endpoint: what the other application says in one URI, and how a machine mounts that. The grammar is the one
// of the interface filesystem_info: scheme://[user@](host[:port],host…)/path[?key=value&…], each part percent-encoded.

/** What is to be mounted, as mount(8) takes it. */
export interface Source {
  what: string;
  type: 'nfs4' | 'ceph';
  options: readonly string[];
  /** The program that mount(8) runs for it, and the Debian package that brings it. */
  program: 'mount.nfs4' | 'mount.ceph';
  package: 'nfs-common' | 'ceph-common';
  /** CephFS: where the user's key is. `secret`: the URI of a Juju secret whose key `key` it is. */
  auth: { secret: string } | { plain: string } | undefined;
}

/** `problem`: words for people, without what may be secret. */
export type ParsedEndpoint = { ok: true; source: Source } | { ok: false; problem: string };

/** `secretFile`: the path of the file that will hold a CephFS user's key. */
export function parseEndpoint(uri: string, secretFile: string): ParsedEndpoint {
  const [, scheme = '', authority = '', rawPath = '', query = ''] =
    /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?(.*))?$/i.exec(uri) ?? [];
  const at = authority.lastIndexOf('@');
  const user = decoded(authority.slice(0, Math.max(at, 0)));
  const [, list] = /^\((.+)\)$/s.exec(decoded(authority.slice(at + 1)) ?? '') ?? [];
  const path = rawPath === '' ? '/' : decoded(rawPath);
  if (list === undefined || user === undefined || path === undefined)
    return problem('its endpoint is not scheme://(host)/path');
  const hosts = list.split(',').map((host) => host.trim());
  // Each becomes an argument of mount(8) and a line of a unit file.
  const odd = hosts.find(
    (host) => !/^(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/.test(host),
  );
  if (odd !== undefined) return problem(`${JSON.stringify(odd)} is not a host`);
  if (/\p{Cc}/u.test(path)) return problem('its path has a control character');
  switch (scheme.toLowerCase()) {
    case 'nfs':
      return nfs(hosts, path);
    case 'cephfs':
      return cephfs({ hosts, path, user, options: new URLSearchParams(query), secretFile });
    default:
      return problem(`${scheme} is not mounted by this charm, only nfs and cephfs`);
  }
}

/** Version 4, whose locks reach all clients. Of several hosts the first, as other users of the interface do. */
function nfs(hosts: readonly string[], path: string): ParsedEndpoint {
  const [, host = '', port] = /^(\[.*\]|[^:]*)(?::([0-9]+))?$/.exec(hosts[0] ?? '') ?? [];
  const options = ['hard', ...(port === undefined ? [] : [`port=${port}`])];
  const source: Source = {
    what: `${host}:${path}`,
    type: 'nfs4',
    options,
    program: 'mount.nfs4',
    package: 'nfs-common',
    auth: undefined,
  };
  return { ok: true, source };
}

function cephfs(given: {
  hosts: readonly string[];
  path: string;
  user: string;
  options: URLSearchParams;
  secretFile: string;
}): ParsedEndpoint {
  const { hosts, path, user, options, secretFile } = given;
  const [fsid, name, auth] = ['fsid', 'name', 'auth'].map((key) => options.get(key) ?? '');
  const plainWord = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
  for (const [key, value] of Object.entries({ user, fsid, name })) {
    if (!plainWord.test(value ?? '')) return problem(`its cephfs endpoint has no usable ${key}`);
  }
  const [, kind, plain = ''] = /^(secret|plain):(.+)$/s.exec(auth ?? '') ?? [];
  if (kind === undefined) return problem('its cephfs endpoint says nothing of a key');
  const source: Source = {
    what: `${user}@${fsid}.${name}=${path}`,
    type: 'ceph',
    // Not `secret=`: everybody may read a unit file, and the list of mounts.
    options: [`mon_addr=${hosts.join('/')}`, `secretfile=${secretFile}`],
    program: 'mount.ceph',
    package: 'ceph-common',
    auth: kind === 'secret' ? { secret: auth ?? '' } : { plain },
  };
  return { ok: true, source };
}

const problem = (text: string): ParsedEndpoint => ({ ok: false, problem: text });

/** Undefined where an escape is broken. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
