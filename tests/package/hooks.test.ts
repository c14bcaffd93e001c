// A unit's whole life on machines with next to nothing on them: every hook and action that the packed metadata means.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { application, bareSite, databaseUri } from './support/bare-site.ts';
import { byHand, eventsOf } from './support/events.ts';
import { unpacked } from './support/folders.ts';

const first = `${application}/0`;
const second = `${application}/1`;

test('every hook and every action ends well on a bare machine', async () => {
  const events = eventsOf(unpacked());
  const { lab, site, deploy, settled, volume } = await bareSite(unpacked());
  await deploy(2);
  // What no machine needs to have for this charm.
  const spared = 'curl wget ip iptables update-ca-certificates python3 apt-get dbus-daemon ps gpg xz';
  const line = `for name in ${spared}; do command -v $name || true; done`;
  expect(await site.machine(first).sh(line)).toBe('');

  lab.configure(application, { 'log-level': 'debug' });
  lab.operate((juju) => juju.updateSecret('postgres', { uri: databaseUri(2) }));
  await settled();
  const before = await pids();
  lab.refresh(application, unpacked());
  await settled();
  // The same code starts the same services: none was restarted.
  expect(await pids()).toEqual(before);

  const failed: string[] = [];
  for (const [name, required] of events.actions) {
    const given: Record<string, string> = { unit: first, keys: 'session', version: '8.1.0' };
    const params = Object.fromEntries(required.map((each) => [each, given[each] ?? '']));
    const action = await lab.runAction(first, name, params);
    if (action.status !== 'completed') failed.push(`${name}: ${action.status}: ${action.message}`);
  }
  // Those that have nothing to do here say so; none breaks.
  expect(failed.filter((line) => !/: failed: \S/.test(line))).toEqual([]);
  await settled();

  const hooks = () => new Set(lab.records.filter(({ kind }) => kind === 'hook').map(({ name }) => name));
  // What comes of itself only at the unit's end is not run by hand before.
  const later = new Set(['stop', 'remove', 'peers-relation-departed', 'peers-relation-broken']);
  const byOneself = events.hooks.filter((name) => !hooks().has(name) && !later.has(name));
  const broken: string[] = [];
  const run = async (unit: string, name: string): Promise<void> => {
    const { code, stderr } = await lab.execIn(unit, byHand(name, events));
    if (code !== 0) broken.push(`${unit} ${name} ended with ${code}: ${stderr}`);
  };
  // What a storage's hooks tell is believed, so they are for the unit that goes.
  const ofStorage = (name: string): boolean => /-storage-(attached|detaching)$/.test(name);
  for (const name of byOneself.filter((each) => !ofStorage(each))) await run(first, name);
  await settled();
  for (const name of byOneself.filter(ofStorage)) await run(second, name);
  expect(broken).toEqual([]);

  lab.removeUnit(second);
  await lab.waitFor(() => !lab.unitNames().includes(second), 60_000);
  await settled();
  lab.operate((juju) => juju.removeApplication(application));
  await lab.waitFor(() => lab.unitNames().length === 0, 60_000);
  const ended = new Set([...hooks(), ...byOneself]);
  expect(events.hooks.filter((name) => !ended.has(name))).toEqual([]);
  // Juju would have tried again: not once was that so.
  const bad = lab.records.filter(({ exit }) => exit !== 0);
  expect(bad.map(({ unit, name, exit, outcome }) => `${unit} ${name}: ${exit} ${outcome}`)).toEqual([]);
  expect(readdirSync(join(volume, 'releases'))).toEqual(['8.1.0']);
  expect(readdirSync(join(volume, 'worker'))).toEqual([]);

  async function pids(): Promise<string[]> {
    const show = 'systemctl show -P MainPID -P NRestarts';
    return [
      await site.machine(first).sh(`${show} concourse-server.service`),
      await site.machine(second).sh(`${show} concourse-worker.service`),
    ];
  }
});
