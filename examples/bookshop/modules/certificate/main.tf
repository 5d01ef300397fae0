# A certificate authority of the shop's own, and the server's certificate.

terraform {
  required_providers {
    local = { source = "hashicorp/local" }
    tls   = { source = "hashicorp/tls" }
  }
}

variable "folder" {
  type = string
}

variable "organization" {
  type = string
}

variable "hours" {
  description = "How long certificates are valid."
  type        = number
  default     = 24 * 365
}

resource "tls_private_key" "this" {
  for_each = toset(["ca", "server"])

  algorithm   = "ECDSA"
  ecdsa_curve = "P256"
}

resource "tls_self_signed_cert" "ca" {
  private_key_pem       = tls_private_key.this["ca"].private_key_pem
  is_ca_certificate     = true
  validity_period_hours = var.hours
  allowed_uses          = ["cert_signing", "crl_signing"]

  subject {
    common_name  = "${var.organization} authority"
    organization = var.organization
  }
}

resource "tls_cert_request" "server" {
  private_key_pem = tls_private_key.this["server"].private_key_pem
  dns_names       = ["localhost"]
  ip_addresses    = ["127.0.0.1"]

  subject {
    common_name  = "localhost"
    organization = var.organization
  }
}

resource "tls_locally_signed_cert" "server" {
  cert_request_pem      = tls_cert_request.server.cert_request_pem
  ca_private_key_pem    = tls_private_key.this["ca"].private_key_pem
  ca_cert_pem           = tls_self_signed_cert.ca.cert_pem
  validity_period_hours = var.hours
  allowed_uses          = ["digital_signature", "server_auth"]
}

resource "local_file" "certificate" {
  for_each = {
    ca     = tls_self_signed_cert.ca.cert_pem
    server = tls_locally_signed_cert.server.cert_pem
  }

  filename        = "${var.folder}/${each.key}.pem"
  content         = each.value
  file_permission = "0644"
}

resource "local_sensitive_file" "key" {
  filename        = "${var.folder}/server.key"
  content         = tls_private_key.this["server"].private_key_pem
  file_permission = "0600"
}

output "fingerprint" {
  description = "Changes with the server's certificate, and is there once all files are."
  value       = sha256(tls_locally_signed_cert.server.cert_pem)
  depends_on  = [local_file.certificate, local_sensitive_file.key]
}
