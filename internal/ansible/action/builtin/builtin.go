// Package builtin lists the actions of ansible.builtin: what happens on the controller for a
// task whose module needs that. A module that is not here is simply run on the host.
package builtin

import (
	"maps"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/action/command"
	"tutti/internal/ansible/action/file"
	"tutti/internal/ansible/action/packaging"
)

// Actions gives every action by the short name of the module that it is for.
func Actions() map[string]action.Action {
	table := map[string]action.Action{}
	for _, part := range []map[string]action.Action{
		command.Actions(),
		file.Actions(),
		packaging.Actions(),
	} {
		maps.Copy(table, part)
	}
	return table
}
