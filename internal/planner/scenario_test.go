package planner_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/object/objecttest"
	"tutti/internal/planner"
)

var update = flag.Bool("update", false, "rewrite the plans in testdata")

// TestScenarios reads testdata/*.txtar. The sections of a file are carried out one
// after the other; each "config" is planned, and unless it is the last one applied.
// What a section gives stands in the section "got" behind it.
//
//	config    blocks as objecttest.Parse reads them
//	options   words that hold for the next config, one a line
//	world     put ID TEXT FORCE | remove ID | fail ADDR | heal ADDR | taint ADDR
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out := &txtar.Archive{Comment: a.Comment}
			s := &scenario{stack: newStack()}
			for i, f := range a.Files {
				if f.Name == "got" {
					continue
				}
				out.Files = append(out.Files, f)
				got := s.section(t, f.Name, string(f.Data))
				if got == "" {
					continue
				}
				out.Files = append(out.Files, txtar.File{Name: "got", Data: []byte(got)})
				if i+1 >= len(a.Files) || a.Files[i+1].Name != "got" || string(a.Files[i+1].Data) != got {
					t.Errorf("%s %d: got\n%s", f.Name, i, got)
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// scenario is a stack with what the next configuration is planned with.
type scenario struct {
	*stack
	next planner.Request
}

func (s *scenario) section(t *testing.T, name, data string) string {
	t.Helper()
	switch name {
	case "options":
		for line := range strings.Lines(data) {
			s.option(t, strings.Fields(line))
		}
	case "world":
		for line := range strings.Lines(data) {
			s.change(t, strings.Fields(line))
		}
	case "config":
		return s.plan(t, data)
	default:
		t.Fatalf("no section is called %q", name)
	}
	return ""
}

func (s *scenario) option(t *testing.T, w []string) {
	t.Helper()
	o := &s.next.Options
	switch w[0] {
	case "target":
		o.Targets = targets(t, w[1:])
	case "exclude":
		o.Excludes = targets(t, w[1:])
	case "replace":
		o.Replace = append(o.Replace, instance(t, w[1]))
	case "destroy":
		o.Mode = object.Destroy
	case "refresh-only":
		o.Mode = object.RefreshOnly
	case "no-refresh":
		o.SkipRefresh = true
	case "moved":
		s.next.Moves = append(s.next.Moves, object.Move{From: targets(t, w[1:2])[0], To: targets(t, w[2:3])[0]})
	case "removed", "forget":
		s.next.Removals = append(s.next.Removals, object.Removal{From: targets(t, w[1:2])[0], Forget: w[0] == "forget"})
	case "import":
		s.next.Imports = append(s.next.Imports, object.Import{To: instance(t, w[1]), ID: object.ImportID{ID: w[2]}})
	default:
		t.Fatalf("no option is called %q", w[0])
	}
}

func instance(t *testing.T, s string) addr.Instance {
	t.Helper()
	a, err := addr.ParseInstance(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *scenario) change(t *testing.T, w []string) {
	t.Helper()
	switch w[0] {
	case "put":
		s.world.Put(objecttest.Thing{ID: w[1], Text: w[2], Force: w[3]})
	case "remove":
		s.world.Remove(w[1])
	case "fail":
		s.world.Fail[w[1]] = true
	case "heal":
		delete(s.world.Fail, w[1])
	case "taint":
		key := object.RowKey{Addr: instance(t, w[1])}
		row := *s.rows[key]
		row.Tainted = true
		s.rows[key] = &row
	case "drop": // the row, as state rm does
		delete(s.rows, object.RowKey{Addr: instance(t, w[1])})
	default:
		t.Fatalf("no word is %q", w[0])
	}
}

// plan gives the plan, what was done by it, and what was wrong about that.
func (s *scenario) plan(t *testing.T, config string) string {
	t.Helper()
	c := parse(t, config)
	req := s.request(c, s.next.Options)
	req.Moves, req.Removals, req.Imports = s.next.Moves, s.next.Removals, s.next.Imports
	s.next = planner.Request{}
	p, d := planner.Plan(context.Background(), req)
	var b strings.Builder
	for _, x := range d {
		kind := "error"
		if x.Severity == diag.Warning {
			kind = "warning"
		}
		fmt.Fprintf(&b, "%s: %s: %s\n", kind, x.Headline, strings.ReplaceAll(x.Detail, "\n", " "))
	}
	if d.HasErrors() {
		return b.String()
	}
	b.WriteString(show(p))
	for _, f := range s.apply(t, c, p, func(int) int { return 0 }) {
		fmt.Fprintf(&b, "failed: %s\n", f)
	}
	if log := s.world.Log(); len(log) > 0 {
		fmt.Fprintf(&b, "done: %s\n", strings.Join(log, ", "))
	}
	for _, x := range s.world.Wrong() {
		fmt.Fprintf(&b, "for a while: %s\n", x)
	}
	if b.Len() == 0 {
		return "nothing to do\n"
	}
	return b.String()
}
