package ansible

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tutti/internal/ansible/value"
)

// TestFlags reads command lines as argparse does.
func TestFlags(t *testing.T) {
	for line, want := range map[string]struct {
		rest  string
		holds func(o *playbookFlags, f *flags) bool
	}{
		"-vvv site.yml":      {"site.yml", func(_ *playbookFlags, f *flags) bool { return f.verbosity == 3 }},
		"-v a.yml -vv b.yml": {"a.yml b.yml", func(_ *playbookFlags, f *flags) bool { return f.verbosity == 3 }},
		"-bK -i a,b, -i c x.yml": {"x.yml", func(o *playbookFlags, _ *flags) bool {
			return o.become.become && o.become.ask && slices.Equal(o.inventory.sources, []string{"a,b,", "c"})
		}},
		"--check --dif x.yml": {"x.yml", func(o *playbookFlags, _ *flags) bool { return o.run.check && o.run.diff }},
		"-check x.yml":        {"x.yml", func(o *playbookFlags, _ *flags) bool { return o.run.check }},
		"--fork=7 x.yml":      {"x.yml", func(o *playbookFlags, _ *flags) bool { return o.run.forks == 7 }},
		"-e a=b -e @f -e {c:d} x.yml": {"x.yml", func(o *playbookFlags, _ *flags) bool {
			return slices.Equal(o.run.extra, []string{"a=b", "@f", "{c:d}"})
		}},
		"-l -check x.yml": {"x.yml", func(o *playbookFlags, _ *flags) bool { return o.inventory.limit == "-check" && !o.run.check }},
		"-t a,b --skip-tags c x.yml": {"x.yml", func(o *playbookFlags, _ *flags) bool {
			return slices.Equal(commas(o.choice.tags), []string{"a", "b"}) && len(o.choice.skip) == 1
		}},
		"x.yml -- -y.yml":           {"x.yml -y.yml", func(*playbookFlags, *flags) bool { return true }},
		"--start-at-task two -f3 x": {"x", func(o *playbookFlags, _ *flags) bool { return o.choice.startAt == "two" && o.run.forks == 3 }},
		"--private-key k -u me -c ssh": {"", func(o *playbookFlags, _ *flags) bool {
			return o.connect.privateKey == "k" && o.connect.user == "me" && o.connect.connection == "ssh"
		}},
	} {
		p := &Program{Name: "ansible-playbook"}
		var o playbookFlags
		f := p.playbookFlags(&o, settings{})
		rest, err := f.parse(strings.Fields(line))
		if err != nil || strings.Join(rest, " ") != want.rest || !want.holds(&o, f) {
			t.Errorf("%s: %q, %v, %+v", line, rest, err, o)
		}
	}
}

func TestBadFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("ANSIBLE_CONFIG", "")
	for _, test := range []struct {
		name, line string
		code       int
		says       string
	}{
		{"ansible-playbook", "--nonsense x.yml", exitUsage, "unrecognized arguments: --nonsense"},
		{"ansible-playbook", "", exitUsage, "the following arguments are required: playbook"},
		{"ansible-playbook", "--list x.yml", exitUsage, "ambiguous option: --list could match --list-hosts, --list-tags, --list-tasks"},
		{"ansible-playbook", "x.yml -f 0", exitUsage, "The number of processes (--forks) must be >= 1"},
		{"ansible-playbook", "x.yml", exitError, "the playbook: x.yml could not be found"},
		{"ansible-playbook", "x.yml -k --conn-pass-file y", exitUsage, "not allowed with argument"},
		{"ansible", "", exitUsage, "the following arguments are required: pattern"},
		{"ansible-inventory", "", exitOptions, "No action selected"},
		{"ansible-inventory", "--list --graph", exitOptions, "Conflicting options used"},
		{"ansible-vault", "", exitUsage, "the following arguments are required: action"},
		{"ansible-vault", "frob x", exitUsage, "invalid choice: 'frob'"},
		{"ansible-vault", "view --vault-id a;b@x f", exitOptions, "is not a valid vault id"},
	} {
		var out, errs bytes.Buffer
		p := &Program{Name: test.name, Env: func(string) string { return "" }, Stdout: &out, Stderr: &errs}
		if code := p.Main(context.Background(), strings.Fields(test.line)); code != test.code || !strings.Contains(errs.String(), test.says) {
			t.Errorf("%s %s: code %d, want %d; %s", test.name, test.line, code, test.code, errs.String())
		}
	}
}

func TestExtraVars(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("vars.yml", []byte("f: [1]\na: file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, said := extraVars([]string{"a=1 b='two words'", `{"c": {"d": 2}}`, "@vars.yml", "t={{ a }}", "  "}, nil)
	if said != nil {
		t.Fatal(said)
	}
	if got := value.Repr(d); !strings.Contains(got, "'a': 'file', 'b': 'two words', 'c': {'d': 2}, 'f': [1]") {
		t.Errorf("got %s", got)
	}
	if v, _ := d.Get("t"); !isTemplate(v) {
		t.Errorf("t is %T, no template", v)
	}
	for bad, says := range map[string]string{"@nowhere": "Could not find or access", "/etc/passwd": "Please prepend extra_vars filename", "[1]": "could not be made into a dictionary",
		"{a: [": "", `a="b`: "unbalanced"} {
		if _, said := extraVars([]string{bad}, nil); !said.HasErrors() || !strings.Contains(said[0].Detail, says) {
			t.Errorf("%s: %v", bad, said)
		}
	}
}

func isTemplate(v any) bool {
	_, ok := v.(*value.Template)
	return ok
}

func TestPasswordFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	ctx := context.Background()
	if got, err := passwordFile(ctx, write("plain", "secret\n", 0o600)); err != nil || got != "secret" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := passwordFile(ctx, write("script", "#!/bin/sh\necho from a script\n", 0o700)); err != nil || got != "from a script" {
		t.Errorf("%q, %v", got, err)
	}
	for _, file := range []string{write("empty", "\n", 0o600), write("fails", "#!/bin/sh\nexit 1\n", 0o700), filepath.Join(dir, "none"), write("long", strings.Repeat("x", maxPassword+1), 0o600)} {
		if _, err := passwordFile(ctx, file); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestChosen(t *testing.T) {
	words := func(s string) []string { return commas([]string{s}) }
	for _, test := range []struct {
		tags, only, skip string
		want             bool
	}{
		{"", "", "", true}, {"a", "", "", true}, {"never", "", "", false}, {"never,a", "a", "", true}, {"always", "b", "", true},
		{"a", "b", "", false}, {"", "tagged", "", false}, {"a", "tagged", "", true}, {"", "untagged", "", true}, {"a", "", "a", false},
		{"always", "", "always", false}, {"always", "", "all", true}, {"a", "", "tagged", false}, {"", "", "tagged", true}, {"never", "all", "", false},
	} {
		if got := chosen(words(test.tags), words(test.only), words(test.skip)); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}
