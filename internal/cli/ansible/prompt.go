package ansible

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/term"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/vault"
	"tutti/internal/ansible/vault/password"
)

// interactive reports whether somebody is at the terminal.
func (p *Program) interactive() bool { return p.Stdin != nil && term.IsTerminal(int(p.Stdin.Fd())) }

// secret asks for something that is not shown while it is typed.
func (p *Program) secret(ctx context.Context, question string) (string, error) {
	_, _ = fmt.Fprint(p.Stderr, question)
	if !p.interactive() {
		return p.line()
	}
	text, err := term.ReadPassword(int(p.Stdin.Fd()))
	_, _ = fmt.Fprintln(p.Stderr)
	if err != nil {
		return "", fmt.Errorf("the answer cannot be read: %w", err)
	}
	return string(text), ctx.Err()
}

// line reads a line from standard input.
func (p *Program) line() (string, error) {
	if p.input == nil {
		p.input = bufio.NewReader(p.Stdin)
	}
	text, err := p.input.ReadString('\n')
	if err != nil && text == "" {
		return "", errors.New("nobody answers: standard input has ended")
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// person answers what a play asks people.
func (p *Program) person(ctx context.Context, a play.Ask) (string, error) {
	question := a.Prompt
	if a.Private {
		return p.secret(ctx, question)
	}
	if !p.interactive() && a.Name != "" {
		text, err := p.line()
		if err != nil { // nobody is there: what is asked for has a default, or stays empty
			p.warning("Not prompting as we are not in interactive mode")
			return a.Default, nil
		}
		return text, nil
	}
	_, _ = fmt.Fprint(p.Stdout, question)
	return p.line()
}

// passwords are what hosts and becoming ask for.
type passwords struct{ connection, become string }

// passwords finds the passwords that options ask for: typed, or in files.
func (p *Program) passwords(ctx context.Context, c connectFlags, b becomeFlags) (passwords, error) {
	var out passwords
	var err error
	switch {
	case c.askPass:
		out.connection, err = p.secret(ctx, "SSH password: ")
	case c.passFile != "":
		out.connection, err = passwordFile(ctx, c.passFile)
	}
	if err != nil {
		return out, err
	}
	switch {
	case b.ask && c.askPass:
		if out.become, err = p.secret(ctx, "BECOME password[defaults to SSH password]: "); out.become == "" {
			out.become = out.connection
		}
	case b.ask:
		out.become, err = p.secret(ctx, "BECOME password: ")
	case b.passFile != "":
		out.become, err = passwordFile(ctx, b.passFile)
	}
	return out, err
}

// maxPassword is how long a password file may be.
const maxPassword = 1 << 16

// passwordFile reads a password from a file, or from a program that prints it.
func passwordFile(ctx context.Context, name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("The password file %s was not found", name) // Ansible's words
	}
	var text []byte
	if info.Mode()&0o111 != 0 {
		if text, err = exec.CommandContext(ctx, name).Output(); err != nil {
			return "", fmt.Errorf("Problem occurred when trying to run the password script %s (%w). If this is not a script, remove the executable bit from the file.", name, err)
		}
	} else if text, err = os.ReadFile(name); err != nil {
		return "", fmt.Errorf("Could not read password file (%s): %w", name, err) // Ansible's words
	}
	text = bytes.TrimSpace(text)
	if len(text) > maxPassword {
		return "", fmt.Errorf("the password file %s is longer than %d bytes", name, maxPassword)
	}
	if len(text) == 0 {
		return "", fmt.Errorf("Empty password was provided from file (%s)", name) // Ansible's words
	}
	return string(text), nil
}

// secrets finds the passwords of vaults.
func (p *Program) secrets(ctx context.Context, v vaultFlags, s settings, r password.Request) ([]vault.Secret, error) {
	r.Identities = append(append([]string(nil), s.Vault.Identities...), v.ids...)
	r.Files = v.files
	if len(r.Files) == 0 && s.Vault.PasswordFile != "" {
		r.Files = []string{s.Vault.PasswordFile}
	}
	r.Ask, r.DefaultID = v.ask || s.Vault.AskPass, s.Vault.Identity
	secrets, warnings, err := password.Find(ctx, r, p.secret)
	for _, w := range warnings {
		p.warning(w)
	}
	return secrets, err
}

// forPlay are secrets in the form in which they travel with a play.
func forPlay(secrets []vault.Secret) []action.Secret {
	var out []action.Secret
	for _, s := range secrets {
		out = append(out, action.Secret{ID: s.ID, Password: string(s.Password)})
	}
	return out
}
