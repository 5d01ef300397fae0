package callback

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tutti/internal/ansible/play"
	"tutti/internal/ansible/value"
)

// JUnit are the settings of the callback of that name: its JUNIT_… variables.
type JUnit struct {
	// TaskClass makes one class of every file; RelativePath is what paths are shown
	// relative to; OutOfTree replaces the folders of files that are not below it.
	TaskClass     bool
	RelativePath  string
	OutOfTree     *string
	FailOnChange  bool
	FailOnIgnore  bool
	LeaveOutSetup bool
	// Prefix has only tasks whose name begins so count, and those that fail.
	Prefix string
}

// junit writes a report of all tasks when the play has ended: a test case for each task and
// host. Arguments are not shown, since they may hold secrets.
type junit struct {
	*screen
	book, play string
	tasks      map[int]play.Note
	cases      []testCase
}

func newJUnit(s *screen) *junit { return &junit{screen: s, tasks: map[int]play.Note{}} }

// The elements of a report.
type (
	testSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		testCounts
		Suites []testSuite `xml:"testsuite"`
	}
	testSuite struct {
		Name string `xml:"name,attr"`
		testCounts
		Skipped int        `xml:"skipped,attr"`
		Cases   []testCase `xml:"testcase"`
	}
	testCounts struct {
		Disabled int    `xml:"disabled,attr"`
		Errors   int    `xml:"errors,attr"`
		Failures int    `xml:"failures,attr"`
		Tests    int    `xml:"tests,attr"`
		Time     string `xml:"time,attr"`
	}
	testCase struct {
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		Time    string      `xml:"time,attr"`
		Skipped *string     `xml:"skipped,omitempty"`
		Error   *testFault  `xml:"error,omitempty"`
		Failure *testFault  `xml:"failure,omitempty"`
		Output  *testOutput `xml:"system-out,omitempty"`
		number  int
		host    string
		elapsed int64
	}
	testFault struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	testOutput struct {
		Text string `xml:",chardata"`
	}
)

// Note takes a note in.
func (c *junit) Note(n play.Note) {
	switch n.Kind {
	case play.NotePlaybook:
		base := filepath.Base(n.Text)
		c.book = strings.TrimSuffix(base, filepath.Ext(base))
	case play.NotePlay:
		c.play = n.Play
	case play.NoteTask:
		if _, ok := c.tasks[n.Number]; !ok {
			c.tasks[n.Number] = n
		}
	case play.NoteIncluded:
		c.included(n)
	case play.NoteResult:
		c.result(n)
	case play.NoteRecap:
		if err := c.report(); err != nil {
			c.warning("The JUnit report could not be written: " + err.Error())
		}
	}
}

// included makes a test case of what was included by a task, for all hosts and items.
func (c *junit) included(n play.Note) {
	text := n.Text + " (" + strings.Join(n.Hosts, ", ") + ")"
	i := slices.IndexFunc(c.cases, func(t testCase) bool { return t.number == n.Number && t.host == "include" })
	if i >= 0 {
		c.cases[i].Output.Text += "\n" + text
		return
	}
	t := c.testCase(n, "include")
	t.Output = &testOutput{text}
	c.cases = append(c.cases, t)
}

// testCase makes the case of a note without what came of it.
func (c *junit) testCase(n play.Note, host string) testCase {
	begun, ok := c.tasks[n.Number]
	if !ok {
		begun = n
	}
	at := origin(begun.Path)
	return testCase{Class: c.class(at), Name: fmt.Sprintf("[%s] %s: %s", host, c.play, strings.TrimSpace(begun.Task)),
		Time: seconds(n.Elapsed), number: n.Number, host: host, elapsed: n.Elapsed}
}

func seconds(milliseconds int64) string { return fmt.Sprintf("%.3f", float64(milliseconds)/1000) }

var lineOfFile = regexp.MustCompile(`\.yml:[0-9]+$`)

// class is the file and line of a task, as the settings have it.
func (c *junit) class(at value.Origin) string {
	o := c.o.JUnit
	class := fmt.Sprintf("%s:%d", at.File, max(at.Line, 1))
	if at.File == "" {
		class = ""
	}
	if o.RelativePath != "" && class != "" {
		if rel, err := filepath.Rel(o.RelativePath, class); err == nil {
			class = rel
		}
	}
	if o.OutOfTree != nil && strings.HasPrefix(class, "../") {
		class = *o.OutOfTree + filepath.Base(class)
	}
	if o.TaskClass {
		class = lineOfFile.ReplaceAllString(class, "")
	}
	return class
}

func (c *junit) result(n play.Note) {
	o := c.o.JUnit
	if o.LeaveOutSetup && short(n.Action) == "setup" {
		return
	}
	t := c.testCase(n, n.Host)
	bad := n.Status == "failed" || n.Status == "unreachable" || n.Status == "ignored" && o.FailOnIgnore ||
		o.FailOnChange && n.Status == "changed"
	_, name, _ := strings.Cut(t.Name, ": ")
	switch {
	case bad && strings.Contains(name, "EXPECTED FAILURE"):
		bad = false
	case strings.Contains(name, "TOGGLE RESULT") && n.Status != "skipped":
		bad = !bad
	}
	if !bad && !strings.HasPrefix(strings.TrimSpace(c.tasks[n.Number].Task), o.Prefix) {
		return
	}
	text := dumpJSON(c.abridged(shown(n)), 0)
	switch {
	case bad:
		c.fails(&t, n, text)
	case n.Status == "skipped":
		reason := "skipped"
		if v, ok := n.Result.Get("skip_reason"); ok {
			reason = value.String(v)
		}
		t.Skipped = &reason
	default:
		t.Output = &testOutput{text}
	}
	c.cases = append(c.cases, t)
}

// fails says what failed: an error when the task could not be carried out, otherwise a failure.
func (c *junit) fails(t *testCase, n play.Note, text string) {
	message := ""
	if v, ok := n.Result.Get("msg"); ok {
		message = value.String(v)
	} else {
		code, _ := n.Result.Get("rc")
		message = "rc=" + value.String(code)
	}
	if chain := causes(n); len(chain) > 0 && n.Status != "changed" {
		all := make([]string, len(chain))
		for i, cause := range chain {
			all[i] = cause.Message
		}
		t.Error = &testFault{Message: joinMessages(all), Type: "error", Text: Explain(chain, c.o.Source)}
		return
	}
	t.Failure = &testFault{Message: message, Type: "failure", Text: text}
}

// report writes the file.
func (c *junit) report() error {
	suite := testSuite{Name: c.book, Cases: c.cases}
	var elapsed int64
	for _, t := range c.cases {
		suite.Tests++
		elapsed += t.elapsed
		switch {
		case t.Error != nil:
			suite.Errors++
		case t.Failure != nil:
			suite.Failures++
		case t.Skipped != nil:
			suite.Skipped++
		}
	}
	suite.Time = seconds(elapsed)
	text, err := xml.MarshalIndent(testSuites{testCounts: suite.testCounts, Suites: []testSuite{suite}}, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.o.Folder, 0o755); err != nil {
		return err
	}
	name := c.book
	if c.o.Now != nil {
		name += fmt.Sprintf("-%.6f", float64(c.o.Now().UnixMicro())/1e6)
	}
	return os.WriteFile(filepath.Join(c.o.Folder, name+".xml"), append([]byte(xml.Header), append(text, '\n')...), 0o644)
}
