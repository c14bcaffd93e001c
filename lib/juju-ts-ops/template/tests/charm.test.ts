// The charm, run hook by hook on a fake Juju: no controller is needed.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from 'juju-ts-ops/testing';
import { charm } from '../src/charm.ts';

const root = await mkdtemp(join(tmpdir(), 'my-charm-'));
const shown = () => readFile(join(root, 'etc/motd.d/my-charm'), 'utf8');

test('the message is shown', async () => {
  const { unitStatus } = await run(charm(root), 'config-changed', { config: { message: 'Hello' } });
  assert.equal(unitStatus.status, 'active');
  assert.equal(await shown(), 'Hello\n');
});

test('a message that is too long blocks, saying what is taken', async () => {
  const { unitStatus } = await run(charm(root), 'config-changed', { config: { message: 'x'.repeat(201) } });
  assert.equal(unitStatus.status, 'blocked');
  assert.match(unitStatus.message, /takes at most 200 characters/);
});

test('a unit that goes leaves nothing', async () => {
  await run(charm(root), 'start');
  await run(charm(root), 'stop');
  assert.deepEqual(await readdir(join(root, 'etc/motd.d')), []);
});
