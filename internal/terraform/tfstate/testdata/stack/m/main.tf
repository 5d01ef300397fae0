variable "n" {}
resource "terraform_data" "inner" { input = var.n }
resource "terraform_data" "each" {
  for_each = toset(["a b", "<&>\"", "zz"])
  input    = { k = each.key, n = terraform_data.inner.output }
}
output "x" { value = terraform_data.inner.output }
