// The charm as the simulation runs it, with everything that is loaded late loaded at once: reading a module takes real time.
import { charmFiles } from 'juju-ts-ops';
import 'proper-lockfile';
import { concourse } from '../../src/charm.ts';
import { definition } from '../../src/definition.ts';
import '../../src/actions/maintenance.ts';
import '../../src/actions/own-worker.ts';
import '../../src/actions/prefetch.ts';
import '../../src/release/unpack.ts';
import type { Charmed } from './world.ts';

export const charmed: Charmed = { concourse, files: charmFiles(definition) };
