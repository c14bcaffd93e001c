// A run of this tier that is killed from outside: says so once a file system with machines is up, and waits for its end.
import { sides } from './bed.ts';
import { nfs } from './nfs.ts';

await nfs.open();
await Promise.all(sides.map((side) => nfs.client(side).ready));
process.stdout.write('up\n');
setInterval(() => undefined, 60_000);
