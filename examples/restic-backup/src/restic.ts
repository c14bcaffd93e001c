// The files that make systemd run restic: pure text.

export interface Repository {
  /** As restic takes it: `s3:https://host/bucket/path`. */
  url: string;
  region: string | undefined;
  key: string;
  secret: string;
  password: string;
}

export const files = {
  environment: '/etc/restic-backup.env',
  service: '/etc/systemd/system/restic-backup.service',
  timer: '/etc/systemd/system/restic-backup.timer',
} as const;

export function environment({ url, region, key, secret, password }: Repository): string {
  const lines = {
    RESTIC_REPOSITORY: url,
    RESTIC_PASSWORD: password,
    AWS_ACCESS_KEY_ID: key,
    AWS_SECRET_ACCESS_KEY: secret,
    ...(region === undefined ? {} : { AWS_DEFAULT_REGION: region }),
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${quoted(value)}\n`)
    .join('');
}

/** The repository is made by the first backup. */
export function service(paths: readonly string[]): string {
  return `[Unit]
Description=Backup by restic
After=network-online.target

[Service]
Type=oneshot
EnvironmentFile=${files.environment}
ExecStartPre=/bin/sh -c 'restic cat config >/dev/null || restic init'
ExecStart=/usr/bin/restic backup ${paths.map((path) => quoted(path.replaceAll('%', '%%').replaceAll('$', '$$$$'))).join(' ')}
`;
}

export function timer(schedule: string): string {
  return `[Unit]
Description=Backup by restic

[Timer]
OnCalendar=${schedule}
RandomizedDelaySec=10min
Persistent=true

[Install]
WantedBy=timers.target
`;
}

/** By systemd's rules. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
