// Units without machines: the fake Juju has them, they say what a worker says, and nothing of theirs runs. So one machine can
// hold an application of fifty.
import type { FakeJuju, HookContext } from 'juju-ts-ops/testing';

/** Adds workers until the application has `units`. Each says what `like` says, under a key of its own. The agents of the
 * lab's units must have stopped: this plays their part, until all have met all. */
export function addGhosts(juju: FakeJuju, application: string, units: number, like: string): void {
  const real = juju.units(application);
  const facts = juju.databag('peers', like);
  const ghosts = Array.from({ length: units - real.length }, () => juju.addUnit(application));
  const say = (context: HookContext, index: number) => {
    const words = Object.entries(facts)
      .filter(([key]) => key !== 'egress-subnets' && key !== 'ingress-address')
      .map(([key, value]) => `${key}=${key === 'worker-key' ? ownKey(value, index) : value}`);
    context.tool('relation-set', ['-r', context.env.JUJU_RELATION_ID ?? '', ...words]);
    context.tool('status-set', ['active', '']);
  };
  for (const [index, ghost] of ghosts.entries())
    runAll(juju, ghost, (context) => {
      if (context.env.JUJU_HOOK_NAME === 'peers-relation-created') say(context, index);
    });
  for (const unit of juju.units(application)) runAll(juju, unit, () => undefined);
}

function runAll(juju: FakeJuju, unit: string, charm: (context: HookContext) => void): void {
  for (let next = juju.next(unit); next !== undefined; next = juju.next(unit)) {
    const context = juju.begin(unit, next);
    charm(context);
    context.finish({ exitCode: 0 });
  }
}

/** Another public key of the same form: its last bytes are the end of the modulus. */
function ownKey(key: string, index: number): string {
  const [type = '', body = '', ...comment] = key.split(' ');
  const bytes = Buffer.from(body, 'base64');
  bytes.writeUInt16BE(2 * index + 1, bytes.length - 2);
  return [type, bytes.toString('base64'), ...comment].join(' ');
}
