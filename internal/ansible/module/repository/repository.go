// Package repository holds the modules that bring working copies of version control systems to
// a revision: git and subversion.
//
// In: a checked call. Out: what the real module returns. The work is done by the programs git
// and svn, which have to be on the host. The package must not know playbooks or connections.
package repository

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// Modules are the modules of this package.
func Modules() []module.Module {
	return []module.Module{
		{Name: "git", Spec: gitSpec(), Run: gitModule},
		{Name: "subversion", Spec: subversionSpec(), Run: subversion},
	}
}

// require finds a program that the module cannot do without.
func require(ctx context.Context, name string) (string, error) {
	if file := module.LookPath(ctx, name); file != "" {
		return file, nil
	}
	path, _ := module.Getenv(ctx, "PATH")
	return "", attribute.Failed(fmt.Sprintf("Failed to find required executable %q in paths: %s", name, path))
}

// bad is the error of a program that did not do what it had to.
func bad(argv []string, o module.Output) error {
	if o.Err != nil {
		return attribute.Failed("Error executing command.: "+attribute.OSError(o.Err, argv[0]), "cmd", shown(argv), "rc", o.Code, "stdout", "", "stderr", "")
	}
	return attribute.Failed(strings.TrimRight(o.Stderr, "\n \t\r"), "cmd", shown(argv), "rc", o.Code, "stdout", o.Stdout, "stderr", o.Stderr)
}

// shown is a command line as a shell reads it.
func shown(argv []string) string {
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = w
		if w == "" || strings.ContainsFunc(w, unsafe) {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'"'"'`) + "'"
		}
	}
	return strings.Join(words, " ")
}

func unsafe(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./-_", r))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// clean gives an absolute path, links resolved, of something that may be a URL: two ways to
// write one place are the same then.
func clean(ctx context.Context, path string) string {
	return filepath.Clean(attribute.RealPath(module.Expand(ctx, path)))
}
