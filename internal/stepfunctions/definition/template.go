package definition

import (
	"errors"
	"slices"
	"strings"
	"tutti/internal/stepfunctions/document"
	"unicode/utf16"

	"tutti/internal/stepfunctions/expression"
	"tutti/internal/stepfunctions/intrinsic"
	"tutti/internal/stepfunctions/jsonata"
	"tutti/internal/stepfunctions/jsonpath"
)

// dynamicSuffix ends the keys of a payload template whose values are evaluated.
const dynamicSuffix = ".$"

// path reads a field that has a JSONPath.
func (r *reading) path(n *document.Node) expression.Expr {
	text, ok := n.Text()
	if !ok {
		r.c.typed(n, "string")
		return nil
	}
	e, err := expression.Path(r.c.field(n), text)
	if err != nil {
		r.badPath(n, text, "Value must be a valid JSONPath.", err)
		return nil
	}
	return r.uses(n, e)
}

// reference reads a field that has a Reference Path.
func (r *reading) reference(n *document.Node) expression.Expr {
	text, ok := n.Text()
	if !ok {
		r.c.typed(n, "string")
		return nil
	}
	e, err := expression.Reference(r.c.field(n), text)
	if err != nil {
		r.badReference(n, text, err)
		return nil
	}
	return r.uses(n, e)
}

func (r *reading) badReference(n *document.Node, text string, err error) {
	var not *expression.NotReferenceError
	if !errors.As(err, &not) {
		service := "Value is not a Reference Path"
		if !strings.HasPrefix(text, "$") {
			service += ": Reference path didn't start with '$'"
		}
		r.badPath(n, text, service, err)
		return
	}
	r.c.wrongAt(n, r.c.source.Whole(n), "Invalid path", "Value is not a Reference Path",
		"%s is not a Reference Path, which names one place by members and indices, such as $.order.items[0].", quote(text))
}

// dynamic reads what stands under a key with .$: a path or an intrinsic function.
func (r *reading) dynamic(n *document.Node) expression.Expr {
	text, ok := n.Text()
	service := "The value for the field '" + n.Key + "' must be a valid JSONPath or a valid intrinsic function call"
	if !ok {
		r.c.wrongAt(n, r.c.source.Head(n), "Wrong type", service,
			"the value must be a string, a path such as $.a or a call such as States.UUID(), since the key ends in .$, and it is %s %s.", article(n.TypeName()), n.TypeName())
		return nil
	}
	e, err := expression.Dynamic(r.c.field(n), text)
	if err != nil {
		r.badPath(n, text, service, err)
		return nil
	}
	return r.uses(n, e)
}

// badPath reports a path or an intrinsic function that does not compile, where in the
// string it goes wrong.
func (r *reading) badPath(n *document.Node, text, service string, err error) {
	headline, at := "Invalid path", -1
	var inPath *jsonpath.SyntaxError
	var inCall *intrinsic.SyntaxError
	what := err.Error()
	if errors.As(err, &inPath) {
		at, what = inPath.Offset, inPath.What
	}
	if errors.As(err, &inCall) {
		headline, at, what = "Invalid intrinsic function", inCall.Offset, inCall.What
	}
	rng := r.c.source.Whole(n)
	if at >= 0 && at < len(text) {
		rng = r.c.source.Inside(n, at, len(text))
	}
	r.c.wrongAt(n, rng, headline, service, "%s does not compile: %s.", quote(text), strings.TrimSuffix(what, "."))
}

// payload reads a payload template: JSON in which keys with .$ are evaluated.
func (r *reading) payload(n *document.Node) expression.Expr {
	switch n.Kind {
	case document.List:
		items := make([]expression.Expr, len(n.Inner))
		for i, item := range n.Inner {
			if items[i] = r.payload(item); items[i] == nil {
				items[i] = expression.Constant{}
			}
		}
		return expression.List(items)
	case document.Object:
		fields := make([]expression.Field, 0, len(n.Inner))
		for _, m := range n.Inner {
			f := expression.Field{Key: m.Key, Value: expression.Constant{}}
			name, evaluated := strings.CutSuffix(m.Key, dynamicSuffix)
			var e expression.Expr
			if evaluated {
				f.Key = name
				r.twice(n, m, name)
				e = r.dynamic(m)
			} else {
				r.looksDynamic(m)
				e = r.payload(m)
			}
			if e != nil {
				f.Value = e
			}
			fields = append(fields, f)
		}
		return expression.Object(fields)
	default:
		return expression.Constant{Value: n.Value}
	}
}

// twice reports a key that stands there with and without .$.
func (r *reading) twice(n, m *document.Node, name string) {
	if n.Has(name) {
		r.c.wrongAt(m, r.c.source.NameOf(m), "Conflicting fields", "There should only be one of the following fields: ["+name+", "+m.Key+"]",
			"the keys %s and %s name the same member. Remove one of them.", quote(name), quote(m.Key))
	}
}

// looksDynamic warns of what would be evaluated if its key ended in .$.
func (r *reading) looksDynamic(m *document.Node) {
	text, ok := m.Text()
	if !ok || !looksLikePath(text) {
		return
	}
	r.c.doubtful(m, NoDollar, "Path is not evaluated", "The value of '"+m.Key+"' looks like a JSONPath or intrinsic function, but the field name does not end with '.$'",
		"%s is handed on as it is written, since the key does not end in .$. Name the key %s if it is meant to be evaluated.", quote(text), quote(m.Key+dynamicSuffix))
}

func looksLikePath(text string) bool {
	for _, start := range []string{"$.", "$[", "$$.", "States."} {
		if strings.HasPrefix(text, start) {
			return strings.HasPrefix(text, "$") || strings.HasSuffix(text, ")")
		}
	}
	return text == "$"
}

// queries reads JSON in which strings may be JSONata expressions.
func (r *reading) queries(n *document.Node) expression.Expr {
	switch n.Kind {
	case document.List:
		items := make([]expression.Expr, len(n.Inner))
		for i, item := range n.Inner {
			if items[i] = r.queries(item); items[i] == nil {
				items[i] = expression.Constant{}
			}
		}
		return expression.List(items)
	case document.Object:
		fields := make([]expression.Field, len(n.Inner))
		for i, m := range n.Inner {
			fields[i] = expression.Field{Key: m.Key, Value: expression.Constant{}}
			if e := r.queries(m); e != nil {
				fields[i].Value = e
			}
		}
		return expression.Object(fields)
	}
	if text, ok := n.Text(); ok && isQuery(text) {
		return r.query(n, text)
	}
	return expression.Constant{Value: n.Value}
}

// isQuery reports whether a string is meant as a JSONata expression.
func isQuery(text string) bool { return strings.HasPrefix(text, "{%") }

// query compiles a JSONata expression.
func (r *reading) query(n *document.Node, text string) expression.Expr {
	if !expression.IsJSONata(text) {
		r.c.wrongAt(n, r.c.source.Whole(n), "Invalid JSONata expression", "JSONata string must start with {% and end with %}",
			"the string begins with {%% and does not end with %%}. Close the expression, or put a blank in front of a text that is meant so.")
		return nil
	}
	e, err := expression.JSONata(r.c.field(n), text)
	if err == nil {
		r.references(n, text)
		return r.uses(n, e)
	}
	var bad *jsonata.Error
	if !errors.As(err, &bad) {
		panic("definition: invariant broken: JSONata failed without its error: " + err.Error())
	}
	const delimiter = len("{%")
	end := byteOffset(text[delimiter:], bad.Position)
	token, _ := bad.Token.(string)
	if token == "(end)" {
		token = ""
	}
	rng := r.c.source.Inside(n, delimiter+max(0, end-max(1, len(token))), delimiter+end)
	r.c.coded(n, rng, InvalidJSONata, "Invalid JSONata expression", bad.Message, "%s (%s).", strings.TrimSuffix(bad.Message, "."), bad.Code)
	return nil
}

// references refuses what the service refuses of an expression that compiles: it has no
// input of its own, and $states has what belongs to the field.
func (r *reading) references(n *document.Node, text string) {
	refs, err := expression.References(text)
	if err != nil {
		panic("definition: invariant broken: an expression compiles and does not: " + err.Error())
	}
	refuse := func(service, detail string, args ...any) {
		r.c.coded(n, r.c.source.Whole(n), UnsupportedJSONata, "Unsupported JSONata expression", service, detail, args...)
	}
	if refs.Root {
		refuse("Reference to '$$' is not supported.", "$$ is not supported: an expression has no input of its own. The state's input is $states.input.")
	}
	slices.Sort(refs.Context)
	for _, name := range slices.Compact(refs.Context) {
		refuse("Reference to '"+name+"' at the top level is not supported.", "%s stands for nothing: an expression has no input of its own. Of the state's input it is $states.input.%s, of a variable $%s.", quote(name), name, name)
	}
	fields := []string{"input", "context"}
	if r.result {
		fields = append(fields, "result")
	}
	if r.errorOutput {
		fields = append(fields, "errorOutput")
	}
	members := refs.Members["states"]
	slices.Sort(members)
	for _, name := range slices.Compact(members) {
		if contains(fields, name) {
			continue
		}
		hint := "It has " + strings.Join(fields, " and ") + " here."
		if near := similar(name, fields); near != "" {
			hint = "Did you mean $states." + near + "?"
		}
		refuse("Field '$states."+name+"' does not exist.", "$states has no %s in this field. %s", name, hint)
	}
}

// byteOffset turns an offset in UTF-16 units, which JSONata counts in, into bytes.
func byteOffset(text string, units int) int {
	for i, c := range text {
		if units <= 0 {
			return i
		}
		units -= utf16.RuneLen(c)
	}
	return len(text)
}
