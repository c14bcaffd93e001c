// One of two installers that race on one volume: a process of its own that runs one hook of the charm as the installer, on
// real files with real locks. Arguments: the machine's root, the unit's number, the mirror. Prints the hook's status.
import { run } from 'juju-ts-ops/testing';
import { concourse } from '../../../src/charm.ts';
import { createHost } from '../../../src/host/real/index.ts';

const [root = '', number = '0', mirror = ''] = process.argv.slice(2);
const unit = `concourse-ci/${number}`;
// Both are told that they install: what a lost leader and its successor may each believe for a while.
const goal = {
  version: '8.1.0',
  'upgrade-id': '1',
  installer: unit,
  'web-secret': 'secret:9m4e2mr0ui3e8a215n4g',
};
const out = await run(concourse(createHost({ root })), 'config-changed', {
  unit: Number(number),
  leader: true,
  config: { version: '8.1.0', 'release-mirror': mirror },
  relations: [{ endpoint: 'peers', localApp: goal, remoteUnits: {} }],
  secrets: [
    {
      id: '9m4e2mr0ui3e8a215n4g',
      owner: 'application',
      label: 'web',
      content: {
        'tsa-host-key': 'a',
        'tsa-host-key-pub': 'ssh-rsa a',
        'session-signing-key': 'b',
        'admin-password': 'c',
      },
    },
  ],
  clock: { now: Date.now },
});
console.log(
  JSON.stringify({
    exit: out.exitCode,
    status: out.unitStatus,
    stderr: out.stderr,
    logs: out.logs.map(({ text }) => text),
  }),
);
process.exit(out.exitCode ?? 1);
