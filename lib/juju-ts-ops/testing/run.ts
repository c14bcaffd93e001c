// `state' = run(charm, event, state)`: one hook, on the same fake Juju that runs clusters.
import { type Charm, charmFiles } from '../src/index.ts';
import { FakeJuju } from './fake-juju.ts';
import { type InProcess, type Ran, runOperation } from './in-process.ts';
import type { ActionRecord, LogEntry, StatusInfo, Strings } from './model.ts';
import { ownFiles } from './own-files.ts';
import { type EventIn, operationFor } from './run-event.ts';
import { placeState, type StateIn } from './run-state.ts';
import { portText } from './tools/ports.ts';

export interface RelationOut {
  id: number;
  endpoint: string;
  localUnit: Strings;
  localApp: Strings;
}

export interface SecretOut {
  id: string;
  owner: 'application' | 'unit' | 'user';
  label: string;
  /** Oldest first; undefined: removed. */
  revisions: readonly (Strings | undefined)[];
  grants: readonly string[];
}

export interface StateOut extends Ran {
  relations: RelationOut[];
  unitStatus: StatusInfo;
  /** Every status of the hook, in order: progress included. */
  statusHistory: readonly StatusInfo[];
  applicationStatus: StatusInfo | undefined;
  logs: readonly LogEntry[];
  secrets: SecretOut[];
  /** `8080/tcp`. */
  ports: string[];
  workloadVersion: string;
  stored: Strings;
  action: ActionRecord | undefined;
  juju: FakeJuju;
}

/** Runs the charm once. Throws `Impossible` for a state or an event that Juju could not produce. */
export async function run(
  charm: Charm,
  event: EventIn,
  state: StateIn = {},
  options: Omit<InProcess, 'charm'> = {},
): Promise<StateOut> {
  const juju = new FakeJuju({
    disk: ownFiles,
    seed: state.seed ?? 0,
    profile: state.profile ?? '4.0',
    clock: state.clock ?? { now: () => Date.UTC(2026, 0, 1) },
    ...(state.model === undefined ? {} : { model: state.model }),
    ...(state.proxies ? { proxies: state.proxies } : {}),
  });
  const unit = placeState(juju, state.files ?? charmFiles(charm), event, state);
  const operation = operationFor(juju, unit, event);
  const first = unit.statusHistory.length;
  const ran = await runOperation(juju, unit.name, operation, { charm: () => charm, ...options });
  return { ...ran, ...stateOut(juju, unit.name, first, unit), action: actionOf(operation), juju };
}

const actionOf = (operation: ReturnType<typeof operationFor>) =>
  operation.kind === 'action' ? operation.action : undefined;

function stateOut(juju: FakeJuju, name: string, first: number, unit: ReturnType<typeof placeState>) {
  const { model } = juju;
  const app = model.applications.get(unit.application);
  return {
    relations: [...model.relations.values()].map((relation) => ({
      id: relation.id,
      endpoint: relation.endpoints.find((end) => end.application === unit.application)?.endpoint ?? '',
      localUnit: { ...relation.bags.get(name)?.values },
      localApp: { ...relation.bags.get(unit.application)?.values },
    })),
    unitStatus: unit.workload,
    statusHistory: unit.statusHistory.slice(first),
    applicationStatus: app?.status,
    logs: model.log,
    secrets: [...model.secrets.values()].map((secret) => ({
      id: secret.id,
      owner: secret.owner.kind,
      label: secret.label,
      revisions: secret.revisions,
      grants: [...secret.grants.keys()],
    })),
    ports: unit.ports.map(portText),
    workloadVersion: unit.version,
    stored: Object.fromEntries(unit.stored),
  };
}
