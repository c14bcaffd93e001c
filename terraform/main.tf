resource "juju_application" "web" {
  name        = var.app_name
  model_uuid  = var.model_uuid
  units       = var.units
  constraints = var.constraints
  config = merge(var.config, {
    shared-storage = var.shared_storage
    enable-metrics = var.observability != null ? "true" : lookup(var.config, "enable-metrics", "false")
  })

  charm {
    name     = var.charm.name
    channel  = var.charm.channel
    revision = var.charm.revision
    base     = var.charm.base
  }
}

resource "juju_application" "workers" {
  count = var.workers.units > 0 ? 1 : 0

  name               = var.workers.name
  model_uuid         = var.model_uuid
  units              = var.workers.units
  constraints        = var.workers.constraints
  storage_directives = var.workers.storage
  config = merge(var.workers.config, {
    mode = "worker"
  })

  charm {
    name     = var.charm.name
    channel  = var.charm.channel
    revision = var.charm.revision
    base     = var.charm.base
  }
}

resource "juju_integration" "workers" {
  count = var.workers.units > 0 ? 1 : 0

  model_uuid = var.model_uuid

  application {
    name     = juju_application.web.name
    endpoint = "tsa"
  }

  application {
    name     = juju_application.workers[0].name
    endpoint = "flight"
  }
}

locals {
  # The charm's endpoint, and who is at the other end of it.
  neighbours = {
    for endpoint, neighbour in {
      postgresql   = var.postgresql
      filesystem   = var.filesystem
      ingress      = var.ingress
      certificates = var.certificates
      cos-agent    = var.observability
    } : endpoint => neighbour if neighbour != null
  }
}

resource "juju_integration" "neighbours" {
  for_each = local.neighbours

  model_uuid = var.model_uuid

  application {
    name     = juju_application.web.name
    endpoint = each.key
  }

  application {
    name     = each.value.name
    endpoint = each.value.endpoint
  }
}
