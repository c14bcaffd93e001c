// The model as `juju status --format json` tells it, as far as it is modelled.
import { jujuVersion } from './environment.ts';
import { type Application, isPresent, type Model, type StatusInfo, type Unit, unitsOf } from './model.ts';
import { applicationStatus, shownStatus } from './status.ts';
import { portText } from './tools/ports.ts';

interface Shown {
  current: string;
  message?: string;
  since?: string;
}

export interface UnitStatus {
  'workload-status': Shown;
  'juju-status': Shown;
  leader?: true;
  machine: string;
  'open-ports'?: string[];
  'public-address': string;
}

export interface ApplicationStatus {
  charm: string;
  'charm-rev': number;
  'application-status': Shown;
  version?: string;
  life?: string;
  units: Record<string, UnitStatus>;
}

export interface JujuStatus {
  model: { name: string; version: string };
  applications: Record<string, ApplicationStatus>;
}

export function jujuStatus(model: Model): JujuStatus {
  const applications = [...model.applications.values()].map(
    (app) => [app.name, oneApplication(model, app)] as const,
  );
  return {
    model: { name: model.name, version: jujuVersion(model) },
    applications: Object.fromEntries(applications),
  };
}

function oneApplication(model: Model, app: Application): ApplicationStatus {
  const units = unitsOf(model, app.name);
  const version = units.find((each) => each.version !== '')?.version;
  return {
    charm: app.charm.name,
    'charm-rev': app.charmRevision,
    'application-status': shown(applicationStatus(model, app)),
    ...(version === undefined ? {} : { version }),
    ...(app.life === 'dying' ? { life: 'dying' } : {}),
    units: Object.fromEntries(units.map((each) => [each.name, oneUnit(model, app, each)])),
  };
}

function oneUnit(model: Model, app: Application, unit: Unit): UnitStatus {
  return {
    'workload-status': shown(shownStatus(unit)),
    'juju-status': agentStatus(model, unit),
    ...(app.leader === unit.name ? { leader: true as const } : {}),
    machine: unit.machine,
    ...(unit.ports.length > 0 ? { 'open-ports': unit.ports.map(portText) } : {}),
    'public-address': unit.address,
  };
}

function agentStatus(model: Model, unit: Unit): Shown {
  if (!isPresent(unit)) return { current: 'lost', message: 'agent is not communicating with the server' };
  const running = model.running.get(unit.name)?.operation;
  if (running && running.kind !== 'exec' && running.name !== 'update-status') {
    return {
      current: 'executing',
      message: `running ${running.name} ${running.kind === 'hook' ? 'hook' : 'action'}`,
    };
  }
  return { current: unit.agent.installed || unit.agent.operations > 0 ? 'idle' : 'allocating' };
}

function shown(info: StatusInfo): Shown {
  return {
    current: info.status,
    ...(info.message === '' ? {} : { message: info.message }),
    since: new Date(info.since).toISOString(),
  };
}
