# The bookshop: what it is made of. README.md says what lies where.

terraform {
  required_version = ">= 1.6"

  required_providers {
    local  = { source = "hashicorp/local", version = "~> 2.5" }
    random = { source = "hashicorp/random", version = "~> 3.6" }
    time   = { source = "hashicorp/time", version = "~> 0.12" }
    tls    = { source = "hashicorp/tls", version = "~> 4.0" }
  }
}

locals {
  run = "${path.root}/run" # everything that the shop needs to run
}

# The folder goes last, when all that lay in it is gone.
resource "terraform_data" "folder" {
  input = local.run

  provisioner "local-exec" {
    when    = destroy
    command = "if test -d '${self.input}'; then find '${self.input}' -depth -type d -empty -delete; fi"
  }
}

resource "time_static" "founded" {}

resource "random_pet" "shop" {
  length    = 2
  separator = " "
}

locals {
  name = coalesce(var.name, title("${random_pet.shop.id} books"))
}

module "certificate" {
  source = "./modules/certificate"

  folder       = "${terraform_data.folder.output}/tls"
  organization = local.name
}

module "branch" {
  source   = "./modules/branch"
  for_each = var.branches

  name      = each.key
  folder    = "${terraform_data.folder.output}/${each.key}"
  catalogue = "${path.root}/catalogue/${each.key}.csv"
  settings  = each.value
}

resource "local_file" "server" {
  filename        = "${terraform_data.folder.output}/server.json"
  file_permission = "0644"
  content = jsonencode({
    name    = local.name
    listen  = var.listen
    founded = time_static.founded.rfc3339
  })
}
