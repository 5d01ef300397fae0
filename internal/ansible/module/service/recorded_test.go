package service_test

import (
	"os"
	"path/filepath"
	"testing"

	"tutti/internal/ansible/module/moduletest"
)

// TestRecorded holds the modules to ansible-core. Neither systemd nor another manager of
// services can run in a test, so small scripts stand for their programs, for both sides. Init
// scripts are real: their names begin with tuttitest, and they are taken away again.
func TestRecorded(t *testing.T) {
	for _, program := range []string{"/usr/sbin/service", "/usr/sbin/update-rc.d"} {
		if _, err := os.Stat(program); err != nil {
			t.Skipf("the cases were recorded with Debian's %s", program)
		}
	}
	t.Cleanup(func() {
		for _, pattern := range []string{"/etc/init.d/tuttitest*", "/etc/rc?.d/*tuttitest*", "/tmp/tuttitestsvc*"} {
			files, _ := filepath.Glob(pattern)
			for _, f := range files {
				_ = os.Remove(f)
			}
		}
	})
	moduletest.Run(t, "testdata/*.yml")
}
