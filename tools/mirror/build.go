//go:build unix

package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// buildFlags make a binary that depends on nothing but its sources and the Go release.
var buildFlags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w"}

// toolchain is what the go command says about itself inside the providers' module: that module may ask for a newer
// Go than the one that runs this program.
type toolchain struct{ GOVERSION, GOOS, GOARCH string }

func (t toolchain) platform() string { return t.GOOS + "_" + t.GOARCH }

// build brings the mirror at root up to date with the module. It holds a lock beside the mirror, so that several
// test processes may call it at once and only the first one works.
func build(ctx context.Context, module, root string) error {
	unlock, err := lock(root + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	tools, err := askToolchain(ctx, module)
	if err != nil {
		return err
	}
	key, err := buildKey(module, tools)
	if err != nil {
		return err
	}
	if upToDate(root, key, tools) {
		fmt.Println("mirror is up to date:", root)
		return nil
	}
	for _, p := range providers {
		if err := buildProvider(ctx, module, root, p, tools); err != nil {
			return fmt.Errorf("build provider %s: %w", p.kind, err)
		}
	}
	// The key comes last: a mirror that was cut off half way has the old key, or none, and is built again.
	return writeFile(keyFile(root, tools), key)
}

// lock waits for the exclusive lock on path; the operating system gives it back when the process dies.
func lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func askToolchain(ctx context.Context, module string) (toolchain, error) {
	out, err := command(ctx, module, "env", "-json", "GOVERSION", "GOOS", "GOARCH").Output()
	if err != nil {
		return toolchain{}, fmt.Errorf("ask go env in %s: %w", module, err)
	}
	var t toolchain
	if err := json.Unmarshal(out, &t); err != nil {
		return toolchain{}, fmt.Errorf("read go env: %w", err)
	}
	return t, nil
}

// command is the go command in the providers' module, without cgo: the binaries run on any machine of the platform.
func command(ctx context.Context, module string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.Stderr = os.Stderr
	return cmd
}

// buildKey names everything that decides the binaries' content. The sums in go.sum cover all their sources.
func buildKey(module string, tools toolchain) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, tools, buildFlags, providers)
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(content), content)
	}
	return fmt.Sprintf("%x\n", h.Sum(nil)), nil
}

// keyFile lies beside the mirror, not in it: everything in a mirror has to be a package.
func keyFile(root string, tools toolchain) string { return root + "." + tools.platform() + ".key" }

func upToDate(root, key string, tools toolchain) bool {
	have, err := os.ReadFile(keyFile(root, tools))
	if err != nil || string(have) != key {
		return false
	}
	for _, p := range providers {
		for _, host := range []string{terraformHost, opentofuHost} {
			if _, err := os.Stat(filepath.Join(root, p.folder(host, tools), p.binary())); err != nil {
				return false
			}
		}
	}
	return true
}

func buildProvider(ctx context.Context, module, root string, p provider, tools toolchain) error {
	folder := filepath.Join(root, p.folder(terraformHost, tools))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	fmt.Printf("building %s %s from %s\n", p.kind, p.version, p.pkg)
	// Built beside the mirror and renamed into place: nobody ever sees, or runs, half a binary, and a package in
	// the mirror never holds a stray file (its hash covers all files).
	temporary := fmt.Sprintf("%s.%s.%d", root, p.binary(), os.Getpid())
	defer os.Remove(temporary)
	args := append(append([]string{"build"}, buildFlags...), "-o", temporary, p.pkg)
	if err := command(ctx, module, args...).Run(); err != nil {
		return fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	if err := os.Rename(temporary, filepath.Join(folder, p.binary())); err != nil {
		return err
	}
	return link(root, p, tools)
}

// link makes the package visible under OpenTofu's registry host too. Only the last folder is a link, since both
// tools walk a mirror without following links and then look through the one that ends a package's path.
func link(root string, p provider, tools toolchain) error {
	from := filepath.Join(root, p.folder(opentofuHost, tools))
	if err := os.MkdirAll(filepath.Dir(from), 0o755); err != nil {
		return err
	}
	target, err := filepath.Rel(filepath.Dir(from), filepath.Join(root, p.folder(terraformHost, tools)))
	if err != nil {
		return err
	}
	if have, err := os.Readlink(from); err == nil && have == target {
		return nil
	}
	if err := os.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, from)
}

// writeFile replaces path in one step.
func writeFile(path, content string) error {
	temporary := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temporary, []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
