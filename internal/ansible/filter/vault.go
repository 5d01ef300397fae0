package filter

import (
	"encoding/binary"
	"fmt"
	"strings"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
	"tutti/internal/ansible/vault"
)

// Keeper is what a World is that knows which texts were decrypted from the vault. The test
// vault_encrypted asks it, for a variable's text does not tell where it came from.
type Keeper interface{ Decrypted(text string) bool }

// vaultID gives the name that a vault text gets: vaultid is an old spelling of vault_id.
func vaultID(c *jinja.Call, id, old any) string {
	name := value.String(id)
	if old == nil {
		return name
	}
	if name == "filter_default" {
		return value.String(old)
	}
	warn(c, "Ignoring vaultid as vault_id is already set.")
	return name
}

func encrypt(c *jinja.Call, a []any) (any, error) {
	secret, ok := a[1].(string)
	if !ok {
		return nil, fmt.Errorf("Secret passed is required to be a string, instead we got %s.", class(a[1])) // Ansible's own words
	}
	data, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("Can only vault strings, instead we got %s.", class(a[0])) // Ansible's own words
	}
	salt := []byte(nil)
	if python.Truth(a[2]) {
		salt = []byte(value.String(a[2]))
	} else {
		for len(salt) < vault.SaltSize {
			salt = binary.LittleEndian.AppendUint64(salt, c.Random(0))
		}
	}
	text, err := vault.Encrypt([]byte(data), vault.Secret{Password: []byte(secret)}, vaultID(c, a[3], a[5]), salt)
	if err != nil {
		return nil, fmt.Errorf("Unable to encrypt: %w", err) // Ansible's own words
	}
	if python.Truth(a[4]) {
		return &value.Vaulted{Text: string(text)}, nil
	}
	return string(text), nil
}

func decrypt(c *jinja.Call, a []any) (any, error) {
	secret, ok := a[1].(string)
	if !ok {
		return nil, fmt.Errorf("Secret passed is required to be as string, instead we got %s.", class(a[1])) // Ansible's own words
	}
	text, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("Vault should be in the form of a string, instead we got %s.", class(a[0])) // Ansible's own words
	}
	if !vault.IsEncrypted([]byte(text)) {
		return text, nil
	}
	v := vault.Vault{Secrets: []vault.Secret{{ID: vaultID(c, a[2], a[3]), Password: []byte(secret)}}}
	plain, _, err := v.Decrypt([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("Unable to decrypt: %w", err) // Ansible's own words
	}
	return string(plain), nil
}

// isVaulted tells whether a value is one of tag !vault, or was until it was decrypted.
func isVaulted(c *jinja.Call, a []any) (any, error) {
	switch v := a[0].(type) {
	case *value.Vaulted:
		return true, nil
	case string:
		k, ok := c.Data().(Keeper)
		return ok && k.Decrypted(v) && !strings.HasPrefix(v, vault.Header), nil
	}
	return false, nil
}

func isVaultedFile(c *jinja.Call, a []any) (any, error) {
	p, err := pathText(a[0])
	if err != nil {
		return nil, err
	}
	return ask(c, AskVaultedFile, p)
}
