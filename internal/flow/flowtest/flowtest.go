// Package flowtest runs scenario files: a machine's events and the whole of what
// it answers, as text that a person reviews.
//
// A file is blocks of input lines, a line of four dashes, the answer, and an empty
// line. Lines that start with "# " are comments. Input lines are:
//
//	start ARGS         starts the machine; the lines that follow, up to the dashes,
//	                   are the body from which the kit makes the input
//	+3s done #1 {}     any event in the text form of package flow
//	crash              drops the machine, replays the journal and prints what is
//	                   outstanding
//	report             prints what the kit's Report says
//
// Beside the comparison, each scenario's journal is replayed from the snapshot of
// each of its prefixes and must give the same commands.
//
// It owns the runner and knows no machine.
package flowtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tutti/internal/flow"
)

// Kit is what the runner must know of a machine.
type Kit struct {
	New     func() flow.Machine
	Restore func(snapshot []byte) (flow.Machine, error)
	// Input makes the input of Started from the rest of the line start and its body.
	Input func(args, body string) (json.RawMessage, error)
	// Report may be nil.
	Report func(flow.Machine) string
	// Update rewrites the answers instead of comparing them.
	Update bool
}

// Run runs each file that matches the pattern as a subtest.
func Run(t *testing.T, pattern string, kit Kit) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario matches %s (%v)", pattern, err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) { runFile(t, f, kit) })
	}
}

const dashes = "----"

func runFile(t *testing.T, file string, kit Kit) {
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &scenario{t: t, kit: kit, start: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)}
	var b strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(string(src)), "\n\n") {
		input, _, _ := strings.Cut(block, "\n"+dashes)
		b.WriteString(input + "\n" + dashes + "\n" + s.block(input) + "\n")
	}
	got := strings.TrimSuffix(b.String(), "\n")
	if kit.Update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != string(src) {
		t.Errorf("%s: the machine's answers differ (rewrite with -update and review)\n%s", file, firstDifference(got, string(src)))
	}
	s.checkPrefixes()
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			expected := "(nothing)"
			if i < len(w) {
				expected = w[i]
			}
			return fmt.Sprintf("line %d\n got  %s\n want %s", i+1, g[i], expected)
		}
	}
	return fmt.Sprintf("line %d\n got  (nothing)\n want %s", len(g)+1, w[len(g)])
}

// scenario is one file under way.
type scenario struct {
	t       *testing.T
	kit     Kit
	start   time.Time
	machine flow.Machine
	journal []flow.Event
	// answers and snapshots are those after each journaled event.
	answers   []string
	snapshots [][]byte
}

func (s *scenario) block(input string) string {
	lines := strings.Split(input, "\n")
	var b strings.Builder
	for i, line := range lines {
		switch word, args, _ := strings.Cut(line, " "); word {
		case "#", "":
		case "start":
			body := strings.Join(lines[i+1:], "\n")
			payload, err := s.kit.Input(args, body)
			if err != nil {
				s.t.Fatalf("%s: %v", line, err)
			}
			s.machine = s.kit.New()
			return b.String() + s.handle(flow.Started{At: s.start, Seed: 1, Input: payload})
		case "crash":
			b.WriteString(s.crash())
		case "report":
			b.WriteString(s.kit.Report(s.machine))
		default:
			e, err := flow.ParseEvent(line, s.start)
			if err != nil {
				s.t.Fatal(err)
			}
			b.WriteString(s.handle(e))
		}
	}
	return b.String()
}

func (s *scenario) handle(e flow.Event) string {
	if s.machine == nil {
		s.t.Fatal("the scenario does not begin with start")
	}
	text := s.print(s.machine.Handle(e))
	snap, err := s.machine.Snapshot()
	if err != nil {
		s.t.Fatal(err)
	}
	s.journal, s.answers, s.snapshots = append(s.journal, e), append(s.answers, text), append(s.snapshots, snap)
	if text == "" {
		return "(nothing)\n"
	}
	return text
}

func (s *scenario) print(commands []flow.Command) string {
	var b strings.Builder
	for _, c := range commands {
		b.WriteString(flow.FormatCommand(c, s.start) + "\n")
	}
	return b.String()
}

func (s *scenario) crash() string {
	m := s.kit.New()
	var o flow.Outstanding
	for i, e := range s.journal {
		o.Took(e)
		commands := m.Handle(e)
		if got := s.print(commands); got != s.answers[i] {
			s.t.Errorf("replay gives other commands at entry %d:\n%s\ninstead of\n%s", i+1, got, s.answers[i])
		}
		o.Gave(commands)
	}
	s.machine = m
	var b strings.Builder
	for _, c := range o.Commands() {
		switch c.(type) {
		case flow.Complete, flow.Fail:
			b.WriteString("ended: ")
		default:
			b.WriteString("outstanding: ")
		}
		b.WriteString(flow.FormatCommand(c, s.start) + "\n")
	}
	if b.Len() == 0 {
		return "outstanding: nothing\n"
	}
	return b.String()
}

func (s *scenario) checkPrefixes() {
	for k := range s.snapshots {
		m, err := s.kit.Restore(s.snapshots[k])
		if err != nil {
			s.t.Fatalf("snapshot after entry %d: %v", k+1, err)
		}
		for i := k + 1; i < len(s.journal); i++ {
			if got := s.print(m.Handle(s.journal[i])); got != s.answers[i] {
				s.t.Errorf("from the snapshot after entry %d, entry %d gives\n%s\ninstead of\n%s", k+1, i+1, got, s.answers[i])
				return
			}
		}
	}
}
