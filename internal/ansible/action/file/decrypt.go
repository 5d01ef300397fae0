package file

import (
	"bytes"
	"io"
	"os"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
)

// vaultHeader is how an encrypted file begins.
const vaultHeader = "$ANSIBLE_VAULT"

// decrypt reads a file that is encrypted; others are left alone.
func decrypt(task action.Task, path string) (plain []byte, isVault bool, failure module.Result) {
	file, err := os.Open(path)
	if err != nil {
		return nil, false, nil // who reads it next tells
	}
	defer func() { _ = file.Close() }()
	head := make([]byte, len(vaultHeader))
	if _, err := io.ReadFull(file, head); err != nil || string(head) != vaultHeader {
		return nil, false, nil
	}
	if len(task.Vault) == 0 {
		return nil, false, failed("Task failed: A vault password or secret must be specified to decrypt " + path)
	}
	rest, err := io.ReadAll(file)
	if err != nil {
		return nil, false, failed(err.Error())
	}
	plain, err = openVault(task, path, bytes.Join([][]byte{head, rest}, nil))
	if err != nil {
		return nil, false, failed("Task failed: " + err.Error())
	}
	return plain, true, nil
}
