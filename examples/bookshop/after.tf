# What comes after the tasks: resources and outputs made from what tasks print. Only
# tutti knows task.NAME; for a look with plain terraform, leave this file out.

resource "local_file" "receipt" {
  for_each = var.branches

  filename        = "${local.run}/${each.key}/receipt.txt"
  file_permission = "0644"
  content         = <<-EOT
    ${local.name}, ${each.value.title}
    loaded ${task.load[each.key].json.books} books, catalogue ${task.load[each.key].json.digest}
    with ${task.build.stdout}
  EOT
}

output "checked" {
  description = "What the check over HTTPS found."
  value       = task.check.json
}
