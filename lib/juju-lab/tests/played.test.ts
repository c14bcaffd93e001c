// An application that is played: a charm in the lab's own process beside one with processes of its own.
import { defineCharm, provides } from 'juju-ts-ops';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { metadata, startLab } from './shell-charm.ts';

const answering = defineCharm({
  name: 'answering',
  summary: 'answers',
  description: 'answers',
  provides: {
    there: provides({
      interface: 'talk',
      app: { local: z.object({ answer: z.string() }) },
      unit: { remote: z.object({ question: z.string() }) },
    }),
  },
});

test('a played application answers one that has processes, looks again when it is woken, and goes', async () => {
  const { lab, read } = startLab(
    `case $event in
      here-relation-created) relation-set question=one ;;
      here-relation-changed) relation-get --app --format=json - answering > "$JUJU_LAB_ROOT/heard" ;;
      here-relation-broken) echo broken > "$JUJU_LAB_ROOT/heard" ;;
    esac`,
    {},
    { 'metadata.yaml': `${metadata}requires:\n  here: {interface: talk}\n` },
  );
  let suffix = 'heard';
  lab.deploy('app', { units: 1 });
  lab.play(
    'answering',
    answering.implement({
      reconcile: async (hook) => {
        for (const relation of await hook.relations('there'))
          for (const unit of await relation.units()) {
            const { question } = (await relation.unit(unit)).values;
            if (question === undefined) continue;
            // Its secrets reach Juju as files.
            await hook.secrets.add({ key: suffix }, { label: suffix });
            await relation.setApplication({ answer: `${question} ${suffix}` });
          }
      },
      teardown: async () => {},
      actions: {},
    }),
  );
  const relation = lab.operate((juju) => juju.integrate('app:here', 'answering:there'));
  await lab.settle();
  expect(JSON.parse(read('app/0', 'heard'))).toEqual({ answer: 'one heard' });
  suffix = 'heard again';
  lab.operate((juju) => juju.exec('answering/0', 'JUJU_DISPATCH_PATH=hooks/wake ./dispatch'));
  await lab.settle();
  expect(JSON.parse(read('app/0', 'heard'))).toEqual({ answer: 'one heard again' });
  lab.operate((juju) => juju.removeRelation(relation));
  await lab.settle();
  expect(read('app/0', 'heard')).toBe('broken\n');
  lab.operate((juju) => juju.removeApplication('answering'));
  await lab.settle();
  expect(lab.unitNames()).toEqual(['app/0']);
  expect(lab.records.some(({ unit, name }) => unit === 'answering/0' && name === 'remove')).toBe(true);
});
