package file

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/ansible/vault"
)

// Plain is a text for EncryptStrings with where it came from.
type Plain struct {
	Text []byte
	// Source is as Ansible calls it: "the command line args", "stdin", "the interactive prompt".
	Source string
	// Name is that of the variable; it may be empty.
	Name string
}

// EncryptStrings encrypts texts as values for YAML files. The notes, for standard error, tell
// several apart.
func (t *Tool) EncryptStrings(texts []Plain, s vault.Secret, id string) (out, notes string, err error) {
	var b, n strings.Builder
	for i, p := range texts {
		if len(p.Text) == 0 {
			return "", "", errors.New("The plaintext provided from " + p.Source + " was empty, not encrypting")
		}
		text, err := t.seal(p.Text, s, id)
		if err != nil {
			return "", "", err
		}
		b.WriteString(vault.YAML(text, p.Name))
		b.WriteByte('\n')
		switch {
		case len(texts) == 1:
		case p.Name != "":
			fmt.Fprintf(&n, "# The encrypted version of variable (\"%s\", the string #%d from %s).\n", p.Name, i+1, p.Source)
		default:
			fmt.Fprintf(&n, "# The encrypted version of the string #%d from %s.)\n", i+1, p.Source)
		}
	}
	return b.String(), n.String(), nil
}
