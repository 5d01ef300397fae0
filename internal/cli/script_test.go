package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tutti/internal/cli/view"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/provider/providertest"
)

// scriptVersion is what the binary of the scripts says it is.
const scriptVersion = "0.0.0-script"

func TestMain(m *testing.M) {
	run := func() { os.Exit(Main(scriptVersion)) }
	// The names are what the program is called by: it behaves as that command.
	testscript.Main(m, map[string]func(){"tutti": run, "terraform": run, "tofu": run, "ansible-playbook": run, "ansible-vault": run})
}

// TestScript runs testdata/script/*.txtar with the program itself in processes of
// its own: one behaviour each, the manual that cannot lie. -update rewrites the
// files that outputs are compared with.
//
// Commands beside testscript's own:
//
//	waitfor PATTERN FILE   until a line of the file matches (a run is where we want it)
//	count N PATTERN FILE   the pattern matches exactly N lines
//	clean FILE...          replaces IDs, times and durations in files by words
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "", RequireExplicitExec: false, RequireUniqueNames: true,
		Setup: setup,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"waitfor": waitFor, "count": count, "clean": clean},
		Condition: func(cond string) (bool, error) {
			if cond != "providers" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			_, err := os.Stat(providertest.Mirror())
			return err == nil, nil
		},
	})
}

// setup gives a script a home of its own, with the real providers in its mirror.
func setup(e *testscript.Env) error {
	home := filepath.Join(e.WorkDir, ".home")
	if err := os.Mkdir(home, 0o755); err != nil {
		return err
	}
	rc := filepath.Join(home, "cli.tfrc")
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror { path = %q }\n}\n", providertest.Mirror())
	if err := os.WriteFile(rc, []byte(text), 0o644); err != nil {
		return err
	}
	e.Setenv("HOME", home)
	e.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	e.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	e.Setenv("TF_CLI_CONFIG_FILE", rc)
	e.Setenv("USER", "script")
	return nil
}

// patience is how long a script waits for something before it fails.
const patience = 60 * time.Second

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor PATTERN FILE")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	name := ts.MkAbs(args[1])
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	over := time.After(patience)
	for {
		// The file may not be there yet.
		if text, err := os.ReadFile(name); err == nil && re.Match(text) {
			return
		}
		select {
		case <-tick.C:
		case <-over:
			text, _ := os.ReadFile(name)
			ts.Fatalf("nothing matches %#q in %s after %s:\n%s", args[0], args[1], patience, text)
		}
	}
}

func count(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: count N PATTERN FILE")
	}
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	if got := len(re.FindAllString(ts.ReadFile(args[2]), -1)); fmt.Sprint(got) != args[0] {
		ts.Fatalf("%#q matches %d times in %s:\n%s", args[1], got, args[2], ts.ReadFile(args[2]))
	}
}

// volatile is what differs from run to run, with what stands for it.
var volatile = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`), "TIME"},
	{regexp.MustCompile(`after \d+(m\d+)?s`), "after TIME"},
}

func clean(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: clean FILE...")
	}
	for _, name := range args {
		text := ts.ReadFile(name)
		for _, v := range volatile {
			text = v.re.ReplaceAllString(text, v.to)
		}
		text = strings.ReplaceAll(text, ts.Getenv("WORK"), "WORK")
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

// The views announce the version of the language that the configuration is read as.
func TestToolVersion(t *testing.T) {
	if view.ToolVersion != config.CompatVersion {
		t.Errorf("the views announce %s, the configuration is read as %s", view.ToolVersion, config.CompatVersion)
	}
}
