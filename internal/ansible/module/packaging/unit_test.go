package packaging

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"tutti/internal/ansible/module"
)

func TestParseRequirement(t *testing.T) {
	for _, x := range []struct {
		text, shown, name, version string
		accepts                    bool
	}{
		{"Django>1.11.1,<1.11.3", "Django<1.11.3,>1.11.1", "django", "1.11.2", true},
		{"a_b.c==1.*", "a_b.c==1.*", "a-b-c", "1.9", true},
		{"a==1.*", "a==1.*", "a", "10.9", false},
		{"a[z,b]~=1.4.2", "a[b,z]~=1.4.2", "a", "1.4.9", true},
		{"a~=1.4.2", "a~=1.4.2", "a", "1.5", false},
		{"a >= 2rc1", "a>=2rc1", "a", "2", true},
		{"a!=2", "a!=2", "a", "2.0", false},
		{"a; python_version < '3'", "a; python_version < '3'", "a", "1", true},
		{"git+https://x/y", "git+https://x/y", "git+https://x/y", "1", false},
	} {
		r := parseRequirement(x.text)
		if r.String() != x.shown || r.name != x.name || r.accepts(x.version) != x.accepts {
			t.Errorf("%s: %q %q accepts %s: %v", x.text, r, r.name, x.version, r.accepts(x.version))
		}
	}
}

func TestJoined(t *testing.T) {
	for _, x := range []struct{ in, want []string }{
		{[]string{"django>1.11.1", "<1.11.3", "ipaddress"}, []string{"django>1.11.1,<1.11.3", "ipaddress"}},
		{[]string{"a>1,<3,b", "c[x,y]==1"}, []string{"a>1,<3", "b", "c[x,y]==1"}},
	} {
		if got := joined(x.in); !reflect.DeepEqual(got, x.want) {
			t.Errorf("%q: %q", x.in, got)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, x := range []struct {
		pattern, text string
		want          bool
	}{
		{"1.*", "1.5-2", true}, {"1.*", "10", false}, {"a?c", "a/c", true}, {"[!a]b", "cb", true}, {"[!a]b", "ab", false},
		{"[a-c]", "b", true}, {"[", "[", true}, {"[]]", "]", true}, {"[z-a]", "b", false}, {"a.b", "axb", false},
	} {
		if got := glob(x.pattern).MatchString(x.text); got != x.want {
			t.Errorf("%q against %q: %v", x.pattern, x.text, got)
		}
	}
}

func TestParsePolicies(t *testing.T) {
	got := parsePolicies("hello:\n  Installed: 2.9\n  Candidate: 2.10-3\n  Version table:\n     2.10-3 500\n        500 http://deb.debian.org/debian bookworm/main amd64 Packages\n" +
		" *** 2.9 100\n        100 /var/lib/dpkg/status\nnone:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n")
	want := map[string]policy{"hello": {"2.10-3", []string{"2.10-3", "2.9"}}, "none": {}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

// TestDeb822 has no recording: ansible-core needs a library for this module that was not there.
func TestDeb822(t *testing.T) {
	dir := t.TempDir()
	spec := deb822Spec()
	m := module.Module{Name: "deb822_repository", Spec: spec, Run: func(ctx context.Context, c *module.Call) module.Result {
		d := &stanza{c: c, keys: dir + "/keys", sources: dir}
		r, err := d.do(ctx)
		if err != nil {
			t.Error(err)
		}
		return r
	}}
	args := map[string]any{"name": "My Repo_1", "types": "deb", "uris": "http://a", "suites": "s,t", "components": "main", "enabled": true, "date_max_future": int64(5),
		"signed_by": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----\n", "by_hash": false}
	const want = "By-Hash: no\nComponents: main\nDate-Max-Future: 5\nEnabled: yes\nX-Repolib-Name: My Repo_1\n" +
		"Signed-By:\n    -----BEGIN PGP PUBLIC KEY BLOCK-----\n    .\n    abc\n    -----END PGP PUBLIC KEY BLOCK-----\nSuites: s t\nTypes: deb\nURIs: http://a\n"
	for i, changed := range []bool{true, true, false} {
		r := module.Run(context.Background(), &m, module.Request{Args: args, CheckMode: i == 0})
		if r["changed"] != changed || r["repo"] != want {
			t.Errorf("%d: %v", i, r)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "my-repo-1.sources"))
	if err != nil || string(data) != want {
		t.Errorf("%v %s", err, data)
	}
	args = map[string]any{"name": "My Repo_1", "state": "absent"}
	for _, changed := range []bool{true, false} {
		if r := module.Run(context.Background(), &m, module.Request{Args: args}); r["changed"] != changed {
			t.Errorf("%v", r)
		}
	}
}

func TestParseSource(t *testing.T) {
	for _, x := range []struct {
		line string
		want sourceEntry
	}{
		{"deb  http://a   b c # why", sourceEntry{true, true, "deb http://a b c", "why"}},
		{"#deb http://a b", sourceEntry{true, false, "deb http://a b", ""}},
		{"# words", sourceEntry{false, false, "words", ""}},
		{"", sourceEntry{enabled: true}},
	} {
		if got := parseSource(x.line); got != x.want {
			t.Errorf("%q: %+v", x.line, got)
		}
	}
	s := &sources{c: &module.Call{}}
	for line, want := range map[string]string{
		"deb http://archive.canonical.com/ubuntu hardy partner": "archive_canonical_com_ubuntu.list",
		"deb [arch=amd64] https://me:pw@a.b/c d e":              "a_b_c.list",
	} {
		if got := s.suggest(line); got != want {
			t.Errorf("%q: %q", line, got)
		}
	}
}

func FuzzReadSections(f *testing.F) {
	f.Add("[a]\nb = c\n  d\n")
	f.Add("x\n[a")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "a.repo")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if all, _, err := readSections(file); err == nil {
			dump(all)
		}
	})
}

func FuzzRequirement(f *testing.F) {
	f.Add("a[b]==1,<2; x", "1")
	f.Fuzz(func(_ *testing.T, text, version string) {
		for _, one := range joined([]string{text}) {
			r := parseRequirement(one)
			_ = r.accepts(version)
			_ = r.String()
		}
	})
}
