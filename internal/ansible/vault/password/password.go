// Package password finds the passwords of vaults: in files, from scripts, from people, as
// --vault-id, --vault-password-file, --ask-vault-pass and the configuration ask for them.
//
// In go identities such as dev@~/.vault and prod@prompt, out come the secrets of a
// vault.Vault with what there is to warn of. It does the I/O that package vault must not do,
// and never shows a password.
package password

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/ansible/vault"
	"tutti/internal/process"
)

// Request says which passwords are wanted.
type Request struct {
	// Identities are those of the configuration and of --vault-id: [label@]source, where the
	// source is "prompt", a file, or a script.
	Identities []string
	// Files are those of --vault-password-file and the configuration.
	Files []string
	// Ask is --ask-vault-pass.
	Ask bool
	// New has people type a password twice.
	New bool
	// AutoAsk asks a person where nothing else is given.
	AutoAsk bool
	// DefaultID is DEFAULT_VAULT_IDENTITY; empty is vault.DefaultID.
	DefaultID string
	// Dir is what relative paths start from.
	Dir string
}

// Prompt asks a person for something that is not shown while it is typed.
type Prompt func(ctx context.Context, question string) (string, error)

// asked is the source that stands for --ask-vault-pass, whose prompts name no ID.
const asked = "prompt_ask_vault_pass"

// maxFile is how large a password file may be.
const maxFile = 1 << 20

// Find gives the secrets in order, and warnings about sources that gave none. It is an error
// when there are sources and none gave a password.
func Find(ctx context.Context, r Request, ask Prompt) (secrets []vault.Secret, warnings []string, err error) {
	if r.DefaultID == "" {
		r.DefaultID = vault.DefaultID
	}
	var last error
	for _, identity := range r.all() {
		label, source, found := strings.Cut(identity, "@")
		if !found {
			label, source = "", identity
		}
		if strings.Contains(label, ";") {
			return nil, warnings, fmt.Errorf("'%s' is not a valid vault id. The character ';' is not allowed in vault ids", identity)
		}
		id := label
		if id == "" {
			id = r.DefaultID
		}
		if source == "prompt" || source == asked {
			password, err := r.ask(ctx, ask, id, source)
			if err != nil {
				return nil, append(warnings, fmt.Sprintf("Error in vault password prompt (%s): %s", label, err)), err
			}
			secrets = append(secrets, vault.Secret{ID: id, Password: password})
			continue
		}
		password, err := load(ctx, r.path(source), label, secrets)
		if err != nil {
			if context.Cause(ctx) != nil {
				return nil, warnings, err
			}
			last = err
			warnings = append(warnings, fmt.Sprintf("Error getting vault password file (%s): %s", orDefault(label, r.DefaultID), err))
			continue
		}
		secrets = append(secrets, vault.Secret{ID: id, Password: password})
	}
	if last != nil && len(secrets) == 0 {
		return nil, warnings, last
	}
	return secrets, warnings, nil
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// all are the identities to load, in order.
func (r Request) all() []string {
	all := append([]string(nil), r.Identities...)
	for _, f := range r.Files {
		all = append(all, r.DefaultID+"@"+f)
	}
	if r.Ask || len(all) == 0 && r.AutoAsk {
		all = append(all, r.DefaultID+"@"+asked)
	}
	return all
}

// path makes a path absolute, with ~ and variables of the environment filled in.
func (r Request) path(p string) string {
	p = os.Expand(p, func(name string) string {
		if v, ok := os.LookupEnv(name); ok {
			return v
		}
		return "$" + name
	})
	if p == "~" || strings.HasPrefix(p, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			p = home + p[1:]
		}
	}
	if !filepath.IsAbs(p) {
		p = filepath.Join(r.Dir, p)
	}
	if abs, err := filepath.Abs(p); err == nil {
		p = abs
	}
	return p
}

// questions are what a person is asked; scripts that answer wait for just these words.
func (r Request) questions(id, source string) []string {
	switch {
	case source == asked && r.New:
		return []string{"New Vault password: ", "Confirm New Vault password: "}
	case source == asked:
		return []string{"Vault password: "}
	case r.New:
		return []string{"New vault password (" + id + "): ", "Confirm new vault password (" + id + "): "}
	}
	return []string{"Vault password (" + id + "): "}
}

var errEmpty = errors.New("Invalid vault password was provided")

func (r Request) ask(ctx context.Context, ask Prompt, id, source string) ([]byte, error) {
	if ask == nil {
		return nil, fmt.Errorf("the vault password (%s) has to be typed, and there is nobody to ask", id)
	}
	var first []byte
	for i, q := range r.questions(id, source) {
		text, err := ask(ctx, q)
		if err != nil {
			return nil, err
		}
		password := bytes.TrimSpace([]byte(text))
		switch {
		case len(password) == 0:
			return nil, errEmpty
		case i == 0:
			first = password
		case !bytes.Equal(first, password):
			return nil, errors.New("Passwords do not match")
		}
	}
	return first, nil
}

// load reads a password file or runs a password script. A file may itself be encrypted by
// one of the passwords that are known already.
func load(ctx context.Context, path, label string, known []vault.Secret) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("The vault password file %s was not found", path)
	case info.IsDir():
		return nil, fmt.Errorf("The vault password file provided '%s' can not be a directory", path)
	case info.Mode()&0o111 != 0:
		return run(ctx, path, label)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("the vault password file %s is larger than %d bytes", path, maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("Could not read vault password file '%s': %w", path, err)
	}
	text = bytes.TrimSpace(text)
	if vault.IsEncrypted(text) {
		if text, _, err = (vault.Vault{Secrets: known}).Decrypt(text); err != nil {
			return nil, fmt.Errorf("the vault password file %s is encrypted itself: %w", path, err)
		}
	}
	if text = bytes.Trim(text, "\r\n"); len(text) == 0 {
		return nil, fmt.Errorf("Invalid vault password was provided from file (%s)", path)
	}
	return text, nil
}

// isClient tells of scripts that are told the vault ID that is wanted.
func isClient(path string) bool {
	return strings.HasSuffix(strings.TrimSuffix(path, filepath.Ext(path)), "-client")
}

// unknownID is how a client script says that it has no password of that ID.
const unknownID = 2

func run(ctx context.Context, path, label string) ([]byte, error) {
	argv, kind := []string{path}, "script"
	if isClient(path) {
		kind = "client script"
		if label != "" {
			argv = append(argv, "--vault-id", label)
		}
	}
	res, err := process.Run(ctx, process.Command{Argv: argv, Env: os.Environ(), Capture: maxFile})
	var start *process.StartError
	switch {
	case errors.As(err, &start):
		return nil, fmt.Errorf("Problem running vault password %s %s (%w). If this is not a script, remove the executable bit from the file.", kind, path, start.Err)
	case err != nil:
		return nil, err
	}
	said := strings.TrimSpace(string(res.Stderr.Text))
	switch {
	case isClient(path) && res.ExitCode == unknownID:
		return nil, fmt.Errorf("Vault password client script %s did not find a secret for vault-id=%s: %s", path, label, said)
	case !res.OK() && isClient(path):
		return nil, fmt.Errorf("Vault password client script %s returned non-zero (%d) when getting secret for vault-id=%s: %s", path, res.ExitCode, label, said)
	case !res.OK():
		return nil, fmt.Errorf("Vault password script %s returned non-zero (%d): %s", path, res.ExitCode, said)
	}
	password := bytes.Trim(res.Stdout.Text, "\r\n")
	if len(password) == 0 {
		return nil, fmt.Errorf("Invalid vault password was provided from script (%s)", path)
	}
	return password, nil
}
