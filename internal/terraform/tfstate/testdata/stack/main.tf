variable "secret" {
  default   = "hunter2"
  sensitive = true
}

resource "terraform_data" "one" {
  input = "plain <&> text"
}

resource "terraform_data" "hidden" {
  input = { list = [1, var.secret], text = var.secret }
}

resource "terraform_data" "many" {
  count            = 12
  input            = "${terraform_data.one.output}-${count.index}"
  triggers_replace = [count.index]

  lifecycle {
    create_before_destroy = true
  }
}

module "m" {
  source     = "./m"
  for_each   = { "eu" = 1, "us\"x" = 2 }
  n          = each.value
  depends_on = [terraform_data.one]
}

output "plain" {
  value = { a = 1, b = [true, null] }
}

output "secret" {
  value     = var.secret
  sensitive = true
}

check "c" {
  assert {
    condition     = terraform_data.one.output == "plain <&> text"
    error_message = "no"
  }
}
