// The executable as the lab runs it: with a folder in place of the machine's files.
import { main } from 'juju-ts-ops';
import { charm } from '../src/charm.ts';

await main(charm(process.env['JUJU_LAB_ROOT']));
