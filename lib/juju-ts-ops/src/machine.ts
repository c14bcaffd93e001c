// What Juju knows of this unit's surroundings: ports, networks, storage, and the units that the model is to have.
import * as z from 'zod';
import { NotFound } from './errors.ts';
import { names } from './relation.ts';
import type { Tools } from './tools.ts';

export interface Port {
  port: number;
  /** The last one of a range. */
  to?: number;
  /** `tcp` unless said. `icmp` has no port: give 0. */
  protocol?: 'tcp' | 'udp' | 'icmp';
}

const portText = ({ port, to, protocol = 'tcp' }: Port): string => {
  if (protocol === 'icmp') return 'icmp';
  return to === undefined || to === port ? `${port}/${protocol}` : `${port}-${to}/${protocol}`;
};

/** The ports that shall be open. Nothing is opened or closed in a hook that declares none. */
export class Ports {
  readonly #tools: Tools;
  #declared: Set<string> | undefined;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** Adds to what shall be open at the hook's end; all other open ports of this unit are closed. `[]`: close all. */
  declare(ports: readonly Port[]): void {
    this.#declared = new Set([...(this.#declared ?? []), ...ports.map(portText)]);
  }

  /** What was open when the hook began: `8080/tcp`, `8000-8010/udp`. */
  opened(): Promise<string[]> {
    return this.#tools.json(names, 'opened-ports', []);
  }

  /** Rejects with PortConflict when another unit of the machine has one of them. */
  async publish(): Promise<void> {
    const declared = this.#declared;
    if (!declared) return;
    const opened = new Set(await this.opened());
    // Closing comes first: a range that grows overlaps with what it was.
    for (const text of opened) if (!declared.has(text)) await this.#tools.run('close-port', [text]);
    for (const text of declared) if (!opened.has(text)) await this.#tools.run('open-port', [text]);
  }
}

export interface Network {
  /** The addresses to listen on, the preferred one first. */
  bindAddresses: { interfaceName: string; address: string; cidr: string }[];
  /** The addresses under which others reach this unit, the preferred one first. */
  ingressAddresses: string[];
  egressSubnets: string[];
}

const networkAnswer = z.object({
  'bind-addresses': z
    .array(
      z.object({
        'interface-name': z.string().default(''),
        addresses: z
          .array(z.object({ value: z.string().default(''), cidr: z.string().default('') }))
          .nullish(),
      }),
    )
    .nullish(),
  'ingress-addresses': names.optional(),
  'egress-subnets': names.optional(),
});

/** Empty lists where Juju knows nothing (yet) of the binding. */
export async function readNetwork(tools: Tools, binding: string, relationId?: string): Promise<Network> {
  const args = [binding, ...(relationId ? ['-r', relationId] : [])];
  try {
    const answer = await tools.json(networkAnswer, 'network-get', args);
    const bindAddresses = (answer['bind-addresses'] ?? []).flatMap((one) =>
      (one.addresses ?? []).map(({ value, cidr }) => ({
        interfaceName: one['interface-name'],
        address: value,
        cidr,
      })),
    );
    return {
      bindAddresses,
      ingressAddresses: answer['ingress-addresses'] ?? [],
      egressSubnets: answer['egress-subnets'] ?? [],
    };
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    return { bindAddresses: [], ingressAddresses: [], egressSubnets: [] };
  }
}

export interface StorageInstance {
  /** As Juju writes it: `data/0`. */
  id: string;
  kind: 'filesystem' | 'block';
  /** Mount point, or device. */
  location: string;
}

const storageAnswer = z.object({ kind: z.enum(['filesystem', 'block']), location: z.string() });

export async function readStorages(tools: Tools, name: string): Promise<StorageInstance[]> {
  const ids = await tools.json(names, 'storage-list', [name]);
  return Promise.all(
    ids.map(async (id) => ({ id, ...(await tools.json(storageAnswer, 'storage-get', ['-s', id])) })),
  );
}

const goalAnswer = z.object({ status: z.string(), since: z.string().default('') });
const goalStateAnswer = z.object({
  units: z.record(z.string(), goalAnswer).nullish(),
  relations: z.record(z.string(), z.record(z.string(), goalAnswer)).nullish(),
});

export type Goal = z.output<typeof goalAnswer>;
export interface GoalState {
  /** This application's living units by name, this one included; a unit that is being removed has status `dying`. */
  units: Record<string, Goal>;
  /** By own endpoint, without peers: the remote applications and their units by name. */
  relations: Record<string, Record<string, Goal>>;
}

export async function readGoalState(tools: Tools): Promise<GoalState> {
  const { units, relations } = await tools.json(goalStateAnswer, 'goal-state', []);
  return { units: units ?? {}, relations: relations ?? {} };
}

/** The resource's file; `undefined` when none was attached. May take long: Juju downloads it when it is asked for first. */
export async function readResource(
  tools: Tools,
  name: string,
  timeoutMs: number,
): Promise<string | undefined> {
  try {
    return (await tools.text('resource-get', [name], timeoutMs)).trim() || undefined;
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
