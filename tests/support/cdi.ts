// What `nvidia-ctk cdi generate --format=json` prints on a machine with some GPUs, by its documentation and the specification of CDI.

const ids = (count: number) => [...Array(count).keys()];

export function cdi(count: number): string {
  const nodes = (numbers: readonly number[]) => numbers.map((number) => ({ path: `/dev/nvidia${number}` }));
  const library = (name: string) => ({
    hostPath: `/usr/lib/x86_64-linux-gnu/${name}`,
    containerPath: `/usr/lib/x86_64-linux-gnu/${name}`,
    options: ['ro', 'nosuid', 'nodev', 'rbind', 'rprivate'],
  });
  const hook = (...args: string[]) => ({
    hookName: 'createContainer',
    path: '/usr/bin/nvidia-cdi-hook',
    args: ['nvidia-cdi-hook', ...args],
    env: ['NVIDIA_CTK_DEBUG=false'],
  });
  return JSON.stringify({
    cdiVersion: '0.5.0',
    kind: 'nvidia.com/gpu',
    devices: [
      ...ids(count).map((number) => ({
        name: String(number),
        containerEdits: { deviceNodes: nodes([number]) },
      })),
      ...ids(count).map((number) => ({
        name: `GPU-0000000${number}-1111-2222-3333-444444444444`,
        containerEdits: { deviceNodes: nodes([number]) },
      })),
      { name: 'all', containerEdits: { deviceNodes: nodes(ids(count)) } },
    ],
    containerEdits: {
      env: ['NVIDIA_VISIBLE_DEVICES=void'],
      deviceNodes: [{ path: '/dev/nvidia-uvm' }, { path: '/dev/nvidiactl' }],
      hooks: [
        hook('create-symlinks', '--link', 'libcuda.so.1::/usr/lib/x86_64-linux-gnu/libcuda.so'),
        hook('update-ldcache', '--folder', '/usr/lib/x86_64-linux-gnu'),
      ],
      mounts: [library('libcuda.so.580.65.06'), library('libnvidia-ml.so.580.65.06')],
    },
  });
}

/** What `stat -c '%n %t %T %a %F'` prints of device nodes of NVIDIA and AMD. */
export function statOf(paths: readonly string[], modes: Readonly<Record<string, string>> = {}): string {
  return paths
    .map((path) => {
      const name = path.split('/').at(-1) ?? '';
      const nvidia = { 'nvidia-uvm': '1f6 0', nvidiactl: 'c3 ff', kfd: 'ea 0' }[name];
      const number = Number(/[0-9]+$/.exec(name)?.[0] ?? 0).toString(16);
      const numbers = nvidia ?? (name.startsWith('render') ? `e2 ${number}` : `c3 ${number}`);
      return `${path} ${numbers} ${modes[name] ?? '666'} character special file\n`;
    })
    .join('');
}
