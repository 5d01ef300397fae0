package definition

import (
	"slices"
	"tutti/internal/stepfunctions/document"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/expression"
)

func (r *reading) choice(n *document.Node) *Choice {
	ch := &Choice{}
	r.c.required(n, "Choices")
	for _, m := range r.c.listOf(n, "Choices") {
		if m.Kind != document.Object {
			r.c.typed(m, "object")
			continue
		}
		rule := Rule{Assign: r.assign(m), Output: r.output(m)}
		if r.c.required(m, "Next") {
			rule.Next = r.target(m.Get("Next"))
		}
		if r.language == JSONata {
			rule.Condition = r.condition(m)
		} else {
			rule.Condition = r.rule(m, true)
		}
		ch.Rules = append(ch.Rules, rule)
	}
	if d := n.Get("Default"); d != nil {
		ch.Default = r.target(d)
	}
	return ch
}

// condition reads a JSONata rule's Condition.
func (r *reading) condition(n *document.Node) expression.Expr {
	known := append(in("", "Condition", "Next", "Assign", "Output", "Comment"), in(JSONPath, "Variable", "And", "Or", "Not")...)
	for _, o := range r.c.operators {
		known = append(known, fieldSpec{o.Name, JSONPath})
	}
	r.known(n, known, "a choice rule")
	if !r.c.required(n, "Condition") {
		return nil
	}
	m := n.Get("Condition")
	text, isText := m.Text()
	if b, ok := m.Value.(bool); ok && m.Kind == document.Scalar {
		return expression.Constant{Value: b}
	}
	if isText && isQuery(text) {
		if e := r.query(m, text); e != nil {
			return expression.OfKind(e, "boolean")
		}
		return nil
	}
	r.c.wrong(m, "Wrong type", "Expected value of type Boolean", "a condition is a JSONata expression, {%% ... %%}, or true or false.")
	return nil
}

// rule reads a rule in JSONPath: a comparison, or And, Or, Not of rules. Only the
// outermost one says where to go on.
func (r *reading) rule(n *document.Node, outermost bool) expression.Expr {
	c := r.c
	operators := c.operators
	known := in("", "And", "Or", "Not", "Variable", "Comment")
	if outermost {
		known = append(known, in("", "Next", "Assign")...)
		known = append(known, in(JSONata, "Condition", "Output")...)
	}
	for _, o := range operators {
		known = append(known, fieldSpec{o.Name, ""})
	}
	r.known(n, known, "a choice rule")
	m := c.oneOf(n, !n.Has("Condition"), "And", "Or", "Not", "Variable")
	if m == nil {
		return nil
	}
	if m.Key == "Variable" {
		return r.comparison(n)
	}
	for _, o := range operators {
		if extra := n.Get(o.Name); extra != nil {
			c.wrongAt(n, c.source.NameOf(extra), "Conflicting fields", "Field '"+o.Name+"' is not supported", "%s stands beside %s, and belongs into one of the rules in it, with a Variable.", o.Name, m.Key)
		}
	}
	return r.combination(n, m)
}

func (r *reading) combination(n, m *document.Node) expression.Expr {
	if m.Key == "Not" {
		inner := r.c.objectOf(n, "Not")
		if inner == nil {
			return nil
		}
		if e := r.rule(inner, false); e != nil {
			return expression.Not(e)
		}
		return nil
	}
	var rules []expression.Expr
	for _, inner := range r.c.listOf(n, m.Key) {
		if inner.Kind != document.Object {
			r.c.typed(inner, "object")
			continue
		}
		rules = append(rules, r.rule(inner, false))
	}
	if len(rules) == 0 || slices.Contains(rules, nil) {
		return nil
	}
	if m.Key == "And" {
		return expression.And(rules)
	}
	return expression.Or(rules)
}

func (r *reading) comparison(n *document.Node) expression.Expr {
	c := r.c
	operators := c.operators
	var found []expression.Operator
	names := make([]string, len(operators))
	for i, o := range operators {
		names[i] = o.Name
		if n.Has(o.Name) {
			found = append(found, o)
		}
	}
	variable := r.reference(n.Get("Variable"))
	switch {
	case len(found) == 0:
		hint := "Add one, such as StringEquals or IsPresent."
		for _, m := range n.Inner {
			if near := similar(m.Key, names); near != "" {
				hint = "Did you mean " + near + "?"
			}
		}
		c.wrongAt(n, c.source.Head(n), "Missing field", "A Choice rule must have a comparison operator", "the rule has a Variable and no comparison. %s", hint)
		return nil
	case len(found) > 1:
		c.wrongAt(n, c.source.NameOf(n.Get(found[1].Name)), "Conflicting fields", "There should only be one of the following fields: ["+found[0].Name+", "+found[1].Name+"]",
			"the rule has two comparisons, %s and %s. Put each in a rule of its own, under And or Or.", found[0].Name, found[1].Name)
		return nil
	}
	operand := r.operand(n.Get(found[0].Name), found[0])
	if variable == nil || operand == nil {
		return nil
	}
	return expression.Compare(found[0], variable, operand)
}

func (r *reading) operand(m *document.Node, o expression.Operator) expression.Expr {
	if o.FromPath {
		return r.reference(m)
	}
	want := o.Operand
	if want == "timestamp" {
		text, ok := m.Text()
		if _, valid := expression.ParseTimestamp(text); ok && !valid {
			r.c.badTimestamp(m, text)
			return nil
		}
		want = "string"
	}
	if m.Kind != document.Scalar || data.Kind(m.Value) != want {
		r.c.typed(m, want)
		return nil
	}
	return expression.Constant{Value: m.Value}
}
