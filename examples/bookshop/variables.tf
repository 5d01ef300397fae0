variable "name" {
  description = "What stands above the door; a random name when null."
  type        = string
  default     = null
}

variable "listen" {
  description = "Where the shop listens."
  type        = string
  default     = "127.0.0.1:8443"
}

variable "branches" {
  description = "The branches by name. The catalogue of each lies in catalogue/NAME.csv."
  type = map(object({
    title    = string
    currency = optional(string, "EUR")
    discount = optional(number, 0)
  }))
  default = {
    eu = { title = "Europe" }
    jp = { title = "Japan", currency = "JPY" }
    us = { title = "America", currency = "USD" }
  }

  validation {
    condition     = alltrue([for name in keys(var.branches) : can(regex("^[a-z]+$", name))])
    error_message = "The name of a branch consists of small letters."
  }
}

variable "hosts" {
  description = "How the host of a branch is reached, by the branch's name, as an inventory says it: { eu = { ansible_host = \"192.0.2.7\" } }. A branch that is not named has this machine."
  type        = map(map(string))
  default     = {}
}

variable "ask_before_opening" {
  description = "Whether a person must approve before the readers are told."
  type        = bool
  default     = false
}

variable "trial_orders" {
  description = "When tutti serve places a trial order, as EventBridge Scheduler and crontab write it."
  type        = string
  default     = "cron(0 6 ? * MON-FRI *)"
}
