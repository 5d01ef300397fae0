package repository_test

import (
	"os/exec"
	"testing"

	"tutti/internal/ansible/module/moduletest"
)

// TestRecorded holds the modules to ansible-core. Repositories lie in the cases' own folders;
// dates and authors are fixed, so that revisions have the same hashes everywhere. A small
// script stands for svn, for both sides.
func TestRecorded(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("this machine has no git")
	}
	moduletest.Run(t, "testdata/*.yml")
}
