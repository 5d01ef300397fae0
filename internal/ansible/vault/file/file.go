// Package file does with files what ansible-vault does: it encrypts, decrypts, shows, edits,
// creates and re-keys them, in their place and with their permissions.
//
// In go names of files and secrets, out come changed files. New content is written beside
// the old and moved over it, so that an interrupted command leaves one or the other. What was
// decrypted into a temporary file is overwritten before it is removed. It must not know how
// passwords are found, nor flags of commands.
package file

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/google/shlex"

	"tutti/internal/ansible/vault"
)

// Stdio is the name that stands for standard input and output.
const Stdio = "-"

// MaxBytes is how large a file may be.
const MaxBytes = 256 << 20

// Tool works on files with the secrets of a vault.
type Tool struct {
	Vault vault.Vault
	// Stdin and Stdout stand behind the name Stdio.
	Stdin  io.Reader
	Stdout io.Writer
	// Salt is VAULT_ENCRYPT_SALT: a fixed salt instead of a random one.
	Salt string
	// Editor is the command of $EDITOR with its arguments; empty is vi.
	Editor string
	// Temp is the folder for what is decrypted while it is edited; empty is the system's.
	Temp string
	// Edit runs the editor; nil runs it on the terminal of this process.
	Edit func(ctx context.Context, argv []string) error
}

func (t *Tool) salt() ([]byte, error) {
	if t.Salt != "" {
		return []byte(t.Salt), nil
	}
	salt := make([]byte, vault.SaltSize)
	_, err := rand.Read(salt)
	return salt, err
}

// seal encrypts with a salt of its own.
func (t *Tool) seal(plain []byte, s vault.Secret, id string) ([]byte, error) {
	salt, err := t.salt()
	if err != nil {
		return nil, err
	}
	return vault.Encrypt(plain, s, id, salt)
}

// resolved is the file that a name leads to.
func resolved(name string) string {
	if name == Stdio {
		return name
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	return name
}

func (t *Tool) read(name string) ([]byte, error) {
	in := t.Stdin
	if name != Stdio {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("Unable to read source file (%s): %w", name, err)
		}
		defer f.Close()
		in = f
	}
	if in == nil {
		return nil, errors.New("there is no standard input to read")
	}
	data, err := io.ReadAll(io.LimitReader(in, MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("Unable to read source file (%s): %w", name, err)
	case len(data) > MaxBytes:
		return nil, fmt.Errorf("the file %s is larger than %d bytes", name, MaxBytes)
	}
	return data, nil
}

// write puts data into a file, in the place and with the permissions of one that is there.
// Others are private. A file with plain text that is replaced is overwritten first.
func (t *Tool) write(name string, data []byte, shredOld bool) error {
	if name == Stdio {
		if t.Stdout == nil {
			return errors.New("there is no standard output to write to")
		}
		_, err := t.Stdout.Write(data)
		return err
	}
	old, statErr := os.Stat(name)
	if statErr == nil && !old.Mode().IsRegular() { // a pipe or a device has no place to be replaced in
		return os.WriteFile(name, data, 0o600)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".tutti-vault-*")
	if err != nil {
		return fmt.Errorf("Destination '%s' not writable: %w", filepath.Dir(name), err)
	}
	temp := f.Name()
	defer os.Remove(temp) // gone already when all went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if end := f.Close(); err == nil {
		err = end
	}
	if err != nil {
		return fmt.Errorf("Unable to write to temporary vault file: %w", err)
	}
	if statErr == nil {
		if err := takeOver(temp, old); err != nil {
			return fmt.Errorf("the permissions of %s cannot be kept: %w", name, err)
		}
	}
	if !shredOld || statErr != nil {
		return os.Rename(temp, name)
	}
	// The new content is safe on disk under its own name before the old is destroyed.
	link := temp + ".old"
	if err := os.Link(name, link); err != nil {
		link = ""
	}
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	if link == "" {
		return nil
	}
	return shred(link)
}

// Encrypt encrypts a file with a secret, into output or, when that is "", in its place.
func (t *Tool) Encrypt(name, output string, s vault.Secret, id string) error {
	name = resolved(name)
	plain, err := t.read(name)
	if err != nil {
		return err
	}
	text, err := t.seal(plain, s, id)
	if err != nil {
		return fmt.Errorf("%w for %s", err, name)
	}
	if output == "" {
		output = name
	}
	return t.write(output, text, output == name)
}

// decrypt gives the plain text of a file and the secret that opened it.
func (t *Tool) decrypt(name string) ([]byte, vault.Secret, vault.Envelope, error) {
	text, err := t.read(name)
	if err != nil {
		return nil, vault.Secret{}, vault.Envelope{}, err
	}
	plain, s, err := t.Vault.Decrypt(text)
	if err != nil {
		return nil, s, vault.Envelope{}, fmt.Errorf("%w for %s", err, name)
	}
	e, err := vault.Open(text)
	return plain, s, e, err
}

// Decrypt decrypts a file, into output or, when that is "", in its place.
func (t *Tool) Decrypt(name, output string) error {
	name = resolved(name)
	plain, _, _, err := t.decrypt(name)
	if err != nil {
		return err
	}
	if output == "" {
		output = name
	}
	return t.write(output, plain, false)
}

// View gives the plain text of a file.
func (t *Tool) View(name string) ([]byte, error) {
	plain, _, _, err := t.decrypt(name)
	return plain, err
}

// Rekey encrypts a file anew with another secret.
func (t *Tool) Rekey(name string, s vault.Secret, id string) error {
	name = resolved(name)
	plain, _, _, err := t.decrypt(name)
	if err != nil {
		return err
	}
	text, err := t.seal(plain, s, id)
	if err != nil {
		return fmt.Errorf("%w for %s", err, name)
	}
	return t.write(name, text, false)
}

// Create has a person write a new file, which is encrypted then. It reports whether folders
// had to be made for it.
func (t *Tool) Create(ctx context.Context, name string, s vault.Secret, id string) (madeFolder bool, err error) {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		return false, fmt.Errorf("%s exists, please use 'edit' instead", name)
	}
	dir := filepath.Dir(name)
	if _, err := os.Stat(dir); err != nil {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return false, fmt.Errorf("the folder for %s cannot be made: %w", name, err)
		}
		madeFolder = true
	}
	return madeFolder, t.edit(ctx, name, nil, s, id)
}

// Change has a person edit an encrypted file. It keeps its secret and its vault ID, and stays
// as it is where nothing was changed.
func (t *Tool) Change(ctx context.Context, name string) error {
	name = resolved(name)
	plain, s, e, err := t.decrypt(name)
	if err != nil {
		return err
	}
	if plain == nil {
		plain = []byte{}
	}
	return t.edit(ctx, name, plain, s, e.ID)
}

// edit opens the editor on a private copy; old is nil for a new file, which is always saved.
func (t *Tool) edit(ctx context.Context, name string, old []byte, s vault.Secret, id string) (err error) {
	f, err := os.CreateTemp(t.Temp, "tutti-vault-*"+filepath.Ext(name))
	if err != nil {
		return fmt.Errorf("Problem creating temporary vault file: %w", err)
	}
	temp := f.Name()
	defer func() {
		if e := shred(temp); err == nil {
			err = e
		}
	}()
	_, err = f.Write(old)
	if end := f.Close(); err == nil {
		err = end
	}
	if err != nil {
		return fmt.Errorf("Unable to write to temporary vault file: %w", err)
	}
	argv, err := t.command(temp)
	if err != nil {
		return err
	}
	run := t.Edit
	if run == nil {
		run = onTerminal
	}
	if err := run(ctx, argv); err != nil {
		return fmt.Errorf("Unable to execute the command \"%s\": %w", argv[0], err)
	}
	plain, err := t.read(temp)
	if err != nil || old != nil && string(plain) == string(old) {
		return err
	}
	text, err := t.seal(plain, s, id)
	if err != nil {
		return err
	}
	return t.write(name, text, false)
}

func (t *Tool) command(temp string) ([]string, error) {
	editor := t.Editor
	if editor == "" {
		editor = "vi"
	}
	argv, err := shlex.Split(editor)
	if err != nil || len(argv) == 0 {
		return nil, fmt.Errorf("the editor %q is no command", editor)
	}
	return append(argv, temp), nil
}

// onTerminal runs the editor. How it ends does not matter: what it saved counts.
func onTerminal(ctx context.Context, argv []string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return nil
	}
	return err
}
