package packaging

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/ansible/module"
)

// doubles are scripts that stand for dnf and rpm, which Debian does not have; what they print is
// what the documentation of dnf 4 shows. No real dnf was at hand to record.
const doubleDNF = `#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
*nothing*) echo "No match for argument: nothing"; echo "Error: Unable to find a match: nothing" >&2; exit 1;;
*same*) printf 'Dependencies resolved.\nNothing to do.\nComplete!\n';;
*--assumeno*) printf 'Dependencies resolved.\nTransaction Summary\nOperation aborted.\n'; exit 1;;
*remove*) printf 'Removed:\n  there-1-1.noarch\n\nComplete!\n';;
*) printf 'Installed:\n  new-1-1.noarch   other-2-1.noarch\n\nComplete!\n';;
esac
`

const doubleRPM = "#!/bin/sh\ncase \"$*\" in *there*) exit 0;; esac\nexit 1\n"

func TestDNF(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"dnf": doubleDNF, "rpm": doubleRPM} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	log := filepath.Join(dir, "log")
	m := module.Module{Name: "dnf", Spec: dnfSpec(), Run: dnf("dnf")}
	for _, x := range []struct {
		args    map[string]any
		check   bool
		changed bool
		msg     string
		results int
		called  string
	}{
		{map[string]any{"name": "there"}, false, false, "Nothing to do", 0, ""},
		{map[string]any{"name": "new,there"}, false, true, "", 2, "-y install -- new"},
		{map[string]any{"name": "new", "enablerepo": "a", "disable_gpg_check": true}, false, true, "", 2, "-y --nogpgcheck --enablerepo=a install -- new"},
		{map[string]any{"name": "new"}, true, true, "Check mode: No changes made, but would have if not in check mode", 0, "--assumeno install -- new"},
		{map[string]any{"name": "same", "state": "latest"}, false, false, "Nothing to do", 0, "-y install -- same"},
		{map[string]any{"name": "*", "state": "latest", "security": true}, false, true, "", 2, "-y upgrade --security"},
		{map[string]any{"name": "nothing"}, false, false, "Failed to install some of the specified packages", 0, "-y install -- nothing"},
		{map[string]any{"name": "there", "state": "absent"}, false, true, "", 1, "-y remove -- there"},
		{map[string]any{"name": "gone", "state": "absent"}, false, false, "Nothing to do", 0, ""},
		{map[string]any{"autoremove": true, "name": "there", "state": "present"}, false, false, "Autoremove should be used alone or with state=absent", 0, ""},
	} {
		_ = os.Remove(log)
		r := module.Run(context.Background(), &m, module.Request{Module: "dnf", Args: x.args, CheckMode: x.check,
			Environment: map[string]string{"PATH": dir + ":" + os.Getenv("PATH"), "LOG": log}})
		called, _ := os.ReadFile(log)
		list, _ := r["results"].([]any)
		if r["changed"] != x.changed || r["msg"] != x.msg || len(list) != x.results || strings.TrimSpace(string(called)) != x.called {
			t.Errorf("%v: %v\ncalled %q", x.args, r, called)
		}
	}
}
