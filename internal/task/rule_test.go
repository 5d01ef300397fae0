package task

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"tutti/internal/object"
)

// TestRunsByTheRules edits and applies a task at random and holds each plan against
// the rules of the documentation, told from what the task was given when it last ran.
func TestRunsByTheRules(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		s := &stand{t: t, dir: dir, values: scope{}}
		counter := filepath.Join(dir, "count-"+rapid.StringMatching(`[a-z]{12}`).Draw(r, "counter"))
		var ran string // what it was given in its last run that ended well
		for range rapid.IntRange(1, 4).Draw(r, "steps") {
			run := rapid.SampledFrom([]string{onChange, onChange, always, manual}).Draw(r, "run")
			word, trigger := rapid.SampledFrom([]string{"a", "b"}).Draw(r, "word"), rapid.SampledFrom([]string{"x", "y"}).Draw(r, "trigger")
			ok := rapid.IntRange(0, 4).Draw(r, "luck") > 0
			s.replace = rapid.IntRange(0, 5).Draw(r, "replace") == 0
			s.edit(fmt.Sprintf("task \"t\" {\n  run = %q\n  script = \"echo x >> $COUNT; exit $CODE\"\n  environment = { COUNT = %q, WORD = var.word, CODE = var.code }\n  triggers = [%q]\n}", run, counter, trigger))
			// Ephemeral, so that bad luck is no change of the inputs.
			s.values["var.code"] = cty.StringVal(map[bool]string{true: "0", false: "1"}[ok]).Mark(object.Ephemeral)
			s.values["var.word"] = secretText(strings.Repeat(word, 8))
			given := word + trigger
			want := s.replace || run == always || run == onChange && ran != given
			c := s.plan()
			if (c.Verb == object.Run) != want {
				r.Fatalf("planned to %s (%s); run = %q, replace %t, given %q, last ran with %q", c.Verb, c.Note, run, s.replace, given, ran)
			}
			_, d := s.apply()
			if d.HasErrors() != (want && !ok) {
				r.Fatalf("it should end well: %t, and %v", ok, d.Err())
			}
			switch {
			case want && ok:
				ran = given
			case want:
				ran = ""
			}
		}
	})
}
