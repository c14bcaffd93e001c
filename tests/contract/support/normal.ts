// What no two runs of Juju have in common, replaced by its kind on both sides before a comparison. Each rule has a name.

const rules: Readonly<Record<string, (text: string) => string>> = {
  'where a resource lies, which the front end says': (text) =>
    text.replace(/\/agents\/unit-rec-\d+\/resources\//g, '/agents/<unit>/resources/'),
  UUIDs: (text) => text.replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uuid>'),
  'ids of secrets': (text) => text.replace(/(?<![0-9a-z])(?!cq{18}g)[0-9a-v]{20}(?![0-9a-z])/g, '<secret>'),
  'MAC addresses': (text) => text.replace(/\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/g, '<mac>'),
  'times of goal-state': (text) => text.replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, '<time>'),
  'random end of context ids': (text) => text.replace(/-[0-9a-f]{32}\b/g, '-<random>'),
};

export function normal(text: string): string {
  return Object.values(rules).reduce((changed, rule) => rule(changed), text);
}

/** Variables that bash sets for what it runs: the recorder's dispatch was a shell script. */
const bashOwn = ['PWD', 'SHLVL', '_'];

/** Numbers of tasks depend on how the client put actions together into operations. */
const taskNumber = ['JUJU_ACTION_UUID', 'JUJU_ACTION_TAG'];

export function normalEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const shown = Object.entries(env)
    .filter(([name]) => !bashOwn.includes(name))
    .map(([name, value]) => [
      name,
      taskNumber.includes(name) ? value.replace(/\d+$/, '<task>') : normal(value),
    ]);
  return Object.fromEntries(shown);
}
