terraform {
  required_providers {
    local  = { source = "hashicorp/local" }
    random = { source = "hashicorp/random" }
    tls    = { source = "hashicorp/tls" }
  }
}

variable "stage" {
  type    = string
  default = "one"
}

variable "zones" {
  type    = set(string)
  default = ["a", "b"]
}

resource "random_id" "name" {
  byte_length = 4
  keepers     = { stage = var.stage }
}

resource "local_file" "greeting" {
  filename = "${path.module}/greeting.txt"
  content  = "hello ${var.stage}"
}

resource "terraform_data" "zone" {
  for_each         = var.zones
  input            = { zone = each.key, ports = [80, 443], stage = var.stage, text = "first\n${var.stage}\nlast\n" }
  triggers_replace = each.key
}

resource "terraform_data" "secret" {
  input = sensitive("secret ${var.stage}")
  lifecycle {
    create_before_destroy = true
  }
}

resource "tls_private_key" "key" {
  algorithm = "ED25519"
}

resource "tls_self_signed_cert" "cert" {
  private_key_pem       = tls_private_key.key.private_key_pem
  validity_period_hours = 24
  allowed_uses          = ["server_auth"]
  subject {
    common_name  = "localhost"
    organization = var.stage
  }
}

module "child" {
  source = "./child"
  count  = var.stage == "one" ? 2 : 1
  value  = random_id.name.hex
}

output "name" {
  value = random_id.name.hex
}

output "list" {
  value = sort(var.zones)
}

output "pass" {
  value     = "secret ${var.stage}"
  sensitive = true
}
