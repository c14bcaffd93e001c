// What `concourse web --help` and `concourse worker --help` print, as far as it names settings: those of 8.2 that operators use
// most. The layout is that of go-flags where there is no terminal: 80 columns, long words broken by hyphens.

const settings = {
  web: `
    peer-address log-level bind-ip bind-port tls-bind-port tls-cert tls-key tls-ca-cert enable-lets-encrypt
    lets-encrypt-acme-url external-url encryption-key old-encryption-key debug-bind-ip debug-bind-port
    intercept-idle-timeout component-runner-interval lidar-scanner-interval global-resource-check-timeout
    resource-checking-interval container-placement-strategy max-active-tasks-per-worker
    max-active-containers-per-worker max-active-volumes-per-worker streaming-artifacts-compression
    baggageclaim-response-header-timeout p2p-volume-streaming-timeout display-user-id-per-connector
    default-task-cpu-limit default-task-memory-limit default-get-timeout default-put-timeout default-task-timeout
    enable-build-auditing enable-container-auditing enable-job-auditing enable-pipeline-auditing
    enable-resource-auditing enable-system-auditing enable-team-auditing enable-worker-auditing
    enable-volume-auditing job-scheduling-max-in-flight max-checks-per-second cluster-name log-db-queries
    log-cluster-name enable-global-resources enable-rerun-when-worker-disappears enable-p2p-volume-streaming
    enable-cache-streamed-volumes enable-resource-causality build-tracker-interval
    default-build-logs-to-retain max-build-logs-to-retain default-days-to-retain-build-logs
    max-days-to-retain-build-logs postgres-host postgres-port postgres-socket postgres-user postgres-password
    postgres-sslmode postgres-ca-cert postgres-client-cert postgres-client-key postgres-connect-timeout
    postgres-database api-max-conns backend-max-conns secret-retry-attempts secret-retry-interval
    secret-cache-enabled secret-cache-duration secret-cache-duration-notfound secret-cache-purge-interval
    vault-url vault-path-prefix vault-lookup-templates vault-shared-path vault-namespace vault-ca-cert
    vault-client-cert vault-client-key vault-server-name vault-client-token vault-auth-backend
    vault-auth-backend-max-ttl vault-retry-max vault-retry-initial vault-auth-param aws-ssm-region aws-ssm-access-key
    aws-ssm-secret-key aws-secretsmanager-region aws-secretsmanager-pipeline-secret-template
    aws-secretsmanager-team-secret-template conjur-appliance-url credhub-url credhub-client-id credhub-client-secret
    kubernetes-in-cluster kubernetes-config-path emit-to-logs prometheus-bind-ip prometheus-bind-port
    capture-error-metrics tracing-service-name tracing-attribute tracing-otlp-address tracing-otlp-header
    syslog-hostname syslog-address syslog-transport syslog-drain-interval syslog-ca-cert gc-interval
    gc-one-off-grace-period gc-missing-grace-period gc-hijack-grace-period gc-failed-grace-period
    gc-check-recycle-period gc-var-source-recycle-period cookie-secure auth-duration session-signing-key
    password-connector add-local-user add-client main-team-config main-team-local-user main-team-github-user
    main-team-github-org main-team-github-team github-client-id github-client-secret github-host github-ca-cert
    main-team-gitlab-user main-team-gitlab-group gitlab-client-id gitlab-client-secret gitlab-host
    main-team-ldap-user main-team-ldap-group ldap-display-name ldap-host ldap-bind-dn ldap-bind-pw
    ldap-user-search-base-dn ldap-group-search-base-dn main-team-oauth-user main-team-oauth-group
    oauth-display-name oauth-client-id oauth-client-secret oauth-auth-url oauth-token-url oauth-userinfo-url
    oauth-scope oauth-groups-key main-team-oidc-user main-team-oidc-group oidc-display-name oidc-issuer
    oidc-client-id oidc-client-secret oidc-scope oidc-groups-key oidc-user-name-key oidc-ca-cert
    saml-display-name saml-sso-url saml-ca-cert main-team-saml-user main-team-saml-group main-team-microsoft-user main-team-microsoft-group
    microsoft-client-id microsoft-client-secret main-team-cf-user main-team-cf-org cf-api-url cf-client-id cf-client-secret
    tsa-log-level tsa-bind-ip tsa-bind-port tsa-host-key tsa-authorized-keys tsa-team-authorized-keys
    tsa-heartbeat-interval tsa-cluster-name tsa-gardener-request-timeout`,
  worker: `
    name tag team ephemeral certs-dir work-dir bind-ip bind-port debug-bind-ip debug-bind-port
    healthcheck-bind-ip healthcheck-bind-port healthcheck-timeout sweep-interval volume-sweeper-max-in-flight
    container-sweeper-max-in-flight rebalance-interval connection-drain-timeout resource-types log-level tsa-host
    tsa-public-key tsa-worker-private-key runtime garden-bin garden-config garden-max-containers garden-dns-server
    containerd-config containerd-bin containerd-init-bin containerd-seccomp-profile containerd-oci-hooks-dir
    containerd-cni-plugins-dir containerd-request-timeout containerd-max-containers containerd-network-pool
    containerd-external-ip containerd-mtu containerd-dns-server containerd-dns-proxy-enable
    containerd-allow-host-access containerd-restricted-network containerd-additional-hosts
    containerd-privileged-mode containerd-allowed-device containerd-v6-enable containerd-v6-pool
    containerd-log-level baggageclaim-log-level baggageclaim-bind-ip baggageclaim-bind-port
    baggageclaim-debug-bind-ip baggageclaim-debug-bind-port baggageclaim-p2p-interface-name-pattern
    baggageclaim-p2p-interface-family baggageclaim-volumes baggageclaim-driver baggageclaim-btrfs-bin
    baggageclaim-overlays-dir baggageclaim-disable-user-namespaces`,
};

const descriptionAt = 62;

export function helpText(program: keyof typeof settings): string {
  const lines = settings[program]
    .trim()
    .split(/\s+/)
    .map((flag) => {
      const variable = `[$CONCOURSE_${flag.replaceAll('-', '_').toUpperCase()}]`;
      return `      --${`${flag}=`.padEnd(descriptionAt - 8)}${wrapped(`Sets it. ${variable}`)}`;
    });
  return `Usage:\n  concourse [OPTIONS] ${program} [${program}-OPTIONS]\n\nHelp Options:\n  -h, --help  Show this help message\n\n${lines.join('\n')}\n`;
}

function wrapped(text: string): string {
  const width = 80 - descriptionAt;
  const indent = `\n${' '.repeat(descriptionAt)}`;
  const pieces: string[] = [];
  for (const word of text.split(/ (?=\[)/)) {
    let rest = word;
    for (; rest.length > width; rest = rest.slice(width - 1)) pieces.push(`${rest.slice(0, width - 1)}-`);
    pieces.push(rest);
  }
  return pieces.join(indent);
}
