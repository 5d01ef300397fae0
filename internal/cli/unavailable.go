package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// unavailable are commands of Terraform and OpenTofu that this version does not
// have, each with what to do instead.
func (a *app) unavailable() []*cobra.Command {
	var out []*cobra.Command
	for _, x := range [...]struct{ name, instead string }{
		{"test", "Run the files with \"tofu test\" or \"terraform test\" in the same folder: they read the same configuration"},
		{"login", "Put the token into the CLI configuration file (credentials \"HOST\" {...}) or into TF_TOKEN_host"},
		{"logout", "Take the token out of the CLI configuration file (credentials \"HOST\" {...})"},
	} {
		out = append(out, &cobra.Command{
			Use: x.name, Hidden: true, DisableFlagParsing: true, Short: "Not available yet",
			RunE: func(*cobra.Command, []string) error {
				return fmt.Errorf("%q is not available in this version. %s", x.name, x.instead)
			},
		})
	}
	return out
}
