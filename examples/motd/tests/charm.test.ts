// The tutorial's charm, as it is at the tutorial's end, run hook by hook on a fake Juju.
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'juju-ts-ops/testing';
import { expect, test } from 'vitest';
import { charm } from '../src/charm.ts';

const root = await mkdtemp(join(tmpdir(), 'motd-'));
const shown = () => readFile(join(root, 'etc/motd.d/motd'), 'utf8');

test('the message is shown, with whom to write to', async () => {
  const config = { message: 'Hello', contact: 'ops@example.com' };
  const { unitStatus } = await run(charm(root), 'config-changed', { config });
  expect(unitStatus.status).toBe('active');
  expect(await shown()).toBe('Hello\nContact: ops@example.com\n');
});

test('a contact that is no address blocks, saying what is taken', async () => {
  const { unitStatus } = await run(charm(root), 'config-changed', { config: { contact: 'me' } });
  expect(unitStatus).toMatchObject({ status: 'blocked', message: 'contact=me: takes an e-mail address' });
});

test('a unit tells its address, and shows those of the others', async () => {
  const { relations } = await run(
    charm(root),
    { hook: 'cluster-relation-changed', remoteUnit: 'motd/1' },
    {
      address: '10.0.0.1',
      relations: [{ endpoint: 'cluster', remoteUnits: { 'motd/1': { address: '10.0.0.2' } } }],
    },
  );
  expect(relations[0]?.localUnit['address']).toBe('10.0.0.1');
  expect(await shown()).toContain('The others: 10.0.0.2\n');
});

test('the action answers with what is shown', async () => {
  await run(charm(root), 'config-changed', { config: { message: 'Hello' } });
  const { action } = await run(charm(root), { action: 'show' });
  expect(action?.results).toMatchObject({ text: 'Hello\n' });
});

test('a unit that goes leaves nothing', async () => {
  await run(charm(root), 'start');
  await run(charm(root), 'stop');
  expect(await readdir(join(root, 'etc/motd.d'))).toEqual([]);
});
