#!/bin/sh
# Ends everything that a lab started once the lab itself is gone, however it ended: standard input is a pipe that the
# lab never writes to, so its end is the lab's. Each process of a unit carries JUJU_LAB_ROOT in its environment, and so
# do its children, whatever session or process group they moved to; that is how they are found.
# $1: the folder of the units' folders. $2: the folder of the lab's sockets.
trap '' INT TERM HUP
cat >/dev/null
round=0
while [ $round -lt 50 ]; do
  # Its exit status says nothing: it is a failure whenever some process ended while it looked.
  found=$(grep -lsaF "JUJU_LAB_ROOT=$1/" /proc/[0-9]*/environ)
  [ -n "$found" ] || break
  for environ in $found; do
    pid=${environ#/proc/}
    kill -9 "${pid%/environ}" 2>/dev/null
  done
  round=$((round + 1))
  [ $round -gt 3 ] && sleep 0.1
done
rm -rf "$2"
