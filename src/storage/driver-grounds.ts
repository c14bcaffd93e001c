// What this machine has for keeping the volumes of builds. Asked once in the life of a work directory, and when the option
// volume-driver asks for another way.
import type { DriverGrounds, VolumeDriver } from '../concourse/volume-driver.ts';
import type { Host } from '../host/host.ts';

const commandMs = 10_000;

/** `type`: the work directory's file system, by statfs(2). */
export async function driverGrounds(
  host: Host,
  type: string,
  wanted: 'auto' | VolumeDriver,
): Promise<DriverGrounds> {
  const kernel = await kernelHas(host);
  const asked = type === 'btrfs' && (wanted === 'btrfs' || kernel?.includes('overlay') === false);
  const said = asked ? await host.commands.run('btrfs', ['version'], { timeoutMs: commandMs }) : undefined;
  return { type, kernel, btrfsProgram: said?.code === 0 };
}

/** A module is not in the list before it is loaded; in a container, which can load none, it is there when the host has it. */
async function kernelHas(host: Host): Promise<string[] | undefined> {
  const listed = async () => {
    const text = await host.files.readText('/proc/filesystems');
    return text?.split('\n').flatMap((line) => line.split('\t').at(-1) || []);
  };
  const first = await listed();
  if (first === undefined || first.includes('overlay')) return first;
  const { code } = await host.commands.run('modprobe', ['overlay'], { timeoutMs: commandMs });
  return code === 0 ? listed() : first;
}
