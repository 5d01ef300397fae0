package file

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func tempfileModule() module.Module {
	return module.Module{Name: "tempfile", Run: runTempfile, Spec: argument.Spec{Options: []argument.Option{
		{Name: "state", Default: "file", Choices: []any{"file", "directory"}},
		{Name: "path", Type: argument.Path},
		{Name: "prefix", Default: "ansible."},
		{Name: "suffix", Default: ""},
	}}}
}

// nameAttempts is how many names are tried before giving up.
const nameAttempts = 100

func runTempfile(ctx context.Context, c *module.Call) module.Result {
	for _, part := range []string{"prefix", "suffix"} {
		if s := c.String(part); s != baseName(s) {
			return module.Fail(fmt.Sprintf("%s must be a valid file name component, got '%s'", part, s))
		}
	}
	dir := c.String("path")
	if dir == "" {
		dir = os.TempDir()
		if own, ok := module.Getenv(ctx, "TMPDIR"); ok && own != "" {
			dir = own
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return module.Fail(err.Error())
	}
	for range nameAttempts {
		path := join(dir, c.String("prefix")+randomName()+c.String("suffix"))
		if c.String("state") == "directory" {
			err = os.Mkdir(path, 0o700)
		} else {
			var file *os.File
			if file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
				err = file.Close()
			}
		}
		if err == nil {
			return module.Result{"changed": true, "path": path}
		}
		if !errors.Is(err, os.ErrExist) {
			return module.Fail(fmt.Sprintf("%s: '%s'", attribute.OSError(err, ""), path))
		}
	}
	return module.Fail(fmt.Sprintf("no free name was found in %s after %d attempts", dir, nameAttempts))
}

// randomName gives eight characters as Python's tempfile does.
func randomName() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789_"
	raw := make([]byte, 8)
	_, _ = rand.Read(raw) // never fails
	for i, b := range raw {
		raw[i] = letters[int(b)%len(letters)]
	}
	return string(raw)
}
