// A provider of filesystem_info, which says where the file system is once it is known, as nfs-server-proxy and cephfs-server-proxy do.
import { defineCharm, provides } from 'juju-ts-ops';
import { z } from 'zod';
import { idle, Provider, type Stage } from './stage.ts';

const charm = defineCharm({
  name: 'files',
  summary: 'exports',
  description: 'exports',
  provides: {
    filesystem: provides({
      interface: 'filesystem_info',
      app: { local: z.object({ endpoint: z.string() }) },
    }),
  },
});

export class FilesProvider extends Provider {
  endpoint: string | undefined;

  constructor(stage: Stage, endpoint: string | undefined) {
    super(stage, 'filesystem', 'files:filesystem');
    this.endpoint = endpoint;
    stage.play(
      'files',
      charm.implement({
        ...idle,
        reconcile: async (hook) => {
          for (const relation of await hook.relations('filesystem'))
            if (this.endpoint !== undefined) await relation.setApplication({ endpoint: this.endpoint });
        },
      }),
    );
  }
}
