// From a definition and its handlers to a charm that can be run: the types end here.
import { type Action, type Actions, checkDefinition, type Definition, type Names } from './definition.ts';
import type { ActionResults } from './errors.ts';
import { Hook } from './hook.ts';
import type { Runtime } from './tools.ts';
import type * as z from 'zod';

/** In actions: `action.log` shows a line to whoever waits for `juju run`, at once. */
export type ActionHook<D extends Definition> = Hook<D> & {
  readonly action: { readonly name: string; readonly log: (text: string) => Promise<void> };
};

type ParamsOf<A> = A extends Action<infer P> ? z.output<P> : never;
type ResultsOf<A> =
  A extends Action<z.ZodObject, infer R>
    ? R extends z.ZodObject
      ? z.output<R>
      : ActionResults | undefined
    : never;

type ActionHandlers<D extends Definition> = {
  readonly [K in Names<Actions<D>>]: (
    hook: ActionHook<D>,
    params: ParamsOf<Actions<D>[K]>,
  ) => Promise<ResultsOf<Actions<D>[K]>>;
};

export type Handlers<D extends Definition> = {
  /** Every hook but those below; wake-ups of the charm's own included. */
  reconcile(hook: Hook<D>): Promise<void>;
  /** The hooks that run only because this unit is being removed: stop, remove, and the departed that is its own. */
  teardown?(hook: Hook<D>): Promise<void>;
  /** Last of all, in hooks and actions, after everything was said to Juju or, where `ok` is false, dropped. What it throws is
   * logged and changes nothing. */
  ended?(hook: Hook<D>, ok: boolean): Promise<void>;
} & ([Names<Actions<D>>] extends [never]
  ? { actions?: Record<never, never> }
  : { actions: ActionHandlers<D> });

/** A hook of some charm, opened: what `execute` drives. */
export interface OpenHook {
  readonly hook: Hook;
  reconcile(): Promise<void>;
  teardown(): Promise<void>;
  ended(ok: boolean): Promise<void>;
  /** `undefined`: the charm has no such action. `params` are parsed by the action's schema already. */
  action(name: string, params: unknown): Promise<ActionResults | undefined> | undefined;
}

export interface Charm {
  readonly declared: Definition;
  open(runtime: Runtime): OpenHook;
}

export interface CharmDefinition<D extends Definition> {
  readonly declared: D;
  implement(handlers: Handlers<D>): Charm;
}

/** The hook type of a definition, for functions outside `implement`: `HookOf<typeof definition>`. */
export type HookOf<C> = C extends CharmDefinition<infer D> ? Hook<D> : never;
/** The hook type that its action handlers get. */
export type ActionHookOf<C> = C extends CharmDefinition<infer D> ? ActionHook<D> : never;

/** Declares a charm. Throws TypeError for what Juju would refuse at deployment. */
export function defineCharm<D extends Definition>(declared: D): CharmDefinition<D> {
  checkDefinition(declared);
  return {
    declared,
    implement: (handlers) => ({
      declared,
      open: (runtime) => {
        const hook = new Hook(declared, runtime);
        return {
          // The same object: what differs is which names its methods take.
          hook: hook as unknown as Hook,
          reconcile: () => handlers.reconcile(hook),
          teardown: async () => handlers.teardown?.(hook),
          ended: async (ok) => handlers.ended?.(hook, ok),
          action: (name, params) => {
            // Which handler gets which parameters is known to the compiler only where the name is a literal.
            const actions = (handlers.actions ?? {}) as Readonly<
              Record<string, (hook: ActionHook<D>, params: unknown) => Promise<ActionResults | undefined>>
            >;
            const handler = Object.hasOwn(actions, name) ? actions[name] : undefined;
            const log = async (text: string): Promise<void> => {
              await hook.tool('action-log', ['--', hook.masked(text)]);
            };
            return handler?.(Object.assign(hook, { action: { name, log } }), params);
          },
        };
      },
    }),
  };
}
