# One branch: a folder with its settings and the password of its staff.

terraform {
  required_providers {
    local  = { source = "hashicorp/local" }
    random = { source = "hashicorp/random" }
  }
}

variable "name" {
  type = string
}

variable "folder" {
  type = string
}

variable "catalogue" {
  description = "Path of the books as CSV."
  type        = string
}

variable "settings" {
  type = object({ title = string, currency = string, discount = number })
}

data "local_file" "catalogue" {
  filename = var.catalogue

  lifecycle {
    postcondition {
      condition     = startswith(self.content, "id,title,author,price,stock\n")
      error_message = "${var.catalogue} does not begin with the headline of a catalogue."
    }
  }
}

locals {
  books = csvdecode(data.local_file.catalogue.content)
}

resource "random_password" "staff" {
  length  = 20
  special = false
  keepers = { branch = var.name }
}

resource "local_sensitive_file" "password" {
  filename        = "${var.folder}/password"
  content         = random_password.staff.result
  file_permission = "0600"
}

resource "local_file" "settings" {
  filename        = "${var.folder}/settings.json"
  file_permission = "0644"
  content = jsonencode({
    title    = var.settings.title
    currency = var.settings.currency
    discount = var.settings.discount
  })
}

output "folder" {
  description = "The folder, once what the shop needs is in it."
  value       = var.folder
  depends_on  = [local_sensitive_file.password, local_file.settings]
}

output "catalogue" {
  value = var.catalogue
}

output "catalogue_digest" {
  value = data.local_file.catalogue.content_sha256
}

output "settings_digest" {
  value = local_file.settings.content_sha256
}

output "titles" {
  value = length(local.books)
}

output "password" {
  value     = random_password.staff.result
  sensitive = true
}
