package definition

import (
	"strconv"
	"tutti/internal/stepfunctions/document"
	"unicode/utf8"
)

// MaxNesting is how deep state machines may lie in each other, in branches and item
// processors.
const MaxNesting = 32

// MaxName is how many characters a state's name may have.
const MaxName = 80

// machine reads a state machine: a whole definition, or, where outer is the Map or
// Parallel state around it, an item processor or a branch.
func (c *checker) machine(n *document.Node, outer *reading) *StateMachine {
	m := &StateMachine{Version: "1.0", QueryLanguage: JSONPath, Range: c.source.Head(n), byName: map[string]*State{}}
	scope := &scope{}
	switch {
	case outer == nil:
		c.fieldsOf(n, "Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version")
		c.top(n, m)
	default:
		known := []string{"Comment", "StartAt", "States"}
		if n.Key == "ItemProcessor" || n.Key == "Iterator" {
			known = append(known, "ProcessorConfig")
		}
		c.fieldsOf(n, known...)
		m.QueryLanguage = outer.machine
		scope.outer, scope.depth = outer.scope, outer.scope.depth+1
		if scope.depth > MaxNesting {
			c.coded(n, c.subject(n), TooDeeplyNested, "States nested too deep", "The states are too deeply nested",
				"state machines lie more than %d deep in each other here.", MaxNesting)
			return m
		}
	}
	m.Comment, _ = c.stringOf(n, "Comment")
	c.required(n, "StartAt", "States")
	m.StartAt, _ = c.stringOf(n, "StartAt")
	c.body(n, m, scope)
	return m
}

func (c *checker) top(n *document.Node, m *StateMachine) {
	if c.oneWord(n, "Version", "1.0") == "" && n.Has("Version") {
		m.Version = ""
	}
	if c.oneWord(n, "QueryLanguage", string(JSONPath), string(JSONata)) == string(JSONata) {
		m.QueryLanguage = JSONata
	}
	if t := n.Get("TimeoutSeconds"); t != nil {
		f, _ := c.literal(t, wholeNumber(0, maxSeconds))
		m.TimeoutSeconds = int64(f)
	}
}

// body reads the states of a machine, and keeps what leads where for reachable.
func (c *checker) body(n *document.Node, m *StateMachine, scope *scope) {
	states := c.objectOf(n, "States")
	if states == nil {
		return
	}
	if len(states.Inner) == 0 {
		c.wrongAt(states, c.subject(states), "Invalid value", "Value cannot be empty", "there is no state. Add one.")
		return
	}
	g := &graph{machine: n, states: states, edges: map[string][]edge{}}
	c.graphs = append(c.graphs, g)
	if start := n.Get("StartAt"); start != nil {
		g.start = &edge{m.StartAt, start}
	}
	// What is assigned anywhere in a scope may be read anywhere in it.
	for _, s := range states.Inner {
		scope.assigned(s)
	}
	for _, s := range states.Inner {
		c.states[s] = true
		c.stateName(s)
		if s.Kind != document.Object {
			c.typed(s, "object")
			g.unclear = true
			continue
		}
		r := &reading{c: c, machine: m.QueryLanguage, language: m.QueryLanguage, scope: scope, graph: g}
		st := r.state(s)
		if _, again := m.byName[st.Name]; !again {
			m.byName[st.Name] = st
			m.States = append(m.States, st)
		}
	}
}

func (c *checker) stateName(s *document.Node) {
	rng := c.source.NameOf(s)
	switch length := utf8.RuneCountInString(s.Key); {
	case length == 0:
		c.coded(s, rng, InvalidStateName, "Invalid state name", "State name cannot be empty", "a state's name cannot be empty.")
	case length > MaxName:
		c.coded(s, rng, InvalidStateName, "Invalid state name", "State name is longer than 80 characters", "the name has %d characters, and may have at most %d.", length, MaxName)
	}
	if first, again := c.names[s.Key]; again {
		c.coded(s, rng, DuplicateStateName, "Duplicate state name", "Duplicate State name: "+s.Key,
			"there is another state of this name on line %d. A name stands for one state in the whole definition, branches and item processors included.", c.source.Pos(first.KeyStart).Line)
		return
	}
	c.names[s.Key] = s
}

// edge leads to another state; node is the field that says so.
type edge struct {
	target string
	node   *document.Node
}

// graph is what leads where in one machine.
type graph struct {
	machine, states *document.Node
	start           *edge
	edges           map[string][]edge // by state
	terminal        bool
	// unclear says that a state does not tell how it is left, so that nothing can be
	// said about the end of the machine.
	unclear bool
}

// reachable checks the transitions of all machines: targets are states of the same
// machine, some state ends it, every state can come up.
func (c *checker) reachable() {
	for _, g := range c.graphs {
		known := make(map[string]bool, len(g.states.Inner))
		for _, s := range g.states.Inner {
			known[s.Key] = true
		}
		if g.start != nil && !known[g.start.target] {
			c.missing(g, *g.start, "Missing 'StartAt' target: ")
		}
		told := make(map[string]bool, len(known)) // a duplicate has the edges of its twin
		for _, s := range g.states.Inner {
			if told[s.Key] {
				continue
			}
			told[s.Key] = true
			for _, e := range g.edges[s.Key] {
				if !known[e.target] {
					c.missing(g, e, "Missing 'Next' target: ")
				}
			}
		}
		switch {
		case g.terminal:
			c.unreachable(g)
			continue
		case g.unclear:
			continue
		}
		f := Finding{Code: MissingEndState, Message: "Workflow has no terminal state"}
		if g.machine.Parent != nil {
			f.Location = g.machine.Pointer()
		}
		rng := c.subject(g.states)
		c.add(f, "No terminal state", c.place(g.machine)+": no state ends it, so it would never be done. Give a state \"End\": true, or add one of type Succeed or Fail.", &rng)
	}
}

func (c *checker) missing(g *graph, e edge, service string) {
	var names []string
	for _, s := range g.states.Inner {
		names = append(names, s.Key)
	}
	hint := "Name one of the states of the same machine."
	if near := similar(e.target, names); near != "" {
		hint = "Did you mean " + quote(near) + "?"
	}
	if other, ok := c.names[e.target]; ok {
		hint = "The state of this name on line " + strconv.Itoa(c.source.Pos(other.KeyStart).Line) + " belongs to another machine, and one cannot go into a branch or an item processor, nor out of it."
	}
	c.coded(e.node, c.source.Whole(e.node), MissingTarget, "Unknown state", service+e.target, "there is no state %s here. %s", quote(e.target), hint)
}

func (c *checker) unreachable(g *graph) {
	if g.start == nil {
		return
	}
	reached := map[string]bool{}
	pending := []string{g.start.target}
	for len(pending) > 0 {
		name := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if reached[name] {
			continue
		}
		reached[name] = true
		for _, e := range g.edges[name] {
			pending = append(pending, e.target)
		}
	}
	for _, s := range g.states.Inner {
		if !reached[s.Key] {
			c.coded(s, c.source.NameOf(s), MissingTarget, "Unreachable state", "State \""+s.Key+"\" is not reachable.",
				"nothing leads to this state. Name it in a Next, Default or StartAt, or remove it.")
		}
	}
}
