package packaging_test

import (
	"os"
	"os/exec"
	"testing"

	"tutti/internal/ansible/module/moduletest"
)

// TestRecorded holds the modules to ansible-core. Small packages called tuttitest... come from
// a repository in each case's folder, by an apt that knows no other, and are purged again.
func TestRecorded(t *testing.T) {
	for _, program := range []string{"apt-get", "dpkg-deb", "dpkg-scanpackages"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("this machine has no %s", program)
		}
	}
	t.Cleanup(func() {
		_ = exec.Command("/bin/sh", "-c", "dpkg -P $(dpkg-query -W -f '${Package}\\n' 'tuttitest*') tuttitestnone").Run()
		_ = os.RemoveAll("/tmp/tuttitest-repository")
	})
	moduletest.Run(t, "testdata/*.yml")
}
