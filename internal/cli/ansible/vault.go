package ansible

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"tutti/internal/ansible/vault"
	"tutti/internal/ansible/vault/file"
	"tutti/internal/ansible/vault/password"
)

// sealFlags are those of ansible-vault, for all its actions.
type sealFlags struct {
	vault     vaultFlags
	encryptID string
	output    string
	newFile   string
	newID     string
	text      textFlags
	skipTTY   bool
}

// textFlags are those of encrypt_string.
type textFlags struct {
	prompt, show bool
	names        []string
	stdinName    string
}

// vaultActions are what ansible-vault can do.
var vaultActions = []string{"create", "decrypt", "edit", "view", "encrypt", "encrypt_string", "rekey"}

const vaultSynopsis = "{create,decrypt,edit,view,encrypt,encrypt_string,rekey} ..."

func (p *Program) sealFlags(action string, o *sealFlags, s settings) *flags {
	f := newFlags(p.Name, action+" [options] [file_name ...]", s.Run.Verbosity)
	o.vault.add(f, s)
	if slices.Contains([]string{"create", "edit", "encrypt", "encrypt_string", "rekey"}, action) {
		f.StringVar(&o.encryptID, "encrypt-vault-id", s.Vault.EncryptIdentity, "the vault's identity to encrypt with, when there are several")
	}
	if slices.Contains([]string{"decrypt", "encrypt", "encrypt_string"}, action) {
		f.StringVar(&o.output, "output", "", "write to this file; - is standard output")
	}
	switch action {
	case "create":
		f.BoolVar(&o.skipTTY, "skip-tty-check", false, "open the editor although there is no terminal")
	case "encrypt_string":
		f.BoolVarP(&o.text.prompt, "prompt", "p", false, "ask for the text")
		f.BoolVar(&o.text.show, "show-input", false, "show what is typed")
		f.StringArrayVarP(&o.text.names, "name", "n", nil, "the name of the variable; may be repeated")
		f.StringVar(&o.text.stdinName, "stdin-name", "", "the name of the variable that standard input holds")
	case "rekey":
		f.StringVar(&o.newFile, "new-vault-password-file", "", "the file with the new password")
		f.StringVar(&o.newID, "new-vault-id", "", "the new vault's identity")
	}
	return f
}

// vault is ansible-vault.
func (p *Program) vault(ctx context.Context, args []string) error {
	s, err := p.settings()
	if err != nil {
		return err
	}
	action := ""
	for i, arg := range args {
		if slices.Contains(vaultActions, arg) {
			action, args = arg, slices.Delete(slices.Clone(args), i, i+1)
			break
		}
	}
	var o sealFlags
	f := p.sealFlags(action, &o, s)
	names, err := f.parse(args)
	switch {
	case err != nil:
		return err
	case f.help:
		_, err := fmt.Fprint(p.Stdout, f.usage("Encrypts and decrypts files: "+strings.Join(vaultActions, ", ")+"."))
		return err
	case f.version:
		return p.printVersion(s)
	case action == "" && len(names) > 0:
		return &usageError{vaultSynopsis, fmt.Sprintf("argument action: invalid choice: '%s' (choose from %s)", names[0], strings.Join(vaultActions, ", "))}
	case action == "":
		return &usageError{vaultSynopsis, "the following arguments are required: action"}
	case o.output != "" && len(names) > 1:
		return &optionsError{"At most one input file may be used with the --output option"}
	}
	for _, id := range o.vault.ids {
		if strings.Contains(id, ";") {
			return &optionsError{"'" + id + "' is not a valid vault id. The character ';' is not allowed in vault ids"}
		}
	}
	switch action {
	case "encrypt", "encrypt_string", "create":
		return p.seal(ctx, action, names, &o, s)
	default:
		return p.unseal(ctx, action, names, &o, s)
	}
}

// tool works on files with these secrets.
func (p *Program) tool(secrets []vault.Secret, s settings) *file.Tool {
	return &file.Tool{Vault: vault.Vault{Secrets: secrets, IDMatch: s.Vault.IDMatch}, Stdin: p.Stdin, Stdout: p.Stdout, Salt: s.Vault.Salt, Editor: s.Vault.Editor}
}

// errNoPassword is what all actions need.
const errNoPassword = "A vault password is required to use Ansible's Vault"

// seal carries out the actions that encrypt.
func (p *Program) seal(ctx context.Context, action string, names []string, o *sealFlags, s settings) error {
	secrets, err := p.secrets(ctx, o.vault, s, password.Request{New: true, AutoAsk: true})
	if err != nil {
		return err
	}
	chosen, err := chooseSecret(secrets, o.encryptID)
	if err != nil {
		return err
	}
	t := p.tool(secrets, s)
	switch action {
	case "create":
		if len(names) != 1 {
			return &optionsError{"ansible-vault create can take only one filename argument"}
		}
		if !p.interactive() && !o.skipTTY {
			return &optionsError{"not a tty, editor cannot be opened"}
		}
		_, err := t.Create(ctx, names[0], chosen, chosen.ID)
		return err
	case "encrypt_string":
		return p.sealTexts(ctx, t, chosen, names, o)
	}
	if len(names) == 0 {
		p.reading("Reading plaintext input from stdin")
		names = []string{file.Stdio}
	}
	for _, name := range names {
		if err := t.Encrypt(name, o.output, chosen, chosen.ID); err != nil {
			return err
		}
	}
	p.success("Encryption successful")
	return nil
}

// chooseSecret gives the secret to encrypt with.
func chooseSecret(secrets []vault.Secret, id string) (vault.Secret, error) {
	switch {
	case len(secrets) == 0:
		return vault.Secret{}, &optionsError{errNoPassword}
	case len(secrets) > 1 && id == "":
		ids := make([]string, len(secrets))
		for i, s := range secrets {
			ids[i] = s.ID
		}
		return vault.Secret{}, &optionsError{"The vault-ids " + strings.Join(ids, ",") + " are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id"}
	}
	return vault.Vault{Secrets: secrets}.Choose(id)
}

// reading tells a person what is waited for.
func (p *Program) reading(text string) {
	if p.interactive() {
		_, _ = fmt.Fprintln(p.Stderr, text)
	}
}

// success tells a person that it is done.
func (p *Program) success(text string) {
	if out, ok := p.Stdout.(*os.File); ok && term.IsTerminal(int(out.Fd())) {
		_, _ = fmt.Fprintln(p.Stderr, text)
	}
}

// sealTexts is encrypt_string.
func (p *Program) sealTexts(ctx context.Context, t *file.Tool, s vault.Secret, args []string, o *sealFlags) error {
	fromStdin := slices.Contains(args, "-") || o.text.stdinName != "" || len(args) == 0 && !o.text.prompt
	if o.text.prompt && fromStdin {
		return &optionsError{"The --prompt option is not supported if also reading input from stdin"}
	}
	var texts []file.Plain
	if o.text.prompt {
		plain, err := p.promptedText(ctx, o)
		if err != nil {
			return err
		}
		texts = append(texts, plain)
	}
	if fromStdin {
		p.reading("Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not already have a newline)")
		text, err := io.ReadAll(io.LimitReader(p.Stdin, file.MaxBytes))
		if err != nil {
			return err
		}
		if len(text) == 0 {
			return &optionsError{"stdin was empty, not encrypting"}
		}
		texts = append(texts, file.Plain{Text: text, Source: "stdin", Name: o.text.stdinName})
	}
	names := o.text.names
	for _, arg := range args {
		if arg == "-" {
			continue
		}
		plain := file.Plain{Text: []byte(arg), Source: "the command line args"}
		if len(names) > 0 {
			plain.Name, names = names[0], names[1:]
		}
		texts = append(texts, plain)
	}
	out, notes, err := t.EncryptStrings(texts, s, s.ID)
	if err != nil {
		return &optionsError{err.Error()}
	}
	_, _ = fmt.Fprint(p.Stderr, notes)
	if o.output != "" && o.output != file.Stdio {
		return os.WriteFile(o.output, []byte(out), 0o600)
	}
	if _, err := fmt.Fprint(p.Stdout, out); err != nil {
		return err
	}
	p.success("Encryption successful")
	return nil
}

// promptedText asks for a variable's name and its text.
func (p *Program) promptedText(ctx context.Context, o *sealFlags) (file.Plain, error) {
	plain := file.Plain{Source: "the interactive prompt"}
	if len(o.text.names) == 0 {
		_, _ = fmt.Fprint(p.Stderr, "Variable name (enter for no name): ")
		name, err := p.line()
		if err != nil {
			return plain, err
		}
		plain.Name = name
	} else {
		plain.Name = o.text.names[0]
	}
	question := "String to encrypt: "
	if plain.Name != "" {
		question = fmt.Sprintf("String to encrypt for variable %q: ", plain.Name)
	}
	var text string
	var err error
	if o.text.show {
		_, _ = fmt.Fprint(p.Stderr, question)
		text, err = p.line()
	} else {
		text, err = p.secret(ctx, strings.TrimSuffix(question, ": ")+" (hidden): ")
	}
	if text == "" && err == nil {
		err = &optionsError{"The plaintext provided from the prompt was empty, not encrypting"}
	}
	plain.Text = []byte(text)
	return plain, err
}

// unseal carries out the actions that need what is encrypted.
func (p *Program) unseal(ctx context.Context, action string, names []string, o *sealFlags, s settings) error {
	secrets, err := p.secrets(ctx, o.vault, s, password.Request{AutoAsk: true})
	if err != nil {
		return err
	}
	if len(secrets) == 0 {
		return &optionsError{errNoPassword}
	}
	t := p.tool(secrets, s)
	switch action {
	case "decrypt":
		if len(names) == 0 {
			p.reading("Reading ciphertext input from stdin")
			names = []string{file.Stdio}
		}
		for _, name := range names {
			if err := t.Decrypt(name, o.output); err != nil {
				return err
			}
		}
		p.success("Decryption successful")
	case "view":
		for _, name := range names {
			text, err := t.View(name)
			if err != nil {
				return err
			}
			if _, err := p.Stdout.Write(append(text, '\n')); err != nil {
				return err
			}
		}
	case "edit":
		for _, name := range names {
			if err := t.Change(ctx, name); err != nil {
				return err
			}
		}
	case "rekey":
		return p.rekey(ctx, t, names, o, s)
	}
	return nil
}

// rekey encrypts files with a new password.
func (p *Program) rekey(ctx context.Context, t *file.Tool, names []string, o *sealFlags, s settings) error {
	if o.newFile != "" && o.newID != "" {
		return &usageError{"rekey [options] [file_name ...]", "argument --new-vault-id: not allowed with argument --new-vault-password-file"}
	}
	r := password.Request{New: true, AutoAsk: true, Ask: o.vault.ask, DefaultID: s.Vault.Identity}
	if o.encryptID != "" {
		r.Identities = append(r.Identities, s.Vault.Identities...)
	}
	if o.newID != "" {
		r.Identities = append(r.Identities, o.newID)
	}
	if o.newFile != "" {
		r.Files = []string{o.newFile}
	}
	secrets, warnings, err := password.Find(ctx, r, p.secret)
	for _, w := range warnings {
		p.warning(w)
	}
	if err != nil {
		return err
	}
	if len(secrets) == 0 {
		return &optionsError{"A new vault password is required to use Ansible's Vault rekey"}
	}
	chosen, err := vault.Vault{Secrets: secrets}.Choose(o.encryptID)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := t.Rekey(name, chosen, chosen.ID); err != nil {
			return err
		}
	}
	p.success("Rekey successful")
	return nil
}
