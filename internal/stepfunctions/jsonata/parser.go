package jsonata

// node is an expression in the tree. Which fields are set depends on the kind; the parser sets the first part, the
// resolver turns names and dots into paths and sets the second.
type node struct {
	kind     kind
	text     string // operator, name or variable
	value    any    // of a literal
	position int    // byte offset behind the token

	left, right *node   // binary; unary: left
	list        []*node // items of an array, expressions of a block, arguments, parameters
	procedure   *node
	signature   *signature
	body        *node
	pairs       [][2]*node // of an object or a grouping
	terms       []term     // of an order-by clause
	then, other *node      // condition: left ? then : other; transform: left = pattern, then = update, other = delete

	keepArray bool // [] was written behind it

	steps         []*node // of a path
	keepSingleton bool    // of a path: the result stays an array
	predicates    []*node // filters of an expression that is no step
	stages        []stage // filters and index variables of a step
	group         *node   // its pairs
	consArray     bool    // an array constructor whose result is not flattened
	focus, index  string  // variables bound by @ and #
	tuple         bool    // its evaluation carries variables along
	ancestor      *slot   // what a % further on refers to
	slot          *slot   // of %
	seeking       []*slot // those below it whose parent was not found yet
	thunk         bool    // a call in tail position
}

// term is one key of an order-by clause.
type term struct {
	key        *node
	descending bool
}

// stage is what happens to the result of a step: a filter, or when filter is nil a variable bound to the position.
type stage struct {
	filter *node
	index  string
}

// parser is a top-down operator precedence parser (Pratt). It looks one token ahead.
type parser struct {
	lexer lexer
	token token
	depth int
}

// maxTree bounds how deep the expression's text nests.
const maxTree = 1500

// maxSource bounds the length of an expression in bytes.
const maxSource = 1 << 20

// power is how strongly an infix operator binds to what stands left of it; 0 for what is none.
func power(t token) int {
	if t.kind != kindOperator {
		return 0
	}
	switch t.text {
	case "[", "(", "@", "#":
		return 80
	case ".":
		return 75
	case "{":
		return 70
	case "*", "/", "%":
		return 60
	case "+", "-", "&":
		return 50
	case "=", "<", ">", "^", "!=", "<=", ">=", "~>", "?:", "??", "in":
		return 40
	case "and":
		return 30
	case "or":
		return 25
	case "?":
		return 20
	case ":=":
		return 10
	}
	return 0
}

// parseTree makes a tree of an expression's text.
func parseTree(source string) (*node, error) {
	if len(source) > maxSource {
		return nil, limitError("the expression is too long")
	}
	p := &parser{lexer: lexer{source: source}}
	if err := p.advance("", true); err != nil {
		return nil, err
	}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.token.kind != kindEnd {
		return nil, &Error{Code: "S0201", Position: p.token.position, Token: p.token.shown()}
	}
	return n, nil
}

// shown is how an error names a token.
func (t token) shown() any {
	switch t.kind {
	case kindString, kindNumber, kindValue:
		return t.value
	}
	return t.text
}

func (t token) is(operator string) bool { return t.kind == kindOperator && t.text == operator }

// advance passes the current token, which must be the wanted operator if one is named. operand says that a slash
// behind it begins a regular expression.
func (p *parser) advance(wanted string, operand bool) error {
	if wanted != "" && !p.token.is(wanted) {
		code := "S0202"
		if p.token.kind == kindEnd {
			code = "S0203"
		}
		return &Error{Code: code, Position: p.token.position, Token: p.token.shown(), Value: wanted}
	}
	t, err := p.lexer.next(operand)
	if err != nil {
		return err
	}
	if t.kind == kindOperator && (t.text == "!" || t.text == "~") {
		return &Error{Code: "S0204", Position: t.position, Token: t.text}
	}
	p.token = t
	return nil
}

// expression reads an expression up to an operator that binds no stronger than limit.
func (p *parser) expression(limit int) (*node, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxTree {
		return nil, limitError("the expression nests too deep")
	}
	t := p.token
	if err := p.advance("", false); err != nil {
		return nil, err
	}
	left, err := p.prefix(t)
	for err == nil && limit < power(p.token) {
		t = p.token
		if err = p.advance("", true); err != nil {
			break
		}
		left, err = p.infix(t, left)
	}
	return left, err
}

// prefix makes a node of a token that stands where an operand may, and of what belongs to it.
func (p *parser) prefix(t token) (*node, error) {
	n := &node{kind: t.kind, text: t.text, value: t.value, position: t.position}
	if t.kind != kindOperator {
		return n, nil
	}
	var err error
	switch t.text {
	case "and", "or", "in":
		// Keywords may be names of fields; the resolver sees to that.
	case "*":
		n.kind = kindWildcard
	case "**":
		n.kind = kindDescendant
	case "%":
		n.kind = kindParent
	case "-":
		n.kind = kindUnary
		n.left, err = p.expression(70)
	case "(":
		n.kind = kindBlock
		err = p.block(n)
	case "[":
		n.kind = kindUnary
		err = p.arrayItems(n)
	case "{":
		n.kind = kindUnary
		err = p.objectPairs(n)
	case "|":
		n.kind = kindTransform
		err = p.transform(n)
	default:
		return nil, &Error{Code: "S0211", Position: t.position, Token: t.text}
	}
	return n, err
}

// infix makes a node of an operator behind an operand.
func (p *parser) infix(t token, left *node) (*node, error) {
	n := &node{kind: kindBinary, text: t.text, position: t.position, left: left}
	var err error
	switch t.text {
	case "(":
		n.left, n.procedure = nil, left
		return n, p.call(n)
	case "[":
		return p.predicate(n)
	case "^":
		err = p.orderBy(n)
	case "{":
		err = p.objectPairs(n)
	case ":=":
		if left.kind != kindVariable {
			return nil, &Error{Code: "S0212", Position: left.position, Token: left.shown()}
		}
		n.right, err = p.expression(9) // one less than its power, since it groups to the right
	case "@", "#":
		if n.right, err = p.expression(80); err == nil && n.right.kind != kindVariable {
			return nil, &Error{Code: "S0214", Position: n.right.position, Token: t.text}
		}
	case "?":
		n.kind = kindCondition
		if n.then, err = p.expression(0); err == nil && p.token.is(":") {
			if err = p.advance(":", true); err == nil {
				n.other, err = p.expression(0)
			}
		}
	case "?:", "??":
		n.kind = kindElse
		n.other, err = p.expression(0)
	default:
		n.right, err = p.expression(power(t))
	}
	return n, err
}

func (n *node) shown() any {
	return token{kind: n.kind, text: n.text, value: n.value}.shown()
}

// separated reads items between commas.
func (p *parser) separated(item func() error) error {
	for {
		if err := item(); err != nil {
			return err
		}
		if !p.token.is(",") {
			return nil
		}
		if err := p.advance(",", true); err != nil {
			return err
		}
	}
}

func (p *parser) block(n *node) error {
	for !p.token.is(")") {
		e, err := p.expression(0)
		if err != nil {
			return err
		}
		n.list = append(n.list, e)
		if !p.token.is(";") {
			break
		}
		if err := p.advance(";", true); err != nil {
			return err
		}
	}
	return p.advance(")", false)
}

func (p *parser) arrayItems(n *node) error {
	if p.token.is("]") {
		return p.advance("]", false)
	}
	err := p.separated(func() error {
		item, err := p.expression(0)
		if err == nil && p.token.is("..") {
			item = &node{kind: kindBinary, text: "..", position: p.token.position, left: item}
			if err = p.advance("..", true); err == nil {
				item.right, err = p.expression(0)
			}
		}
		n.list = append(n.list, item)
		return err
	})
	if err != nil {
		return err
	}
	return p.advance("]", false)
}

func (p *parser) objectPairs(n *node) error {
	if p.token.is("}") {
		return p.advance("}", false)
	}
	err := p.separated(func() error {
		key, err := p.expression(0)
		if err != nil {
			return err
		}
		if err := p.advance(":", true); err != nil {
			return err
		}
		value, err := p.expression(0)
		n.pairs = append(n.pairs, [2]*node{key, value})
		return err
	})
	if err != nil {
		return err
	}
	return p.advance("}", false)
}

func (p *parser) transform(n *node) error {
	var err error
	if n.left, err = p.expression(0); err != nil {
		return err
	}
	if err = p.advance("|", true); err != nil {
		return err
	}
	if n.then, err = p.expression(0); err != nil {
		return err
	}
	if p.token.is(",") {
		if err = p.advance(",", true); err != nil {
			return err
		}
		if n.other, err = p.expression(0); err != nil {
			return err
		}
	}
	return p.advance("|", true)
}

func (p *parser) predicate(n *node) (*node, error) {
	if p.token.is("]") {
		// An empty predicate keeps arrays of one item as arrays.
		step := n.left
		for step.kind == kindBinary && step.text == "[" {
			step = step.left
		}
		step.keepArray = true
		return n.left, p.advance("]", true)
	}
	var err error
	if n.right, err = p.expression(0); err != nil {
		return nil, err
	}
	return n, p.advance("]", false)
}

func (p *parser) orderBy(n *node) error {
	if err := p.advance("(", true); err != nil {
		return err
	}
	err := p.separated(func() error {
		t := term{descending: p.token.is(">")}
		if t.descending || p.token.is("<") {
			if err := p.advance("", true); err != nil {
				return err
			}
		}
		var err error
		t.key, err = p.expression(0)
		n.terms = append(n.terms, t)
		return err
	})
	if err != nil {
		return err
	}
	return p.advance(")", true)
}

// call reads the arguments of a call, or the rest of a function definition.
func (p *parser) call(n *node) error {
	n.kind = kindFunction
	if !p.token.is(")") {
		err := p.separated(func() error {
			if p.token.is("?") {
				n.kind = kindPartial
				n.list = append(n.list, &node{kind: kindOperator, text: "?", position: p.token.position})
				return p.advance("?", true)
			}
			argument, err := p.expression(0)
			n.list = append(n.list, argument)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := p.advance(")", false); err != nil {
		return err
	}
	if callee := n.procedure; callee.kind == kindName && (callee.text == "function" || callee.text == "λ") {
		return p.lambda(n)
	}
	return nil
}

func (p *parser) lambda(n *node) error {
	n.kind, n.procedure = kindLambda, nil
	for i, parameter := range n.list {
		if parameter.kind != kindVariable {
			return &Error{Code: "S0208", Position: parameter.position, Token: parameter.shown(), Value: float64(i + 1)}
		}
	}
	if p.token.is("<") {
		if err := p.signature(n); err != nil {
			return err
		}
	}
	if err := p.advance("{", true); err != nil {
		return err
	}
	var err error
	if n.body, err = p.expression(0); err != nil {
		return err
	}
	return p.advance("}", true)
}

// signature reads a signature as the tokens that the lexer makes of it.
func (p *parser) signature(n *node) error {
	start := p.token.position
	text := "<"
	for depth := 1; depth > 0 && !p.token.is("{") && p.token.kind != kindEnd; {
		if err := p.advance("", true); err != nil {
			return err
		}
		switch {
		case p.token.is(">"):
			depth--
		case p.token.is("<"):
			depth++
		}
		text += p.token.text
	}
	if err := p.advance(">", true); err != nil {
		return err
	}
	s, offset, err := parseSignature(text)
	if err != nil {
		err.Position = start + offset
		return err
	}
	n.signature = s
	return nil
}
