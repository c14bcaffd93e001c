output "app_name" {
  description = "Name of the application with web."
  value       = juju_application.web.name
}

output "workers_name" {
  description = "Name of the application of workers alone; null without one."
  value       = one(juju_application.workers[*].name)
}

output "provides" {
  description = "Endpoints of web's application that other applications integrate with."
  value = {
    tsa               = "tsa"
    monitoring        = "monitoring"
    cos_agent         = "cos-agent"
    grafana_dashboard = "grafana-dashboard"
  }
}

output "requires" {
  description = "Endpoints of web's application that need another application."
  value = {
    postgresql   = "postgresql"
    filesystem   = "filesystem"
    ingress      = "ingress"
    certificates = "certificates"
    vault_kv     = "vault-kv"
    flight       = "flight"
  }
}
