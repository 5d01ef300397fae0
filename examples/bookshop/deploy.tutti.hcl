# What is done with what the .tf files make: build the shop, load the catalogues, check
# it over HTTPS, tell the readers, configure the hosts, fulfil orders.

stack {
  name = "bookshop"
}

task "build" {
  script      = "go build -trimpath -o ../bin/shop . && ../bin/shop version"
  working_dir = "server"
  environment = { CGO_ENABLED = "0", GOFLAGS = "-buildvcs=false", GOWORK = "off" }
  triggers    = { for f in fileset("${path.root}/server", "*") : f => filesha256("${path.root}/server/${f}") }
  creates     = "bin/shop"
  idempotent  = true
  timeout     = "10m"

  on_destroy {
    script     = "rm -f ../bin/shop && rmdir ../bin"
    idempotent = true
  }
}

task "load" {
  for_each = var.branches

  command    = ["bin/shop", "load", "-branch", module.branch[each.key].folder, "-catalogue", module.branch[each.key].catalogue]
  triggers   = { catalogue = module.branch[each.key].catalogue_digest, program = task.build.stdout }
  creates    = "${module.branch[each.key].folder}/books.json"
  idempotent = true # loading twice is loading once

  on_destroy {
    command    = ["bin/shop", "unload", "-branch", module.branch[each.key].folder]
    idempotent = true
  }

  lifecycle {
    postcondition {
      condition     = self.json.books == module.branch[each.key].titles
      error_message = "The catalogue lists ${module.branch[each.key].titles} titles, and ${self.json.books} were loaded."
    }
  }
}

# Starts the server on a free port, buys and cancels as a customer, logs in as staff
# with the generated passwords, and trusts only the generated certificate.
task "check" {
  command     = ["bin/shop", "check", "-run", terraform_data.folder.output]
  environment = { for name, b in module.branch : "SHOP_PASSWORD_${upper(name)}" => b.password }
  triggers = {
    server      = local_file.server.content_sha256
    settings    = { for name, b in module.branch : name => b.settings_digest }
    certificate = module.certificate.fingerprint
    catalogues  = { for name in keys(var.branches) : name => task.load[name].json.digest }
  }
  timeout   = "1m"
  sensitive = false # it prints counts; the passwords would be masked if it printed them

  lifecycle {
    postcondition {
      condition     = self.json.branches == length(var.branches)
      error_message = "Only ${self.json.branches} branches are open."
    }
  }
}

approval "opening" {
  message = "Tell the readers that ${task.check.json.books} books are for sale?"
  timeout = "24h"

  lifecycle {
    enabled = var.ask_before_opening
  }
}

# Post that was sent cannot be taken back: this task is not idempotent. If it is cut
# off, tutti says so and asks, instead of writing to everybody twice.
task "announce" {
  for_each = var.branches

  command    = ["bin/shop", "announce", "-branch", module.branch[each.key].folder, "-outbox", "${terraform_data.folder.output}/outbox"]
  triggers   = { catalogue = task.load[each.key].json.digest }
  depends_on = [task.check, approval.opening]

  on_destroy {
    command    = ["rm", "-f", "${terraform_data.folder.output}/outbox/${each.key}.log"]
    idempotent = true
  }
}

# Each branch's host gets its settings: this machine unless var.hosts says where it is. The plan tries
# the play in check mode, so it shows the lines that an edit would change.
playbook "hosts" {
  source = "playbooks/site.yml"

  inventory = {
    branches = { for name, b in module.branch : name => merge(
      lookup(var.hosts, name, { ansible_connection = "local" }),
      {
        shop_place    = abspath(b.folder)
        shop_title    = var.branches[name].title
        shop_currency = var.branches[name].currency
        shop_discount = var.branches[name].discount
      }
    ) }
  }

  variables = {
    shop_name        = local.name
    shop_listen      = var.listen
    shop_certificate = module.certificate.fingerprint
  }

  on_destroy {
    source = "playbooks/retire.yml"
  }
}

# A trial order when the branches are open, and every order after that:
#
#   tutti run fulfil -input '{"branch": "run/us", ...}'
workflow "fulfil" {
  source = "workflows/fulfil.asl.json"

  input = {
    shop      = terraform_data.folder.output
    branch    = module.branch["eu"].folder
    settings  = playbook.hosts.registered["eu"].settings.checksum # as they are on its host: others, another trial
    lines     = [{ book = "b001", quantity = 1 }, { book = "b002", quantity = 2 }]
    ask_above = 10000 # cents
  }

  # The file calls Lambda functions. Here they are commands.
  mapping = { for step in ["reserve", "ask", "pack", "bill"] : "shop-${step}" => { command = ["bin/shop", "fulfil", "-step", step] } }

  # `tutti serve` repeats the trial then.
  schedule {
    expression = var.trial_orders
  }

  on_destroy {
    definition = {
      StartAt = "Papers"
      States  = { Papers = { Type = "Task", Resource = "arn:tutti:command", Parameters = { "Command.$" = "States.Array('rm', '-rf', States.Format('{}/parcels', $.shop), States.Format('{}/bills', $.shop), States.Format('{}/desk', $.shop))" }, End = true } }
    }
    input = { shop = terraform_data.folder.output }
  }

  depends_on = [task.load, task.check]
}
