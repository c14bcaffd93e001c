// What the charm declares to Juju and to its own types: options, relations with their databags, resources, actions. The
// YAML files at the top of the project say the same, and a test holds the two equal.
import { action, defineCharm, option, peers, provides, requires, resource, storage } from 'juju-ts-ops';
import { z } from 'zod';
import { concourseOptions } from './concourse-options.ts';
import { extraSchema } from './concourse/extra-environment.ts';
import { folderMountsSchema } from './concourse/folder-mounts.ts';
import { gpuIdsSchema } from './concourse/gpu-ids.ts';
import { namesSchema } from './concourse/local-users.ts';
import { durationSchema } from './duration.ts';
import { operations } from './operations.ts';
import { watchers } from './observability/endpoints.ts';
import { webEndpoints } from './relations/endpoints.ts';
import { tsaWebSchema, tsaWorkerSchema } from './relations/tsa.ts';
import { postgresql } from './relations/postgresql-endpoint.ts';
import { sha256Schema, versionSchema } from './release/version.ts';
import { factsSchema } from './upgrade/facts.ts';
import { goalSchema } from './upgrade/goal.ts';
import { upgradeOptions } from './upgrade-options.ts';
import { webOptions } from './web-options.ts';

const httpUrl = (what: string) =>
  z
    .string()
    .trim()
    .refine(
      (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
      `${what}, beginning with http:// or https://`,
    );

const backupDone = z
  .boolean()
  .default(false)
  .describe('A backup of the database has been made: what require-backup waits for.');

export const definition = defineCharm({
  name: 'concourse-ci',
  summary: 'Concourse CI on units that share one storage volume',
  description:
    'Runs the web node and the workers of Concourse CI. Units share one volume: the release is downloaded once, verified, ' +
    'and upgraded on all units together.\n',
  assumes: ['juju >= 3.6'],
  metadata: {
    title: 'Concourse CI',
    'display-name': 'Concourse CI',
  },
  options: {
    mode: option.string({
      schema: z.enum(['auto', 'all', 'web', 'worker']),
      default: 'auto',
      description:
        'What units are. auto: one unit is web, the others are workers; all: that unit is a worker too; web: web only; worker: workers only.',
    }),
    version: option.string({
      schema: versionSchema,
      description:
        "Concourse version to run, such as 8.2.5. Empty: the one that this revision of the charm pins; a later revision's pin upgrades.",
    }),
    'release-mirror': option.string({
      schema: httpUrl('a base URL'),
      description:
        'Base URL of a mirror of the release archives, for concourse-VERSION-linux-ARCH.tgz below it. {version} and {arch} are filled in. Empty: upstream.',
    }),
    'release-sha256': option.string({
      schema: sha256Schema,
      description:
        "SHA-256 of the release archive, for the leader's architecture, where the charm's pin does not know it. Set it together with version.",
    }),
    'shared-storage': option.string({
      schema: z.enum(['auto', 'required']),
      default: 'auto',
      description:
        "auto: a unit without the application's volume keeps a release of its own; required: it is blocked until the volume is mounted at /var/lib/concourse.",
    }),
    ...upgradeOptions,
    'web-port': option.int({
      schema: z.int().min(1).max(65535),
      default: 8080,
      description: "Port of web's UI and API.",
    }),
    'external-url': option.string({
      schema: httpUrl('a URL'),
      description:
        'URL by which people and fly reach web. Empty: what an ingress says, or https://NAME of the certificate that web has, or http://ADDRESS:PORT of the web unit.',
    }),
    ...webOptions,
    'log-level': option.string({
      schema: z.enum(['debug', 'info', 'error', 'fatal']),
      default: 'info',
      description: 'Log level of web and workers: debug, info, error or fatal.',
    }),
    'enable-metrics': option.boolean({
      default: false,
      description:
        'Whether web serves Prometheus metrics on port 9391, for the relations monitoring and cos-agent. Whoever reaches the port can read them.',
    }),
    'otlp-endpoint': option.string({
      schema: httpUrl('a URL without a password').refine(
        (text) => !URL.canParse(text) || new URL(text).password === '',
        'a URL without a password, beginning with http:// or https://',
      ),
      description:
        'Base URL of an OpenTelemetry collector, such as http://10.0.0.9:4318: each hook is sent there as a trace (OTLP over HTTP, JSON). Empty: none is.',
    }),
    'worker-runtime': option.string({
      schema: z.enum(['containerd', 'houdini']),
      default: 'containerd',
      description:
        'How workers run builds. containerd isolates them; houdini does not, and is for trying things out.',
    }),
    'volume-driver': option.string({
      schema: z.enum(['auto', 'overlay', 'btrfs', 'naive']),
      default: 'auto',
      description:
        "How workers keep the volumes of builds. auto: by what the work directory's file system can do, decided once; another one than before begins with an empty work directory.",
    }),
    'folder-mounts': option.string({
      schema: folderMountsSchema,
      description:
        'Folders below /srv of the workers that tasks see at the same path, separated by commas: read-only, with :rw writable, such as datasets,cache:rw. Every team sees them.',
    }),
    'compute-runtime': option.string({
      schema: z.enum(['none', 'cuda', 'rocm']),
      default: 'none',
      description:
        "GPUs for tasks: cuda, NVIDIA's by its container toolkit; rocm, AMD's. Nothing is installed: what a worker lacks is named in its status. Workers then have the tags cuda or rocm, and gpu.",
    }),
    'gpu-device-ids': option.string({
      schema: gpuIdsSchema,
      default: 'all',
      description:
        'With compute-runtime: all, or the numbers of the GPUs that tasks get, such as 0,2; no others are reached.',
    }),
    'worker-drain': option.string({
      schema: z.enum(['keep', 'land']),
      default: 'keep',
      description:
        "What becomes of a worker's builds when an upgrade stops it. keep: they go on, and it takes them up again; land: they end first, within worker-drain-timeout.",
    }),
    'worker-drain-timeout': option.string({
      schema: durationSchema,
      default: '90s',
      description:
        'How long a worker that lands for an upgrade, or retires because its unit goes, waits for its builds.',
    }),
    'postgres-uri': option.secret({
      description:
        'Secret with a key uri: postgresql://USER:PASSWORD@HOST:5432/DATABASE, for a PostgreSQL that is not integrated. juju add-secret pg uri=…; juju grant-secret pg concourse-ci.',
    }),
    'local-users': option.secret({
      description:
        'Secret with a key users: NAME:PASSWORD of people who log in by a password of Concourse, a line each. The administrator is not among them.',
    }),
    'main-team-local-user': option.string({
      schema: namesSchema,
      description: 'Local users who own the team main, besides the administrator; separated by commas.',
    }),
    ...concourseOptions,
    'extra-web-env': option.string({
      schema: extraSchema('web'),
      description:
        'Further settings of web, as lines CONCOURSE_NAME=VALUE: any that concourse web --help names. No secrets, and none that has an option here.',
    }),
    'extra-web-secrets': option.secret({
      description:
        'Secret whose keys are secret settings of web, named as its flags: oidc-client-secret is CONCOURSE_OIDC_CLIENT_SECRET.',
    }),
    'extra-worker-env': option.string({
      schema: extraSchema('worker'),
      description:
        'Further settings of workers, as lines CONCOURSE_NAME=VALUE: any that concourse worker --help names. No secrets, and none that has an option here.',
    }),
  },
  peers: { peers: peers({ interface: 'concourse-ci_peers', app: goalSchema, unit: factsSchema }) },
  requires: {
    postgresql,
    // Written by the charms nfs-server-proxy, cephfs-server-proxy, ceph-fs and others.
    filesystem: requires({
      interface: 'filesystem_info',
      limit: 1,
      optional: true,
      app: { remote: z.object({ endpoint: z.string() }) },
    }),
    // Another application's web, for units with mode=worker.
    flight: requires({
      interface: 'concourse-ci_tsa',
      limit: 1,
      optional: true,
      unit: { local: tsaWorkerSchema, remote: tsaWebSchema },
    }),
    ...webEndpoints,
  },
  provides: {
    // Workers of other applications.
    tsa: provides({
      interface: 'concourse-ci_tsa',
      optional: true,
      unit: { local: tsaWebSchema, remote: tsaWorkerSchema },
    }),
    ...watchers,
  },
  storage: {
    'concourse-data': storage({
      description:
        'A volume for this unit alone, at /var/lib/concourse. Juju cannot attach one to several units: a shared volume comes by the filesystem endpoint, an LXD disk device or a mount.',
      location: '/var/lib/concourse',
      range: '0-1',
    }),
    'worker-scratch': storage({
      description:
        "Local disk for the worker's containers. NFS and FUSE cannot carry them, and on a shared volume every build writes through the network.",
      location: '/var/lib/concourse-scratch',
      range: '0-1',
    }),
  },
  resources: {
    'concourse-release': resource({
      filename: 'concourse.tgz',
      description: 'Release archive for sites without internet. An empty file: not used.',
    }),
  },
  actions: {
    status: action({
      description:
        'Role, versions, volume and its sharing, upgrade phase, lock, disk use, service and health. Works while Concourse is down.',
      params: z.object({ format: z.enum(['text', 'json']).default('text').describe('text or json') }),
    }),
    upgrade: action({
      description:
        'On the leader: begin the upgrade to the configured version now, also after one that failed.',
      params: z.object({ 'backup-done': backupDone }),
    }),
    rollback: action({
      description:
        'On the leader: go back to the release before, which must still be on the volume. The database is taken back with it.',
      params: z.object({
        version: versionSchema
          .optional()
          .describe('The version to go back to. Default: the one installed before.'),
        'backup-done': backupDone,
      }),
    }),
    verify: action({
      description: 'Check the contents of every file of the installed release against its manifest.',
    }),
    prune: action({
      description:
        'On the installer: remove releases that nobody runs, leftovers, and folders of units that are gone.',
      params: z.object({ 'dry-run': z.boolean().default(false).describe('Only say what would be removed.') }),
    }),
    unlock: action({
      description:
        'Remove an install lock whose holder is gone; says what it found. A lock that is held is left alone.',
    }),
    'get-admin-password': action({ description: 'The name and password of the administrator.' }),
    'move-web': action({
      description: 'On the leader: make another unit the web unit and installer.',
      params: z.object({ unit: z.string().describe('The unit, such as concourse-ci/2.') }),
    }),
    'restart-services': action({
      description: "Restart this unit's Concourse services and wait until they answer.",
    }),
    'accept-volume': action({
      description:
        'Take the volume that is mounted now, although it is not the one that this unit knew or belongs to another application.',
    }),
    ...operations,
  },
});

export type ConcourseDefinition = typeof definition;
