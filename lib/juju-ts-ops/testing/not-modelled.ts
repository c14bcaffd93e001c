// What Juju has and the fake has not: the one list, of what is refused loudly and of what cannot even be asked for.

/** Refused with `NotModelled`, by name. */
export const refused = {
  help: 'the help text of a hook tool',
  reboot: 'juju-reboot (use FakeJuju.reboot)',
  credentials: 'the cloud credentials of an application that is trusted',
  rotation: 'secret rotation',
  expiry: 'secret expiry',
  'secret file': 'secret-add --file (a whole file of keys)',
  'secret size': 'the text of a refusal of secret content beyond its limit',
  'secret gone': 'what a commit does to a secret that is not there any more',
  'tool of 3.6': 'a hook tool that only 3.6 has',
  disk: 'a file that a hook tool reads or writes (give FakeJuju the option `disk`)',
  'YAML key': 'a YAML map whose key is not a scalar, in a settings file',
  'YAML anchor': 'YAML anchors in a settings file',
  'other databag': 'the databag of an application that has no part in the relation',
  'schema keyword': 'a keyword of JSON schema in an action’s parameters',
  'open schema': 'additionalProperties that is a schema, in an action’s parameters',
  subordinate: 'subordinates and container-scoped relations',
  'foreign script': 'a juju-exec in this process that does not run ./dispatch',
} as const;

export type Refused = keyof typeof refused;

/** There is no way to bring these about: no option, no command. A charm tested on the fake alone has not met them. */
export const absent = [
  'cross-model relations, and relations that are suspended',
  'controllers in high availability, and upgrades of Juju itself',
  'series upgrades, meter status and metrics of 3.1 to 3.5',
  'network spaces and more than one address of a unit',
  'Kubernetes: containers, pebble, pod specs',
  'devices, storage pools, and storage that moves from unit to unit',
  'the seconds that an agent’s worker is away after a juju-exec about a remote unit that is not there',
  'the time between a change and the agent that hears of it: it hears at once, whatever order the front end runs it in',
  'a controller that is frozen (a front end can let tools wait), and a unit that is shown as lost long after its link is back',
] as const;
