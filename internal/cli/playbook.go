package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tutti/internal/cli/ansible"
)

// ansibleName tells whether the program was called by the name of one of Ansible's commands.
func ansibleName(arg0 string) (string, bool) {
	base := strings.TrimSuffix(filepath.Base(arg0), ".exe")
	return base, slices.Contains(ansible.Names(), base)
}

// ansibleProgram is one of Ansible's commands on this terminal.
func (a *app) ansibleProgram(name string) *ansible.Program {
	p := &ansible.Program{Name: name, Version: a.version, Env: a.env, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr, Color: a.color}
	if a.live {
		p.Width = a.width
	}
	return p
}

// playbookCommand is tutti playbook. Its flags are Ansible's, so Ansible's own rules read them.
func (a *app) playbookCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "playbook [options] FILE...",
		Short: "Run Ansible playbooks",
		Long: `Run Ansible playbooks on the hosts of an inventory, with the flags, the output and
the exit codes of ansible-playbook. "tutti playbook --help" lists the flags.`,
		DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) error {
			if code := a.ansibleProgram(a.name+" playbook").Main(c.Context(), dashes(args)); code != exitOK {
				return exitCode(code)
			}
			return nil
		},
	}
	return c
}

// dashes takes back the second dash that flags of the other commands get: -vv is no --vv here.
func dashes(args []string) []string {
	typed := os.Args
	if n := len(typed) - len(args); n >= 0 {
		tail := typed[n:]
		same := true
		for i := range args {
			same = same && strings.TrimLeft(args[i], "-") == strings.TrimLeft(tail[i], "-")
		}
		if same {
			return tail
		}
	}
	return args
}

// ansibleMain runs the command that the program was called as.
func (a *app) ansibleMain(name string) int {
	return a.ansibleProgram(name).Main(context.Background(), os.Args[1:])
}
