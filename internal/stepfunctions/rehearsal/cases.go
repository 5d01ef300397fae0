package rehearsal

import (
	"slices"
	"strings"
	"time"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/document"
	"tutti/internal/stepfunctions/mock"
)

// Cases is a file of cases, such as order.test.yaml beside order.asl.json.
type Cases struct {
	// Definition is the definition's file; "" is the one that the file lies beside.
	// MockConfig is a file of mocks as Step Functions Local takes it. Both are relative
	// to the file.
	Definition, MockConfig string
	Substitutions          map[string]string
	// Coverage is how many of a hundred states the cases must enter; 0 is any number.
	Coverage float64
	Cases    []Case
}

// Case is one execution and what is expected of it.
type Case struct {
	Name string
	// Input, Variables, From, At and Limits are those of Options.
	Input     any
	Variables *data.Object
	From      string
	At        time.Time
	// TestCase names a test case of MockConfig, whose replies stand where Replies has
	// none.
	TestCase string
	Replies  map[string]Replies
	Expect   Expect
	// Line is where the case stands in its file.
	Line int
}

// Filter keeps the cases that f holds for.
func (c *Cases) Filter(f func(name string) bool) {
	c.Cases = slices.DeleteFunc(c.Cases, func(one Case) bool { return !f(one.Name) })
}

// Replies are what the calls of one state come to. The last one is repeated unless
// there are several.
type Replies []mock.Reply

// Expect is what must come of a case. What is nil or empty is not looked at.
type Expect struct {
	Status string
	// Output is the whole output; Contains is a part of it: objects may have further
	// members.
	Output, Contains       any
	HasOutput, HasContains bool
	Error                  string
	// Cause is a part of the cause.
	Cause string
	Path  []string
	// Calls are what states are called with, one entry a call.
	Calls map[string][]any
}

// ReadCases reads a file of cases. It is nil when the list has errors.
func ReadCases(filename string, text []byte) (*Cases, diag.List) {
	file, diags := document.Read(filename, text, nil)
	if diags.HasErrors() {
		return nil, diags
	}
	r := &caseReader{file: file}
	r.diags = file.Duplicates(file.Root, func(*document.Node) bool { return false })
	c := r.cases(file.Root)
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	return c, r.diags
}

// casesHeadline is that of most that is wrong with a file of cases.
const casesHeadline = "Invalid file of cases"

type caseReader struct {
	file  *document.File
	diags diag.List
}

func (r *caseReader) wrong(n *document.Node, detail string, args ...any) {
	rng := r.file.Head(n)
	r.diags = append(r.diags, diag.Errorf(&rng, casesHeadline, detail, args...)...)
}

// fields reports what is no object or has fields that are not known.
func (r *caseReader) fields(n *document.Node, known ...string) bool {
	r.diags = append(r.diags, r.file.Object(n, casesHeadline, known...)...)
	return n.Kind == document.Object
}

func (r *caseReader) text(n *document.Node, field string) string {
	s, diags := r.file.String(n, field, casesHeadline)
	r.diags = append(r.diags, diags...)
	return s
}

func (r *caseReader) number(n *document.Node, field string) float64 {
	m := n.Get(field)
	if m == nil {
		return 0
	}
	f, ok := data.Float(m.Value)
	if m.Kind != document.Scalar || !ok {
		r.wrong(m, "%s must be a number, and is of type %s.", m.Pointer(), m.TypeName())
	}
	return f
}

// object gives a field that must be an object; nil when it is not there.
func (r *caseReader) object(n *document.Node, field string) *document.Node {
	m := n.Get(field)
	if m == nil || !r.fields(m) {
		return nil
	}
	return m
}

func (r *caseReader) cases(root *document.Node) *Cases {
	c := &Cases{}
	if !r.fields(root, "definition", "mockConfig", "substitutions", "coverage", "mocks", "cases") {
		return c
	}
	c.Definition, c.MockConfig, c.Coverage = r.text(root, "definition"), r.text(root, "mockConfig"), r.number(root, "coverage")
	if c.Coverage < 0 || c.Coverage > 100 {
		r.wrong(root.Get("coverage"), "coverage is a percentage, from 0 to 100.")
	}
	if s := r.object(root, "substitutions"); s != nil {
		c.Substitutions = map[string]string{}
		for _, m := range s.Inner {
			c.Substitutions[m.Key] = r.text(s, m.Key)
		}
	}
	shared := r.replies(root)
	list := r.object(root, "cases")
	if list == nil || len(list.Inner) == 0 {
		if !r.diags.HasErrors() {
			r.wrong(root, "There are no cases. A case has a name, and input, mocks and what to expect under it.")
		}
		return c
	}
	for _, m := range list.Inner {
		c.Cases = append(c.Cases, r.one(m, shared))
	}
	return c
}

func (r *caseReader) one(n *document.Node, shared map[string]Replies) Case {
	c := Case{Name: n.Key, Line: r.file.Pos(n.KeyStart).Line, Input: &data.Object{}}
	if !r.fields(n, "input", "variables", "from", "at", "testCase", "mocks", "expect") {
		return c
	}
	if m := n.Get("input"); m != nil {
		c.Input = m.Data()
	}
	if m := r.object(n, "variables"); m != nil {
		c.Variables, _ = m.Data().(*data.Object)
	}
	c.From, c.TestCase = r.text(n, "from"), r.text(n, "testCase")
	if at := r.text(n, "at"); at != "" {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil {
			r.wrong(n.Get("at"), "%q is not a time as RFC 3339 writes it, such as 2030-01-31T12:00:00Z.", at)
		}
		c.At = t
	}
	c.Replies = r.replies(n)
	for state, replies := range shared {
		if _, own := c.Replies[state]; !own {
			c.Replies[state] = replies
		}
	}
	if m := n.Get("expect"); m != nil {
		c.Expect = r.expect(m)
	} else {
		r.wrong(n, "The case %q expects nothing. Add expect, such as {status: SUCCEEDED}.", n.Key)
	}
	return c
}

func (r *caseReader) replies(n *document.Node) map[string]Replies {
	all := map[string]Replies{}
	m := r.object(n, "mocks")
	if m == nil {
		return all
	}
	for _, state := range m.Inner {
		if state.Kind != document.List {
			all[state.Key] = Replies{r.reply(state)}
			continue
		}
		if len(state.Inner) == 0 {
			r.wrong(state, "%s has no reply.", state.Pointer())
			continue
		}
		for _, one := range state.Inner {
			all[state.Key] = append(all[state.Key], r.reply(one))
		}
	}
	return all
}

func (r *caseReader) reply(n *document.Node) mock.Reply {
	var reply mock.Reply
	if !r.fields(n, "return", "throw", "after", "never") {
		return reply
	}
	given := 0
	for _, field := range []string{"return", "throw", "never"} {
		if n.Has(field) {
			given++
		}
	}
	if given != 1 {
		r.wrong(n, "A reply has one of return, throw and never.")
	}
	if m := n.Get("return"); m != nil {
		reply.Output = m.Data()
	}
	if m := n.Get("throw"); m != nil && r.fields(m, "error", "cause") {
		reply.Error, reply.Cause = r.text(m, "error"), r.text(m, "cause")
		if reply.Error == "" {
			r.wrong(m, "throw needs an error: the name that Retry and Catch see.")
		}
	}
	if m := n.Get("never"); m != nil {
		if reply.Never = m.Value == true; !reply.Never {
			r.wrong(m, "never is true or not there.")
		}
	}
	if after := r.text(n, "after"); after != "" {
		d, err := time.ParseDuration(after)
		if err != nil || d < 0 {
			r.wrong(n.Get("after"), "%q is not how long a call takes, such as 90s or 2h30m.", after)
		}
		reply.After = d
	}
	return reply
}

func (r *caseReader) expect(n *document.Node) Expect {
	var e Expect
	if !r.fields(n, "status", "output", "contains", "error", "cause", "path", "calls") {
		return e
	}
	e.Status, e.Error, e.Cause = r.text(n, "status"), r.text(n, "error"), r.text(n, "cause")
	if statuses := []string{Succeeded, Failed, TimedOut}; e.Status != "" && !slices.Contains(statuses, e.Status) {
		r.wrong(n.Get("status"), "%q is not one of %s.%s", e.Status, strings.Join(statuses, ", "), diag.DidYouMean(e.Status, statuses))
	}
	if m := n.Get("output"); m != nil {
		e.Output, e.HasOutput = m.Data(), true
	}
	if m := n.Get("contains"); m != nil {
		e.Contains, e.HasContains = m.Data(), true
	}
	if m := n.Get("path"); m != nil {
		e.Path = r.names(m)
	}
	if m := r.object(n, "calls"); m != nil {
		e.Calls = map[string][]any{}
		for _, state := range m.Inner {
			if state.Kind != document.List {
				r.wrong(state, "%s must be a list, with what the state is called with each time.", state.Pointer())
				continue
			}
			list := []any{}
			for _, one := range state.Inner {
				list = append(list, one.Data())
			}
			e.Calls[state.Key] = list
		}
	}
	return e
}

func (r *caseReader) names(n *document.Node) []string {
	if n.Kind != document.List {
		r.wrong(n, "%s must be a list of the names of states.", n.Pointer())
		return nil
	}
	names := []string{}
	for _, m := range n.Inner {
		s, ok := m.Text()
		if !ok {
			r.wrong(m, "%s must be the name of a state.", m.Pointer())
		}
		names = append(names, s)
	}
	return names
}
