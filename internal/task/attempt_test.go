package task

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
	"tutti/internal/secret"
)

func TestRetries(t *testing.T) {
	const src = `task "a" {
  script = "echo x >> log; test $(wc -l < log) -ge 3 || exit 7"
  retry {
    attempts    = 3
    min_backoff = "1ms"
    %s
  }
}`
	s := newStand(t, fmt.Sprintf(src, ""))
	s.must(object.Run)
	if got := s.read("log"); got != "x\nx\nx\n" {
		t.Errorf("it ran %q", got)
	}
	if len(s.log) != 2 || s.log[1] != "attempt 2 of 3 failed (exit code 7), trying again in 2ms" {
		t.Errorf("the log is %q", s.log)
	}
	s = newStand(t, fmt.Sprintf(src, "on_exit_codes = [1, 2]"))
	if _, d := s.apply(); !d.HasErrors() || s.read("log") != "x\n" {
		t.Errorf("it ran %q, %v", s.read("log"), d.Err())
	}
	s = newStand(t, strings.Replace(fmt.Sprintf(src, ""), "-ge 3", "-ge 30", 1))
	if _, d := s.apply(); !d.HasErrors() || !strings.Contains(d[0].Detail, "exit code 7 (attempt 3)") {
		t.Error(d.Err())
	}
}

func TestBackoffIsBounded(t *testing.T) {
	s := newStand(t, `task "a" {
  command = ["false"]
  retry {
    attempts    = 6
    min_backoff = "1ms"
    max_backoff = "5ms"
  }
}`)
	s.apply()
	var waits []string
	for _, line := range s.log {
		waits = append(waits, line[strings.LastIndex(line, " ")+1:])
	}
	if want := []string{"1ms", "2ms", "4ms", "5ms", "5ms"}; !slices.Equal(waits, want) {
		t.Errorf("waited %q, want %q", waits, want)
	}
}

func TestCancelWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	w := &worker{masker: &secret.Masker{}, log: func(string) { cancel(errors.New("the run was cancelled")) }}
	_, err := w.attempts(ctx, action{Command: []string{"false"}, Retry: retry{Attempts: 5, MinBackoff: time.Hour, MaxBackoff: time.Hour}})
	if err == nil || err.Error() != "the run was cancelled" || w.tried != 1 {
		t.Errorf("%v after %d attempts", err, w.tried)
	}
	if d := w.report("task.a", err); d[0].Detail != "task.a failed: it was stopped: the run was cancelled." {
		t.Errorf("said %q", d[0].Detail)
	}
}

func TestExitCodes(t *testing.T) {
	s := newStand(t, `task "a" {
  script        = "exit 3"
  ok_exit_codes = [0, 3]
}`)
	s.must(object.Run)
	if got := s.output("exit_code"); got != "3" {
		t.Errorf("exit_code is %s", got)
	}
	s.edit(`task "a" {
  script        = "kill -9 $$"
  ok_exit_codes = [0, 137]
}`)
	if _, d := s.apply(); !d.HasErrors() || !strings.Contains(d[0].Detail, "ended by signal: killed") {
		t.Error(d.Err())
	}
}

func TestSurroundings(t *testing.T) {
	t.Setenv("TASK_TEST_OLD", "old")
	t.Setenv("TASK_TEST_GONE", "gone")
	s := newStand(t, `task "a" {
  interpreter = ["/bin/sh", "-c"]
  script      = "false; cat; pwd; echo $TASK_TEST_OLD $TASK_TEST_NEW $${TASK_TEST_GONE-none}"
  environment = { TASK_TEST_NEW = 1, TASK_TEST_GONE = null }
  working_dir = "sub"
  stdin       = "typed\n"
}`)
	if err := os.Mkdir(s.dir+"/sub", 0o755); err != nil {
		t.Fatal(err)
	}
	s.must(object.Run)
	if got, want := s.output("stdout"), "typed\n"+s.dir+"/sub\nold 1 none"; got != want {
		t.Errorf("stdout is %q, want %q", got, want)
	}
	s.edit(`task "a" {
  script = "false; echo never"
}`)
	if _, d := s.apply(); !d.HasErrors() || s.output("stdout") != "" {
		t.Errorf("a script went on after a failure: %v", d.Err())
	}
}

func TestLongOutput(t *testing.T) {
	s := newStand(t, fmt.Sprintf(`task "a" {
  script = "head -c %d /dev/zero | tr '\\0' x; echo; echo last >&2"
}`, MaxOutput+10))
	_, d := s.apply()
	if len(d) != 1 || d[0].Headline != "Output is too long to be kept" || !strings.Contains(d[0].Detail, "The stdout of task.a") {
		t.Fatal(d)
	}
	if got := len(s.output("stdout")); got != MaxOutput || s.output("stderr") != "last" {
		t.Errorf("%d bytes were kept", got)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]cty.Value{
		"":                                 cty.NullVal(cty.DynamicPseudoType),
		"plain":                            cty.NullVal(cty.DynamicPseudoType),
		"{} trailing":                      cty.NullVal(cty.DynamicPseudoType),
		"null":                             cty.NullVal(cty.DynamicPseudoType),
		"[1e999999999]":                    cty.NullVal(cty.DynamicPseudoType),
		"-1e-999999999":                    cty.Zero,
		"1e99999999999999999999":           cty.NullVal(cty.DynamicPseudoType),
		" 12.50 ":                          cty.MustParseNumberVal("12.5"),
		`[1, "a", null]`:                   cty.TupleVal([]cty.Value{cty.NumberIntVal(1), cty.StringVal("a"), cty.NullVal(cty.DynamicPseudoType)}),
		`{"a": {"b": true}}`:               cty.ObjectVal(map[string]cty.Value{"a": cty.ObjectVal(map[string]cty.Value{"b": cty.True})}),
		strings.Repeat("[", MaxOutput):     cty.NullVal(cty.DynamicPseudoType),
		`"` + strings.Repeat("x", 9) + `"`: cty.StringVal("xxxxxxxxx"),
	} {
		if got := parse(text); !got.RawEquals(want) {
			t.Errorf("%.20q gave %#v, want %#v", text, got, want)
		}
	}
}

func TestBinaryOutput(t *testing.T) {
	s := newStand(t, `task "a" {
  script = "printf 'a\\377b'"
}`)
	s.must(object.Run)
	if got := s.output("stdout"); got != "a\uFFFDb" {
		t.Errorf("stdout is %q", got)
	}
}

func TestTail(t *testing.T) {
	var w tail
	for i := range 1000 {
		w.add(fmt.Sprint(i))
	}
	w.add(strings.Repeat("y", 2*tailBytes))
	lines := strings.Split(w.text(), "\n")
	if len(lines) != tailLines || lines[0] != "981" || len(lines[tailLines-1]) != tailBytes+3 {
		t.Errorf("kept %d lines from %s", len(lines), lines[0])
	}
}
