package definition

import (
	"maps"
	"slices"
	"strings"
	"tutti/internal/stepfunctions/document"

	"tutti/internal/stepfunctions/expression"
)

// reading is the reading of one state.
type reading struct {
	c *checker
	// machine is the query language of the definition, language that of the state.
	machine, language QueryLanguage
	scope             *scope
	graph             *graph
	node              *document.Node
	// What $states has in the field that is read.
	result, errorOutput bool
	// variables are the names that the state uses.
	variables map[string]bool
}

var types = []string{string(TypeTask), string(TypePass), string(TypeChoice), string(TypeWait), string(TypeSucceed), string(TypeFail), string(TypeParallel), string(TypeMap)}

func (r *reading) state(n *document.Node) *State {
	c := r.c
	r.node, r.variables = n, nil
	s := &State{Name: n.Key, Range: c.source.NameOf(n), pointer: n.Pointer()}
	s.Comment, _ = c.stringOf(n, "Comment")
	r.queryLanguage(n)
	s.QueryLanguage = r.language
	if c.required(n, "Type") {
		s.Type = Type(c.oneWord(n, "Type", types...))
	}
	if s.Type == "" {
		r.graph.unclear = true
		return s
	}
	r.known(n, c.stateFields(s.Type), article(strings.ToLower(string(s.Type)))+" "+string(s.Type)+" state")
	r.next(n, s)
	r.flow(n, s)
	switch s.Type {
	case TypeTask:
		s.Task = r.task(n, s)
	case TypePass:
		s.Pass = r.pass(n)
	case TypeChoice:
		s.Choice = r.choice(n)
	case TypeWait:
		s.Wait = r.wait(n)
	case TypeSucceed:
	case TypeFail:
		s.Fail = r.fail(n)
	case TypeParallel:
		s.Parallel = r.parallel(n)
	case TypeMap:
		s.Map = r.mapState(n)
	default:
		panic("definition: invariant broken: a state of unknown type " + string(s.Type))
	}
	if r.speaks(s.Type, "Retry", r.language) {
		s.Retry, s.Catch = r.retry(n), r.catch(n)
	}
	s.variables = slices.Sorted(maps.Keys(r.variables))
	return s
}

// queryLanguage settles what the state speaks. A machine in JSONPath may have states
// in JSONata, not the other way round.
func (r *reading) queryLanguage(n *document.Node) {
	word := r.c.oneWord(n, "QueryLanguage", string(JSONPath), string(JSONata))
	if word == string(JSONPath) && r.machine == JSONata {
		r.c.wrongAt(n, r.c.source.Whole(n.Get("QueryLanguage")), "Query language not possible here", "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
			"the whole state machine is in JSONata, and then no state can be in JSONPath. Set JSONata in the states that are, and JSONPath for the machine.")
		return
	}
	if word != "" {
		r.language = QueryLanguage(word)
	}
}

// next reads how the state is left.
func (r *reading) next(n *document.Node, s *State) {
	switch s.Type {
	case TypeSucceed, TypeFail:
		r.graph.terminal = true
		return
	case TypeChoice:
		return
	}
	if end := n.Get("End"); end != nil {
		value, ok := end.Value.(bool)
		if end.Kind != document.Scalar || !ok {
			r.c.typed(end, "boolean")
		}
		if s.End = value; ok && !value && !n.Has("Next") {
			r.c.wrong(end, "Invalid value", "Value should be one of the following: [true]", "End is false, and there is no Next. Say End: true, or where to go on.")
		}
		r.graph.terminal = r.graph.terminal || value
	}
	if m := n.Get("Next"); m != nil && !s.End {
		s.Next = r.target(m)
		return
	}
	r.graph.unclear = r.graph.unclear || !s.End
	r.c.oneOf(n, true, "Next", "End")
}

// target reads a field that names the state to go on with.
func (r *reading) target(n *document.Node) string {
	text, ok := n.Text()
	if !ok {
		r.c.typed(n, "string")
		return ""
	}
	r.graph.edges[r.node.Key] = append(r.graph.edges[r.node.Key], edge{text, n})
	return text
}

// flow reads the fields that say what goes into a state's work and what comes out.
func (r *reading) flow(n *document.Node, s *State) {
	if r.language == JSONPath {
		s.InputPath, s.OutputPath = r.nullable(n.Get("InputPath")), r.nullable(n.Get("OutputPath"))
		s.ResultPath = r.resultPath(n)
		if s.Type != TypeMap && r.speaks(s.Type, "Parameters", JSONPath) {
			if m := r.c.objectOf(n, "Parameters"); m != nil {
				s.Arguments = r.payload(m)
			}
		}
		if m := r.c.objectOf(n, "ResultSelector"); m != nil {
			s.ResultSelector = r.payload(m)
		}
	} else if m := n.Get("Arguments"); m != nil && r.speaks(s.Type, "Arguments", JSONata) {
		s.Arguments = r.argumentsJSONata(m)
	}
	r.result = s.Type == TypeTask || s.Type == TypeParallel || s.Type == TypeMap
	s.Output = r.output(n)
	if r.speaks(s.Type, "Assign", r.language) {
		s.Assign = r.assign(n)
	}
	r.result = false
}

// speaks reports whether a type of state has the field in this language.
func (r *reading) speaks(t Type, field string, l QueryLanguage) bool {
	for _, f := range r.c.stateFields(t) {
		if f.name == field {
			return f.language == "" || f.language == l
		}
	}
	return false
}

func (r *reading) output(n *document.Node) expression.Expr {
	m := n.Get("Output")
	if m == nil || r.language != JSONata {
		return nil
	}
	return r.queries(m)
}

// argumentsJSONata reads Arguments: an object, or an expression that gives one.
func (r *reading) argumentsJSONata(m *document.Node) expression.Expr {
	text, isText := m.Text()
	if m.Kind == document.Object || isText && isQuery(text) {
		return r.queries(m)
	}
	r.c.typed(m, "object")
	return nil
}

// nullable reads InputPath and OutputPath.
func (r *reading) nullable(m *document.Node) *Path {
	switch {
	case m == nil:
		return nil
	case m.Null():
		return &Path{Null: true}
	}
	if e := r.path(m); e != nil {
		return &Path{Expr: e}
	}
	return nil
}

func (r *reading) resultPath(n *document.Node) *ResultPath {
	m := n.Get("ResultPath")
	switch {
	case m == nil || r.language != JSONPath:
		return nil
	case m.Null():
		return &ResultPath{Null: true}
	}
	text, ok := m.Text()
	if !ok {
		r.c.typed(m, "string")
		return nil
	}
	set, err := expression.ResultPath(text)
	switch {
	case err == nil:
		return &ResultPath{Text: text, Set: set}
	case strings.HasPrefix(text, "$$"):
		r.c.wrongAt(m, r.c.source.Whole(m), "Invalid path", "Value is not a Reference Path", "the context object ($$) cannot be written. A result goes into the state's input: $.name.")
	default:
		r.badReference(m, text, err)
	}
	return nil
}

func (r *reading) pass(n *document.Node) *Pass {
	p := &Pass{}
	if m := n.Get("Result"); m != nil && r.language == JSONPath {
		p.Result, p.HasResult = m.Data(), true
		r.static(m)
	}
	return p
}

// static warns of paths in a Result, which nothing evaluates.
func (r *reading) static(m *document.Node) {
	text, ok := m.Text()
	if ok && looksLikePath(text) || strings.HasSuffix(m.Key, dynamicSuffix) {
		r.c.doubtful(m, PassResultIsStatic, "Result is not evaluated", "Attempt to use a path in the result of a pass state",
			"what Result has is handed on as it is written. Use Parameters to evaluate paths.")
		return
	}
	for _, inner := range m.Inner {
		r.static(inner)
	}
}

func (r *reading) wait(n *document.Node) *Wait {
	names := []string{"SecondsPath", "Seconds", "TimestampPath", "Timestamp"}
	if r.language == JSONata {
		names = []string{"Seconds", "Timestamp"}
	}
	w := &Wait{}
	m := r.c.oneOf(n, true, names...)
	switch {
	case m == nil:
	case m.Key == "Timestamp":
		w.Timestamp = r.timestamp(m)
	case m.Key == "TimestampPath":
		if e := r.reference(m); e != nil {
			w.Timestamp = expression.Timestamp(e)
		}
	default:
		w.Seconds = r.number(n, "Seconds", "SecondsPath", wholeNumber(0, maxSeconds))
	}
	return w
}

func (r *reading) timestamp(m *document.Node) expression.Expr {
	text, e := r.words(m, expression.Timestamp)
	if text == nil {
		return e
	}
	if _, ok := expression.ParseTimestamp(*text); !ok {
		r.c.badTimestamp(m, *text)
		return nil
	}
	return expression.Constant{Value: *text}
}

func (c *checker) badTimestamp(m *document.Node, text string) {
	c.wrong(m, "Invalid value", "String does not match RFC3339 timestamp", "%s is not a timestamp as RFC 3339 writes it, with T and Z in upper case, such as 2030-01-31T12:00:00Z.", quote(text))
}

// words reads a field that takes a string: text where it stands in the file, otherwise
// what checked makes of the JSONata expression. Both are nil for what is wrong.
func (r *reading) words(m *document.Node, checked func(expression.Expr) expression.Expr) (text *string, e expression.Expr) {
	s, ok := m.Text()
	switch {
	case !ok:
		r.c.typed(m, "string")
	case r.language != JSONata || !isQuery(s):
		return &s, nil
	default:
		if e := r.query(m, s); e != nil {
			return nil, checked(e)
		}
	}
	return nil, nil
}

func asString(e expression.Expr) expression.Expr { return expression.OfKind(e, "string") }

func (r *reading) fail(n *document.Node) *Fail {
	return &Fail{Error: r.failText(n, "Error"), Cause: r.failText(n, "Cause")}
}

func (r *reading) failText(n *document.Node, name string) expression.Expr {
	if r.language == JSONPath {
		r.c.oneOf(n, false, name, name+"Path")
		if m := n.Get(name + "Path"); m != nil {
			return r.failPath(m)
		}
	}
	m := n.Get(name)
	if m == nil {
		return nil
	}
	text, e := r.words(m, asString)
	if text == nil {
		return e
	}
	if r.language == JSONPath && looksLikePath(*text) {
		r.c.doubtful(m, NoPath, "Path is not evaluated", "The value of '"+name+"' looks like a path, but the field name does not end with 'Path'",
			"%s is taken as it is written. Use %sPath if it is meant to be evaluated.", quote(*text), name)
	}
	return expression.Constant{Value: *text}
}

// failPath reads ErrorPath and CausePath: a Reference Path, or an intrinsic function
// that gives a string.
func (r *reading) failPath(m *document.Node) expression.Expr {
	text, ok := m.Text()
	if !ok {
		r.c.typed(m, "string")
		return nil
	}
	if strings.HasPrefix(text, "$") {
		if e := r.reference(m); e != nil {
			return expression.OfKind(e, "string")
		}
		return nil
	}
	stringFunctions := []string{"States.Format", "States.JsonToString", "States.ArrayGetItem", "States.Base64Encode", "States.Base64Decode", "States.Hash", "States.UUID"}
	name, _, _ := strings.Cut(text, "(")
	if !contains(stringFunctions, strings.TrimSpace(name)) {
		near := ""
		if s := similar(name, stringFunctions); s != "" {
			near = " Did you mean " + s + "?"
		}
		r.c.wrongAt(m, r.c.source.Whole(m), "Invalid value", "The value for the field '"+m.Key+"' must be a valid JSONPath or a valid intrinsic function call",
			"%s is neither a path nor a call of a function that gives a string: %s.%s", quote(text), strings.Join(stringFunctions, ", "), near)
		return nil
	}
	if e := r.dynamic(m); e != nil {
		return expression.OfKind(e, "string")
	}
	return nil
}

func (r *reading) parallel(n *document.Node) *Parallel {
	p := &Parallel{}
	r.c.required(n, "Branches")
	for _, b := range r.c.listOf(n, "Branches") {
		if b.Kind != document.Object {
			r.c.typed(b, "object")
			continue
		}
		p.Branches = append(p.Branches, r.c.machine(b, r))
	}
	return p
}
