#!/bin/sh
# Becomes systemd-nspawn with one machine in a cgroup of its own. Run it in a mount namespace of its own (unshare -m).
# $1: the machine's full name. $2: its root. $3: its host name. Then: further options for systemd-nspawn.
name=$1 root=$2 host=$3
shift 3
# nspawn sees a host that has cgroup2 alone, so this machine's groups are below its own and not mixed with another's.
umount -R /sys/fs/cgroup 2>/dev/null || umount -Rl /sys/fs/cgroup || exit
mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit
mkdir -p "/sys/fs/cgroup/$name" && echo $$ >"/sys/fs/cgroup/$name/cgroup.procs" || exit
exec systemd-nspawn --quiet --directory="$root" --boot --machine="$name" --register=no --keep-unit --console=pipe \
  --kill-signal=SIGRTMIN+3 --link-journal=no --resolv-conf=off --timezone=off \
  --network-namespace-path="/run/netns/$name" --hostname="$host" "$@"
