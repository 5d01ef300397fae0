package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// lookPath finds a program as a shell with that environment would: the PATH that
// the command is given counts, not ours.
func lookPath(program string, env []string) (string, error) {
	if strings.ContainsRune(program, filepath.Separator) {
		return program, nil
	}
	path, ok := pathOf(env)
	if !ok {
		found, err := exec.LookPath(program)
		if err != nil {
			return "", fmt.Errorf("it was not found in PATH: %w", err)
		}
		return found, nil
	}
	for _, dir := range filepath.SplitList(path) {
		if dir == "" {
			dir = "."
		}
		found, err := exec.LookPath(filepath.Join(dir, program))
		if err == nil && filepath.IsAbs(found) {
			return found, nil
		}
	}
	return "", fmt.Errorf("it was not found in the command's PATH: %w", os.ErrNotExist)
}

// pathOf gives the last PATH in a list, which is the one that counts.
func pathOf(env []string) (string, bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if p, ok := strings.CutPrefix(env[i], "PATH="); ok {
			return p, true
		}
	}
	return "", false
}
