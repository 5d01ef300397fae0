package file

import (
	"fmt"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/vault"
)

// openVault decrypts with the first secret that fits.
func openVault(task action.Task, path string, text []byte) ([]byte, error) {
	var v vault.Vault
	for _, s := range task.Vault {
		v.Secrets = append(v.Secrets, vault.Secret{ID: s.ID, Password: []byte(s.Password)})
	}
	plain, _, err := v.Decrypt(text)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	return plain, nil
}
