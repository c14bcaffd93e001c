// What tasks' containers get of this machine beyond what Concourse gives them: folders and devices. Concourse has no setting for
// either, so a `runc` of our own, found before the release's, adds them to a container's config.json and goes on to the real one.

export interface ContainerEdits {
  /** Absolute and plain (see `folderMounts`): mounted in tasks at the same path. */
  folders: readonly { path: string; writable: boolean }[];
  /** As the OCI runtime specification has them; everything in them is there when a container is made, or it is not made. */
  devices: readonly ContainerDevice[];
  mounts: readonly ContainerMount[];
  environment: readonly string[];
  /** Run by runc as it makes the container. */
  hooks: readonly ContainerHook[];
}

export interface ContainerDevice {
  path: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
}

export interface ContainerMount {
  source: string;
  destination: string;
  options: readonly string[];
}

export interface ContainerHook {
  name: 'createContainer';
  path: string;
  args: readonly string[];
  env: readonly string[];
}

export const noEdits: ContainerEdits = { folders: [], devices: [], mounts: [], environment: [], hooks: [] };

export const editsAnything = (edits: ContainerEdits): boolean =>
  Object.values(edits).some((each: readonly unknown[]) => each.length > 0);

/** Begins containerd with our directory first in PATH; the worker has put the release's own there before. */
export function containerdLauncher(directory: string): string {
  return `#!/bin/sh
# Written by the charm: containerd's children find the charm's runc before the release's.
PATH=${quote(directory)}:$PATH
export PATH
exec containerd "$@"
`;
}

/** A task is told from check, get and put by its working directory, /tmp/build/ and eight hexadecimal digits, which is
 * a mount; those of get and put are named so (concourse: atc/engine). */
const taskMark = '"destination":"\\/tmp\\/build\\/[0-9a-f]\\{8\\}["\\/]';

/** A POSIX shell script. One sed for a container that is made, nothing but exec for all else that runc is called for. It relies on
 * JSON as Go writes it: in one line without blanks, where an unescaped quote is never part of a value; anything else is
 * refused, and so the container is not made. */
export function runcShim(directory: string, edits: ContainerEdits): string {
  const sources = [
    ...edits.folders.map(({ path }) => `folder ${quote(path)}`),
    ...edits.mounts.map(({ source }) => `present ${quote(source)}`),
    ...edits.devices.map(({ path }) => `present ${quote(path)}`),
  ];
  return `#!/bin/sh
# Written by the charm: adds what the options allow to the containers of tasks, and goes on to the real runc.
case $PATH in
${quote(directory)}:*) PATH=\${PATH#*:} ;;
*) echo 'the directory of this runc is not the first in PATH' >&2 && exit 1 ;;
esac

bundle= log= makes= next=
for word; do
  case $next in
  bundle) bundle=$word next= ; continue ;;
  log) log=$word next= ; continue ;;
  esac
  case $word in
  create | run) makes=yes ;;
  --bundle | -b) next=bundle ;;
  --bundle=*) bundle=\${word#*=} ;;
  --log) next=log ;;
  --log=*) log=\${word#*=} ;;
  esac
done
[ -n "$makes" ] || exec runc "$@"

# What is written to the log is what containerd tells of the failure, and so what the build shows.
refuse() {
  [ -z "$log" ] || printf '{"level":"error","msg":"%s"}\\n' "$1" >>"$log"
  printf '%s\\n' "$1" >&2
  exit 1
}
folder() {
  [ ! -L "\${1%/*}" ] && [ ! -L "$1" ] || refuse "folder-mounts: $1 is a symbolic link"
  [ -d "$1" ] || refuse "folder-mounts: $1 is missing on this worker"
}
present() {
  [ -e "$1" ] || refuse "$1 is missing on this worker"
}

config=$bundle/config.json
[ -n "$bundle" ] && [ -f "$config" ] || refuse "there is no container to be made in '$bundle'"
edited=$(sed -e ${quote(sedProgram(edits))} "$config")
case $? in
0) ;;
8) exec runc "$@" ;; # Not a task.
*) refuse 'the container is not described as the charm expects it: juju config folder-mounts= compute-runtime=none' ;;
esac
${sources.join('\n')}
printf '%s' "$edited" >"$config" || refuse "cannot write $config"
exec runc "$@"
`;
}

/** Exit code 8: not a task; 7: not as expected. GNU sed. */
function sedProgram(edits: ContainerEdits): string {
  const mounts = [
    ...edits.folders.map(({ path, writable }) => ({
      destination: path,
      type: 'bind',
      source: path,
      options: ['rbind', writable ? 'rw' : 'ro', 'nosuid', 'nodev', 'rprivate'],
    })),
    ...edits.mounts.map(({ source, destination, options }) => ({
      destination,
      type: 'bind',
      source,
      options,
    })),
  ];
  const lines = ['$!q7', `/${taskMark}/!q8`, '/"mounts":\\[.*"mounts":\\[/q7'];
  const insert = (after: string, items: readonly unknown[]) =>
    items.length === 0 ? [] : [`s/${after}/&${replacement(items)},/`, ...expected()];
  let labels = 0;
  const expected = () => {
    labels += 1;
    return [`t done${labels}`, 'q7', `:done${labels}`];
  };
  lines.push(...insert('"mounts":\\[', mounts));
  lines.push(...insert('"env":\\[', edits.environment));
  if (edits.devices.length > 0) {
    const rules = edits.devices.map(({ type, major, minor }) => ({
      allow: true,
      type,
      major,
      minor,
      access: 'rw',
    }));
    // Rules count in their order, and the first may deny all: ours are the last.
    lines.push(`s/"devices":\\[{"allow":[^]]*/&,${replacement(rules)}/`, ...expected());
    // Concourse's own device nodes are there or not.
    const nodes = edits.devices.map(({ path, type, major, minor }) => ({ path, type, major, minor }));
    lines.push(`s/"devices":\\[{"path":/"devices":[${replacement(nodes)},{"path":/`, `t nodes`);
    lines.push(`s/"linux":{/&"devices":[${replacement(nodes)}],/`, 't nodes', 'q7', ':nodes');
  }
  if (edits.hooks.length > 0) {
    const hooks = edits.hooks.map(({ path, args, env }) => ({ path, args, env }));
    lines.push(`s/"createContainer":\\[/&${replacement(hooks)},/`, 't hooks');
    lines.push(`s/"hooks":{}/"hooks":{"createContainer":[${replacement(hooks)}]}/`, 't hooks');
    lines.push(`s/"hooks":{/&"createContainer":[${replacement(hooks)}],/`, 't hooks');
    lines.push(
      `s/"mounts":\\[/"hooks":{"createContainer":[${replacement(hooks)}]},&/`,
      't hooks',
      'q7',
      ':hooks',
    );
  }
  return lines.join('\n');
}

/** JSON without the brackets around it, as the right side of sed's `s`. */
const replacement = (items: readonly unknown[]): string =>
  JSON.stringify(items)
    .slice(1, -1)
    .replace(/[\\/&]/g, '\\$&');

const quote = (text: string): string => `'${text.replace(/'/g, `'\\''`)}'`;
