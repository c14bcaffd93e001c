// The whole recording, driven through the fake: asked at each recorded begin what it would run, given each command, and its
// answers kept next to the recorded ones. Nothing is asserted here.
import {
  type ExecOptions,
  type ActionRecord,
  type ActionValue,
  FakeJuju,
  type HookContext,
  Impossible,
  NotModelled,
  type Operation,
} from 'juju-ts-ops/testing';
import { type Dump, dumps, hookTools, type RecordedCall, type RecordedHook } from './recorded.ts';
import { ask, deployRecorder, recorderActions, refreshed } from './recorder.ts';
import { type Printed, runScript } from './shell.ts';
import { type Happening, secondModelAt, timeline } from './timeline.ts';
import { written } from './unrecorded.ts';

export interface CallReplayed {
  context: string;
  index: number;
  call: RecordedCall;
  answer: Printed;
}

export interface RunReplayed {
  scenario: string;
  run: RecordedHook;
  /** What the fake would have run there. */
  fake: string;
  /** Did the unit lead when the run ended? That is when the recorder wrote it down. */
  leads: boolean;
}

export interface Replayed {
  calls: CallReplayed[];
  runs: RunReplayed[];
  dumps: { dump: Dump; env: Readonly<Record<string, string>>; tools: string }[];
  commands: { scenario: string; cmd: string; recorded: Printed; fake: Printed }[];
  actions: { scenario: string; cmd: string; stdout: string; records: ActionRecord[] }[];
  /** juju-exec and `juju exec` that printed their environment. */
  environments: { scenario: string; cmd: string; stdout: string; env: Readonly<Record<string, string>> }[];
  /** What the fake would have run on when the recording of a model ended. */
  left: string[];
}

/** The run as one line: what must be the same on both sides. */
export function described(operation: Operation | undefined): string {
  if (!operation) return 'nothing';
  if (operation.kind === 'action') return `actions/${operation.name}`;
  if (operation.kind === 'exec') return `juju-exec ${operation.exec.script}`;
  const { relation, storage } = operation.hook;
  const words = [`hooks/${operation.name}`];
  if (storage !== undefined) words.push(storage);
  if (relation) words.push(`about ${relation.remoteUnit || '-'}`);
  if (relation?.departing !== undefined) words.push(`departing ${relation.departing}`);
  return words.join(' ');
}

export function describedRun({ dispatch, rel, remote, departing, storage }: RecordedHook): string {
  const words = [dispatch];
  if (storage !== undefined) words.push(storage);
  if (rel !== undefined) words.push(`about ${remote ?? '-'}`);
  if (departing !== undefined) words.push(`departing ${departing}`);
  return words.join(' ');
}

export function replay(): Replayed {
  return new Replay().all();
}

const clockStart = Date.UTC(2026, 10, 23, 21, 7, 13);

class Replay {
  readonly #happenings = timeline();
  readonly #result: Replayed = {
    calls: [],
    runs: [],
    dumps: [],
    commands: [],
    actions: [],
    environments: [],
    left: [],
  };
  readonly #running = new Map<
    string,
    { context: HookContext; replayed: RunReplayed; output: Partial<Printed> }
  >();
  #at = 0;
  #typed = { scenario: '', stdout: '' };
  /** What each command of a script printed when it was recorded, and the ones that the replay can run. */
  readonly #recorded = new Map<object, { scenario: string; stdout: string }>();
  readonly #understood = new Set<object>();
  #juju = this.#model();

  all(): Replayed {
    for (const happening of this.#happenings) {
      this.#at = happening.at;
      switch (happening.kind) {
        case 'begin':
          this.#begin(happening.run, happening.scenario);
          break;
        case 'end':
          this.#end(happening.run);
          break;
        case 'command':
          this.#command(happening);
          break;
        default:
          happening satisfies never;
      }
    }
    this.#leftOver();
    return this.#result;
  }

  #model(): FakeJuju {
    return new FakeJuju({
      seed: 1,
      model: 't',
      clock: { now: () => clockStart + Math.round(this.#at * 1000) },
      peersHearDeparture: true,
      leaderlessMs: () => Number.POSITIVE_INFINITY,
      updateStatusMs: 86_400_000,
      configChangedTwice: (unit) => this.#anotherConfigChanged(unit),
      disk: { read: () => undefined, write: () => {} },
    });
  }

  /** Did this unit run config-changed twice for this command? The recording knows. */
  #anotherConfigChanged(unit: string): boolean {
    const later = this.#happenings.filter(
      (each) =>
        each.at > this.#at &&
        (each.kind === 'begin' ? each.run.unit === unit : each.kind === 'command' && isConfig(each.cmd)),
    );
    const next = later[0];
    return next?.kind === 'begin' && next.run.dispatch === 'hooks/config-changed';
  }

  #begin(run: RecordedHook, scenario: string): void {
    const juju = this.#juju;
    const { unit } = run;
    const agent = juju.model.units.get(unit)?.agent;
    // Its own timer, whose time is drawn: the recording says when.
    if (agent && run.dispatch === 'hooks/update-status') agent.tickAt = juju.model.now();
    const operation = juju.next(unit);
    const fake = described(operation);
    const leads = juju.leader('rec') === unit;
    const replayed: RunReplayed = { scenario, run, fake, leads };
    this.#result.runs.push(replayed);
    if (!operation || fake !== describedRun(run)) return;
    const context = juju.begin(unit, operation);
    const asked = ask(context);
    const dump = this.#at < secondModelAt ? dumps.get(`${unit} ${run.seq}`) : undefined;
    if (dump) this.#result.dumps.push({ dump, env: context.env, tools: asked });
    const output = this.#act(
      context,
      run,
      this.#at < secondModelAt ? written[`${unit} ${run.seq}`] : undefined,
    );
    this.#running.set(unit, { context, replayed, output });
  }

  /** What dispatch did after its questions. */
  #act(context: HookContext, run: RecordedHook, extra: string | undefined): Partial<Printed> {
    const output = recorderActions[run.dispatch]?.(context) ?? {};
    if (extra?.startsWith('(calls'))
      this.#calls(context, extra.split(' ').at(-1) ?? '', !extra.includes('not'));
    else if (extra !== undefined) runScript(context, extra);
    return output;
  }

  #calls(context: HookContext, name: string, compare = true): void {
    const recorded = hookTools[name];
    if (!recorded) throw new Error(`no recorded context ${name}`);
    for (const [index, call] of recorded.calls.entries()) {
      if (!compare && call.args.includes('data/2') && context.unit !== 'rec/2') continue;
      const answer = answerTo(context, call);
      if (compare) this.#result.calls.push({ context: name, index, call, answer });
    }
  }

  #end(run: RecordedHook): void {
    const running = this.#running.get(run.unit);
    if (running?.replayed.run !== run) return;
    this.#running.delete(run.unit);
    running.replayed.leads = this.#juju.leader('rec') === run.unit;
    running.context.finish({
      exitCode: run.rc,
      stdout: running.output.stdout ?? '',
      stderr: running.output.stderr ?? '',
    });
    this.#commandsOf(run.unit);
  }

  /** juju-exec and `juju exec` take no recorded time: they run as soon as the unit is free. */
  #commandsOf(unit: string): void {
    for (;;) {
      const operation = this.#juju.next(unit);
      const record =
        operation?.kind === 'exec'
          ? operation.exec
          : operation?.kind === 'action'
            ? operation.action
            : undefined;
      if (!operation || record?.script === undefined) return;
      const context = this.#juju.begin(unit, operation);
      if (record.script.startsWith('env |')) {
        const { scenario = '', stdout = '' } = this.#recorded.get(record) ?? {};
        this.#result.environments.push({ scenario, cmd: record.script, stdout, env: context.env });
      }
      const calls = /vecrun\.py (\S+)/.exec(record.script)?.[1];
      if (calls !== undefined) this.#calls(context, calls);
      const printed = calls === undefined ? runScript(context, record.script) : undefined;
      if (printed) this.#understood.add(record);
      const { code = 0, stdout = '', stderr = '' } = printed ?? {};
      context.finish({ exitCode: code, stdout, stderr });
    }
  }

  #command(happening: Happening & { kind: 'command' }): void {
    const { cmd, scenario, code, stdout, stderr } = happening;
    const action = /^juju run ((?:rec\/\w+ )+)([a-z]\w*)(.*)$/.exec(cmd);
    if (action) {
      const [, units = '', name = '', rest = ''] = action;
      const to = units
        .trim()
        .replace('rec/leader', this.#juju.leader('rec') ?? '')
        .split(' ');
      const run = () => to.map((unit) => this.#juju.runAction(unit, name, params(rest)));
      const refused = this.#tried(() => {
        this.#result.actions.push({ scenario, cmd, stdout, records: run() });
        return undefined;
      });
      if (refused || code !== 0)
        this.#result.commands.push({
          scenario,
          cmd,
          recorded: { code, stdout, stderr },
          fake: refused ?? fine,
        });
      return;
    }
    this.#typed = { scenario, stdout };
    const fake = this.#carryOut(cmd);
    // The shell said the exit code itself.
    const shown =
      fake && cmd.endsWith('; echo code $?')
        ? { ...fake, stdout: `${fake.stdout}code ${fake.code}\n`, code: 0 }
        : fake;
    if (shown) this.#result.commands.push({ scenario, cmd, recorded: { code, stdout, stderr }, fake: shown });
  }

  #carryOut(cmd: string): Printed | undefined {
    const script = onMachine.exec(cmd);
    if (script) return this.#tried(() => this.#onMachine(script.slice(1)));
    const found = commands.find(([pattern]) => pattern.test(cmd));
    if (!found) return undefined;
    const [pattern, act] = found;
    // Of an operator's own commands only success and refusal are compared.
    return this.#tried(() => {
      act(this.#juju, pattern.exec(cmd)?.slice(1) ?? [], this);
      return isOperators(cmd) ? fine : undefined;
    });
  }

  #onMachine([unit = '', relation, remoteUnit, force, script = '']: string[]): Printed | undefined {
    return this.#exec(unit, known(script), {
      ...(relation === undefined ? {} : { relation: Number(relation) }),
      ...(remoteUnit === undefined ? {} : { remoteUnit }),
      ...(force === undefined ? {} : { force: true }),
    });
  }

  /** The refusal as the client prints it, or what was printed. */
  #tried(act: () => Printed | undefined): Printed | undefined {
    try {
      return act();
    } catch (refusal) {
      if (!(refusal instanceof Impossible)) throw refusal;
      return { code: 1, stdout: '', stderr: `ERROR ${refusal.message}\n` };
    }
  }

  /** Another model with three units, through their first hooks. */
  another(): void {
    if (this.#juju.model.applications.has('rec')) this.#leftOver();
    this.#juju = this.#model();
    deployRecorder(this.#juju);
    for (let busy = true; busy; ) {
      busy = false;
      for (const unit of this.#juju.units('rec')) {
        const operation = this.#juju.next(unit);
        if (!operation) continue;
        busy = true;
        const context = this.#juju.begin(unit, operation);
        recorderActions[`hooks/${operation.name}`]?.(context);
        context.finish({ exitCode: 0 });
      }
    }
  }

  #exec(unit: string, script: string, options: ExecOptions = {}): Printed | undefined {
    const record = this.#juju.exec(unit, script, options);
    this.#recorded.set(record, this.#typed);
    this.#commandsOf(unit);
    if (record.status !== 'aborted' && !this.#understood.has(record)) return undefined;
    return { code: record.exitCode ?? -1, stdout: record.stdout, stderr: record.stderr };
  }

  clientExec(unit: string, script: string): void {
    this.#recorded.set(this.#juju.clientExec(unit, script), this.#typed);
    this.#commandsOf(unit);
  }

  /** What units would do now. */
  #leftOver(): void {
    for (const unit of this.#juju.units('rec')) {
      const operation = this.#juju.next(unit);
      if (operation) this.#result.left.push(`${unit} ${described(operation)}`);
    }
  }

  drop(unit: string): void {
    this.#running.delete(unit);
  }
}

/** What is not modelled has an exit code that no tool has. */
function answerTo(context: HookContext, { tool, args, stdin }: RecordedCall): Printed {
  try {
    return context.tool(tool, args, stdin);
  } catch (gap) {
    if (!(gap instanceof NotModelled)) throw gap;
    return { code: -1, stdout: '', stderr: gap.message };
  }
}

const fine: Printed = { code: 0, stdout: '', stderr: '' };

/** ` par=hello world num=5 --format json` → { par: 'hello world', num: 5 } */
function params(words: string): Record<string, ActionValue> {
  const found = words.replace(/ --.*/, '').matchAll(/(\w+)=(.*?)(?= \w+=|$)/g);
  return Object.fromEntries(
    [...found].map(([, key = '', text = '']) => [key, /^\d+$/.test(text) ? Number(text) : text]),
  );
}

const isOperators = (cmd: string): boolean => /^juju (?!exec)/.test(cmd);
const isConfig = (cmd: string): boolean => cmd.startsWith('juju config rec ');

type Command = (juju: FakeJuju, words: string[], replay: Replay) => unknown;

const commands: readonly [RegExp, Command][] = [
  [/^juju deploy rec -n 3$/, deployRecorder],
  [/^\(another model\)/, (_juju, _words, run) => run.another()],
  [/^juju config rec (\w+)=(.*)$/, (juju, [key = '', value = '']) => juju.configure('rec', { [key]: value })],
  [/^juju config rec --reset (\w+)$/, (juju, [key = '']) => juju.resetConfig('rec', [key])],
  [/^juju add-unit rec --to (\d+)$/, (juju, [machine = '']) => juju.addUnit('rec', { machine })],
  [/^juju refresh rec/, (juju) => juju.refresh('rec', refreshed)],
  [/^juju resolved (\S+)$/, (juju, [unit = '']) => juju.resolve(unit, { retry: true })],
  [/^juju remove-unit (\S+)$/, (juju, [unit = '']) => juju.removeUnit(unit)],
  [/^juju remove-application (\S+)/, (juju, [app = '']) => juju.removeApplication(app)],
  [/^\(power cut\) (\S+)$/, (juju, [unit = '']) => juju.agentDown(unit)],
  [/^\(power on\) (\S+)$/, (juju, [unit = '']) => juju.agentUp(unit)],
  [
    /^\(agent killed\) (\S+)$/,
    (juju, [unit = ''], run) => {
      juju.agentDown(unit);
      juju.agentUp(unit, { rebooted: false });
      run.drop(unit);
    },
  ],
  [/^\(link cut\) (\S+)$/, (juju, [unit = '']) => juju.partition(unit)],
  [/^\(link back\) (\S+)$/, (juju, [unit = '']) => juju.heal(unit)],
  [/^\(lease passes to\) (\S+)$/, (juju, [unit = '']) => juju.setLeader('rec', unit)],
  [
    /^juju exec --unit (\S+) .*?-- (.*)$/s,
    (_juju, [unit = '', script = ''], run) => run.clientExec(unit, script),
  ],
];

/** juju-exec on a machine: unit, relation, remote unit, force, script. */
const onMachine =
  /juju-exec -u (\S+) (?:-r peers:(\d+) )?(?:--remote-unit (\S+) )?(--force-remote-unit )?"?([^"]*?)"?(?:; echo code \$\?| 2>&1; sleep.*)?$/s;

/** What a shell put into the databag then. */
const known = (script: string): string => script.replace('$(date +%s)', '1795468340');
