// A provider of tls-certificates: it reads and writes the databags as the library tls_certificates (v4) does, and signs with an
// authority whose answers can be verified.
import { defineCharm, json, provides } from 'juju-ts-ops';
import { expect } from 'vitest';
import { z } from 'zod';
import { Authority } from '../authority.ts';
import { idle, Provider, type Stage } from './stage.ts';

const requests = json(z.array(z.object({ certificate_signing_request: z.string(), ca: z.boolean() })));
const answer = z.object({
  certificate: z.string(),
  certificate_signing_request: z.string(),
  ca: z.string(),
  chain: z.array(z.string()),
  revoked: z.boolean().optional(),
});
const charm = defineCharm({
  name: 'authority',
  summary: 'signs',
  description: 'signs',
  provides: {
    certificates: provides({
      interface: 'tls-certificates',
      app: { local: z.object({ certificates: json(z.array(answer)) }) },
      unit: { remote: z.object({ certificate_signing_requests: requests }) },
    }),
  },
});
type Hook = Parameters<Parameters<typeof charm.implement>[0]['reconcile']>[0];

const dayMs = 24 * 3_600_000;

export class CertificatesProvider extends Provider {
  readonly root: Authority;
  readonly #middle: Authority;
  /** How long what it signs is valid. */
  days = 100;
  silent = false;
  /** The request whose answer is taken back. */
  revoked: string | undefined;
  #answers: z.infer<typeof answer>[] = [];

  constructor(stage: Stage) {
    super(stage, 'certificates', 'authority:certificates');
    this.root = new Authority('Root', stage.now());
    this.#middle = new Authority('Middle', stage.now(), this.root);
    const reconcile = (hook: Hook) => this.#sign(hook);
    stage.play('authority', charm.implement({ ...idle, reconcile }));
  }

  /** Signs what is new, and drops the answers to what nobody asks for any more. */
  async #sign(hook: Hook): Promise<void> {
    const [relation] = await hook.relations('certificates');
    if (relation === undefined || this.silent || hook.event.kind === 'relation-broken') return;
    const units = await Promise.all((await relation.units()).map((unit) => relation.unit(unit)));
    const asked = units.flatMap(({ values }) => values.certificate_signing_requests ?? []);
    this.#answers = asked.map(({ certificate_signing_request: csr, ca }) => {
      expect(ca).toBe(false);
      const now = this.stage.now();
      const life = { notBefore: now, notAfter: now + this.days * dayMs };
      const known = this.#answers.find((each) => each.certificate_signing_request === csr);
      return {
        ...(known ?? {
          certificate: this.#middle.answer(csr, life),
          certificate_signing_request: csr,
          ca: this.#middle.certificate,
          chain: this.#middle.chain(),
        }),
        ...(csr === this.revoked && { revoked: true }),
      };
    });
    await relation.setApplication({ certificates: this.#answers });
  }

  /** What was asked for is signed again in its next hook, as when the authority itself is another. */
  signAnew(): void {
    this.#answers = [];
  }

  /** The signing requests of a unit. */
  asked(unit: string): string[] {
    const text = this.bag(unit)['certificate_signing_requests'];
    if (text === undefined) return [];
    return z
      .array(z.object({ certificate_signing_request: z.string() }))
      .parse(JSON.parse(text))
      .map(({ certificate_signing_request }) => certificate_signing_request);
  }
}
