// The Juju that answers what documents tell people to type: a fake one, with this charm as it is defined and its neighbours
// by the endpoints that documents connect.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type JujuSite, runJuju } from 'juju-lab';
import { charmFiles } from 'juju-ts-ops';
import { type CharmFiles, type DeployOptions, FakeJuju, Impossible } from 'juju-ts-ops/testing';
import { definition } from '../../../../src/definition.ts';

const application = 'concourse-ci';
const own: CharmFiles = charmFiles(definition);

const neighbour = (
  name: string,
  role: 'provides' | 'requires',
  endpoint: string,
  spoken: string,
): CharmFiles => ({
  metadata: { name, [role]: { [endpoint]: { interface: spoken } } },
  config: {
    options: {
      hostname: { type: 'string' },
      path: { type: 'string' },
      routing_mode: { type: 'string' },
    },
  },
});

/** The Python charm, and workers of it that are an application of their own. */
const python: CharmFiles = {
  metadata: {
    name: 'concourse-ci-machine',
    provides: { tsa: { interface: 'concourse-ci_tsa' } },
    requires: { flight: { interface: 'concourse-ci_tsa' } },
  },
  actions: { 'get-admin-password': {} },
};

const charms: Readonly<Record<string, CharmFiles>> = {
  [application]: own,
  old: python,
  'old-workers': python,
  postgresql: neighbour('postgresql', 'provides', 'database', 'postgresql_client'),
  'nfs-server-proxy': neighbour('nfs-server-proxy', 'provides', 'filesystem', 'filesystem_info'),
  'cephfs-server-proxy': neighbour('cephfs-server-proxy', 'provides', 'filesystem', 'filesystem_info'),
  traefik: neighbour('traefik', 'provides', 'ingress', 'ingress'),
  haproxy: neighbour('haproxy', 'provides', 'ingress', 'ingress'),
  vault: neighbour('vault', 'provides', 'vault-kv', 'vault-kv'),
  'self-signed-certificates': neighbour(
    'self-signed-certificates',
    'provides',
    'certificates',
    'tls-certificates',
  ),
  prometheus: neighbour('prometheus', 'requires', 'metrics-endpoint', 'prometheus_scrape'),
  grafana: neighbour('grafana', 'requires', 'grafana-dashboard', 'grafana_dashboard'),
  'opentelemetry-collector': neighbour('opentelemetry-collector', 'requires', 'cos-agent', 'cos_agent'),
  'grafana-agent': neighbour('grafana-agent', 'requires', 'cos-agent', 'cos_agent'),
};

/** Secrets that a reader of any page may have made before. */
const secrets = ['pg', 'ci-users', 'ci-tls', 'ci-login'];

export class World {
  readonly #folder: string;
  #juju: FakeJuju;
  /** The application of before the page: the reader has one, until the page deploys its own. */
  #prepared = true;

  /** `folder`: where the commands are typed. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#juju = newJuju();
    this.#juju.deploy(application, own, { units: 3 });
    for (const name of secrets) this.#juju.addSecret(name, { value: 'of before' });
  }

  /** Why it is refused; undefined: it was carried out, and its values are what the charm takes. */
  async refused(words: readonly string[]): Promise<string | undefined> {
    for (const name of Object.keys(charms)) {
      const meant = words.some((word) => word.split(/[:/]/)[0] === name);
      if (words[0] !== 'deploy' && meant) this.#deployedBefore(name);
    }
    const { code, stderr } = await runJuju(this.#site(), words);
    if (code !== 0) return stderr;
    const problems = this.#optionProblems();
    return problems.length > 0 ? problems.join('; ') : undefined;
  }

  #site(): JujuSite {
    return {
      juju: this.#juju,
      operate: (command) => command(this.#juju),
      deploy: (name, charm, options) => this.#deploy(name, charm, options),
      refresh: (name, path) => this.#juju.refresh(name, path === undefined ? own : charmAt(path)),
      runAction: async (unit, name, params) => {
        const record = this.#juju.runAction(unit, name, params);
        // Nothing runs here: that Juju takes it is all that is asked.
        return record.status === 'pending' ? { ...record, status: 'completed' } : record;
      },
      exec: async (unit, script) => {
        this.#juju.clientExec(unit, script);
        return { code: 0, stdout: '', stderr: '' };
      },
      readFile: (path) => readFileSync(join(this.#folder, path), 'utf8'),
    };
  }

  #deploy(name: string, charm: string, options: DeployOptions): void {
    if (name === application && this.#prepared) {
      const before = this.#juju;
      this.#juju = newJuju();
      this.#juju.model.secrets = before.model.secrets;
      this.#prepared = false;
    }
    this.#juju.deploy(name, charmAt(charm), options);
  }

  /** Neighbours are there, where a page does not deploy them itself. */
  #deployedBefore(name: string): void {
    if (!this.#juju.model.applications.has(name)) this.#juju.deploy(name, charmAt(name));
  }

  /** Values that Juju takes and the charm does not. */
  #optionProblems(): string[] {
    return [...this.#juju.model.applications.values()]
      .filter(({ charm }) => charm.name === application)
      .flatMap(({ config }) => [...config])
      .filter(([, value]) => value !== '')
      .flatMap(([key, value]) => {
        const parsed = Object.entries(definition.declared.options)
          .find(([name]) => name === key)?.[1]
          .schema.safeParse(value);
        return parsed?.success === false ? [`${key}=${value}: ${parsed.error.message}`] : [];
      });
  }
}

function newJuju(): FakeJuju {
  return new FakeJuju({ seed: 1, clock: { now: () => 0 } });
}

function charmAt(path: string): CharmFiles {
  const found = charms[basename(path).replace(/_[^_]*\.charm$/, '')];
  if (found === undefined) throw new Impossible(`no charm "${path}" is known to these tests`);
  return found;
}
