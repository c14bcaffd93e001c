// The exporter's service: the charm's own executable once more, beside web, as a user of its own.
import { confined, runsAs } from './confined.ts';
import { bindAddresses } from './addresses.ts';
import { type PlannedService, planService } from './service.ts';
import { commandLine, type Setting, unitFile } from './unit-file.ts';

export const EXPORTER_SERVICE = 'concourse-exporter.service';
/** It needs web's administrator, and none of web's keys: hence another user than web's. */
export const EXPORTER_USER = 'concourse-exporter';
/** Where dashboards for other charms for Concourse expect it. */
export const EXPORTER_PORT = 9358;

export interface ExporterServiceSettings {
  /** The Juju unit that owns the service. */
  unit: string;
  /** The unpacked charm: `…/charm`. Juju replaces its files in a refresh. */
  charm: string;
  /** The charm's revision: another one restarts it. */
  revision: string;
  /** `/etc/concourse` */
  etc: string;
  /** This unit's own address, as `network-get` tells it. */
  address: string;
  /** Web as this machine reaches it. */
  url: string;
  admin: { user: string; password: string };
  figures: string;
  /** Undefined: as whoever runs the charm, where there is no such user. */
  user?: string | undefined;
}

/** All that the service consists of; nothing is written. */
export function exporterService(settings: ExporterServiceSettings): PlannedService {
  const { etc, user, admin, url, figures, revision } = settings;
  const path = `${etc}/exporter.json`;
  const content = JSON.stringify({
    url,
    user: admin.user,
    password: admin.password,
    address: bindAddresses(settings.address).public,
    port: EXPORTER_PORT,
    figures,
    version: revision,
  });
  const access = user === undefined ? { mode: 0o600 } : { mode: 0o640, group: user };
  return planService({
    name: EXPORTER_SERVICE,
    unit: exporterUnitFile(settings, path),
    version: revision,
    environment: {},
    environmentPath: `${etc}/exporter.env`,
    files: [{ path, content, ...access }],
  });
}

function exporterUnitFile({ unit, charm, etc, user }: ExporterServiceSettings, file: string): string {
  const program = commandLine(
    `${charm}/bin/node`,
    '--max-old-space-size=128',
    `${charm}/lib/charm.mjs`,
    'exporter',
    file,
  );
  const service: Setting[] = [
    ['Type', 'exec'],
    ...runsAs(user),
    ['EnvironmentFile', `${etc}/exporter.env`],
    ['ExecStart', program],
    ['Restart', 'always'],
    ['RestartSec', '30'],
    // Beside web, and never in its way.
    ['Nice', '10'],
    ['MemoryMax', '256M'],
    ['TasksMax', '64'],
    // It reads two files and listens; Node's compiler needs memory that can be written and run.
    ...confined(),
    ['RestrictAddressFamilies', 'AF_INET AF_INET6 AF_UNIX'],
  ];
  return unitFile(unit, {
    Unit: [
      ['Description', 'Metrics of Concourse jobs and of the charm'],
      ['After', 'concourse-server.service'],
      ['StartLimitIntervalSec', '0'],
    ],
    Service: service,
    Install: [['WantedBy', 'multi-user.target']],
  });
}
