package system

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/ansible/module"
)

// TestNames holds the ways in which systems without systemd keep their name; what they do is
// known from Ansible's documentation.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	ctx, c := context.Background(), &module.Call{TempDir: dir}
	for _, k := range []struct {
		name          string
		naming        naming
		file          string
		before, after string
		failsToBegin  bool
	}{
		{"file", &fileName{ctx: ctx, call: c, path: write("a", "old\n")}, "a", "old", "new\n", false},
		{"no file yet", &fileName{ctx: ctx, call: c, path: dir + "/none"}, "none", "", "new\n", false},
		{"openrc", &settingName{ctx: ctx, call: c, path: write("b", "# c\nhostname=\"old\"\nx=1\n"), key: "hostname", quote: `"`}, "b", "old",
			"# c\nhostname=\"new\"\nx=1\n", false},
		{"redhat", &settingName{ctx: ctx, call: c, path: write("c", "NETWORKING=yes\nHOSTNAME=old\n"), key: "HOSTNAME", add: true}, "c", "old",
			"NETWORKING=yes\nHOSTNAME=new\n", false},
		{"redhat without a name", &settingName{ctx: ctx, call: c, path: write("d", "NETWORKING=yes\n"), key: "HOSTNAME", add: true}, "d", "",
			"NETWORKING=yes\nHOSTNAME=new\n", true},
	} {
		before, err := k.naming.permanent()
		if before != k.before || (err != nil) != k.failsToBegin {
			t.Errorf("%s: %q, %v", k.name, before, err)
		}
		if err := k.naming.setPermanent("new"); err != nil {
			t.Errorf("%s: %v", k.name, err)
		}
		if text, _ := os.ReadFile(filepath.Join(dir, k.file)); string(text) != k.after {
			t.Errorf("%s: %q", k.name, text)
		}
	}
	// Every distribution that Ansible knows is known here, and only one way is right for it.
	for distribution, want := range map[string]string{"Debian": "file", "Centos": "redhat", "Alpine": "alpine", "Gentoo": "openrc", "Shop": "unknown"} {
		if got := namingByDistribution(distribution); got != want {
			t.Errorf("%s: %s", distribution, got)
		}
	}
}

func TestPasswordLooksPlain(t *testing.T) {
	for password, want := range map[string]bool{"": false, "*": false, "!": false, "plain": true, "a:b": true, "$6$salt": true,
		"$1$salt$1234567890123456789012": false, "$1$salt$short": true, "$6$s$!": true, "$7$s$any": false, "$6$s$with space": true} {
		if got := looksPlain(password); got != want {
			t.Errorf("%q: %v", password, got)
		}
	}
}

func TestEntries(t *testing.T) {
	got := entries("a:1:2\nb:3\na:4\na:5\n", ":")
	want := map[string]any{"a": []any{[]any{"1", "2"}, []any{"4"}, []any{"5"}}, "b": []any{"3"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzCrontab(f *testing.F) {
	f.Add("#Ansible: a\n* * * * * b\nX=1\n", "a", "* * * * * b")
	f.Add("* * * * * b\n#Ansible: None", "a", "* * * * * b")
	f.Fuzz(func(t *testing.T, text, name, job string) {
		c := &crontab{lines: splitLines(text)}
		if _, ok, _ := c.find(name, job); !ok {
			c.lines = append(c.lines, cronMarker+name, job)
		}
		c.replace(name, job)
		_, _, _ = c.render(), c.jobs(), c.variables()
		_, _ = parseHostKey(text)
		_ = entries(text, "")
	})
}

// TestHashedHost: the hash of a name is another each time, and the host is found all the same.
func TestHashedHost(t *testing.T) {
	if module.LookPath(context.Background(), "ssh-keygen") == "" {
		t.Skip("this machine has no ssh-keygen")
	}
	file := filepath.Join(t.TempDir(), "hosts")
	m := module.Module{Name: "known_hosts", Spec: knownHostsSpec(), Run: knownHosts}
	for _, changed := range []bool{true, false} {
		r := module.Run(context.Background(), &m, module.Request{Module: m.Name, Args: map[string]any{"name": "example.org", "path": file, "hash_host": true,
			"key": "example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIu3bT9CzzGLpZMiBJkNLyMf1K8Tq0gMRkmUQJ0q1oXX"}})
		if r["changed"] != changed || r.Failed() {
			t.Errorf("%v", r)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || string(text[:3]) != "|1|" {
		t.Errorf("%s, %v", text, err)
	}
}
