// The environment of a hook, an action or a juju-exec: exactly what Juju gives, nothing inherited.
import type { Context } from './context.ts';
import { ends, type Model, type Strings, type Unit } from './model.ts';

export const toolDirectory = (unit: string): string => `/var/lib/juju/tools/unit-${unit.replace('/', '-')}`;
export const agentDirectory = (unit: string): string => `/var/lib/juju/agents/unit-${unit.replace('/', '-')}`;

export function environment(context: Context, id: string): Strings {
  const { model, unit, operation } = context;
  const charm = `${agentDirectory(unit.name)}/charm`;
  return {
    ...ubuntu(unit),
    ...perModel(model),
    CHARM_DIR: charm,
    JUJU_CHARM_DIR: charm,
    JUJU_CONTEXT_ID: id,
    JUJU_HOOK_NAME: operation.kind === 'hook' ? operation.name : '',
    JUJU_AGENT_SOCKET_ADDRESS: `${agentDirectory(unit.name)}/agent.socket`,
    JUJU_AGENT_SOCKET_NETWORK: 'unix',
    JUJU_UNIT_NAME: unit.name,
    JUJU_MACHINE_ID: unit.machine,
    JUJU_PRINCIPAL_UNIT: '',
    JUJU_AVAILABILITY_ZONE: '',
    ...perKind(context),
  };
}

const ubuntu = (unit: Unit): Strings => ({
  APT_LISTCHANGES_FRONTEND: 'none',
  DEBIAN_FRONTEND: 'noninteractive',
  LANG: 'C.UTF-8',
  TERM: 'tmux-256color',
  PATH: `${toolDirectory(unit.name)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin`,
});

function perModel(model: Model): Strings {
  const { proxies = {} } = model.options;
  const trace: Strings = {
    JUJU_CHARM_TRACE_CONFIG_HTTP: '',
    JUJU_CHARM_TRACE_CONFIG_GRPC: '',
    JUJU_CHARM_TRACE_CONFIG_CA_CERT: '',
  };
  return {
    JUJU_MODEL_UUID: model.uuid,
    JUJU_MODEL_NAME: model.name,
    JUJU_API_ADDRESSES: '10.66.0.10:17070',
    JUJU_VERSION: jujuVersion(model),
    CLOUD_API_VERSION: '',
    JUJU_CHARM_HTTP_PROXY: proxies.http ?? '',
    JUJU_CHARM_HTTPS_PROXY: proxies.https ?? '',
    JUJU_CHARM_FTP_PROXY: proxies.ftp ?? '',
    JUJU_CHARM_NO_PROXY: proxies.no ?? '127.0.0.1,localhost,::1',
    ...(model.profile === '4.0' ? trace : { JUJU_SLA: 'unsupported' }),
  };
}

export const jujuVersion = (model: Model): string => (model.profile === '4.0' ? '4.0.15' : '3.6.28');

function perKind(context: Context): Strings {
  const { operation, hook, action } = context;
  if (action) {
    const { name, id } = action;
    return {
      ...(action.script === undefined ? { JUJU_DISPATCH_PATH: `actions/${name}` } : {}),
      JUJU_ACTION_NAME: name,
      JUJU_ACTION_UUID: id,
      JUJU_ACTION_TAG: `action-${id}`,
    };
  }
  if (operation.kind === 'exec') return relationVariables(context);
  return {
    JUJU_DISPATCH_PATH: `hooks/${operation.name}`,
    ...relationVariables(context),
    ...storageVariables(context),
    ...(hook?.secret ? secretVariables(context) : {}),
  };
}

function relationVariables(context: Context): Strings {
  const { relation: about, unit, hook } = context;
  const relation = about && context.relations.get(about.id);
  if (!about || !relation) return {};
  const { endpoint } = ends(relation, unit.application).local;
  return {
    JUJU_RELATION: endpoint,
    JUJU_RELATION_ID: `${endpoint}:${about.id}`,
    JUJU_REMOTE_UNIT: about.remoteUnit,
    JUJU_REMOTE_APP: about.remoteApp,
    ...(hook?.relation?.departing === undefined ? {} : { JUJU_DEPARTING_UNIT: hook.relation.departing }),
  };
}

function storageVariables(context: Context): Strings {
  const id = context.hook?.storage;
  const instance = id === undefined ? undefined : context.model.storage.get(id);
  if (!instance) return {};
  return {
    JUJU_STORAGE_ID: instance.id,
    JUJU_STORAGE_LOCATION: instance.location,
    JUJU_STORAGE_KIND: instance.kind,
  };
}

function secretVariables(context: Context): Strings {
  const about = context.hook?.secret;
  if (!about) return {};
  const { model, hook } = context;
  return {
    JUJU_SECRET_ID: model.profile === '4.0' ? `secret://${model.uuid}/${about.id}` : `secret:${about.id}`,
    JUJU_SECRET_LABEL: about.label,
    ...(hook?.kind === 'secret-remove' ? { JUJU_SECRET_REVISION: String(about.revision) } : {}),
  };
}
