package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tutti/internal/cli/view"
)

// flagColumn is where the explanation of a flag begins, and helpWidth where it ends.
const (
	flagColumn = 26
	helpWidth  = view.DefaultWidth - 1
)

// usage writes how a command is used, its flags with one dash as Terraform's users
// write them (two are as good).
func (a *app) usage(c *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	takesArguments := strings.Contains(c.Use, " ")
	if c.Runnable() && (!c.HasAvailableSubCommands() || !c.HasParent() || takesArguments) {
		b.WriteString("  " + strings.Replace(c.UseLine(), " [flags]", "", 1) + " [flags]\n")
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("  " + c.CommandPath() + " COMMAND\n")
		commands(&b, c)
	}
	if c.Example != "" {
		b.WriteString("\nExamples:\n" + c.Example + "\n")
	}
	if c.HasAvailableLocalFlags() {
		b.WriteString("\nFlags:\n")
		flags(&b, c.LocalFlags())
	}
	if c.HasAvailableInheritedFlags() {
		b.WriteString("\nFlags of every command:\n")
		flags(&b, c.InheritedFlags())
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("\n\"" + c.CommandPath() + " COMMAND -help\" tells more about a command.\n")
	}
	_, err := c.OutOrStderr().Write([]byte(b.String()))
	return err
}

func commands(b *strings.Builder, c *cobra.Command) {
	list := func(title, id string) {
		head := "\n" + title + "\n"
		for _, sub := range c.Commands() {
			if sub.GroupID == id && (sub.IsAvailableCommand() || sub.Name() == "help") {
				b.WriteString(head)
				head = ""
				explain(b, sub.Name(), 14, sub.Short)
			}
		}
	}
	for _, g := range c.Groups() {
		list(g.Title, g.ID)
	}
	if len(c.Groups()) == 0 {
		list("Commands:", "")
	} else {
		list("Help:", "")
	}
}

func flags(b *strings.Builder, set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "-" + f.Name
		switch kind := f.Value.Type(); {
		case kind == "bool" && f.DefValue == "true":
			name += "=false"
		case kind == "bool":
		default:
			name += "=" + placeholder(kind)
		}
		text := f.Usage
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "[]" && f.Value.Type() != "bool" {
			text += " (" + f.DefValue + " when not given)"
		}
		explain(b, name, flagColumn-4, text)
	})
}

// placeholder is what stands for the value of a flag.
func placeholder(kind string) string {
	switch kind {
	case "int":
		return "N"
	case "duration":
		return "5m"
	case "string", "stringArray":
		return "TEXT"
	default:
		return kind
	}
}

// explain writes a name and what it means, wrapped beside it.
func explain(b *strings.Builder, name string, column int, text string) {
	b.WriteString("  " + name)
	used := len(name)
	if used > column {
		b.WriteString("\n  ")
		used = 0
	}
	pre := strings.Repeat(" ", column-used)
	for i, line := range view.Wrap(text, helpWidth-column-4) {
		if i > 0 {
			pre = "  " + strings.Repeat(" ", column)
		}
		b.WriteString(pre + "  " + line + "\n")
	}
}
