package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// scenario is one of testdata/cases.json.
type scenario struct {
	Name, Cfg, File string
	Env             map[string]string
	Mode            os.FileMode
}

// answer is what ansible-config of ansible-core 2.19.14 dumps; testdata/record.py records it.
type answer struct {
	Name   string
	Code   int
	Said   []string
	Values map[string]struct {
		Value  any
		Origin string
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// world lays a scenario out in a folder.
func world(t *testing.T, s scenario) World {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"home", "sub"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if s.Cfg != "" {
		if s.File == "" {
			s.File = "ansible.cfg"
		}
		if err := os.WriteFile(filepath.Join(dir, s.File), []byte(s.Cfg), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if s.Mode != 0 {
		if err := os.Chmod(dir, s.Mode); err != nil {
			t.Fatal(err)
		}
	}
	return World{Dir: dir, Lookup: func(name string) (string, bool) {
		if v, ok := s.Env[name]; ok {
			return v, true
		}
		return filepath.Join(dir, "home"), name == "HOME"
	}}
}

// plain is a value as JSON has it.
func plain(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// others are settings that the table leaves out or that are not the same everywhere.
func others(name string) bool {
	for _, prefix := range []string{"_", "GALAXY_", "PERSISTENT_", "COVERAGE_", "NETCONF", "PARAMIKO_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "ANSIBLE_CONNECTION_PATH", "CONNECTION_FACTS_MODULES", "DEFAULT_LOCAL_TMP", "CONFIG_FILE", "EDITOR", "PAGER":
		return true
	}
	return false
}

func TestRecorded(t *testing.T) {
	var scenarios []scenario
	var answers []answer
	read(t, "cases.json", &scenarios)
	read(t, "recorded.json", &answers)
	if len(scenarios) != len(answers) || len(scenarios) < 20 {
		t.Fatalf("%d scenarios, %d answers", len(scenarios), len(answers))
	}
	for i, want := range answers {
		t.Run(want.Name, func(t *testing.T) {
			w := world(t, scenarios[i])
			c, diags := Load(w)
			said := ""
			for _, d := range diags {
				said += strings.ReplaceAll(d.Detail, w.Dir, "DIR") + "\n"
			}
			if (want.Code != 0) != diags.HasErrors() {
				t.Fatalf("Ansible ends with %d %q; we say %q", want.Code, want.Said, said)
			}
			if want.Code != 0 {
				checkError(t, want.Said[0], said)
				return
			}
			for _, name := range c.Names() {
				if strings.Contains(name, ".") || others(name) {
					continue
				}
				got := c.Get(name)
				expected, set := want.Values[name]
				if !set && want.Name != "nothing" {
					if got.Origin != "default" {
						t.Errorf("%s is %v from %s; with Ansible it is not set", name, got.Data, got.Origin)
					}
					continue
				}
				origin := strings.ReplaceAll(got.Origin, w.Dir, "DIR")
				text := strings.ReplaceAll(fmt.Sprint(plain(t, got.Data)), w.Dir, "DIR")
				if text != fmt.Sprint(expected.Value) || origin != expected.Origin {
					t.Errorf("%s is %s from %s; with Ansible %v from %s", name, text, origin, expected.Value, expected.Origin)
				}
			}
		})
	}
}

// checkError compares what is wrong, without what differs: quoting and help.
func checkError(t *testing.T, want, got string) {
	t.Helper()
	for _, fact := range []string{"has an invalid value: Invalid value provided for 'integer'", "Invalid value 'sometimes' for config 'DEFAULT_GATHERING'",
		"File contains no section headers", "Source contains parsing errors", "section 'defaults' already exists",
		"option 'forks' in section 'defaults' already exists", "Unsupported configuration file extension for DIR/a.txt"} {
		if strings.Contains(want, fact) {
			if !strings.Contains(got, fact) {
				t.Errorf("Ansible says %q, we %q", want, got)
			}
			return
		}
	}
	t.Errorf("nothing is known about %q", want)
}

func TestErrorsNameTheLine(t *testing.T) {
	w := world(t, scenario{Cfg: "[defaults]\nnocows = 1\n\nforks = x\ngathering = y\n"})
	_, diags := Load(w)
	if len(diags) != 2 {
		t.Fatalf("got %v", diags)
	}
	for i, line := range []int{4, 5} {
		if at := diags[i].Subject; at == nil || at.Start.Line != line {
			t.Errorf("%s: at %v", diags[i].Detail, at)
		}
	}
}

func TestWorldWritable(t *testing.T) {
	s := scenario{Cfg: "[defaults]\nforks = 9\n", Mode: 0o777}
	c, diags := Load(world(t, s))
	if c.File != "" || c.Int("DEFAULT_FORKS") != 5 || len(diags) != 1 || !strings.Contains(diags[0].Detail, "world writable directory") {
		t.Errorf("read %q, %v", c.File, diags)
	}
}

func TestSettings(t *testing.T) {
	w := world(t, scenario{Cfg: "[defaults]\nforks=3\nremote_port=22\ncallback_format_pretty=no\n[ssh_connection]\nssh_args=-C\npipelining=yes\n[privilege_escalation]\nbecome_flags=-n\n",
		Env: map[string]string{"ANSIBLE_SUDO_FLAGS": "-H", "ANSIBLE_COLOR_OK": "blue", "JUNIT_FAIL_ON_CHANGE": "true"}})
	c, diags := Load(w)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	s := c.Settings()
	pretty := false
	for name, pair := range map[string][2]any{
		"forks":         {s.Run.Forks, 3},
		"port":          {s.Connection.RemotePort, 22},
		"ssh args":      {s.Connection.SSHArgs, "-C"},
		"pipelining":    {s.Connection.Pipelining, true},
		"sudo flags":    {s.Become.SudoFlags, "-H"},
		"su flags":      {s.Become.SuFlags, "-n"},
		"flags":         {s.Become.Flags, "-n"},
		"colour":        {s.Colors["ok"], "blue"},
		"other colour":  {s.Colors["diff_add"], "green"},
		"pretty":        {s.Output.Pretty, &pretty},
		"result format": {s.Output.ResultFormat, "json"},
		"junit":         {s.Output.JUnitFailOnChange, true},
		"roles":         {s.Paths.Roles[0], filepath.Join(w.Dir, "home/.ansible/roles")},
		"sources":       {s.Inventory.Sources, []string{"/etc/ansible/hosts"}},
		"no tags":       {len(s.Run.TagsRun), 0},
		"extensions":    {s.Inventory.IgnoreExtensions[len(s.Inventory.IgnoreExtensions)-1], ".retry"},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
}

func FuzzINI(f *testing.F) {
	f.Add("[defaults]\na = b\n  c\n\n d ; e\n# x\n[x]\ny:z\n")
	f.Add("[a\n]\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, diags := readINI("f", text)
		if (s == nil) != diags.HasErrors() {
			t.Fatalf("%v beside %v", s, diags)
		}
	})
}
