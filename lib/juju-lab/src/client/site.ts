// What Juju's client needs of whatever answers it: a lab, or a fake Juju alone.
import type { ActionRecord, ActionValue, DeployOptions, FakeJuju } from 'juju-ts-ops/testing';
import type { ToolAnswer } from '../tools/server.ts';

export interface Site {
  readonly juju: FakeJuju;
  operate<Result>(command: (juju: FakeJuju) => Result): Result;
  /** `charm`: as it was typed, a name or a path. Throws where there is no such charm. */
  deploy(application: string, charm: string, options: DeployOptions): void;
  /** `charm`: undefined for the next revision of the one that is deployed. */
  refresh(application: string, charm: string | undefined): void;
  runAction(unit: string, name: string, params: Record<string, ActionValue>): Promise<ActionRecord>;
  /** `juju exec`: in the unit's context. */
  exec(unit: string, script: string): Promise<ToolAnswer>;
  /** Of the terminal at which it was typed. */
  readFile(path: string): string;
}
