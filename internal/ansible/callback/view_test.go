package callback

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tutti/internal/ansible/play"
	"tutti/internal/ansible/value"
)

// run plays the notes of a recorded run.
func run(t *testing.T, name string, v View) {
	t.Helper()
	notes, err := os.ReadFile("testdata/recorded/" + name + ".notes")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(notes)) {
		n, err := Read(line)
		if err != nil {
			t.Fatal(err)
		}
		v.Note(n)
	}
}

// ticking is a clock that goes on by a second each time that it is asked.
func ticking() func() time.Time {
	at := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	return func() time.Time {
		at = at.Add(time.Second)
		return at
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	v, err := New("ansible.posix.json", Options{Out: &out, Now: ticking()})
	if err != nil {
		t.Fatal(err)
	}
	run(t, "plain", v)
	var got struct {
		Plays []struct {
			Play  struct{ Name string }
			Tasks []struct {
				Task  struct{ Name, Path string }
				Hosts map[string]map[string]any
			}
		}
		Stats  map[string]map[string]int
		Custom map[string]any `json:"custom_stats"`
		Global map[string]any `json:"global_custom_stats"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Plays) != 3 || got.Plays[0].Play.Name != "First play" {
		t.Errorf("plays %v", len(got.Plays))
	}
	first := got.Plays[0].Tasks[0]
	if first.Task.Name != "run it" || first.Task.Path != "/play/many.yml:6" || first.Hosts["h1"]["stdout"] != "hi" || first.Hosts["h1"]["action"] != "command" {
		t.Errorf("first task %+v", first)
	}
	if items, _ := got.Plays[0].Tasks[3].Hosts["h1"]["results"].([]any); len(items) != 2 {
		t.Errorf("the items of a loop: %v", items)
	}
	if got.Stats["h2"]["failures"] != 1 || got.Global["a"] == nil || got.Custom["h1"] == nil {
		t.Errorf("stats %v %v %v", got.Stats, got.Global, got.Custom)
	}
}

func TestStream(t *testing.T) {
	var out bytes.Buffer
	run(t, "plain", Stream(Options{Out: &out}))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	notes, err := os.ReadFile("testdata/recorded/plain.notes")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Count(string(notes), "\n") + 1; len(lines) != want {
		t.Fatalf("%d lines, want %d", len(lines), want)
	}
	if !strings.Contains(lines[0], `"format_version":"`+FormatVersion+`"`) {
		t.Errorf("the first line tells no version: %s", lines[0])
	}
	for _, line := range lines[1:] {
		if n, err := Read(line); err != nil || n.Kind == "" {
			t.Fatalf("%q: %v", line, err)
		}
	}
}

func TestJUnit(t *testing.T) {
	dir := t.TempDir()
	v, err := New("junit", Options{Folder: filepath.Join(dir, "new"), Now: ticking()})
	if err != nil {
		t.Fatal(err)
	}
	run(t, "plain", v)
	files, err := filepath.Glob(dir + "/new/many-*.xml")
	if err != nil || len(files) != 1 {
		t.Fatalf("reports %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var got testSuites
	if err := xml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	suite := got.Suites[0]
	if suite.Name != "many" || suite.Tests != len(suite.Cases) || suite.Errors+suite.Failures == 0 || suite.Skipped == 0 {
		t.Errorf("suite %s: %d tests, %d cases, %d errors, %d skipped", suite.Name, suite.Tests, len(suite.Cases), suite.Errors, suite.Skipped)
	}
	if c := suite.Cases[0]; c.Name != "[h1] First play: run it" && c.Name != "[h2] First play: run it" || c.Class != "/play/many.yml:6" {
		t.Errorf("first case %q in %q", c.Name, c.Class)
	}
	if strings.Contains(string(text), "echo secret") {
		t.Error("what no_log hides is in the report")
	}
}

func TestTree(t *testing.T) {
	dir := t.TempDir()
	v, err := New("tree", Options{Folder: dir})
	if err != nil {
		t.Fatal(err)
	}
	v.Note(play.Note{Kind: play.NoteResult, Host: "../h1", Status: "ok", Result: value.NewDict("changed", false, "ping", "pong")})
	text, err := os.ReadFile(filepath.Join(dir, "h1"))
	if err != nil || string(text) != `{"changed": false, "ping": "pong"}` {
		t.Errorf("%q, %v", text, err)
	}
}

func TestTimes(t *testing.T) {
	var out bytes.Buffer
	o := Options{Out: &out, Now: ticking()}
	timed, err := New("timer", o)
	if err != nil {
		t.Fatal(err)
	}
	profiled, err := New("profile_tasks", o)
	if err != nil {
		t.Fatal(err)
	}
	v := Several(timed, profiled)
	for _, n := range []play.Note{{Kind: play.NotePlaybook}, {Kind: play.NoteTask, Task: "short"}, {Kind: play.NoteTask, Task: "long"}, {Kind: play.NoteResult}, {Kind: play.NoteRecap}} {
		v.Note(n)
	}
	for _, want := range []string{"Playbook run took 0 days, 0 hours, 0 minutes, 5 seconds", "long ------", " 3.00s", "short ----"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestUnknown(t *testing.T) {
	var out bytes.Buffer
	v, err := New("default", Options{Out: &out, Check: true})
	if err != nil {
		t.Fatal(err)
	}
	v.Note(play.Note{Kind: play.NoteTask, Task: "t", Number: 1})
	v.Note(play.Note{Kind: play.NoteResult, Task: "t", Number: 1, Host: "h", Status: "skipped", Unknown: true, Result: &value.Dict{}})
	v.Note(play.Note{Kind: play.NoteRecap, Recap: []play.Tally{{Host: "h", Skipped: 1, Unknown: 1}, {Host: "other", OK: 1}}})
	for _, want := range []string{"unknown: [h]: unknown until applied\n", "ignored=0    unknown=1   \n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Count(out.String(), "unknown=") != 1 {
		t.Error("the recap tells of unknowns where there are none")
	}
}

// TestExplain holds the texts of errors that have no recording.
func TestExplain(t *testing.T) {
	source := func(string) []byte { return []byte("one\ntwo\nthree\n") }
	for _, test := range []struct {
		chain []Cause
		want  string
	}{
		{[]Cause{{Message: "Just this."}}, "Just this.\n"},
		{[]Cause{{Message: "A thing.", Help: "Do that."}}, "A thing. Do that.\n"},
		{[]Cause{{Message: "A."}, {Message: "B"}}, "A: B\n"},
		{[]Cause{{Message: "A: B"}, {Message: "B"}}, "A: B\n"},
		{[]Cause{{Message: "A.", Origin: value.Origin{File: "f", Line: 2, Column: 3}}}, "A.\nOrigin: f:2:3\n\n1 one\n2 two\n    ^ column 3\n"},
		{[]Cause{{Message: "A.", Origin: value.Origin{File: "f", Line: 9}}}, "A.\nOrigin: f:9\n"},
	} {
		if got := Explain(test.chain, source); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestColors(t *testing.T) {
	for name, want := range map[string]string{"red": "0;31", "bright purple": "1;35", "color208": "38;5;208", "rgb123": "38;5;67", "gray3": "38;5;235", "nonsense": "0"} {
		if got := code(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range Names() {
		if _, err := New(name, Options{}); err != nil {
			t.Error(err)
		}
	}
	if _, err := New("no.such.thing", Options{}); err == nil {
		t.Error("a callback that is not there is made")
	}
}
