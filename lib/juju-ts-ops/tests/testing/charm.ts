// A small charm on the framework, for the tests of the in-process front ends.
import * as z from 'zod';
import {
  ActionFailure,
  action,
  type Charm,
  defineCharm,
  option,
  peers,
  requires,
  storage,
} from '../../src/index.ts';

const definition = defineCharm({
  name: 'demo',
  summary: 'A charm for tests',
  description: 'Counts its units.',
  assumes: ['juju >= 3.6'],
  options: {
    goal: option.string({ description: 'What the leader tells the units', default: 'first' }),
    port: option.int({ description: 'A port', default: 80 }),
  },
  peers: {
    peers: peers({
      interface: 'demo-peers',
      app: z.object({ goal: z.string() }),
      unit: z.object({ 'has-goal': z.string() }),
    }),
  },
  requires: {
    db: requires({
      interface: 'sql',
      app: { local: z.object({}), remote: z.object({ uri: z.string() }) },
      unit: { local: z.object({}), remote: z.object({}) },
    }),
  },
  storage: { data: storage({ type: 'filesystem', description: 'Data', range: '0-1' }) },
  actions: {
    greet: action({ description: 'Greets', params: z.object({ name: z.string().default('you') }) }),
    refuse: action({ description: 'Fails', params: z.object({}) }),
  },
});

export interface Behaviour {
  /** Called in each hook, with the event's name: may throw. */
  onHook?: (name: string) => void;
  /** Writes the application databag without asking who leads. */
  bold?: boolean;
}

export const demo = ({ onHook, bold = false }: Behaviour = {}): Charm =>
  definition.implement({
    reconcile: async (hook) => {
      const { values } = await hook.config();
      const peer = await hook.peer('peers');
      if (peer && (bold || (await hook.isLeader()))) await peer.setApplication({ goal: values.goal });
      const goal = (await peer?.application())?.values.goal;
      if (peer && goal !== undefined) await peer.setUnit({ 'has-goal': goal });
      onHook?.(hook.event.name);
      hook.log.info(`ran ${hook.event.name}`);
      hook.status.add({ status: 'active', message: `goal ${goal ?? 'unknown'}` });
    },
    actions: {
      greet: async (_hook, { name }) => ({ greeting: `hello ${name}` }),
      refuse: async () => {
        throw new ActionFailure('not today');
      },
    },
  });
