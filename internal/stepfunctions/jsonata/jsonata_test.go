package jsonata

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tutti/internal/stepfunctions/data"
)

// fixedNow is when the clock stands in testdata/record.js.
var fixedNow = time.UnixMilli(1715949296789)

// TestReference holds the package to what the reference implementation gave for testdata/*.txt, see testdata/record.js.
func TestReference(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			for _, c := range readCasesOf(t, file) {
				if got := outcome(c.expression, c.input); got != c.want {
					t.Errorf("%s:%d: %s\n got %s\nwant %s", file, c.line, c.expression, got, c.want)
				}
			}
		})
	}
}

type referenceCase struct {
	line             int
	expression, want string
	input            any
}

func readCasesOf(t testing.TB, file string) []referenceCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []referenceCase
	input := Undefined
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "data "):
			input = readInput(t, filepath.Join("testdata", line[5:]+".json"))
		case strings.HasPrefix(line, "> "):
			cases = append(cases, referenceCase{line: i + 1, expression: line[2:], input: input})
		case strings.HasPrefix(line, "| "):
			cases[len(cases)-1].expression += "\n" + line[2:]
		case strings.HasPrefix(line, "= "), strings.HasPrefix(line, "! "), line == "undefined":
			cases[len(cases)-1].want = line
		}
	}
	return cases
}

func readInput(t testing.TB, file string) any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v, err := data.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// outcome evaluates an expression and writes the result as record.js does.
func outcome(expression string, input any) string {
	e, err := Parse(expression)
	if err != nil {
		return describe(err)
	}
	v, defined, err := e.Eval(input, Options{Now: fixedNow})
	switch {
	case err != nil:
		return describe(err)
	case !defined:
		return "undefined"
	}
	return fmt.Sprintf("= %s", data.Encode(v))
}

func describe(err error) string {
	e := err.(*Error)
	text := "! " + e.Code
	if e.Position > 0 {
		text += fmt.Sprintf(" %d", e.Position)
	}
	if e.Token != nil {
		text += fmt.Sprintf(" %v", e.Token)
	}
	return text
}
