package syntax

import (
	"strings"

	"tutti/internal/ansible/value"
)

// targetRule tells what may be assigned to.
type targetRule struct {
	namespace bool // whether name.attribute is one
}

func constant(n string) bool {
	switch n {
	case "true", "false", "True", "False", "none", "None":
		return true
	}
	return false
}

// targetName reads a single name that is assigned to.
func (p *parser) targetName() (string, error) {
	line := p.cur().line
	n, err := p.expectName()
	if err == nil && constant(n) {
		err = fail(line, "can't assign to 'name'")
	}
	return n, err
}

// target reads what a value is assigned to: a name, or a tuple.
func (p *parser) target(r targetRule) (Expr, error) {
	line := p.cur().line
	x, err := p.tuple(tupleRule{simple: true, namespace: r.namespace})
	if err != nil {
		return nil, err
	}
	if what := unassignable(x); what != "" {
		return nil, fail(line, "can't assign to "+value.Repr(what))
	}
	return x, nil
}

// unassignable names what in a target cannot be assigned to.
func unassignable(x Expr) string {
	switch x := x.(type) {
	case *Name, *NamespaceRef:
		return ""
	case *List:
		if !x.Tuple {
			return "list"
		}
		for _, i := range x.Items {
			if unassignable(i) != "" {
				return "tuple"
			}
		}
		return ""
	case *Const:
		return "const"
	case *Dict:
		return "dict"
	default:
		return "expression"
	}
}

// tupleRule tells how to read expressions with commas between.
type tupleRule struct {
	simple    bool // only names and literals
	condition bool // whether "x if y else z" may stand here
	parens    bool // within parentheses, where nothing is the empty tuple
	namespace bool
}

// tuple reads one expression, or several with commas as a tuple.
func (p *parser) tuple(r tupleRule) (Expr, error) {
	var items []Expr
	comma := false
	for {
		if t := p.cur(); t.kind == varEnd || t.kind == blockEnd || t.is(")") {
			break
		}
		x, err := p.tupleItem(r)
		if err != nil {
			return nil, err
		}
		items = append(items, x)
		if !p.skip(",") {
			break
		}
		comma = true
	}
	if !comma {
		if len(items) > 0 {
			return items[0], nil
		}
		if !r.parens {
			return nil, fail(p.cur().line, "Expected an expression, got "+value.Repr(p.cur().describe()))
		}
	}
	return &List{Items: items, Tuple: true}, nil
}

func (p *parser) tupleItem(r tupleRule) (Expr, error) {
	if r.simple {
		return p.primary(r.namespace)
	}
	return p.expression(r.condition || r.parens)
}

// expression reads one expression; with condition it may be "x if y else z".
func (p *parser) expression(condition bool) (Expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	x, err := p.or()
	if err != nil || !condition {
		return x, err
	}
	for n := 0; p.skipName("if"); {
		if err := p.chain(&n); err != nil {
			return nil, err
		}
		test, err := p.or()
		if err != nil {
			return nil, err
		}
		c := &Cond{Test: test, Then: x}
		if p.skipName("else") {
			if c.Else, err = p.expression(true); err != nil {
				return nil, err
			}
		}
		x = c
	}
	return x, nil
}

func (p *parser) or() (Expr, error) {
	l, err := p.and()
	for n := 0; err == nil && p.skipName("or"); {
		var r Expr
		if err = p.chain(&n); err == nil {
			r, err = p.and()
		}
		l = &Logic{true, l, r}
	}
	return l, err
}

func (p *parser) and() (Expr, error) {
	l, err := p.not()
	for n := 0; err == nil && p.skipName("and"); {
		var r Expr
		if err = p.chain(&n); err == nil {
			r, err = p.not()
		}
		l = &Logic{false, l, r}
	}
	return l, err
}

func (p *parser) not() (Expr, error) {
	n := 0
	for p.skipName("not") {
		n++
	}
	x, err := p.compare()
	switch {
	case n == 0:
		return x, err
	case n%2 == 1:
		return &Not{x}, err
	default: // x as a bool
		return &Not{&Not{x}}, err
	}
}

func (p *parser) comparison() string {
	t := p.cur()
	switch {
	case t.kind == operator:
		switch t.of {
		case "==", "!=", "<", "<=", ">", ">=":
			p.next()
			return t.of
		}
	case t.named("in"):
		p.next()
		return "in"
	case t.named("not") && p.look().named("in"):
		p.next()
		p.next()
		return "not in"
	}
	return ""
}

func (p *parser) compare() (Expr, error) {
	at := p.here()
	x, err := p.sum()
	if err != nil {
		return nil, err
	}
	var rest []Operand
	for op := p.comparison(); op != ""; op = p.comparison() {
		r, err := p.sum()
		if err != nil {
			return nil, err
		}
		rest = append(rest, Operand{op, r})
	}
	if rest == nil {
		return x, nil
	}
	return &Compare{at, x, rest}, nil
}

// binary reads operands joined by any of the operators, from the left.
func (p *parser) binary(operand func() (Expr, error), operators ...string) (Expr, error) {
	l, err := operand()
	for n := 0; err == nil && p.cur().kind == operator; {
		t := p.cur()
		known := false
		for _, op := range operators {
			known = known || t.of == op
		}
		if !known {
			break
		}
		p.next()
		var r Expr
		if err = p.chain(&n); err == nil {
			r, err = operand()
		}
		l = &Binary{At{t.line}, t.of, l, r}
	}
	return l, err
}

func (p *parser) sum() (Expr, error) { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() (Expr, error) {
	x, err := p.product()
	if err != nil || !p.cur().is("~") {
		return x, err
	}
	c := &Concat{Parts: []Expr{x}}
	for p.skip("~") {
		if x, err = p.product(); err != nil {
			return nil, err
		}
		c.Parts = append(c.Parts, x)
	}
	return c, nil
}

func (p *parser) product() (Expr, error) { return p.binary(p.power, "*", "/", "//", "%") }

func (p *parser) power() (Expr, error) {
	return p.binary(func() (Expr, error) { return p.unary(true) }, "**")
}

func (p *parser) unary(filter bool) (Expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	t := p.cur()
	var x Expr
	var err error
	if t.is("-") || t.is("+") {
		p.next()
		x, err = p.unary(false)
		x = negated(&Unary{At{t.line}, t.of, x})
	} else {
		x, err = p.primary(false)
	}
	if err == nil {
		x, err = p.postfix(x)
	}
	if err == nil && filter {
		x, err = p.filterOrTest(x)
	}
	return x, err
}

// negated makes the sign of a number part of it.
func negated(u *Unary) Expr {
	c, ok := u.X.(*Const)
	if !ok {
		return u
	}
	switch v := c.Value.(type) {
	case int64:
		if u.Op == "-" {
			v = -v
		}
		return &Const{Value: v}
	case float64:
		if u.Op == "-" {
			v = -v
		}
		return &Const{Value: v}
	}
	return u
}

func (p *parser) primary(namespace bool) (Expr, error) {
	t := p.next()
	switch {
	case t.kind == name:
		return p.nameOrConstant(t, namespace)
	case t.kind == text:
		s := t.of
		for p.cur().kind == text {
			s += p.next().of
		}
		return &Const{Value: s, Template: p.o.Holds(s)}, nil
	case t.kind == integer || t.kind == float:
		return &Const{Value: t.num}, nil
	case t.is("("):
		x, err := p.tuple(tupleRule{parens: true})
		if err != nil {
			return nil, err
		}
		return x, p.expect(")")
	case t.is("["):
		return p.list()
	case t.is("{"):
		return p.dict()
	default:
		return nil, fail(t.line, "unexpected "+value.Repr(t.describe()))
	}
}

func (p *parser) nameOrConstant(t token, namespace bool) (Expr, error) {
	switch t.of {
	case "true", "True":
		return &Const{Value: true}, nil
	case "false", "False":
		return &Const{Value: false}, nil
	case "none", "None":
		return &Const{}, nil
	}
	if namespace && p.skip(".") {
		attr, err := p.expectName()
		return &NamespaceRef{At{t.line}, t.of, attr}, err
	}
	for _, m := range p.macros {
		switch t.of {
		case "caller":
			m.Caller = true
		case "varargs":
			m.Varargs = true
		case "kwargs":
			m.Kwargs = true
		}
	}
	return &Name{At{t.line}, t.of}, nil
}

func (p *parser) list() (Expr, error) {
	l := &List{}
	for !p.cur().is("]") {
		if len(l.Items) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		if p.cur().is("]") {
			break
		}
		x, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, x)
	}
	return l, p.expect("]")
}

func (p *parser) dict() (Expr, error) {
	d := &Dict{}
	for !p.cur().is("}") {
		if len(d.Keys) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		if p.cur().is("}") {
			break
		}
		k, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		v, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		d.Keys, d.Values = append(d.Keys, k), append(d.Values, v)
	}
	return d, p.expect("}")
}

func (p *parser) postfix(x Expr) (Expr, error) {
	for n := 0; ; {
		t := p.cur()
		err := p.chain(&n)
		switch {
		case err != nil:
		case t.is("."):
			x, err = p.attribute(x)
		case t.is("["):
			x, err = p.subscript(x)
		case t.is("("):
			x, err = p.call(x)
		default:
			return x, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) filterOrTest(x Expr) (Expr, error) {
	for n := 0; ; {
		t := p.cur()
		err := p.chain(&n)
		switch {
		case err != nil:
		case t.is("|"):
			x, err = p.filters(x, false)
		case t.named("is"):
			x, err = p.test(x)
		case t.is("("):
			x, err = p.call(x)
		default:
			return x, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Mutators are the methods that change a list or dict in place.
const Mutators = " append extend insert pop remove clear sort reverse update setdefault popitem "

// Mutator tells whether a method changes what it is called on.
func Mutator(method string) bool { return strings.Contains(Mutators, " "+method+" ") }

func (p *parser) attribute(x Expr) (Expr, error) {
	at := At{p.next().line}
	t := p.next()
	switch t.kind {
	case name:
		p.tree.Mutates = p.tree.Mutates || Mutator(t.of)
		return &Attr{at, x, t.of}, nil
	case integer:
		return &Item{at, x, &Const{Value: t.num}}, nil
	}
	return nil, fail(t.line, "expected name or number")
}

func (p *parser) subscript(x Expr) (Expr, error) {
	at := At{p.next().line}
	var keys []Expr
	for !p.cur().is("]") {
		if len(keys) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		k, err := p.subscribed()
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	p.next()
	if len(keys) == 1 {
		if c, ok := keys[0].(*Const); ok {
			s, _ := c.Value.(string)
			p.tree.Mutates = p.tree.Mutates || s != "" && Mutator(s)
		}
		return &Item{at, x, keys[0]}, nil
	}
	return &Item{at, x, &List{Items: keys, Tuple: true}}, nil
}

// subscribed reads a key, or a slice.
func (p *parser) subscribed() (Expr, error) {
	var parts [3]Expr
	colons := 0
	for {
		switch t := p.cur(); {
		case t.is(":") && colons < 2:
			p.next()
			colons++
			continue
		case t.is("]") || t.is(","):
			if colons == 0 {
				return p.expression(true) // fails, naming what stands here
			}
			return &Slice{parts[0], parts[1], parts[2]}, nil
		}
		if parts[colons] != nil {
			if colons == 0 {
				return parts[0], nil
			}
			return &Slice{parts[0], parts[1], parts[2]}, nil
		}
		var err error
		if parts[colons], err = p.expression(true); err != nil {
			return nil, err
		}
		if colons == 0 && !p.cur().is(":") {
			return parts[0], nil
		}
	}
}

func (p *parser) call(x Expr) (Expr, error) {
	at := p.here()
	args, err := p.args()
	return &Call{at, x, args}, err
}

func (p *parser) args() (Args, error) {
	var a Args
	at := p.here()
	wrong := fail(at.Line, "invalid syntax for function call expression")
	p.next()
	for first := true; !p.cur().is(")"); first = false {
		if !first {
			if err := p.expect(","); err != nil {
				return a, err
			}
			if p.cur().is(")") {
				break
			}
		}
		var err error
		switch {
		case p.cur().is("*"):
			if a.Star != nil || a.StarStar != nil {
				return a, wrong
			}
			p.next()
			a.Star, err = p.expression(true)
		case p.cur().is("**"):
			if a.StarStar != nil {
				return a, wrong
			}
			p.next()
			a.StarStar, err = p.expression(true)
		case p.cur().kind == name && p.look().is("="):
			if a.StarStar != nil {
				return a, wrong
			}
			a.Names = append(a.Names, p.next().of)
			p.next()
			var x Expr
			x, err = p.expression(true)
			a.Values = append(a.Values, x)
		default:
			if a.Star != nil || a.StarStar != nil || a.Names != nil {
				return a, wrong
			}
			var x Expr
			x, err = p.expression(true)
			a.Pos = append(a.Pos, x)
		}
		if err != nil {
			return a, err
		}
	}
	return a, p.expect(")")
}

func (p *parser) dotted() (string, error) {
	n, err := p.expectName()
	for err == nil && p.skip(".") {
		var more string
		more, err = p.expectName()
		n += "." + more
	}
	return n, err
}

// filters reads a chain of filters behind x; the first one stands without its | if inline.
func (p *parser) filters(x Expr, inline bool) (Expr, error) {
	for links := 0; inline || p.cur().is("|"); {
		if err := p.chain(&links); err != nil {
			return nil, err
		}
		if !inline {
			p.next()
		}
		inline = false
		at := p.here()
		n, err := p.dotted()
		if err != nil {
			return nil, err
		}
		f := &Filter{At: at, X: x, Name: n}
		if p.cur().is("(") {
			if f.Args, err = p.args(); err != nil {
				return nil, err
			}
		}
		x = f
	}
	return x, nil
}

func (p *parser) test(x Expr) (Expr, error) {
	at := p.here()
	p.next()
	negate := p.skipName("not")
	n, err := p.dotted()
	if err != nil {
		return nil, err
	}
	t := &Test{At: at, X: x, Name: n}
	switch c := p.cur(); {
	case c.is("("):
		t.Args, err = p.args()
	case c.named("is"):
		return nil, fail(c.line, "You cannot chain multiple tests with is")
	case c.kind == name && !c.namedAny("else", "or", "and") || c.kind == text || c.kind == integer || c.kind == float || c.is("[") || c.is("{"):
		var arg Expr
		if arg, err = p.primary(false); err == nil {
			arg, err = p.postfix(arg)
		}
		t.Args.Pos = []Expr{arg}
	}
	if err != nil {
		return nil, err
	}
	if negate {
		return &Not{t}, nil
	}
	return t, nil
}
