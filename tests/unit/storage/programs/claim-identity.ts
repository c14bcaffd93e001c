// A process of its own that claims a volume's identity, and prints the one that stands: `claim-identity.ts ROOT UUID`.
import { createHost } from '../../../../src/host/real/index.ts';
import { openVolume } from '../../../../src/storage/volume.ts';

const [root = '', uuid = ''] = process.argv.slice(2);
const wanted = { uuid, modelUuid: 'b2a4f5c0-1111-4222-8333-444455556666', application: 'concourse-ci' };
console.log((await openVolume(createHost({ root })).claimIdentity(wanted)).uuid);
