// The hook tools of one measured unit: answered by the fake Juju, each as late as Juju answers, one at a time as Juju does.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FakeJuju, HookContext, HookInfo } from 'juju-ts-ops/testing';
import type { LabUnit } from 'juju-lab';
import { hostCommands, writeToolFolders } from '../../../lib/juju-lab/src/tools/folder.ts';
import { serveTools, type ToolAnswer, type ToolCall } from '../../../lib/juju-lab/src/tools/server.ts';
import { calmNotePath } from '../../../src/quiet.ts';
import { type Cost, costOf } from './cost.ts';
import { recordedToolMs } from './tool-times.ts';

export interface Sample extends Cost {
  /** Hook tools in the order in which they were called. */
  tools: readonly string[];
  /** systemctl and its like. */
  hostCommands: number;
}

export class UnitTools {
  readonly #juju: FakeJuju;
  readonly #unit: LabUnit;
  readonly #extra: Readonly<Record<string, string>>;
  readonly #path: string;
  readonly #server: { close(): void };
  #context: HookContext | undefined;
  #tools: string[] = [];
  #hostCommands = 0;
  /** What the stand-in's own process takes of the time of a call. */
  #clientMs = Number.POSITIVE_INFINITY;

  /** `folder`: short, since a socket lies in it. `extra`: variables beside Juju's. The unit's own agent must have stopped. */
  constructor(juju: FakeJuju, unit: LabUnit, folder: string, extra: Readonly<Record<string, string>>) {
    this.#juju = juju;
    this.#unit = unit;
    this.#extra = extra;
    const [tools, bin] = [join(folder, 'tools'), join(folder, 'bin')];
    mkdirSync(folder, { recursive: true });
    const socket = join(folder, 'socket');
    writeToolFolders({ tools, bin }, { socket, node: process.execPath });
    this.#path = `${tools}:${bin}:${process.env.PATH ?? '/usr/bin:/bin'}`;
    this.#server = serveTools(socket, (call, stdin) => this.#answer(call, stdin));
  }

  /** Learns what the stand-in itself costs, to wait that much less. */
  async calibrate(): Promise<void> {
    const context = this.#juju.begin(
      this.#unit.name,
      hookOperation({ name: 'update-status', kind: 'update-status' }),
    );
    this.#context = context;
    const env = this.#environment(context);
    const tool = join(this.#path.split(':', 1)[0] ?? '', 'is-leader');
    const walls = [];
    for (let call = 0; call < 9; call += 1)
      walls.push((await costOf({ program: tool, cwd: this.#unit.charmDirectory, env })).wallMs);
    context.finish({ exitCode: 0 });
    // The least: what is more was somebody else's, and is so in each call.
    this.#clientMs = Math.min(...walls);
  }

  /** Runs a hook as Juju does, and commits it. */
  async run(hook: HookInfo): Promise<Sample> {
    const context = this.#juju.begin(this.#unit.name, hookOperation(hook));
    this.#context = context;
    this.#tools = [];
    this.#hostCommands = 0;
    const cwd = this.#unit.charmDirectory;
    const env = this.#environment(context);
    const cost = await costOf({ program: join(cwd, 'dispatch'), cwd, env });
    const { outcome, reason } = context.finish({ exitCode: 0 });
    if (outcome !== 'committed') throw new Error(`${hook.name} of ${this.#unit.name}: ${outcome}, ${reason}`);
    return { ...cost, tools: this.#tools, hostCommands: this.#hostCommands };
  }

  /** As `run`, by a unit that has noted nothing of its last hooks. */
  runWhole(hook: HookInfo): Promise<Sample> {
    rmSync(calmNotePath(join(this.#unit.root.path, 'run'), this.#unit.name), { force: true });
    return this.run(hook);
  }

  /** Something else than the charm, in the same surroundings: outside of any hook, so that its tools would be refused. */
  async runProgram(program: string, args: readonly string[]): Promise<Sample> {
    const cost = await costOf({ program, args, cwd: this.#unit.charmDirectory, env: { PATH: this.#path } });
    return { ...cost, tools: [], hostCommands: 0 };
  }

  close(): void {
    this.#server.close();
  }

  #environment(context: HookContext): Record<string, string> {
    const charm = this.#unit.charmDirectory;
    return {
      ...context.env,
      CHARM_DIR: charm,
      JUJU_CHARM_DIR: charm,
      ...this.#extra,
      JUJU_LAB_ROOT: this.#unit.root.path,
      PATH: this.#path,
    };
  }

  #answer({ tool, argv }: ToolCall, stdin: string | undefined): ToolAnswer | Promise<ToolAnswer> {
    const context = this.#context;
    const command = hostCommands.find((name) => name === tool);
    if (command !== undefined && command !== 'juju-exec') {
      this.#hostCommands += 1;
      return this.#unit.systemd.command(command, argv);
    }
    if (context === undefined || command !== undefined)
      return { code: 1, stdout: '', stderr: `no ${tool} here\n` };
    this.#tools.push(tool);
    const answer = context.tool(tool, argv, stdin);
    waitMs(recordedToolMs(tool) - this.#clientMs);
    return answer;
  }
}

const hookOperation = (hook: HookInfo) => ({ kind: 'hook', name: hook.name, hook }) as const;
const nothing = new Int32Array(new SharedArrayBuffer(4));

/** Keeps everybody waiting, to the microsecond: Juju's agent too answers one tool after another. */
function waitMs(ms: number): void {
  if (ms > 0) Atomics.wait(nothing, 0, 0, ms);
}
