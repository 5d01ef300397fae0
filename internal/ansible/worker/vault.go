package worker

import (
	"fmt"

	"tutti/internal/ansible/vault"
)

// opened gives a file's content, decrypted when it is one of the vault.
func (w *Worker) opened(path string, text []byte) ([]byte, error) {
	if !vault.IsEncrypted(text) {
		return text, nil
	}
	plain, _, err := w.vault.Decrypt(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return plain, nil
}
