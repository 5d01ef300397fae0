package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// missing is a command of Terraform's and OpenTofu's that this version does not
// have, with what to do instead.
type missing struct{ name, instead string }

// unavailable are the missing commands.
func (a *app) unavailable() []*cobra.Command {
	var out []*cobra.Command
	for _, x := range a.missing() {
		out = append(out, x.command(x.name))
	}
	return out
}

// missing are they. tutti's own test is of state machines.
func (a *app) missing() []missing {
	list := []missing{
		{"login", "Put the token into the CLI configuration file (credentials \"HOST\" {...}) or into TF_TOKEN_host"},
		{"logout", "Take the token out of the CLI configuration file (credentials \"HOST\" {...})"},
	}
	if a.name != "tutti" {
		list = append(list, missing{"test", "Run the files with \"tofu test\" or \"terraform test\" in the same folder: they read the same configuration"})
	}
	return list
}

func (x missing) command(path string) *cobra.Command {
	return &cobra.Command{
		Use: x.name, Hidden: true, DisableFlagParsing: true, Short: "Not available yet",
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%q is not available in this version. %s", path, x.instead)
		},
	}
}
