package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string // empty where the event is about the package
	Output  string
}

type test struct{ pkg, name string }

// counts are tests and subtests; a package that fails without a failed test (it did not build, it panicked outside a
// test) counts as one failure.
type counts struct{ passed, failed, skipped int }

func (c counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

type tally struct {
	counts
	out      io.Writer
	output   map[test][]string // what each test that is not done has printed
	failures map[string]int    // failed tests per package
}

func (t *tally) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		fmt.Fprint(t.out, line)
		return
	}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(t.out, e.Output)
	case e.Test == "":
		t.packageEvent(e)
	default:
		t.testEvent(e)
	}
}

func (t *tally) packageEvent(e event) {
	switch e.Action {
	case "output":
		if e.Output != "PASS\n" && e.Output != "FAIL\n" {
			fmt.Fprint(t.out, e.Output)
		}
	case "fail":
		if t.failures[e.Package] == 0 {
			t.failed++
		}
	}
}

func (t *tally) testEvent(e event) {
	key := test{e.Package, e.Test}
	switch e.Action {
	case "output":
		t.output[key] = append(t.output[key], e.Output)
		return
	case "pass":
		t.passed++
	case "fail":
		t.failed++
		t.failures[e.Package]++
		fmt.Fprint(t.out, strings.Join(t.output[key], ""))
	case "skip":
		t.skipped++
		fmt.Fprintf(t.out, "skipped %s %s: %s\n", e.Package, e.Test, reason(t.output[key]))
	default: // run, pause, cont, start, bench, attr: nothing is over yet
		return
	}
	delete(t.output, key)
}

// reason is what a test said when it skipped itself, on one line.
func reason(output []string) string {
	var said []string
	for _, line := range output {
		text := strings.TrimSpace(line)
		if text != "" && !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- ") {
			said = append(said, text)
		}
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}
