// A lab on real machines that is killed from outside: prints its site's id once two machines are up, and waits for its end.
// Its argument is the charm's folder.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Lab, Site } from 'juju-lab';
import { application, cache } from './concourse-site.ts';
import { base } from './rootfs.ts';
import { serveOnSwitch } from './mirror.ts';
import { postgresOnSwitch } from './postgres.ts';

const made = base(cache);
const site = await Site.open({
  rootfs: made.rootfs,
  binds: (folder) => [{ from: join(folder, 'volume'), to: '/var/lib/concourse' }],
});
mkdirSync(join(site.folder, 'volume'));
await serveOnSwitch(site, made, []);
postgresOnSwitch(site);
const lab = new Lab({
  directory: join(site.folder, 'lab'),
  charm: { directory: process.argv[2] ?? '' },
  machines: { make: site.make, address: site.address },
});
lab.deploy(application, { units: 2 });
await Promise.all(site.machines.map((machine) => machine.up()));
process.stdout.write(`${site.id}\n`);
setInterval(() => undefined, 60_000);
