// One hook tool call: the name looked up, the refusal turned into Juju's exit code and stderr, the call counted.
import { parse } from '../arguments.ts';
import type { Context, ToolResult } from '../context.ts';
import { NotModelled, ToolError } from '../errors.ts';
import { application } from '../model.ts';
import { actionFail, actionGet, actionLog, actionSet } from './action.ts';
import { configGet, goalState, isLeaderTool, networkGet, resourceGet, unitGet } from './config.ts';
import { closePort, openedPorts, openPort } from './ports.ts';
import { relationGet, relationIds, relationList, relationModelGet, relationSet } from './relation.ts';
import { secretAdd, secretGet, secretIds, secretInfoGet, secretSet } from './secret.ts';
import { secretGrant, secretRemove, secretRevoke } from './secret-access.ts';
import { applicationVersionSet, jujuLog, statusGet, statusSet } from './status.ts';
import { stateDelete, stateGet, stateSet, storageAdd, storageGet, storageList } from './storage.ts';

type Output = string | { stdout: string; stderr: string };
type Tool = (context: Context, argv: readonly string[], stdin: string | undefined) => Output;

const tools: Record<string, Tool> = {
  'action-fail': actionFail,
  'action-get': actionGet,
  'action-log': actionLog,
  'action-set': actionSet,
  'application-version-set': applicationVersionSet,
  'close-port': closePort,
  'config-get': configGet,
  'credential-get': credentialGet,
  'goal-state': goalState,
  'is-leader': isLeaderTool,
  'juju-log': jujuLog,
  'juju-reboot': jujuReboot,
  'network-get': networkGet,
  'open-port': openPort,
  'opened-ports': openedPorts,
  'relation-get': relationGet,
  'relation-ids': relationIds,
  'relation-list': relationList,
  'relation-model-get': relationModelGet,
  'relation-set': relationSet,
  'resource-get': resourceGet,
  'secret-add': secretAdd,
  'secret-get': secretGet,
  'secret-grant': secretGrant,
  'secret-ids': secretIds,
  'secret-info-get': secretInfoGet,
  'secret-remove': secretRemove,
  'secret-revoke': secretRevoke,
  'secret-set': secretSet,
  'state-delete': stateDelete,
  'state-get': stateGet,
  'state-set': stateSet,
  'status-get': statusGet,
  'status-set': statusSet,
  'storage-add': storageAdd,
  'storage-get': storageGet,
  'storage-list': storageList,
  'unit-get': unitGet,
};

/** The names of the tools that the fake answers: what a front end makes executables for. */
export const toolNames: readonly string[] = Object.keys(tools);

const only3x = [
  'leader-get',
  'leader-set',
  'pod-spec-get',
  'pod-spec-set',
  'payload-register',
  'payload-unregister',
];

export function callTool(
  context: Context,
  name: string,
  argv: readonly string[],
  stdin?: string,
): ToolResult {
  const { model } = context;
  model.toolCalls.set(name, (model.toolCalls.get(name) ?? 0) + 1);
  const tool = Object.hasOwn(tools, name) ? tools[name] : undefined;
  if (!tool) {
    if (model.profile === '3.6' && only3x.includes(name)) throw new NotModelled('tool of 3.6', name);
    return { code: 127, stdout: '', stderr: `${name}: command not found\n` };
  }
  try {
    return written(context, argv, tool(context, argv, stdin));
  } catch (refusal) {
    if (!(refusal instanceof ToolError)) throw refusal;
    return { code: refusal.code, stdout: '', stderr: `ERROR ${refusal.message}\n` };
  }
}

/** `--output FILE` sends the result there. */
function written(context: Context, argv: readonly string[], result: Output): ToolResult {
  const { stdout, stderr } = typeof result === 'string' ? { stdout: result, stderr: '' } : result;
  const path = outputFile(argv);
  if (path === undefined) return { code: 0, stdout, stderr };
  const { disk } = context.model.options;
  if (!disk) throw new NotModelled('disk', path);
  disk.write(context.unit.name, path, stdout);
  return { code: 0, stdout: '', stderr };
}

function outputFile(argv: readonly string[]): string | undefined {
  const end = argv.indexOf('--');
  const options = end < 0 ? argv : argv.slice(0, end);
  const at = options.findIndex((word) => word === '-o' || word === '--output');
  return at >= 0
    ? options[at + 1]
    : options.find((word) => word.startsWith('--output='))?.slice('--output='.length);
}

function credentialGet({ model, unit }: Context): never {
  if (application(model, unit.application).trusted) throw new NotModelled('credentials');
  throw new ToolError(1, 'cannot access cloud credentials: permission denied');
}

function jujuReboot(context: Context, argv: readonly string[]): never {
  parse(argv, { flags: { now: 'now' }, most: 0 });
  if (context.action) throw new ToolError(1, 'juju-reboot is not supported when running an action.');
  throw new NotModelled('reboot');
}
