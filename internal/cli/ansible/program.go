// Package ansible is the commands that Ansible has: ansible-playbook, ansible,
// ansible-inventory and ansible-vault, with their flags, environment variables, words and exit
// codes. tutti playbook is the first of them under another name.
//
// In: arguments, environment, a terminal. Out: text and an exit code. The package turns flags
// into a session.Request, has the engine carry the play out, and hands its notes to callbacks.
// It must not know how anything is carried out.
//
// Start at Main.
package ansible

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"tutti/internal/ansible/callback"
	"tutti/internal/ansible/document"
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// Exit codes, as Ansible's.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2 // what was typed cannot be understood
	exitFailed      = 2 // a host failed
	exitUnreachable = 4 // a host could not be reached
	exitOptions     = 5 // options that contradict each other
	exitInterrupted = 99
)

// coreVersion is the version of ansible-core whose behaviour this is.
const coreVersion = "2.19.14"

// Program is one call of a command.
type Program struct {
	// Name is what it was called by: tutti playbook, ansible-playbook, ...
	Name    string
	Version string
	Env     func(string) string
	Stdin   *os.File
	Stdout  io.Writer
	Stderr  io.Writer
	// Width is the terminal's, 0 when there is none; Color that standard output takes colours.
	Width int
	Color bool
	// input reads standard input line by line.
	input *bufio.Reader
}

// Names are the commands by the names that they are called by.
func Names() []string {
	return []string{"ansible", "ansible-playbook", "ansible-inventory", "ansible-vault"}
}

// Main runs a command and gives its exit code.
func (p *Program) Main(ctx context.Context, args []string) int {
	command := p.playbook
	switch p.Name {
	case "ansible":
		command = p.adHoc
	case "ansible-inventory":
		command = p.inventory
	case "ansible-vault":
		command = p.vault
	}
	err := command(ctx, args)
	var code exitCode
	var usage *usageError
	var options *optionsError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, pflag.ErrHelp):
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(p.Stderr, "usage: %s [-h] %s\n\n%s: error: %s\n", p.Name, usage.synopsis, p.Name, usage.text)
		return exitUsage
	case errors.As(err, &options):
		p.error(options.text)
		return exitOptions
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(p.Stderr, "[ERROR]: User interrupted execution")
		return exitInterrupted
	default:
		p.error(err.Error())
		return exitError
	}
}

// exitCode ends a command after everything has been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is about what was typed.
type usageError struct{ synopsis, text string }

func (e *usageError) Error() string { return e.text }

// optionsError is about options that make no sense.
type optionsError struct{ text string }

func (e *optionsError) Error() string { return e.text }

// error shows an error.
func (p *Program) error(text string) {
	_, _ = fmt.Fprintln(p.Stderr, "[ERROR]: "+strings.TrimSpace(text))
}

// warning shows a warning.
func (p *Program) warning(text string) {
	_, _ = fmt.Fprintln(p.Stderr, "[WARNING]: "+strings.TrimSpace(text))
}

// deprecated shows what a later version will not take; the first time with how not to see it.
func (p *Program) deprecated(text string, first bool) {
	if first {
		p.warning("Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.")
	}
	_, _ = fmt.Fprintln(p.Stderr, "[DEPRECATION WARNING]: "+strings.TrimSpace(text)+"\n")
}

// diagnostics shows what is wrong with the user's files, and gives the error that ends the
// command when anything is.
func (p *Program) diagnostics(diags diag.List) error {
	told := map[string]bool{}
	for _, d := range diags {
		text := Describe(d, sourceText)
		if told[text] {
			continue
		}
		told[text] = true
		switch {
		case d.Severity == diag.Error:
			p.error(text)
		case d.Headline == playbook.Outdated:
			p.deprecated(text, len(told) == 1)
		default:
			p.warning(text)
		}
	}
	if code := playbook.ExitCode(diags); code != exitOK {
		return exitCode(code)
	}
	return nil
}

// Describe is a diagnostic in the form that Ansible has for errors.
func Describe(d *diag.Diagnostic, read func(string) []byte) string {
	message, help, _ := strings.Cut(d.Detail, "\n")
	if d.Headline == document.Failed {
		message = d.Headline + ": " + message
	}
	cause := callback.Cause{Message: message, Help: strings.TrimSpace(help)}
	if d.Subject != nil {
		cause.Origin = value.Origin{File: d.Subject.Filename, Line: d.Subject.Start.Line, Column: d.Subject.Start.Column}
	}
	text := strings.TrimSpace(callback.Explain([]callback.Cause{cause}, read))
	if strings.Contains(text, "\n") {
		text += "\n"
	}
	return text
}

// maxSource is how large a file may be that lines are shown of.
const maxSource = 1 << 20

// sourceText reads a file to show lines of it.
func sourceText(name string) []byte {
	info, err := os.Stat(name)
	if err != nil || info.Size() > maxSource || !info.Mode().IsRegular() {
		return nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return text
}

// printVersion answers --version.
func (p *Program) printVersion(s settings) error {
	config := "None"
	if s.file != "" {
		config = s.file
	}
	executable, err := os.Executable()
	if err != nil {
		executable = p.Name
	}
	_, err = fmt.Fprintf(p.Stdout, "%s [core %s]\n  config file = %s\n  executable location = %s\n  tutti version = %s\n",
		filepath.Base(p.Name), coreVersion, config, executable, p.Version)
	return err
}
