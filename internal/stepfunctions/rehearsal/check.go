package rehearsal

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
)

// Difference is something that came otherwise than a case expects.
type Difference struct {
	// What is output, status, error, cause, path, calls.NAME or rehearsal, with the
	// place in it: output.items[2].id.
	What string
	// Want and Got are JSON or plain text; "" is nothing.
	Want, Got string
}

// Outcome is what a case came to.
type Outcome struct {
	Case *Case
	// Result is nil when the rehearsal itself failed.
	Result      *Result
	Differences []Difference
}

// Passed reports whether everything came as expected.
func (o *Outcome) Passed() bool { return len(o.Differences) == 0 }

// Coverage tells which states have been entered.
type Coverage struct {
	// States are all of the definition in its order; Missed those that no case entered.
	States, Missed []string
}

// Percent is how many of a hundred states were entered.
func (c Coverage) Percent() float64 {
	if len(c.States) == 0 {
		return 100
	}
	return 100 * float64(len(c.States)-len(c.Missed)) / float64(len(c.States))
}

// Play carries out the cases of a file in their order. The configuration has what
// TestCase names; it may be nil. machine is the state machine's name.
func Play(machine string, def *definition.StateMachine, cases *Cases, config *mock.Config, limits execution.Limits) ([]Outcome, Coverage) {
	entered := map[string]bool{}
	outcomes := make([]Outcome, len(cases.Cases))
	for i := range cases.Cases {
		c := &cases.Cases[i]
		o := play(machine, def, c, config, limits)
		if o.Result != nil {
			for _, s := range o.Result.Path {
				entered[s] = true
			}
		}
		outcomes[i] = o
	}
	var cov Coverage
	def.Walk(func(s *definition.State) {
		cov.States = append(cov.States, s.Name)
		if !entered[s.Name] {
			cov.Missed = append(cov.Missed, s.Name)
		}
	})
	return outcomes, cov
}

func play(machine string, def *definition.StateMachine, c *Case, config *mock.Config, limits execution.Limits) Outcome {
	o := Outcome{Case: c}
	replies, why := repliesOf(machine, def, c, config)
	if why == "" {
		result, err := Run(Options{Definition: def, Input: c.Input, Replies: replies, Name: machine, At: c.At, From: c.From, Variables: c.Variables, Limits: limits})
		if err == nil {
			o.Result, o.Differences = result, c.Expect.compare(result)
			return o
		}
		why = err.Error()
	}
	o.Differences = []Difference{{What: "rehearsal", Got: why}}
	return o
}

// repliesOf puts a case's replies together; why tells what is wrong with them.
func repliesOf(machine string, def *definition.StateMachine, c *Case, config *mock.Config) (replies *mock.Case, why string) {
	replies = &mock.Case{}
	if c.TestCase != "" {
		var found bool
		if config != nil {
			replies, found = config.Case(machine, c.TestCase)
		}
		if !found {
			return nil, fmt.Sprintf("the file of mocks has no test case %q for the state machine %q", c.TestCase, machine)
		}
	}
	own := &mock.Case{}
	var names []string
	def.Walk(func(s *definition.State) { names = append(names, s.Name) })
	for _, state := range slices.Sorted(maps.Keys(c.Replies)) {
		if !slices.Contains(names, state) {
			return nil, fmt.Sprintf("there is no state %q to answer.%s", state, diag.DidYouMean(state, names))
		}
		list := c.Replies[state]
		own.Set(state, len(list) == 1, list...)
	}
	return replies.With(own), ""
}

// compare tells what is other than expected.
func (e Expect) compare(r *Result) []Difference {
	var all []Difference
	plain := func(what, want, got string, same bool) {
		if want != "" && !same {
			all = append(all, Difference{what, want, got})
		}
	}
	status := e.Status
	if status == "" && e.Error == "" && (e.HasOutput || e.HasContains) {
		status = Succeeded
	}
	got := r.Status
	if r.Error != "" {
		got += ": " + r.Error + ": " + r.Cause
	}
	plain("status", status, got, status == r.Status)
	plain("error", e.Error, r.Error, e.Error == r.Error)
	plain("cause", e.Cause, r.Cause, strings.Contains(r.Cause, e.Cause))
	if r.Status == Succeeded {
		if e.HasOutput {
			all = append(all, differ("output", e.Output, r.Output, false)...)
		}
		if e.HasContains {
			all = append(all, differ("output", e.Contains, r.Output, true)...)
		}
	}
	if e.Path != nil && !slices.Equal(e.Path, r.Path) {
		all = append(all, Difference{"path", strings.Join(e.Path, " > "), strings.Join(r.Path, " > ")})
	}
	for _, state := range slices.Sorted(maps.Keys(e.Calls)) {
		calls := []any{}
		for _, c := range r.Calls {
			if c.State == state {
				v, err := data.Decode(c.Arguments)
				if err != nil {
					panic("rehearsal: invariant broken: arguments that are no JSON: " + err.Error())
				}
				calls = append(calls, v)
			}
		}
		all = append(all, differ("calls."+state, e.Calls[state], calls, false)...)
	}
	return all
}

// differ compares values member by member. With part, objects may have more members
// than are wanted.
func differ(what string, want, got any, part bool) []Difference {
	switch w := want.(type) {
	case *data.Object:
		g, ok := got.(*data.Object)
		if !ok {
			break
		}
		var all []Difference
		for _, m := range w.Members() {
			if v, ok := g.Get(m.Key); ok {
				all = append(all, differ(what+"."+m.Key, m.Value, v, part)...)
			} else {
				all = append(all, Difference{what + "." + m.Key, text(m.Value), ""})
			}
		}
		for _, m := range g.Members() {
			if _, ok := w.Get(m.Key); !ok && !part {
				all = append(all, Difference{what + "." + m.Key, "", text(m.Value)})
			}
		}
		return all
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		var all []Difference
		for i := range max(len(w), len(g)) {
			at := fmt.Sprintf("%s[%d]", what, i)
			switch {
			case i >= len(w):
				all = append(all, Difference{at, "", text(g[i])})
			case i >= len(g):
				all = append(all, Difference{at, text(w[i]), ""})
			default:
				all = append(all, differ(at, w[i], g[i], part)...)
			}
		}
		return all
	}
	if data.Equal(want, got) {
		return nil
	}
	return []Difference{{what, text(want), text(got)}}
}

func text(v any) string { return string(data.Encode(v)) }
