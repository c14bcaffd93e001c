// The lock that a worker's service holds in the unit's own folder on the volume for as long as the worker runs: by it others
// learn whether flock excludes them there (storage/exclusion.ts).
import { commandLine } from './unit-file.ts';

/** Shorter than the time between two looks at it. */
const beatSeconds = 60;

/** A shell script; `$0` is the file to lock. What it leaves in the background ends with the worker, by itself and within a
 * moment; one that comes while its predecessor still lives waits. Every `seconds` it writes the time into the file: a sign of
 * life. A volume that hangs holds up nobody but it. */
export const holdScript = (seconds = beatSeconds): string =>
  `flock --no-fork "$0" sh -c 'while kill -0 $MAINPID; do date +%s%N >"$0"; timeout ${seconds} tail -s 0.2 --pid=$MAINPID -f /dev/null; done' "$0" >/dev/null 2>&1 &`;

/** For `ExecStartPost=`: whatever comes of it, the worker runs. */
export const holdCommand = (file: string): string => `-${commandLine('/bin/sh', '-c', holdScript(), file)}`;
