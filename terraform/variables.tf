variable "model_uuid" {
  description = "UUID of the model to deploy to."
  type        = string
}

variable "app_name" {
  description = "Name of the application with web."
  type        = string
  default     = "concourse-ci"
}

variable "charm" {
  description = "Name and channel of the charm in a charm store, and the base of its machines. The provider deploys no local charm."
  type = object({
    name     = optional(string, "concourse-ci")
    channel  = optional(string, "latest/stable")
    revision = optional(number)
    base     = optional(string, "ubuntu@24.04")
  })
  default = {}
}

variable "units" {
  description = "Units of the application with web: one is web, the others are workers."
  type        = number
  default     = 3

  validation {
    condition     = var.units >= 1
    error_message = "One unit at least: it is web."
  }
}

variable "config" {
  description = "Options of the application with web, beside shared-storage."
  type        = map(string)
  default     = {}
}

variable "shared_storage" {
  description = "auto, or required: no unit installs Concourse before the volume is mounted."
  type        = string
  default     = "required"

  validation {
    condition     = contains(["auto", "required"], var.shared_storage)
    error_message = "auto or required."
  }
}

variable "constraints" {
  description = "Constraints of web's and the workers' machines."
  type        = string
  default     = "arch=amd64"
}

variable "workers" {
  description = "An application of workers alone, related to web; 0 units: none."
  type = object({
    name        = optional(string, "concourse-worker")
    units       = optional(number, 0)
    config      = optional(map(string), {})
    constraints = optional(string, "arch=amd64")
    storage     = optional(map(string), {})
  })
  default = {}
}

variable "postgresql" {
  description = "Application and endpoint that provide PostgreSQL. null: the option postgres-uri in config."
  type = object({
    name     = string
    endpoint = optional(string, "database")
  })
  default = null
}

variable "filesystem" {
  description = "Application and endpoint that export NFS or CephFS for the volume. null: it is mounted in another way."
  type = object({
    name     = string
    endpoint = optional(string, "filesystem")
  })
  default = null
}

variable "ingress" {
  description = "Application and endpoint of an ingress, such as haproxy or traefik. null: none."
  type = object({
    name     = string
    endpoint = optional(string, "ingress")
  })
  default = null
}

variable "certificates" {
  description = "Application and endpoint that issue web's certificate. null: none."
  type = object({
    name     = string
    endpoint = optional(string, "certificates")
  })
  default = null
}

variable "observability" {
  description = "Application and endpoint of the COS agent on web's and the workers' machines. null: none."
  type = object({
    name     = string
    endpoint = optional(string, "cos-agent")
  })
  default = null
}
