// What the Python charm `concourse-ci-machine` (its commit b694af9 of 2026-08-20) offers to its users, by name: docs/reference/parity.md must
// have a place for each.

const each = (prefix: string, names: string): string[] => names.split(' ').map((name) => `${prefix}${name}`);

export const pythonCharm: Readonly<Record<string, readonly string[]>> = {
  options: [
    ...each('', 'mode version github-token shared-storage web-port worker-procs external-url tls-enabled'),
    ...each('', 'initial-admin-username log-level enable-metrics max-concurrent-downloads'),
    ...each('', 'container-placement-strategy containerd-dns-proxy-enable containerd-dns-server'),
    ...each('', 'compute-runtime gpu-device-ids tag'),
    ...each(
      'vault-',
      'url auth-backend auth-backend-max-ttl auth-param ca-cert client-cert client-key client-token',
    ),
    ...each('vault-', 'lookup-templates namespace path-prefix shared-path enable-kv-mount-cache'),
    ...each('secret-cache-', 'enabled duration duration-notfound'),
    'encryption-key',
    ...each('ldap-', 'display-name host bind-dn bind-pw'),
    ...each('ldap-user-search-', 'base-dn username id-attr email-attr name-attr filter'),
    ...each('ldap-group-search-', 'base-dn name-attr user-attr group-attr filter'),
    ...each(
      'oauth-',
      'display-name client-id client-secret auth-url token-url userinfo-url scope groups-key',
    ),
    ...each('oauth-', 'user-id-key user-name-key ca-cert skip-ssl-validation'),
    ...each('oidc-', 'display-name issuer client-id client-secret scope groups-key user-name-key ca-cert'),
    'oidc-skip-ssl-validation',
    ...each('main-team-', 'ldap-group local-user oauth-user oauth-group oidc-user oidc-group'),
    'extra-web-flags',
    ...each('', 'default-build-logs-to-retain default-days-to-retain-build-logs'),
    ...each('', 'max-build-logs-to-retain max-days-to-retain-build-logs gc-failed-grace-period'),
    ...each('', 'extra-local-users http-proxy https-proxy no-proxy'),
  ],
  relations: ['postgresql', 'tsa', 'flight', 'peers', 'monitoring', 'vault-kv'],
  keys: [
    ...each('', 'database requested-secrets uris'),
    ...each('', 'tsa-host tsa-public-key concourse-version worker-public-key'),
    ...each('', 'admin-password upgrade-state target-version initiated-by timestamp worker-ready-count'),
    ...each('', 'expected-worker-count web-ip worker-key-authorized-at last-started-version'),
    ...each('', 'upgrade-ready upgrade-ready-timestamp'),
    ...each('', 'scrape_jobs scrape_metadata alert_rules'),
    ...each('', 'mount_suffix egress_subnet nonce vault_url ca_certificate mount credentials'),
  ],
  actions: ['get-admin-password', 'check-status', 'restart-services', 'run-migrations', 'upgrade'],
  files: [
    ...each(
      '/var/lib/concourse/',
      'bin resource-types config.env keys .lxc_shared_storage .installed_version',
    ),
    ...each('/var/lib/concourse/', '.install.lock .write_test containerd-gpu.toml bin/.concourse.sha256'),
    '/var/lib/concourse/bin/.download_in_progress',
    ...each('/var/lib/concourse-worker/', 'worker-config.env keys'),
    '/etc/default/concourse',
    '/etc/concourse/vault-ca.pem',
    '/etc/concourse-exporter.env',
    ...each('/usr/local/bin/', 'concourse-exporter.py fly runc-wrapper'),
    ...each('/opt/bin/', 'runc-wrapper runc-gpu-wrapper runc-amd-wrapper runc runc.real'),
    '/etc/cdi/amd.json',
    '/var/log/concourse-ci.log',
  ],
  services: ['concourse-server', 'concourse-worker', 'concourse-exporter'],
  ports: ['8080', '2222', '9391', '9358'],
  metrics: [
    ...each('concourse_job_last_build_', 'status duration_seconds timestamp'),
    ...each('concourse_', 'pipelines_total jobs_total exporter_info'),
  ],
};
