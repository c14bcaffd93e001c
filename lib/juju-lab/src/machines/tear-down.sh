#!/bin/sh
# Takes away whatever a site has made on this host: processes, mounts, network namespaces, cgroups. $1: the site's folder,
# whose name is the site's id, with which every name begins. Run again, it finds what is left and goes on.
folder=$1
id=${folder##*/}
case $id in site-?*) ;; *) echo "not a site's folder: $folder" >&2; exit 2 ;; esac
cgroups=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)

for group in "$cgroups/$id"-*; do
  [ -d "$group" ] || continue
  echo 1 >"$group/cgroup.kill"
  tries=0
  # Orphans of a machine become zombies of nobody we could wait for: the kernel's own word is what counts.
  while grep -q '^populated 1' "$group/cgroup.events" && [ $tries -lt 500 ]; do sleep 0.02; tries=$((tries + 1)); done
  find "$group" -depth -type d -exec rmdir {} \;
done

for space in $(ip netns list | cut -d' ' -f1 | grep "^$id-"); do
  pids=$(ip netns pids "$space")
  [ -z "$pids" ] || kill -9 $pids 2>/dev/null
  ip netns del "$space"
done

tries=0
while below=$(cut -d' ' -f5 /proc/self/mountinfo | grep "^$folder/" | sort -r) && [ -n "$below" ] && [ $tries -lt 50 ]; do
  for place in $below; do umount "$place" 2>/dev/null; done
  tries=$((tries + 1))
  [ $tries -lt 3 ] || sleep 0.1
done
[ -z "$below" ] || { echo "still mounted: $below" >&2; exit 1; }
rm -rf "$folder"
