package system_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tutti/internal/ansible/module/moduletest"
)

// TestRecorded holds the modules to ansible-core. It makes users and groups called tuttitestua and
// the like, and takes them away again.
func TestRecorded(t *testing.T) {
	if _, err := exec.LookPath("useradd"); err != nil {
		t.Skip("this machine has no useradd")
	}
	t.Cleanup(func() {
		_ = exec.Command("/bin/sh", "-c", `for k in user group; do
			cut -d: -f1 /etc/$( [ $k = user ] && echo passwd || echo group ) | grep '^tuttitest[guv][a-z]$' | while read n; do ${k}del $( [ $k = user ] && echo -rf ) $n; done
		done`).Run()
		keys, _ := filepath.Glob("/tmp/tuttitestkey*")
		for _, k := range keys {
			_ = os.RemoveAll(k)
		}
	})
	moduletest.Run(t, "testdata/*.yml")
}
