// Which variable each option sets that goes straight into Concourse's environment.

export const optionVariables = {
  web: {
    'cluster-name': 'CONCOURSE_CLUSTER_NAME',
    'container-placement-strategy': 'CONCOURSE_CONTAINER_PLACEMENT_STRATEGY',
    'default-build-logs-to-retain': 'CONCOURSE_DEFAULT_BUILD_LOGS_TO_RETAIN',
    'max-build-logs-to-retain': 'CONCOURSE_MAX_BUILD_LOGS_TO_RETAIN',
    'default-days-to-retain-build-logs': 'CONCOURSE_DEFAULT_DAYS_TO_RETAIN_BUILD_LOGS',
    'max-days-to-retain-build-logs': 'CONCOURSE_MAX_DAYS_TO_RETAIN_BUILD_LOGS',
    'gc-failed-grace-period': 'CONCOURSE_GC_FAILED_GRACE_PERIOD',
    'vault-url': 'CONCOURSE_VAULT_URL',
    'vault-path-prefix': 'CONCOURSE_VAULT_PATH_PREFIX',
  },
  worker: {
    tag: 'CONCOURSE_TAG',
    team: 'CONCOURSE_TEAM',
    'containerd-dns-server': 'CONCOURSE_CONTAINERD_DNS_SERVER',
    'containerd-dns-proxy-enable': 'CONCOURSE_CONTAINERD_DNS_PROXY_ENABLE',
    'containerd-network-pool': 'CONCOURSE_CONTAINERD_NETWORK_POOL',
    'containerd-max-containers': 'CONCOURSE_CONTAINERD_MAX_CONTAINERS',
    // Concourse reads the lower-case names, and hands them on to containers.
    'http-proxy': 'http_proxy',
    'https-proxy': 'https_proxy',
    'no-proxy': 'no_proxy',
  },
} as const satisfies Record<string, Readonly<Record<string, string>>>;
