// The executable that Juju runs for every hook and action.
import { main } from 'juju-ts-ops';
import { charm } from './src/charm.ts';

await main(charm());
