package file

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"syscall"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

func slurpModule() module.Module {
	return module.Module{Name: "slurp", Run: runSlurp, Spec: argument.Spec{Check: true, Options: []argument.Option{
		{Name: "src", Type: argument.Path, Required: true, Aliases: []string{"path"}},
	}}}
}

func runSlurp(_ context.Context, c *module.Call) module.Result {
	src := c.String("src")
	content, err := os.ReadFile(src)
	switch {
	case err == nil:
		return module.Result{"content": base64.StdEncoding.EncodeToString(content), "source": src, "encoding": "base64"}
	case errors.Is(err, syscall.ENOENT):
		return module.Fail("File not found: " + src)
	case errors.Is(err, syscall.EACCES):
		return module.Fail("File is not readable: " + src)
	case errors.Is(err, syscall.EISDIR):
		return module.Fail("Source is a directory and must be a file: " + src)
	default:
		return module.Fail("Unable to slurp file: " + src)
	}
}
