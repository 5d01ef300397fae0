package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"tutti/internal/engine"
)

// completeAddresses offers the addresses in the state to the shell.
func (a *app) completeAddresses(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	if err := a.enter(c); err != nil {
		return nil, directive
	}
	o, d := a.options(c, nil)
	if d.HasErrors() {
		return nil, directive
	}
	e, d := engine.Open(c.Context(), o)
	if d.HasErrors() {
		return nil, directive
	}
	defer func() { _ = e.Close(c.Context()) }()
	snap, d := e.Snapshot(c.Context())
	if d.HasErrors() {
		return nil, directive
	}
	var out []cobra.Completion
	for _, r := range engine.Select(snap, nil) {
		out = append(out, r.Addr.String()) // sorted, so that a deposed one follows its twin
	}
	return slices.Compact(out), directive
}
