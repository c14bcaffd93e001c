// A run of this tier that is killed from outside: says so once a file system with machines is up, and waits for its end.
import { sides } from './bed.ts';
import { nfs } from './nfs.ts';
import { runInOwnNamespaces } from './own-namespaces.ts';

if (process.argv[2] !== 'inside')
  process.exit(runInOwnNamespaces([process.execPath, import.meta.filename, 'inside'], process.env));
await nfs.open();
await Promise.all(sides.map((side) => nfs.client(side).ready));
process.stdout.write('up\n');
setInterval(() => undefined, 60_000);
