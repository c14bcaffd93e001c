// The recorder: the charm of the recordings, with what its dispatch asked in every run before it did anything else.
import type { CharmFiles, FakeJuju, HookContext, ToolResult } from 'juju-ts-ops/testing';

const files = (options: Record<string, object>): CharmFiles => ({
  metadata: {
    name: 'rec',
    peers: { peers: { interface: 'rec-peer' } },
    storage: { data: { type: 'filesystem', location: '/srv/data' } },
    resources: { blob: { filename: 'blob.txt' } },
  },
  config: {
    options: {
      str: { type: 'string', default: 'hello' },
      num: { type: 'int', default: 7 },
      flt: { type: 'float', default: 1.5 },
      flag: { type: 'boolean', default: true },
      nodef: { type: 'string' },
      multi: { type: 'string', default: "a: 1\nb: 'q'\n" },
      ...options,
    },
  },
  actions: {
    act: {
      params: {
        par: { type: 'string', default: 'dflt' },
        num: { type: 'integer' },
        obj: { type: 'object' },
      },
    },
    failact: {},
    exit3: {},
    slow: {},
  },
});

export const recorder = files({});
export const refreshed = files({ newopt: { type: 'string', default: 'new' } });

/** Three units, of which the third leads. */
export function deployRecorder(juju: FakeJuju): void {
  juju.deploy('rec', recorder, {
    units: 3,
    resources: { blob: '/var/lib/juju/agents/unit-rec-0/resources/blob.txt' },
  });
  juju.setLeader('rec', 'rec/2');
}

/** What the recorder did in a hook or an action, whatever the scenario. */
export const recorderActions: Readonly<
  Record<string, (context: HookContext) => Partial<ToolResult> | undefined>
> = {
  'hooks/start': (context) => {
    if (context.tool('status-get', []).stdout !== 'active\n')
      context.tool('status-set', ['active', 'started']);
    return undefined;
  },
  'actions/act': (context) => {
    context.tool('action-log', ['progress one']);
    context.tool('action-set', ['a=1', 'b.c=2', 'b.d=x', 'result={"k":1}']);
    return { stdout: 'stdout of act\n', stderr: 'stderr of act\n' };
  },
  'actions/failact': (context) => {
    context.tool('action-set', ['before=1']);
    context.tool('action-fail', ['it failed on purpose']);
    context.tool('action-set', ['after=2']);
    return undefined;
  },
  'actions/exit3': () => ({ stdout: 'out\n' }),
};

/**
 * What dispatch asks at its beginning, as it printed it: each command with its exit code and its output. This fills
 * caches, as it did there (a status-get answers with the status from before the hook).
 */
export function ask(context: HookContext): string {
  const lines: string[] = [];
  const run = (tool: string, ...args: string[]) => {
    const { code, stdout, stderr } = context.tool(tool, args);
    lines.push(`${[tool, ...args].join(' ')} => rc ${code}`, (stdout + stderr).replace(/\n+$/, ''));
    return stdout.trim();
  };
  run('is-leader');
  const relation = run('relation-ids', 'peers');
  const list = context.tool('relation-list', relation === '' ? ['-r'] : ['-r', relation]);
  lines.push(`relation-list -r ${relation} => rc ${list.code}`, (list.stdout + list.stderr).trim());
  run('storage-list');
  run('storage-get');
  run('status-get');
  run('goal-state');
  run('config-get', '--all', '--format=json');
  run('network-get', 'peers', '--format=json');
  if (relation === '') return `${lines.join('\n')}\n`;
  for (const unit of [...list.stdout.split('\n').filter((each) => each !== ''), context.unit]) {
    const { code, stdout } = context.tool('relation-get', ['-r', relation, '--format=json', '-', unit]);
    lines.push(`relation-get -r ${relation} - ${unit} => ${stdout.trim()} rc ${code}`);
  }
  const app = context.tool('relation-get', ['-r', relation, '--app', '--format=json', '-', 'rec']);
  lines.push(`relation-get --app own => ${app.stdout.trim()} rc ${app.code}`);
  return `${lines.join('\n')}\n`;
}
