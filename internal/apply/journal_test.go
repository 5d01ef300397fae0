package apply_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tutti/internal/apply"
	"tutti/internal/flow"
)

// TestOldJournals replays journals that earlier versions wrote: each event with
// the commands that it gave then, indented. The folders are kept for ever and never
// rewritten, for a run that was begun with one version may be resumed with another.
func TestOldJournals(t *testing.T) {
	files, err := filepath.Glob("testdata/journals/v*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no journals: %v", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var start time.Time
			var events, want []string
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSuffix(line, "\n")
				if c, ok := strings.CutPrefix(line, "\t"); ok {
					want[len(want)-1] += c + "\n"
					continue
				}
				events, want = append(events, line), append(want, "")
			}
			m := apply.New()
			for i, line := range events {
				e, err := flow.ParseEvent(line, start)
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					start = e.When()
				}
				got := ""
				for _, c := range m.Handle(e) {
					got += flow.FormatCommand(c, start) + "\n"
				}
				if got != want[i] {
					t.Errorf("entry %d, %s, gives\n%sand gave\n%s", i+1, line, got, want[i])
				}
			}
		})
	}
}
