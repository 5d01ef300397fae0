// Package builtin lists all modules of ansible.builtin that run natively. It is what the
// program on the target is made of; it knows no action and no connection.
package builtin

import (
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/command"
	"tutti/internal/ansible/module/facts"
	"tutti/internal/ansible/module/file"
	"tutti/internal/ansible/module/network"
	"tutti/internal/ansible/module/packaging"
	"tutti/internal/ansible/module/repository"
	"tutti/internal/ansible/module/service"
	"tutti/internal/ansible/module/system"
)

// Modules gives every native module by its short name.
func Modules() map[string]*module.Module {
	table := map[string]*module.Module{}
	for _, list := range [][]module.Module{
		command.Modules(),
		facts.Modules(),
		file.Modules(),
		network.Modules(),
		packaging.Modules(),
		repository.Modules(),
		service.Modules(),
		system.Modules(),
	} {
		for i := range list {
			table[list[i].Name] = &list[i]
		}
	}
	return table
}
