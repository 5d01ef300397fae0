package file

import (
	"errors"

	"tutti/internal/ansible/action"
)

// openVault decrypts with the first secret that fits.
func openVault(_ action.Task, _ []byte) ([]byte, error) {
	return nil, errors.New("decrypting local files is not there yet")
}
