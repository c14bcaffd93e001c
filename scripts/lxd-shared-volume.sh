#!/bin/sh
# Gives all units of the application on this LXD host one shared volume: a directory of the host, as a disk device at
# /var/lib/concourse. Run it again for units that were added, and when another unit installs: what is right already stays.
set -eu

usage() {
  cat <<'END'
Usage: lxd-shared-volume.sh [OPTION]... [APPLICATION]

Adds a disk device for /var/lib/concourse to the LXD instances of all units of APPLICATION (concourse-ci unless given). Run
it as root, or as a member of the group lxd who may write to the directory, on the LXD host that has the instances, with a
juju client that is logged in. It may be repeated.

The unit that installs gets the whole directory writable. The others get it read-only, and their own folder below worker/
writable: a build that breaks out of its container reaches nothing that other units run.

  --source DIRECTORY   the directory of the host (/srv/concourse); made when it is not there
  --installer UNIT     the unit that may write everything; Juju is asked unless it is given
  --read-write         all units may write everything, so that any of them can install
  --model MODEL        the Juju model; the current one unless given
  --project PROJECT    the LXD project of the instances
  --dry-run            only say what would be done
  --help               this text

Exit code: 0 all units have it; 1 some have not (they are named); 2 a mistake in how it was called.
END
}

fail() {
  echo "lxd-shared-volume.sh: $1" >&2
  exit "${2:-2}"
}

application=
source=/srv/concourse
installer=
model=
project=
read_only=yes
dry_run=
while [ $# -gt 0 ]; do
  case "$1" in
  --help) usage && exit 0 ;;
  --dry-run) dry_run=yes ;;
  --read-write) read_only= ;;
  --source | --installer | --model | --project)
    [ $# -ge 2 ] || fail "$1 needs a value"
    case "$1" in
    --source) source=$2 ;;
    --installer) installer=$2 ;;
    --model) model=$2 ;;
    --project) project=$2 ;;
    esac
    shift
    ;;
  -*) fail "$1 is not an option: see --help" ;;
  *)
    [ -z "$application" ] || fail "one application at a time: see --help"
    application=$1
    ;;
  esac
  shift
done
application=${application:-concourse-ci}
case "$source" in /*) ;; *) fail "--source must be an absolute path" ;; esac
case "$application" in *[!a-z0-9-]*) fail "$application is not the name of an application" ;; esac
for program in juju lxc; do
  command -v "$program" >/dev/null || fail "$program is not on the PATH: run this on the LXD host, with a juju client"
done

target=/var/lib/concourse

# Neither may read the list of units that a loop reads.
juju_in() {
  verb=$1
  shift
  juju "$verb" ${model:+--model "$model"} "$@" </dev/null
}
lxc_in() { lxc ${project:+--project "$project"} "$@" </dev/null; }

change() {
  if [ -z "$dry_run" ]; then
    "$@"
    return
  fi
  [ "$1" != lxc_in ] || { shift && set -- lxc ${project:+--project "$project"} "$@"; }
  echo "would run: $*"
}

# UNIT INSTANCE, a line each; `pending` for a machine that is not there yet.
units() {
  awk -v application="$application" '
    { gsub(/"/, "") }
    /^[a-z]/ { section = $1 }
    section == "machines:" && $1 ~ /^[0-9]+(\/[a-z]+\/[0-9]+)*:$/ { machine = substr($1, 1, length($1) - 1) }
    section == "machines:" && $1 == "instance-id:" { instance[machine] = $2 }
    section == "applications:" && $1 ~ /^[a-z0-9-]+\/[0-9]+:$/ {
      unit = substr($1, 1, length($1) - 1)
      if (index(unit, application "/") != 1) unit = ""
    }
    section == "applications:" && unit != "" && $1 == "machine:" { placed[unit] = $2; unit = "" }
    END {
      for (unit in placed) print unit, (placed[unit] in instance ? instance[placed[unit]] : "pending")
    }
  ' | sort -t / -k 2n
}

# The device of that name is as wanted, is another, or is not there.
device_is() {
  instance=$1 name=$2 from=$3 at=$4 only=$5
  lxc_in config device get "$instance" "$name" source >"$scratch/source" 2>/dev/null || return 2
  [ "$(cat "$scratch/source")" = "$from" ] || return 1
  [ "$(lxc_in config device get "$instance" "$name" path 2>/dev/null)" = "$at" ] || return 1
  [ "$(lxc_in config device get "$instance" "$name" readonly 2>/dev/null)" = "$only" ]
}

# INSTANCE: without its folder's device, which would go unseen with the one that it lies on.
without_own() {
  lxc_in config device get "$1" concourse-own path >/dev/null 2>&1 || return 0
  change lxc_in config device remove "$1" concourse-own
}

# INSTANCE NAME SOURCE PATH READONLY ('true' or '')
ensure_device() {
  state=0
  device_is "$@" || state=$?
  [ "$state" -ne 0 ] || return 0
  if [ "$state" -eq 1 ]; then
    echo "$1: the device $2 is another one than is wanted: it is replaced"
    [ "$2" = concourse-own ] || without_own "$1" || return 1
    change lxc_in config device remove "$1" "$2" || return 1
  fi
  # Root in a container is root on the volume; a virtual machine has no other.
  shifted=shift=true
  [ "$(lxc_in list "^$1\$" --columns t --format csv)" = VIRTUAL-MACHINE ] && shifted=
  change lxc_in config device add "$1" "$2" disk "source=$3" "path=$4" ${5:+readonly="$5"} ${shifted:+"$shifted"} ||
    return 1
  changed=yes
}

give() {
  unit=$1 instance=$2
  folder=worker/$(echo "$unit" | tr / -)
  if [ "$instance" = pending ] || ! lxc_in info "$instance" >/dev/null 2>&1; then
    echo "$unit: no instance $instance on this host"
    return 1
  fi
  changed=
  if [ -z "$read_only" ] || [ "$unit" = "$installer" ]; then
    without_own "$instance" || return 1
    ensure_device "$instance" concourse "$source" "$target" '' || return 1
    how=writable
  else
    [ -d "$source/$folder" ] || change mkdir -p "$source/$folder" || return 1
    ensure_device "$instance" concourse "$source" "$target" true || return 1
    ensure_device "$instance" concourse-own "$source/$folder" "$target/$folder" '' || return 1
    how="read-only but for $folder"
  fi
  if [ -n "$dry_run" ] && [ -n "$changed" ]; then
    echo "$unit ($instance): would have $source at $target, $how"
  elif [ -n "$changed" ]; then
    echo "$unit ($instance): $source at $target, $how"
  else
    echo "$unit ($instance): has it already, $how"
  fi
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
juju_in status --format=yaml "$application" >"$scratch/status" || fail "juju cannot be asked" 1
units <"$scratch/status" >"$scratch/units"
[ -s "$scratch/units" ] || fail "the application $application has no units" 1

if [ -n "$read_only" ] && [ -z "$installer" ]; then
  read -r first _ <"$scratch/units"
  installer=$(juju_in show-unit "$first" | awk '$1 == "installer:" { print $2; exit }')
  [ -n "$installer" ] ||
    fail "the leader has not named the unit that installs yet: wait until $first has run its first hooks, or see --installer" 1
fi
if [ -n "$installer" ] && ! grep -q "^$installer " "$scratch/units"; then
  fail "$installer is not a unit of $application" 1
fi

[ -d "$source" ] || change mkdir -p "$source" || fail "$source cannot be made" 1
failed=
while read -r unit instance; do
  give "$unit" "$instance" || failed="$failed $unit"
done <"$scratch/units"
[ -z "$failed" ] || fail "not done for:$failed" 1
[ -n "$dry_run" ] || echo "the units find it within five minutes; at once: juju exec --application $application 'JUJU_DISPATCH_PATH=hooks/wake ./dispatch'"
