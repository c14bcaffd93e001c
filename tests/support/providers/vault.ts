// A provider of vault-kv: it reads and writes the databags and secrets as the library vault_kv (v0) of vault-k8s does.
import { defineCharm, json, provides } from 'juju-ts-ops';
import { z } from 'zod';
import { application, idle, Provider, type Stage } from './stage.ts';

const charm = defineCharm({
  name: 'vault',
  summary: 'vault',
  description: 'vault',
  provides: {
    'vault-kv': provides({
      interface: 'vault-kv',
      app: {
        local: z.object({
          vault_url: z.string(),
          ca_certificate: z.string(),
          mount: z.string(),
          credentials: json(z.record(z.string(), z.string())),
        }),
        remote: z.object({ mount_suffix: z.string() }),
      },
      unit: { remote: z.object({ nonce: z.string(), egress_subnet: z.string() }) },
    }),
  },
});
type Hook = Parameters<Parameters<typeof charm.implement>[0]['reconcile']>[0];

export class VaultProvider extends Provider {
  url = 'https://10.0.8.8:8200';
  readonly authority: string;
  /** Counts up when credentials are made anew. */
  generation = 1;
  /** Role ids and the secret ids that go with them now. */
  readonly roles = new Map<string, string>();
  readonly #secrets = new Map<string, string>();

  /** `authority`: the certificate of who vouches for it, in PEM. */
  constructor(stage: Stage, authority: string) {
    super(stage, 'vault-kv', 'vault:vault-kv');
    this.authority = authority;
    const reconcile = (hook: Hook) => this.#answer(hook);
    stage.play('vault', charm.implement({ ...idle, reconcile }));
  }

  /** Credentials for whoever asks now, and for nobody else. */
  async #answer(hook: Hook): Promise<void> {
    this.roles.clear();
    const [relation] = await hook.relations('vault-kv');
    const suffix = (await relation?.application())?.values.mount_suffix;
    if (relation === undefined || suffix === undefined || hook.event.kind === 'relation-broken') return;
    const credentials: Record<string, string> = {};
    for (const unit of await relation.units()) {
      const { nonce, egress_subnet: subnet } = (await relation.unit(unit)).values;
      if (nonce === undefined || subnet === undefined) continue;
      const role = `role-of-${unit.replace('/', '-')}`;
      const content = { 'role-id': role, 'role-secret-id': `hushhush-${subnet}-${this.generation}` };
      this.roles.set(role, content['role-secret-id']);
      const made = this.#secrets.get(nonce);
      if (made === undefined) {
        const uri = await hook.secrets.add(content, { label: `kv-${nonce}` });
        await hook.secrets.grant(uri, relation);
        this.#secrets.set(nonce, uri);
      } else await hook.secrets.set(made, content);
      credentials[nonce] = this.#secrets.get(nonce) ?? '';
    }
    await relation.setApplication({
      vault_url: this.url,
      ca_certificate: this.authority,
      mount: `charm-${application}-${suffix}`,
      credentials,
    });
  }

  /** Units that ask for credentials. */
  asking(): string[] {
    return this.stage.juju.units(application).filter((unit) => this.bag(unit)['nonce'] !== undefined);
  }
}

/** One that has yet to be unsealed: it says nothing. */
export function playSilentVault(stage: Stage): void {
  stage.play('vault', charm.implement(idle));
}
