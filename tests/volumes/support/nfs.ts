// NFS 4.1: nfs-ganesha serves, and each client is a User-mode Linux machine, because only a kernel is a real NFS client.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import {
  type Bed,
  disk,
  folder,
  programOn,
  plug,
  run,
  serve,
  serverAddress,
  type Side,
  sides,
  unitOf,
  until,
} from './bed.ts';
import { Client } from './client.ts';

/** Seconds until the server gives a silent client's locks away; 60 to 90 are usual. */
const leaseSeconds = 10;
const addresses: Record<Side, string> = { a: '10.99.0.21', b: '10.99.0.22' };
const modules = '/usr/lib/uml/modules';

const configuration = `
NFS_CORE_PARAM { Protocols = 4; NFS_Port = 2049; Bind_addr = ${serverAddress}; Enable_NLM = false; Enable_RQUOTA = false; }
NFSV4 { Lease_Lifetime = ${leaseSeconds}; Grace_Period = 5; RecoveryRoot = "/run/ganesha/recovery"; Graceless = true; Minor_Versions = 1,2; }
EXPORT { Export_Id = 1; Path = "${disk}/nfs"; Pseudo = "/v"; Access_Type = RW; Squash = No_Root_Squash; SecType = sys; FSAL { Name = VFS; } }
`;

/** Process 1 of a client machine, whose root is this host's, read-only. */
function init(side: Side): string {
  const program = programOn(side, '/mnt/nfs', '/mnt/own');
  return `#!/bin/sh
exec 2>/dev/tty0
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmpfs /mnt
mount -t tmpfs tmpfs /run
mkdir -p /mnt/nfs /mnt/own /run/lib
ln -s ${modules} /run/lib/modules
hostname machine-${side}
ip link set lo up
ip addr add ${addresses[side]}/24 dev vec0
ip link set vec0 up
modprobe -d /run nfsv4
until mount -i -t nfs4 -o vers=4.1,addr=${serverAddress},clientaddr=${addresses[side]} ${serverAddress}:/v /mnt/nfs; do sleep 0.2; done
exec </dev/tty1 >/dev/tty1
stty raw -echo -onlcr
# Not process 1, which cannot be stopped.
${program.join(' ')}
`;
}

export const nfs: Bed = {
  name: 'NFS 4.1',
  how: `nfs-ganesha; clients with Linux ${kernel()}`,
  machine: true,
  open: async () => {
    folder(`${disk}/nfs`);
    writeFileSync('/run/ganesha.conf', configuration);
    serve('ganesha', [
      'ganesha.nfsd',
      '-F',
      '-L',
      '/run/ganesha.log',
      '-f',
      '/run/ganesha.conf',
      '-p',
      '/run/ganesha.pid',
    ]);
    for (const side of sides) {
      run(`ip tuntap add dev nfs-${side} mode tap`);
      run(`ip link set nfs-${side} master br0 up`);
      writeFileSync(`/run/init-${side}`, init(side), { mode: 0o755 });
    }
    await until(() => {
      if (!existsSync('/run/ganesha.pid')) throw new Error('ganesha does not run yet');
    });
  },
  client: (side) =>
    new Client(unitOf(side), [
      // Killed without this, the machine would leave processes of its own behind.
      ...['unshare', '--pid', '--fork', '--kill-child=KILL'],
      ...[
        'linux.uml',
        'uml_dir=/run/uml',
        `umid=${side}-${Date.now()}`,
        'mem=320M',
        'rootfstype=hostfs',
        'rootflags=/',
        'ro',
      ],
      ...['quiet', 'loglevel=3', `vec0:transport=tap,ifname=nfs-${side},depth=64,gro=0`],
      ...['con=null', 'con0=null,fd:2', 'con1=fd:0,fd:1', `init=/run/init-${side}`],
    ]),
  plug: plug('nfs'),
};

function kernel(): string {
  return existsSync(modules) ? (readdirSync(modules)[0] ?? '').split('.').slice(0, 2).join('.') : '?';
}
