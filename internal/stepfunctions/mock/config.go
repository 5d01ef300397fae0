package mock

import (
	"maps"
	"slices"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/document"
)

// Config is a file of mocks: MockConfigFile.json of Step Functions Local, which
// SFN_MOCK_CONFIG names.
type Config struct {
	// machines are the test cases by state machine and name.
	machines map[string]map[string]*Case
}

// Case gives a test case of a state machine: what stands behind the # of
// ARN#TestCase.
func (c *Config) Case(machine, name string) (*Case, bool) {
	found, ok := c.machines[machine][name]
	return found, ok
}

// Cases gives the names of a state machine's test cases, sorted.
func (c *Config) Cases(machine string) []string {
	return slices.Sorted(maps.Keys(c.machines[machine]))
}

// Read reads a file of mocks. The configuration is nil when the list has errors.
func Read(filename string, text []byte) (*Config, diag.List) {
	file, diags := document.Read(filename, text, nil)
	if diags.HasErrors() {
		return nil, diags
	}
	r := &reader{file: file, responses: map[string][]ranged{}}
	c := r.config()
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	return c, r.diags
}

// headline is that of most that is wrong with a file of mocks.
const headline = "Invalid file of mocks"

type reader struct {
	file      *document.File
	diags     diag.List
	responses map[string][]ranged
}

// wrong reports a value that is not as it should be.
func (r *reader) wrong(n *document.Node, headline, detail string, args ...any) {
	rng := r.file.Head(n)
	r.diags = append(r.diags, diag.Errorf(&rng, headline, detail, args...)...)
}

// object reports what is no object, and fields that are none of those known.
func (r *reader) object(n *document.Node, known ...string) bool {
	r.diags = append(r.diags, r.file.Object(n, headline, known...)...)
	return n.Kind == document.Object
}

func (r *reader) config() *Config {
	c := &Config{machines: map[string]map[string]*Case{}}
	root := r.file.Root
	if !r.object(root, "StateMachines", "MockedResponses") {
		return c
	}
	if responses := root.Get("MockedResponses"); responses != nil && r.object(responses) {
		for _, n := range responses.Inner {
			r.responses[n.Key] = r.response(n)
		}
	}
	machines := root.Get("StateMachines")
	if machines == nil {
		r.wrong(root, headline, "StateMachines is missing: the test cases by the names of their state machines.")
		return c
	}
	if !r.object(machines) {
		return c
	}
	for _, m := range machines.Inner {
		if !r.object(m, "TestCases") {
			continue
		}
		cases := map[string]*Case{}
		if list := m.Get("TestCases"); list != nil && r.object(list) {
			for _, n := range list.Inner {
				cases[n.Key] = r.testCase(n)
			}
		}
		c.machines[m.Key] = cases
	}
	return c
}

// testCase reads which response each state gets.
func (r *reader) testCase(n *document.Node) *Case {
	c := &Case{}
	if !r.object(n) {
		return c
	}
	for _, m := range n.Inner {
		name, ok := m.Text()
		if !ok {
			r.wrong(m, headline, "%s must be the name of a response in MockedResponses.", m.Pointer())
			continue
		}
		list, ok := r.responses[name]
		if !ok {
			r.wrong(m, "Unknown response", "MockedResponses has no %q.%s", name, diag.DidYouMean(name, slices.Sorted(maps.Keys(r.responses))))
			continue
		}
		c.set(m.Key, list)
	}
	return c
}

// response reads replies by the numbers of the calls that they are for.
func (r *reader) response(n *document.Node) []ranged {
	var list []ranged
	if !r.object(n) {
		return nil
	}
	for _, m := range n.Inner {
		first, last, ok := parseRange(m.Key)
		if !ok {
			r.wrong(m, "Invalid range of calls", "%q is not the number of a call, counted from 0, nor a range such as 1-3.", m.Key)
			continue
		}
		for _, other := range list {
			if first <= other.last && other.first <= last {
				r.wrong(m, "Invalid range of calls", "Another reply stands for some of the calls %s already.", m.Key)
			}
		}
		if reply, ok := r.reply(m); ok {
			list = append(list, ranged{first, last, reply})
		}
	}
	return list
}

func (r *reader) reply(n *document.Node) (Reply, bool) {
	if !r.object(n, "Return", "Throw") {
		return Reply{}, false
	}
	given, thrown := n.Get("Return"), n.Get("Throw")
	if (given == nil) == (thrown == nil) {
		r.wrong(n, "Invalid reply", "A reply has either Return or Throw.")
		return Reply{}, false
	}
	if given != nil {
		return Reply{Output: given.Data()}, true
	}
	if !r.object(thrown, "Error", "Cause") {
		return Reply{}, false
	}
	var reply Reply
	reply.Error, reply.Cause = r.text(thrown, "Error"), r.text(thrown, "Cause")
	if reply.Error == "" {
		r.wrong(thrown, "Invalid reply", "Throw needs an Error: the name that Retry and Catch see.")
	}
	return reply, reply.Error != ""
}

func (r *reader) text(n *document.Node, field string) string {
	text, diags := r.file.String(n, field, headline)
	r.diags = append(r.diags, diags...)
	return text
}
