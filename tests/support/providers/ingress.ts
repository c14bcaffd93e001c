// A provider of ingress: it reads the databags as the library traefik_k8s.v2.ingress does, of which haproxy has the same.
import { defineCharm, provides } from 'juju-ts-ops';
import { expect } from 'vitest';
import { z } from 'zod';
import { application, idle, Provider, type Stage } from './stage.ts';

const charm = defineCharm({
  name: 'traefik',
  summary: 'ingress',
  description: 'ingress',
  provides: {
    ingress: provides({ interface: 'ingress', app: { local: z.object({ ingress: z.string() }) } }),
  },
});

const applicationData = z.object({
  model: z.string(),
  name: z.string(),
  port: z.int().min(1).max(65534),
  scheme: z.enum(['http', 'https', 'h2c']),
  'strip-prefix': z.boolean(),
  'redirect-https': z.boolean(),
});
const unitData = z.object({ host: z.string(), ip: z.ipv4() });

/** Every value is JSON; a key that is missing or malformed, on any unit, and nothing is served. */
function load<T>(schema: z.ZodType<T>, raw: Readonly<Record<string, string>>): T | undefined {
  const own = Object.entries(raw).filter(
    ([key]) => !/^(egress-subnets|ingress-address|private-address)$/.test(key),
  );
  return schema.safeParse(Object.fromEntries(own.map(([key, text]) => [key, JSON.parse(text)]))).data;
}

export class IngressProvider extends Provider {
  /** Undefined: it is not ready. */
  url: string | undefined = 'https://ci.example.com/';

  constructor(stage: Stage) {
    super(stage, 'ingress', 'traefik:ingress');
    stage.play(
      'traefik',
      charm.implement({
        ...idle,
        reconcile: async (hook) => {
          const [relation] = await hook.relations('ingress');
          if (relation === undefined || this.url === undefined || this.backends() === undefined) return;
          await relation.setApplication({ ingress: JSON.stringify({ url: this.url }) });
        },
      }),
    );
  }

  /** Where requests go; undefined: some unit has not said what it must. */
  backends(): string[] | undefined {
    const app = load(applicationData, this.bag(application));
    const units = this.stage.juju.units(application).map((unit) => load(unitData, this.bag(unit)));
    if (app === undefined || units.includes(undefined)) return undefined;
    expect(app).toMatchObject({ name: application, 'strip-prefix': false });
    return [...new Set(units.flatMap((unit) => (unit ? [`${app.scheme}://${unit.ip}:${app.port}`] : [])))];
  }
}
