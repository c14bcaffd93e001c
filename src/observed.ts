// The plain values between reading and deciding: what one hook saw (`Observed`), and what it should do and say
// (`Decision`). Nothing here reads, writes or decides.
import { RELEASE_MARK } from './concourse/configuration-hash.ts';
import type { CertificateView } from './concourse/renewal.ts';
import type { ServicePlan } from './concourse/service.ts';
import type { Remembered } from './memory.ts';
import type { ExporterView } from './observability/exporter-step.ts';
import type { Guest, Webs } from './relations/tsa.ts';
import type { Settings } from './settings.ts';
import type { Facts } from './upgrade/facts.ts';
import type { Goal } from './upgrade/goal.ts';

export type Architecture = 'amd64' | 'arm64';
export type StatusLevel = 'blocked' | 'maintenance' | 'waiting' | 'active';
export interface Status {
  status: StatusLevel;
  message: string;
}

export type { Settings };

export interface VolumeIdentity {
  uuid: string;
  modelUuid: string;
  application: string;
}

/** The volume as this unit sees it now. */
export interface VolumeView {
  /** There is no directory at the volume's path. */
  absent: boolean;
  /** Why nothing can be done with it: not there, no directory, read-only, noexec, a malformed identity. */
  problem: string | undefined;
  isMount: boolean;
  identity: VolumeIdentity | undefined;
  /** The version that `bin` points at. */
  installed: string | undefined;
  /** What `.installed_version` says. */
  marker: string | undefined;
  /** The version that was installed before, if it is still there. */
  previous: string | undefined;
  /** Whole releases on the volume, by version, each with the digest and architecture of its manifest. */
  releases: ReadonlyMap<string, { digest: string; architecture: string }>;
  /** Leftovers of installers that crashed (staging folders, a download marker): swept by the next holder of the lock. */
  leftovers: number;
  /** The unit that holds the install lock now. */
  lockedBy?: string | undefined;
}

/** Why there is no plan; `lookAgain`: nobody tells when there can be one. */
export interface Missing {
  missing: Status;
  lookAgain?: boolean;
}

/** The release that a plan runs. */
export const plannedVersion = (plan: ServicePlan): string => plan.environment[RELEASE_MARK] ?? '';

export interface ServiceView {
  /** systemd says active (or activating). */
  up: boolean;
  enabled: boolean;
  /** From the environment of the running process: which release, which configuration. */
  runningVersion: string | undefined;
  runningConfiguration: string | undefined;
  restarts: number;
  invocation: string;
  /** Another unit on this machine whose service this is. */
  otherUnit: string | undefined;
}

/** Up, and not another unit's: what this unit answers for. */
export const ownUp = (service: ServiceView): boolean => service.up && service.otherUnit === undefined;

export interface WebView extends ServiceView {
  /** What should run, for the release that the volume names; or the one thing that is missing for it; undefined before
   * there is a release or a folder to make it from. */
  plan: ServicePlan | Missing | undefined;
  /** The version that /api/v1/info answers with. */
  answers: string | undefined;
  /** Whether it can read its database; undefined while it does not answer at all. */
  database: 'readable' | 'unreadable' | 'silent' | undefined;
  /** Which database of the relation `postgresql` it is to be let write in whole, and for which release. */
  privileges: string | undefined;
  /** The last fatal line of its log, when it does not answer, or not for what lies in its database. */
  complaint: string | undefined;
  /** The text of the authorised worker keys that web reads; undefined before it was written. */
  authorizedText: string | undefined;
  /** The running process is known to have read them as they are now. */
  authorizedTold: boolean;
  url: string;
  /** Where an ingress reaches it: `https://10.0.0.10:443`. Undefined without one. */
  innerUrl: string | undefined;
  concerns: readonly Status[];
  /** Where people reach it: with a certificate that of HTTPS alone, since over HTTP the API would take passwords as well. */
  openPort: number | undefined;
  certificate: CertificateView;
  tsaAddress: string;
  tsaHostKey: string | undefined;
  /** Of the secret that the plan is made from. */
  revision: number | undefined;
}

export interface WorkerView extends ServiceView {
  plan: ServicePlan | { missing: Status } | undefined;
  registration: 'registered' | 'unregistered' | 'unknown';
  complaint: string | undefined;
  /** This unit's own public key, and its fingerprint. */
  publicKey: string | undefined;
  fingerprint: string | undefined;
  /** A service of this machine that a worker with containerd cannot share it with, and that runs. */
  rival: string | undefined;
  /** This unit's own, which runs or has not retired since: stopped for an upgrade, its builds and its row in web live on. */
  retirable: boolean;
  /** By the actions land-worker and retire-worker: it starts when the operator says so. */
  parked: 'landed' | 'retired' | undefined;
  /** Its work directory must be another one: worker-scratch has come or gone, or another volume driver is asked for. */
  moving: boolean;
  /** Where its volumes are, how it keeps them, and why, though another way is wanted (`unfit`). Undefined: not decided. */
  work: { path: string; reason: string; driver: string; driverReason: string; unfit?: Status } | undefined;
  /** `2x NVIDIA`, where tasks get some. */
  gpus: string | undefined;
  /** From state.json: the upgrade that this worker stopped for. */
  upgrade: { id: number; deadline: number; landUntil?: number | undefined } | undefined;
}

/** Something that an effect of this hook could not do: data for the next round of deciding, and for the status. */
export interface Failure {
  code: string;
  /** For people, at most 120 characters, the next thing to do first. */
  message: string;
  transient: boolean;
}

/** How the volume of the relation `filesystem` is mounted. */
export interface MountPlan {
  /** The text of the mount unit. */
  unit: string;
  /** What is mounted, for people: `10.0.0.5:/srv`. */
  what: string;
  /** A CephFS user's key. */
  key: string | undefined;
}

export interface FilesystemView {
  /** Undefined without the relation. */
  wanted: MountPlan | { missing: Status } | undefined;
  /** There is a mount unit that the charm wrote. */
  ours: boolean;
  /** It says what is wanted. */
  current: boolean;
}

/** The web of another application, by the relation `flight`. */
export interface WebElsewhere extends Webs {
  application: string;
}

/** Workers of another application, by a relation `tsa`. */
export interface TsaRelation {
  /** As Juju writes it: `tsa:7`. */
  id: string;
  application: string;
  workers: readonly Guest[];
}

export interface Observed {
  now: number;
  unit: string;
  application: string;
  modelUuid: string;
  leader: boolean;
  /** The peer relation is visible: not before `install` has ended. */
  connected: boolean;
  architecture: Architecture;
  settings: Settings;
  /** Options with a problem, as statuses. */
  optionProblems: Status[];
  /** One of them never had a good value: nothing is begun until it has. */
  optionsUnsettled: boolean;
  pin: { version: string; digests: Record<string, string> };
  /** URI of the application's secret with web's keys: as the goal has it, or as this hook has made it. */
  webSecret: string | undefined;
  /** As committed by an earlier hook: nobody acts on a goal that this hook writes. */
  goal: Goal | undefined;
  /** This unit's own, as others can see them: committed by an earlier hook. */
  published: Facts;
  /** This unit's own, as published, with what this hook has decided so far. */
  facts: Facts;
  peers: ReadonlyMap<string, Facts>;
  living: ReadonlySet<string> | undefined;
  /** Units that are being removed: their services may still run. */
  dying: ReadonlySet<string>;
  /** On the installer: active or blocked units that Juju has not introduced to this one yet; nothing is known of what they run. */
  unmet: readonly string[];
  /** On the installer: units whose agents are lost (`goal-state` says `unknown`) and that it has never met: they may be running. */
  lost: readonly string[];
  volume: VolumeView;
  filesystem: FilesystemView;
  /** Undefined without the relation. */
  flight: WebElsewhere | undefined;
  /** Web's alone. */
  tsa: readonly TsaRelation[];
  web: WebView;
  worker: WorkerView;
  exporter: ExporterView;
  memory: Remembered;
  /** `postgres-uri`: the URI of the secret. */
  postgresSecret: string | undefined;
  /** What effects of this hook failed at, by the effect's name. */
  failures: ReadonlyMap<Effect['do'], Failure>;
  /** Effects that this hook has done. */
  done: ReadonlySet<Effect['do']>;
}

/** What `perform` carries out. Each is idempotent and safe to be killed at any instruction. */
export type Effect =
  | { do: 'make-web-secret' }
  | { do: 'mount-volume'; plan: MountPlan }
  | { do: 'unmount-volume' }
  | { do: 'claim-volume' }
  | { do: 'ask-schemas'; versions: readonly string[] }
  | { do: 'stage'; version: string; digest: string | undefined; wish: string }
  | {
      do: 'switch';
      version: string;
      from: string | undefined;
      digest: string | undefined;
      migrateDown: boolean;
    }
  | { do: 'mend-marker'; version: string }
  | { do: 'start-web'; plan: ServicePlan }
  | { do: 'await-web'; version: string }
  | { do: 'authorize-workers'; text: string; units: readonly string[] }
  | { do: 'forget-workers'; units: readonly string[] }
  | { do: 'stop-web' }
  | { do: 'stand-aside'; id: number; deadline: number }
  | { do: 'request-certificate'; names: readonly string[]; keep: readonly string[] }
  | { do: 'start-exporter'; plan: ServicePlan }
  | { do: 'remove-exporter' }
  | { do: 'mend-privileges'; database: string }
  | { do: 'begin-upgrade'; id: number; deadline: number; landUntil?: number | undefined }
  | { do: 'make-worker-key' }
  | { do: 'prepare-worker-folder' }
  | { do: 'land-worker' }
  | { do: 'stop-worker' }
  | { do: 'retire-worker' }
  | { do: 'start-worker'; plan: ServicePlan; digest: string | undefined }
  | { do: 'await-registration' }
  | { do: 'prune'; versions: readonly string[] };

export interface Decision {
  /** Leader only: what the application's databag should say. */
  goal: Goal | undefined;
  facts: Facts;
  effects: Effect[];
  statuses: Status[];
  /** When to look again although nobody may tell: ms since the epoch. */
  wakeAt: number | undefined;
}
