output "name" {
  value = local.name
}

output "listen" {
  value = "https://${var.listen}/"
}

output "titles" {
  description = "How many titles each catalogue lists."
  value       = { for name, b in module.branch : name => b.titles }
}

output "staff_passwords" {
  value     = { for name, b in module.branch : name => b.password }
  sensitive = true
}
