package jsonata

import (
	"errors"
	"math"
	"slices"
	"unicode/utf16"
)

// op is a compiled expression: it gives the value that an input has in a scope. Operations do not change and are shared
// by all evaluations.
type op interface {
	eval(r *run, in any, env *frame) (any, error)
}

// compiler makes operations of a resolved tree.
type compiler struct {
	text string
	// bound are the variables that the expression binds somewhere. Others need not be searched for in scopes.
	bound map[string]bool
	// dynamic: scopes may hold variables that this text does not show, because of $eval.
	dynamic   bool
	globals   []string
	places    map[string]int // of the globals
	variables []string
	offsets   []int // by byte offset; nil for an ASCII text
}

func newCompiler() *compiler {
	return &compiler{bound: map[string]bool{}, places: map[string]int{}}
}

// source compiles a text. Positions of errors count UTF-16 units.
func (c *compiler) source(text string) (op, error) {
	c.text = text
	tree, err := parseTree(text)
	if err == nil {
		tree, err = resolveTree(tree)
	}
	if err != nil {
		if e := (*Error)(nil); errors.As(err, &e) {
			e.Position = utf16Offset(text, e.Position)
		}
		return nil, err
	}
	c.measure()
	c.collect(tree)
	root := c.compile(tree)
	slices.Sort(c.variables)
	c.variables = slices.Compact(c.variables)
	return root, nil
}

// parseDynamic compiles a text for $eval.
func parseDynamic(text string) (op, error) {
	c := newCompiler()
	c.dynamic = true
	return c.source(text)
}

// at turns an offset in bytes into one in UTF-16 units. Most expressions are ASCII, where they are the same.
func (c *compiler) at(position int) int {
	if c.offsets == nil {
		return position
	}
	return c.offsets[min(position, len(c.text))]
}

// measure prepares at.
func (c *compiler) measure() {
	units := utf16Offset(c.text, len(c.text))
	if units == len(c.text) {
		return
	}
	c.offsets = make([]int, len(c.text)+1)
	units = 0
	for i, r := range c.text {
		c.offsets[i] = units
		units += max(utf16.RuneLen(r), 1)
	}
	c.offsets[len(c.text)] = units
}

// collect finds what the tree binds.
func (c *compiler) collect(n *node) {
	if n == nil {
		return
	}
	switch n.kind {
	case kindVariable:
		c.dynamic = c.dynamic || n.text == "eval"
	case kindBind:
		c.bound[n.left.text] = true
	case kindLambda:
		for _, p := range n.list {
			c.bound[p.text] = true
		}
	}
	if n.focus != "" {
		c.bound[n.focus] = true
	}
	if n.index != "" {
		c.bound[n.index] = true
	}
	for _, s := range n.stages {
		if s.filter == nil {
			c.bound[s.index] = true
		}
		c.collect(s.filter)
	}
	c.collectParts(n)
}

func (c *compiler) collectParts(n *node) {
	for _, part := range [...]*node{n.left, n.right, n.procedure, n.body, n.then, n.other, n.group} {
		c.collect(part)
	}
	for _, parts := range [...][]*node{n.list, n.steps, n.predicates} {
		for _, part := range parts {
			c.collect(part)
		}
	}
	for _, pair := range n.pairs {
		c.collect(pair[0])
		c.collect(pair[1])
	}
	for _, t := range n.terms {
		c.collect(t.key)
	}
}

// compile makes the operation of an expression, with its filters, its grouping and its [].
func (c *compiler) compile(n *node) op {
	o := c.plain(n)
	if n.kind == kindPath {
		return o
	}
	for _, p := range n.predicates {
		o = &filtered{of: o, filter: c.filter(p)}
	}
	if n.group != nil {
		o = &grouped{of: o, group: c.group(n.group)}
	}
	switch {
	case n.keepArray:
		return &keeping{of: o}
	case len(n.predicates) > 0 && n.group == nil, slices.Contains(sequential, n.kind):
		return &singled{of: o}
	}
	return o
}

// sequential are the kinds of expressions whose operation may give a sequence of any length.
var sequential = []kind{kindWildcard, kindDescendant, kindName, kindFunction, kindApply}

// plain makes the operation of an expression without what is written behind it.
func (c *compiler) plain(n *node) op {
	switch n.kind {
	case kindString, kindNumber, kindValue:
		return &literal{n.value}
	case kindRegexp:
		return &literal{n.value.(*pattern).at(c.at(n.position))}
	case kindName:
		return &name{n.text}
	case kindVariable:
		return c.variable(n.text)
	case kindWildcard:
		return &wildcard{}
	case kindDescendant:
		return &descendants{}
	case kindParent:
		return &parent{n.slot.label}
	case kindPath:
		return c.path(n)
	case kindBinary:
		return c.binary(n)
	case kindUnary:
		return c.unary(n)
	case kindBind:
		return &bind{name: n.left.text, value: c.compile(n.right)}
	case kindCondition:
		return &condition{test: c.compile(n.left), then: c.compile(n.then), other: c.optional(n.other)}
	case kindElse:
		return &alternative{first: c.compile(n.left), other: c.compile(n.other), onlyMissing: n.text == "??"}
	case kindBlock:
		return &block{parts: c.all(n.list), scope: c.dynamic || slices.ContainsFunc(n.list, binds)}
	case kindTransform:
		return &transform{pattern: c.compile(n.left), update: c.compile(n.then), remove: c.optional(n.other),
			clone: c.variable("clone"), position: c.at(n.position), updateAt: c.at(n.then.position), removeAt: c.removeAt(n)}
	}
	return c.functional(n)
}

func (c *compiler) removeAt(n *node) int {
	if n.other == nil {
		return 0
	}
	return c.at(n.other.position)
}

// functional makes the operations that define and call functions.
func (c *compiler) functional(n *node) op {
	switch n.kind {
	case kindFunction:
		return c.call(n)
	case kindPartial:
		p := &partial{procedure: c.compile(n.procedure), position: c.at(n.position), name: n.procedure.calledName(), hint: c.hint(n)}
		for _, argument := range n.list {
			if argument.kind == kindOperator {
				p.arguments = append(p.arguments, nil)
			} else {
				p.arguments = append(p.arguments, c.compile(argument))
			}
		}
		return p
	case kindLambda:
		l := &lambdaOp{signature: n.signature, body: c.compile(n.body)}
		for _, p := range n.list {
			l.parameters = append(l.parameters, p.text)
		}
		return l
	case kindApply:
		a := &apply{left: c.compile(n.left), position: c.at(n.position)}
		if n.right.kind == kindFunction {
			// What is written behind a call on the right side of ~> counts for nothing, as in the reference.
			a.call = c.call(n.right)
		} else {
			a.right = c.compile(n.right)
		}
		return a
	}
	panic("jsonata: invariant broken: no operation for " + n.kind.String())
}

func (c *compiler) call(n *node) *call {
	return &call{procedure: c.compile(n.procedure), arguments: c.all(n.list), position: c.at(n.position),
		name: n.procedure.calledName(), hint: c.hint(n), tail: n.thunk}
}

// calledName is how errors name a function; nil for one without a name.
func (n *node) calledName() any {
	switch n.kind {
	case kindPath:
		return n.steps[0].text
	case kindLambda, kindBlock, kindCondition, kindElse, kindTransform, kindBind, kindApply:
		return nil
	}
	return n.shown()
}

// hint gives the variable of the name that is called, for those who forget the dollar sign.
func (c *compiler) hint(n *node) op {
	if n.procedure.kind != kindPath || n.procedure.steps[0].kind != kindName {
		return nil
	}
	return c.scoped(n.procedure.steps[0].text)
}

func (c *compiler) all(nodes []*node) []op {
	ops := make([]op, len(nodes))
	for i, n := range nodes {
		ops[i] = c.compile(n)
	}
	return ops
}

func (c *compiler) optional(n *node) op {
	if n == nil {
		return nil
	}
	return c.compile(n)
}

// variable makes the operation that gives $name.
func (c *compiler) variable(name string) op {
	if name == "" {
		return &context{}
	}
	if !c.bound[name] && builtinNamed(name) == nil {
		c.variables = append(c.variables, name)
	}
	return c.scoped(name)
}

func (c *compiler) scoped(name string) op {
	builtin := builtinNamed(name)
	if c.dynamic || c.bound[name] {
		return &scoped{name: name, builtin: builtin}
	}
	place, known := c.places[name]
	if !known {
		place = len(c.globals)
		c.places[name] = place
		c.globals = append(c.globals, name)
	}
	return &global{place: place, name: name, builtin: builtin}
}

func (c *compiler) binary(n *node) op {
	left, right, position := c.compile(n.left), c.compile(n.right), c.at(n.position)
	switch n.text {
	case "+", "-", "*", "/", "%":
		return &arithmetic{operator: n.text[0], left: left, right: right, position: position}
	case "=", "!=":
		return &equality{left: left, right: right, negated: n.text == "!="}
	case "<", "<=", ">", ">=":
		return &comparison{operator: n.text, left: left, right: right, position: position}
	case "&":
		return c.concatenation(n, left, right)
	case "and", "or":
		return &logic{left: left, right: right, or: n.text == "or", position: position}
	case "..":
		return &span{left: left, right: right, position: position}
	case "in":
		return &membership{left: left, right: right}
	}
	panic("jsonata: invariant broken: no operation for " + n.text)
}

// concatenation flattens a & b & c, so that only one string is built.
func (c *compiler) concatenation(n *node, left, right op) op {
	parts := []op{left, right}
	if inner, ok := left.(*concatenation); ok {
		parts = append(slices.Clone(inner.parts), right)
	}
	return &concatenation{parts: parts, position: c.at(n.position)}
}

func (c *compiler) unary(n *node) op {
	switch n.text {
	case "[":
		a := &arrayOp{cons: n.consArray, items: c.all(n.list)}
		for _, item := range n.list {
			a.whole = append(a.whole, item.kind == kindUnary && item.text == "[")
		}
		return a
	case "{":
		return &objectOp{c.group(n)}
	}
	return &negation{of: c.compile(n.left), position: c.at(n.position)}
}

func (c *compiler) group(n *node) *group {
	g := &group{position: c.at(n.position)}
	for _, pair := range n.pairs {
		g.keys = append(g.keys, c.compile(pair[0]))
		g.values = append(g.values, c.compile(pair[1]))
	}
	g.literalKeys()
	return g
}

func (c *compiler) filter(n *node) filter {
	if f, ok := n.value.(float64); ok && n.kind == kindNumber && n.group == nil && len(n.predicates) == 0 {
		return filter{fixed: true, index: math.Floor(f)}
	}
	return filter{test: c.compile(n)}
}

func (c *compiler) path(n *node) op {
	p := &path{keepSingleton: n.keepSingleton, keepArray: n.keepArray, tuple: n.tuple, firstTuple: len(n.steps),
		absolute: n.steps[0].kind == kindVariable}
	if n.group != nil {
		p.group = c.group(n.group)
	}
	for i, s := range n.steps {
		p.steps = append(p.steps, c.step(s))
		if s.tuple && p.firstTuple > i {
			p.firstTuple = i
		}
	}
	for i := p.firstTuple - 1; i >= 0; i-- {
		if s := &p.steps[i]; s.named && len(s.stages) == 0 {
			s.chain = 1
			if i+1 < p.firstTuple {
				s.chain += p.steps[i+1].chain
			}
		}
	}
	if p.namesOnly() {
		return &names{path: p}
	}
	return p
}

func (c *compiler) step(n *node) step {
	s := step{focus: n.focus, index: n.index, consArray: n.consArray}
	if n.ancestor != nil {
		s.ancestor = n.ancestor.label
	}
	for _, st := range n.stages {
		if st.filter == nil {
			s.stages = append(s.stages, stageOp{index: st.index})
		} else {
			s.stages = append(s.stages, stageOp{filter: c.filter(st.filter)})
		}
	}
	switch n.kind {
	case kindSort:
		s.sort = &orderBy{position: c.at(n.position)}
		for _, t := range n.terms {
			s.sort.keys = append(s.sort.keys, c.compile(t.key))
			s.sort.descending = append(s.sort.descending, t.descending)
		}
	case kindName:
		if n.group == nil && len(n.predicates) == 0 && !n.keepArray {
			s.name, s.named = n.text, true
		}
		s.op = c.compile(n)
	default:
		s.op = c.compile(n)
	}
	return s
}

// binds tells whether evaluating n may bind a variable in the scope around it.
func binds(n *node) bool {
	if n == nil || n.kind == kindBlock || n.kind == kindLambda {
		return false
	}
	if n.kind == kindBind {
		return true
	}
	for _, part := range [...]*node{n.left, n.right, n.procedure, n.then, n.other, n.group} {
		if binds(part) {
			return true
		}
	}
	for _, parts := range [...][]*node{n.list, n.steps, n.predicates} {
		if slices.ContainsFunc(parts, binds) {
			return true
		}
	}
	for _, s := range n.stages {
		if binds(s.filter) {
			return true
		}
	}
	for _, t := range n.terms {
		if binds(t.key) {
			return true
		}
	}
	return slices.ContainsFunc(n.pairs, func(p [2]*node) bool { return binds(p[0]) || binds(p[1]) })
}
