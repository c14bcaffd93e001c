// The file systems: how each is served and mounted here.
import { copyFileSync, writeFileSync } from 'node:fs';
import {
  type Bed,
  clientHere,
  disk,
  folder,
  plug,
  plugIn,
  run,
  serve,
  serverAddress,
  type Side,
  sides,
  until,
} from './bed.ts';
import { nfs } from './nfs.ts';

const mountOf = (name: string, side: Side): string => folder(`/run/mounts/${name}-${side}`);

const local: Bed = {
  name: 'local disk',
  how: 'ext4, bind-mounted twice',
  machine: false,
  open: async () => {
    for (const side of sides) run(`mount --bind ${folder(`${disk}/local`)} ${mountOf('local', side)}`);
  },
  client: (side) => clientHere(side, mountOf('local', side)),
};

/** GlusterFS, with the defaults of its mount or with every cache off. */
function gluster(
  name: string,
  volume: string,
  how: string,
  options: readonly string[],
  settings: readonly string[],
): Bed {
  return {
    name,
    how,
    machine: false,
    open: async () => {
      const gluster = `gluster --mode=script volume`;
      await startGlusterd();
      run(`${gluster} create ${volume} ${serverAddress}:${folder(`${disk}/${volume}`)}/brick force`);
      for (const setting of ['server.tcp-user-timeout 10', 'network.ping-timeout 5', ...settings])
        run(`${gluster} set ${volume} ${setting}`);
      run(`${gluster} start ${volume}`);
      for (const side of sides) {
        const mount = mountOf(volume, side);
        const client = `glusterfs --volfile-server=${serverAddress} --volfile-id=${volume}`;
        const command = [...plugIn(volume, side), ...client.split(' '), ...options, mount];
        // It mounts before it has a connection, and gives up by itself when the brick is not up yet.
        await until(() => {
          try {
            run(command);
            run(`stat -f ${mount}`);
            run(`touch ${mount}/${side}`);
          } catch (error) {
            run(`umount -l ${mount}`);
            throw error;
          }
        });
      }
    },
    client: (side) => clientHere(side, mountOf(volume, side)),
    plug: plug(volume),
  };
}

let glusterd = false;
async function startGlusterd(): Promise<void> {
  if (!glusterd) serve('glusterd', ['glusterd', '--no-daemon', '--log-file=/run/glusterd.own.log']);
  glusterd = true;
  await until(() => run('gluster --mode=script volume list'));
}

const off = [
  'quick-read',
  'io-cache',
  'read-ahead',
  'stat-prefetch',
  'write-behind',
  'open-behind',
  'readdir-ahead',
];
const strict = ['--direct-io-mode=enable', '--attribute-timeout=0', '--entry-timeout=0'];

const moosefs: Bed = {
  name: 'MooseFS 3',
  how: 'mfsmount, defaults',
  machine: false,
  open: async () => {
    const etc = folder('/run/mfs');
    const data = folder(`${disk}/mfs`);
    copyFileSync('/var/lib/mfs/metadata.mfs.empty', `${data}/metadata.mfs`);
    const common = `WORKING_USER = root\nWORKING_GROUP = root\nDATA_PATH = ${data}\n`;
    writeFileSync(`${etc}/exports.cfg`, '* / rw,alldirs,admin,maproot=0:0\n');
    writeFileSync(`${etc}/master.cfg`, `${common}EXPORTS_FILENAME = ${etc}/exports.cfg\n`);
    writeFileSync(`${etc}/hdd.cfg`, `${folder(`${disk}/chunks`)}\n`);
    writeFileSync(
      `${etc}/chunk.cfg`,
      `${common}HDD_CONF_FILENAME = ${etc}/hdd.cfg\nMASTER_HOST = ${serverAddress}\nHDD_LEAVE_SPACE_DEFAULT = 16MiB\n`,
    );
    serve('mfsmaster', ['mfsmaster', '-f', '-c', `${etc}/master.cfg`, 'start']);
    serve('mfschunkserver', ['mfschunkserver', '-f', '-c', `${etc}/chunk.cfg`, 'start']);
    for (const side of sides) {
      const prefix = plugIn('mfs', side).join(' ');
      await until(() => run(`${prefix} mfsmount ${mountOf('mfs', side)} -H ${serverAddress}`));
      await until(() => run(`mountpoint -q ${mountOf('mfs', side)}`));
    }
  },
  client: (side) => clientHere(side, mountOf('mfs', side)),
  plug: plug('mfs'),
};

const sshfs: Bed = {
  name: 'sshfs',
  how: 'defaults',
  machine: false,
  open: async () => {
    const etc = folder('/run/ssh');
    for (const key of ['host', 'user'])
      run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', `${etc}/${key}`]);
    copyFileSync(`${etc}/user.pub`, `${etc}/authorized`);
    writeFileSync(
      `${etc}/sshd.conf`,
      `ListenAddress ${serverAddress}\nHostKey ${etc}/host\nAuthorizedKeysFile ${etc}/authorized\nPermitRootLogin yes\nStrictModes no\nUsePAM no\nPidFile none\nSubsystem sftp internal-sftp\n`,
    );
    serve('sshd', ['/usr/sbin/sshd', '-D', '-e', '-f', `${etc}/sshd.conf`]);
    const trust = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', `IdentityFile=${etc}/user`];
    const options = trust.flatMap((each) => ['-o', each]);
    for (const side of sides) {
      const mount = mountOf('sshfs', side);
      const prefix = plugIn('sshfs', side);
      await until(() =>
        run([...prefix, 'sshfs', `root@${serverAddress}:${folder(`${disk}/sshfs`)}`, mount, ...options]),
      );
    }
  },
  client: (side) => clientHere(side, mountOf('sshfs', side)),
  plug: plug('sshfs'),
};

export const beds: readonly Bed[] = [
  local,
  nfs,
  gluster('GlusterFS 10', 'loose', 'mount defaults', [], []),
  gluster(
    'GlusterFS 10, strict',
    'strict',
    'caches off on server and mount',
    strict,
    off.map((each) => `performance.${each} off`),
  ),
  moosefs,
  sshfs,
];
