package ansible

import (
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
	"tutti/internal/ansible/vault"
	"tutti/internal/diag"
)

// extraVars reads all -e in order: k=v, YAML, JSON, and files of these.
func extraVars(all []string, secrets []vault.Secret) (*value.Dict, diag.List) {
	out := &value.Dict{}
	var said diag.List
	for _, text := range all {
		d, diags := extraVar(text, secrets)
		said = append(said, diags...)
		out.Update(d)
	}
	return out, said
}

func extraVar(text string, secrets []vault.Secret) (*value.Dict, diag.List) {
	name := "<CLI option '-e'>"
	content := []byte(text)
	switch {
	case text == "" || strings.TrimSpace(text) == "":
		return nil, nil
	case text[0] == '@':
		file, err := filepath.Abs(text[1:])
		if err == nil {
			content, err = os.ReadFile(file)
		}
		if err != nil {
			return nil, diag.Errorf(nil, playbook.Missing, "Unable to retrieve file contents.\nCould not find or access '%s' on the Ansible Controller.", file)
		}
		name = file
		if vault.IsEncrypted(content) {
			plain, _, err := vault.Vault{Secrets: secrets}.Decrypt(content)
			if err != nil {
				return nil, diag.Errorf(nil, playbook.Missing, "%s: %s", file, err)
			}
			content = plain
		}
	case text[0] == '/' || text[0] == '.':
		return nil, diag.Errorf(nil, playbook.Misused, "Please prepend extra_vars filename '%s' with '@'", text)
	case text[0] != '[' && text[0] != '{':
		d, err := playbook.Pairs(text, value.Origin{File: name})
		if err != nil {
			return nil, diag.Errorf(nil, playbook.Misused, "%s: %s", err, text)
		}
		return d, nil
	}
	v, diags := document.Value(content, name, document.Options{})
	d, ok := v.(*value.Dict)
	if !ok && v != nil && !diags.HasErrors() {
		diags = append(diags, diag.Errorf(nil, playbook.Misused, "Invalid extra vars data supplied. '%s' could not be made into a dictionary", text)...)
	}
	return d, diags
}
