// Package session makes of what a user asks for on a command line, or a playbook block in its
// attributes, what a play is started with: the inventory is read, the playbooks, the vault's
// passwords; connections and modules are made ready.
//
// In: a Request. Out: a Session with the machine's input and the worker that carries out what
// the machine asks for. It reaches the world and must not know runs, stores or terminals.
//
// Start at Open.
package session

import (
	"context"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/inventory/source"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/value"
)

// Request is what is to be played.
type Request struct {
	// Playbooks are files, relative to Dir.
	Playbooks []string
	// AdHoc is one task instead of playbooks.
	AdHoc *AdHoc
	// Dir is the folder in which the user is; "" is the process's.
	Dir string
	// Inventory are sources as -i takes them; none takes the configuration's.
	Inventory []string
	// Reading says how sources are read, as the configuration has it; Sources completes it.
	Reading source.Options
	// Groups is an inventory made of the graph, instead of sources.
	Groups *Groups
	// Extra are the extra variables, merged.
	Extra *value.Dict
	// Options are passed on to the play; Limit and Connection are completed from the
	// configuration. Forks 0 is the configuration's.
	Options play.Options
	// LimitText is --limit as it was written.
	LimitText string
	// Files are what was read before, for who must see the same again.
	Files map[string]play.Recorded
	// Secrets are the vault's passwords, read already.
	Secrets []action.Secret
	// Settings are those of the configuration; Configured tells that they are complete.
	Settings play.Settings
	// Person answers prompts; nil when nobody is there.
	Person func(ctx context.Context, a play.Ask) (string, error)
	// HostKey asks whether an unknown host is to be trusted; nil refuses.
	HostKey func(question string) bool
	// Warn is told what the user should know before the play begins.
	Warn func(text string)
	// Connection are the options of the command line.
	Connection connection.Spec
}

// AdHoc is what `ansible PATTERN -m MODULE -a ARGS` asks for.
type AdHoc struct {
	Pattern, Module, Args string
	Async, Poll           int
}
