#!/bin/sh
# Holds the lock that says that a site is in use, and tears it down once the lab is gone, however it ended: standard input
# is a pipe that the lab never writes to. $1: the site's folder, made here: nobody finds it before it is locked.
# $2: tear-down.sh.
trap '' INT TERM HUP
exec 9>"$1.lock"
flock 9
mkdir -p "$1" || exit
echo held
cat >/dev/null
/bin/sh "$2" "$1" 9>&- >/dev/null 2>"$1.trouble"
code=$?
[ -s "$1.trouble" ] || rm -f "$1.trouble"
[ $code -ne 0 ] || rm -f "$1.lock"
exit $code
