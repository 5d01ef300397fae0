package view

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/rehearsal"
)

// Tests is what `tutti test` came to.
type Tests struct{ Files []TestFile }

// TestFile is what the cases of one file came to.
type TestFile struct {
	Name, Definition string
	Outcomes         []rehearsal.Outcome
	Coverage         rehearsal.Coverage
	// Least is how many of a hundred states must have been entered.
	Least float64
}

// uncovered reports whether too few states were entered.
func (f TestFile) uncovered() bool { return f.Coverage.Percent() < f.Least }

// Passed and Failed count the cases; a file whose coverage is too low counts as one
// more that failed.
func (t Tests) Passed() int { passed, _ := t.count(); return passed }

// Failed is described with Passed.
func (t Tests) Failed() int { _, failed := t.count(); return failed }

func (t Tests) count() (passed, failed int) {
	for _, f := range t.Files {
		for _, o := range f.Outcomes {
			if o.Passed() {
				passed++
			} else {
				failed++
			}
		}
		if f.uncovered() {
			failed++
		}
	}
	return passed, failed
}

// Tests writes a line for each case, what came otherwise than expected, and which
// states no case has entered.
func (s Style) Tests(w io.Writer, t Tests) {
	var b strings.Builder
	for _, f := range t.Files {
		b.WriteString(s.paint(bold, printable(f.Name)) + "\n")
		width := 0
		for _, o := range f.Outcomes {
			width = max(width, min(columns(o.Case.Name), maxCaseColumn))
		}
		for _, o := range f.Outcomes {
			b.WriteString(s.testCase(o, width))
		}
		b.WriteString(s.coverage(f) + "\n")
	}
	passed, failed := t.count()
	color := green
	if failed > 0 {
		color = red
	}
	b.WriteString(s.paint(color, fmt.Sprintf("%d passed, %d failed", passed, failed)) + "\n")
	write(w, b.String())
}

// maxCaseColumn is how wide the names of cases make their column at most.
const maxCaseColumn = 48

func (s Style) testCase(o rehearsal.Outcome, width int) string {
	about := ""
	if r := o.Result; r != nil {
		about = fmt.Sprintf("  %s, %s, %v", r.Status, counted(len(r.Path), "state"), r.Elapsed)
	}
	if o.Passed() {
		return "  " + s.paint(green, "pass") + "  " + pad(printable(o.Case.Name), width) + s.paint(grey, about) + "\n"
	}
	var b strings.Builder
	b.WriteString("  " + s.paint(red, "FAIL") + "  " + pad(printable(o.Case.Name), width) + s.paint(grey, about) + "\n")
	for _, d := range o.Differences {
		if d.Want == "" && d.What == "rehearsal" {
			b.WriteString("          " + printable(d.Got) + "\n")
			continue
		}
		b.WriteString("        " + printable(d.What) + "\n")
		if d.Want != "" {
			b.WriteString(s.paint(red, "          - "+printable(d.Want)) + "\n")
		}
		if d.Got != "" {
			b.WriteString(s.paint(green, "          + "+printable(d.Got)) + "\n")
		} else {
			b.WriteString(s.paint(grey, "          + (nothing)") + "\n")
		}
	}
	return b.String()
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (s Style) coverage(f TestFile) string {
	c := f.Coverage
	text := fmt.Sprintf("  %d of %s entered (%.1f%%)", len(c.States)-len(c.Missed), counted(len(c.States), "state"), c.Percent())
	if len(c.Missed) > 0 {
		text += "; never: " + strings.Join(c.Missed, ", ")
	}
	if f.uncovered() {
		return s.paint(red, printable(text)+fmt.Sprintf("\n  FAIL  the coverage must be %.1f%% at least", f.Least))
	}
	return printable(text)
}

// The forms of the JSON, in the format that format_version names.
type (
	testsJSON struct {
		Version string         `json:"format_version"`
		Files   []testFileJSON `json:"files"`
		Passed  int            `json:"passed"`
		Failed  int            `json:"failed"`
	}
	testFileJSON struct {
		File       string         `json:"file"`
		Definition string         `json:"definition"`
		Cases      []testCaseJSON `json:"cases"`
		Coverage   coverageJSON   `json:"coverage"`
	}
	testCaseJSON struct {
		Name        string           `json:"name"`
		Passed      bool             `json:"passed"`
		Status      string           `json:"status,omitempty"`
		Output      json.RawMessage  `json:"output,omitempty"`
		Error       string           `json:"error,omitempty"`
		Cause       string           `json:"cause,omitempty"`
		Path        []string         `json:"path"`
		Elapsed     float64          `json:"elapsed_seconds"`
		Differences []differenceJSON `json:"differences,omitempty"`
	}
	differenceJSON struct {
		What string `json:"what"`
		Want string `json:"want,omitempty"`
		Got  string `json:"got,omitempty"`
	}
	coverageJSON struct {
		States  int      `json:"states"`
		Entered int      `json:"entered"`
		Percent float64  `json:"percent"`
		Least   float64  `json:"least,omitempty"`
		Missed  []string `json:"missed"`
	}
)

// TestJSON writes the outcome as one object.
func TestJSON(w io.Writer, t Tests) error {
	out := testsJSON{Version: "1.0", Files: []testFileJSON{}, Passed: t.Passed(), Failed: t.Failed()}
	for _, f := range t.Files {
		c := f.Coverage
		j := testFileJSON{File: f.Name, Definition: f.Definition, Coverage: coverageJSON{States: len(c.States), Entered: len(c.States) - len(c.Missed),
			Percent: c.Percent(), Least: f.Least, Missed: append([]string{}, c.Missed...)}}
		for _, o := range f.Outcomes {
			j.Cases = append(j.Cases, caseJSON(o))
		}
		out.Files = append(out.Files, j)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

func caseJSON(o rehearsal.Outcome) testCaseJSON {
	c := testCaseJSON{Name: o.Case.Name, Passed: o.Passed(), Path: []string{}}
	if r := o.Result; r != nil {
		c.Status, c.Error, c.Cause, c.Elapsed = r.Status, r.Error, r.Cause, r.Elapsed.Seconds()
		c.Path = append(c.Path, r.Path...)
		if r.Status == rehearsal.Succeeded {
			c.Output = data.Encode(r.Output)
		}
	}
	for _, d := range o.Differences {
		c.Differences = append(c.Differences, differenceJSON(d))
	}
	return c
}

// The forms of JUnit's XML, as CI systems read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the outcome as JUnit XML. The time of cases is virtual, so it is left out.
func JUnit(w io.Writer, t Tests) error {
	out := junitSuites{Tests: t.Passed() + t.Failed(), Failures: t.Failed()}
	for _, f := range t.Files {
		out.Suites = append(out.Suites, junitFile(f))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitFile(f TestFile) junitSuite {
	s := junitSuite{Name: f.Name}
	add := func(c junitCase) {
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		s.Cases = append(s.Cases, c)
	}
	for _, o := range f.Outcomes {
		c := junitCase{Name: o.Case.Name, Class: f.Definition, File: f.Name, Line: o.Case.Line}
		if !o.Passed() {
			var lines []string
			for _, d := range o.Differences {
				lines = append(lines, fmt.Sprintf("%s\n  want: %s\n  got:  %s", d.What, d.Want, d.Got))
			}
			c.Failure = &junitFailure{Message: "other than expected: " + o.Differences[0].What, Text: strings.Join(lines, "\n")}
		}
		add(c)
	}
	if f.uncovered() {
		add(junitCase{Name: "coverage", Class: f.Definition, File: f.Name, Failure: &junitFailure{
			Message: fmt.Sprintf("%.1f%% of the states were entered, and %.1f%% must be", f.Coverage.Percent(), f.Least),
			Text:    "never entered: " + strings.Join(f.Coverage.Missed, ", ")}})
	}
	return s
}
