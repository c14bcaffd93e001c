// What the worker's service runs as it stops: land when the machine goes down, clear the mounts that restarts stack up; and what
// the charm runs when the worker is gone for good: end the shims that it left.

/** Of the 60 s that systemd gives the step; landing an idle worker takes 33–57 s. */
const LAND_SECONDS = 55;

/** A POSIX shell script for `ExecStop=… stop`, `ExecStopPost=… stopped`, and `removed` by the charm. */
export function workerServiceScript(workDirectory: string): string {
  return `#!/bin/sh
# Written by the charm; run by concourse-worker.service.
work=${quote(workDirectory)}

# The processes that are shims of this worker: they carry its environment.
shims() {
  for environ in $(grep -lsaxzF "CONCOURSE_WORK_DIR=$work" /proc/[0-9]*/environ); do
    line=$(tr '\\0' ' ' 2>/dev/null <"\${environ%environ}cmdline") || continue
    case "$line" in *containerd-shim-runc-v2*' -namespace concourse '*) ;; *) continue ;; esac
    environ=\${environ%/environ}
    echo "\${environ#/proc/}"
  done
}

# A process and all below it.
tree() {
  for status in $(grep -lsx "PPid:[[:space:]]*$1" /proc/[0-9]*/status); do
    status=\${status%/status}
    tree "\${status#/proc/}"
  done
  echo "$1"
}

clear_mounts() {
  # One line for each mount, so a stack of five is five lines; deepest first.
  while read -r _ _ _ _ place _; do
    place=$(printf %b "$place")
    case "$place" in "$work"/*) printf '%s\\n' "$place" ;; esac
  done </proc/self/mountinfo | sort -r | while IFS= read -r place; do
    umount -l "$place" 2>/dev/null # What another mount hides goes with that one.
  done
}

case "$1" in
stop)
  # A shutdown ends the containers whatever we do. So land (SIGUSR1): web gives no more work, running builds may end,
  # and the worker exits by itself. In any other stop the builds go on while the service is away.
  [ "$(systemctl is-system-running 2>/dev/null)" = stopping ] || exit 0
  [ -n "$MAINPID" ] || exit 0
  kill -USR1 "$MAINPID" 2>/dev/null || exit 0
  left=${LAND_SECONDS}
  while [ "$left" -gt 0 ] && kill -0 "$MAINPID" 2>/dev/null; do
    sleep 1
    left=$((left - 1))
  done
  ;;
stopped)
  # Each start mounts every volume's overlay once more, up to the kernel's limit of mounts. Nobody needs them while no
  # build is left; a shim that lives does.
  for program in /proc/[0-9]*/cmdline; do
    line=$(tr '\\0' ' ' 2>/dev/null <"$program") || continue
    case "$line" in *containerd-shim-runc-v2*' -namespace concourse '*) exit 0 ;; esac
  done
  clear_mounts
  ;;
removed)
  # The worker is gone for good: what it left running for its return goes too, containers before their shims.
  left=50
  while [ "$left" -gt 0 ]; do
    found=$(shims)
    [ -n "$found" ] || break
    for shim in $found; do
      kill -KILL $(tree "$shim") 2>/dev/null
    done
    sleep 0.1
    left=$((left - 1))
  done
  clear_mounts
  # systemd leaves a slice as it is when the last service in it goes.
  systemctl stop concourse.slice 2>/dev/null
  ;;
esac
exit 0
`;
}

const quote = (text: string): string => `'${text.replace(/'/g, `'\\''`)}'`;
