package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/object"
	"tutti/internal/secret"
	"tutti/internal/store"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/cliconfig"
	"tutti/internal/terraform/provider/providertest"
)

// testKey is fixed, so that all processes of a test share it.
const testKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// stack is a folder with a stack in it. Each command opens an engine of its own, as
// the program does.
type stack struct {
	t   *testing.T
	dir string
	// mirror is where providers are installed from.
	mirror string
}

func newStack(t *testing.T, files ...string) *stack {
	t.Helper()
	s := &stack{t: t, dir: t.TempDir(), mirror: providertest.Mirror()}
	for i := 0; i < len(files); i += 2 {
		s.write(files[i], files[i+1])
	}
	return s
}

func (s *stack) write(name, text string) {
	s.t.Helper()
	name = filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.ReplaceAll(text, "DIR", s.dir)), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// read gives a file's text, "" when there is none.
func (s *stack) read(name string) string {
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return string(b)
}

func options(dir string) engine.Options {
	return engine.Options{Dir: dir, Ring: secret.NewRing(testKey, ""), Version: "test", Command: "test"}
}

func (s *stack) open() *engine.Engine {
	s.t.Helper()
	o := options(s.dir)
	o.Values.Env = os.Environ()
	o.Install = mirrored(s.t, s.mirror)
	e, d := engine.Open(s.t.Context(), o)
	s.fine(d)
	s.t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
	return e
}

// mirrored installs from a mirror.
func mirrored(t *testing.T, mirror string) install.Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cli.tfrc")
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror { path = %q }\n}\n", mirror)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TF_CLI_CONFIG_FILE", file)
	c, d := cliconfig.Load(cliconfig.System())
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	return install.Options{Config: c, CacheDir: t.TempDir()}
}

func (s *stack) fine(d diag.List) {
	s.t.Helper()
	if d.HasErrors() {
		s.t.Fatal(d.Err())
	}
}

// plan plans and gives what would be done, one change each.
func (s *stack) plan(e *engine.Engine, o engine.PlanOptions) (*engine.Planned, []string) {
	s.t.Helper()
	p, d := e.Plan(s.t.Context(), o)
	s.fine(d)
	var out []string
	for _, c := range p.Plan.Changes {
		out = append(out, c.Verb.String()+" "+c.Addr.String())
	}
	return p, out
}

// up plans and applies, and gives how that ended.
func (s *stack) up(o engine.PlanOptions) *engine.Finished {
	s.t.Helper()
	e := s.open()
	p, _ := s.plan(e, o)
	return s.apply(e, p)
}

func (s *stack) apply(e *engine.Engine, p *engine.Planned) *engine.Finished {
	s.t.Helper()
	fin, d := e.Apply(s.t.Context(), p, engine.RunOptions{})
	s.fine(d)
	return fin
}

// done applies what must succeed.
func (s *stack) done(o engine.PlanOptions) *engine.Finished {
	s.t.Helper()
	fin := s.up(o)
	if fin.Status != store.Succeeded {
		s.t.Fatalf("the run ended as %s: %v\n%s", fin.Status, fin.Diags.Err(), outcome(fin))
	}
	return fin
}

// outcome says what became of each action.
func outcome(fin *engine.Finished) string {
	var out []string
	for _, a := range fin.Report.Actions {
		line := fmt.Sprintf("%s %s: %s", a.Action.Verb, a.Action.Addr, a.Status)
		if a.Failure != nil {
			line += ": " + a.Failure.Message
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// state gives the addresses of the rows.
func (s *stack) state(e *engine.Engine) []string {
	s.t.Helper()
	snap, d := e.Snapshot(s.t.Context())
	s.fine(d)
	var out []string
	for _, r := range engine.Select(snap, nil) {
		line := r.Addr.String()
		if r.Deposed != "" {
			line += " deposed"
		}
		if r.Tainted {
			line += " tainted"
		}
		out = append(out, line)
	}
	return out
}

func (s *stack) want(what string, got []string, want ...string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// holds reports whether a file below the folder that the store keeps holds the bytes.
func (s *stack) holds(text string) (where string) {
	s.t.Helper()
	err := filepath.WalkDir(filepath.Join(s.dir, ".tutti"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.Contains(b, []byte(text)) {
			where = name
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return where
}

// lines counts the lines of a file that local-exec appends to.
func (s *stack) lines(name string) []string {
	return strings.Fields(s.read(name))
}

// pipe makes a named pipe: who reads it waits for who writes.
func (s *stack) pipe(name string) {
	s.t.Helper()
	if err := syscall.Mkfifo(filepath.Join(s.dir, name), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stack) targets(list ...string) []addr.Target {
	s.t.Helper()
	var out []addr.Target
	for _, x := range list {
		target, err := addr.ParseTarget(x)
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, target)
	}
	return out
}

// startTime is what Watch.Started is told.
type startTime = time.Time

// onFirst closes the channel when the first action has started.
func onFirst(c chan struct{}) func(*object.Action, time.Time) {
	var once sync.Once
	return func(*object.Action, time.Time) { once.Do(func() { close(c) }) }
}
