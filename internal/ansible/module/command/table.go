// Package command holds the modules that run programs on the host or wait for something
// there: command, shell, expect, wait_for, async_status, and ping.
//
// In: a checked call. Out: what the program printed and how it ended, with Ansible's keys.
// The package must not know playbooks or connections; "raw", "reboot" and
// "wait_for_connection", which need the connection itself, are actions.
package command

import (
	"context"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

// Modules are the modules of this package.
func Modules() []module.Module {
	return []module.Module{
		{Name: "command", Spec: commandSpec(false), Run: run},
		{Name: "shell", Spec: commandSpec(true), Run: run},
		{Name: "expect", Spec: expectSpec(), Run: expect},
		{Name: "wait_for", Spec: waitSpec(), Run: waitFor},
		{Name: "async_status", Spec: statusSpec(), Run: asyncStatus},
		{Name: "ping", Spec: argument.Spec{Check: true, Options: []argument.Option{{Name: "data", Default: "pong"}}}, Run: ping},
	}
}

// ping answers; the text "crash" makes it fail, so that people can see what a failing module
// looks like.
func ping(_ context.Context, c *module.Call) module.Result {
	if c.String("data") == "crash" {
		return module.Fail("Task failed: Module failed: boom")
	}
	return module.Result{"ping": c.String("data")}
}
