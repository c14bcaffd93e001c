// A new application as the deployer describes it, and its settings: checked as Juju's client and controller check them.
import { type CharmModel, checkOption, type OptionValue } from './charm-files.ts';
import { Impossible } from './errors.ts';
import { type Application, configText } from './model.ts';

export interface DeployOptions {
  units?: number;
  config?: Readonly<Record<string, OptionValue>>;
  /** Resource name → path on the unit that `resource-get` prints. */
  resources?: Readonly<Record<string, string>>;
  /** Machine by unit number; else each unit has its own. */
  machine?: (unitNumber: number) => string;
  address?: (unitNumber: number) => string;
  /** How many instances of each storage a unit gets (else the charm's minimum), and where they are mounted. */
  storage?: Readonly<Record<string, number | { count: number; location?: (unitNumber: number) => string }>>;
}

export function newApplication(name: string, charm: CharmModel, options: DeployOptions): Application {
  const app: Application = {
    name,
    charm,
    charmRevision: 0,
    resourceRevision: 0,
    resources: new Map(),
    config: new Map(),
    announced: '',
    announcements: 0,
    trusted: false,
    life: 'alive',
    storage: new Map(),
    ...(options.address ? { address: options.address } : {}),
  };
  for (const [storage, declared] of charm.storage) app.storage.set(storage, { count: declared.least });
  for (const [storage, plan] of Object.entries(options.storage ?? {})) {
    const declared = charm.storage.get(storage);
    const { count, location } = typeof plan === 'number' ? { count: plan, location: undefined } : plan;
    if (!declared) throw new Impossible(`charm "${charm.name}" has no store called "${storage}"`);
    if (count < declared.least)
      throw new Impossible(`charm storage "${storage}": ${declared.least} instances required`);
    app.storage.set(storage, { count, ...(location ? { location } : {}) });
  }
  setConfig(app, options.config ?? {});
  setResources(app, options.resources ?? {});
  app.announced = configText(app);
  return app;
}

export function setConfig(app: Application, values: Readonly<Record<string, OptionValue>>): void {
  const checked = Object.entries(values).map(([key, value]): [string, OptionValue] => {
    const option = app.charm.options.get(key);
    if (!option) throw new Impossible(`unknown option "${key}"`);
    return [key, checkOption(key, option.type, asTyped(option.type, value))];
  });
  for (const [key, value] of checked) app.config.set(key, value);
}

/** A client's text for an option that is no text. */
function asTyped(type: string, value: OptionValue): OptionValue {
  if (typeof value !== 'string') return value;
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  if ((type === 'int' || type === 'float') && value.trim() !== '' && Number.isFinite(Number(value)))
    return Number(value);
  return value;
}

export function setResources(app: Application, resources: Readonly<Record<string, string>>): void {
  for (const [name, path] of Object.entries(resources)) {
    if (!app.charm.resources.has(name)) throw new Impossible(`unknown resource "${name}"`);
    app.resources.set(name, path);
  }
}
