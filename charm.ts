// The executable: the definition, the real machine, and Juju's environment, given to main(); nothing else.
import { main } from 'juju-ts-ops';
import { concourse } from './src/charm.ts';
import { createHost } from './src/host/real/index.ts';

// The lab gives each unit a directory as its root; Juju sets no such variable.
const root = process.env.JUJU_LAB_ROOT;
await main(concourse(createHost(root === undefined ? {} : { root })));
