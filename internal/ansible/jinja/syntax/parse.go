package syntax

import (
	"strings"

	"tutti/internal/ansible/value"
)

// maxNesting bounds how deep statements and expressions may be nested, maxChain how many
// operators, filters or attributes may follow each other.
const (
	maxNesting = 200
	maxChain   = 5000
)

// Parse reads a whole template.
func Parse(src string, o Options) (*Tree, error) {
	p := &parser{o: o, tokens: lex(src, o), tree: &Tree{}}
	var err error
	if p.tree.Body, err = p.body(nil); err != nil {
		return nil, p.first(err)
	}
	return p.tree, nil
}

// ParseExpression reads what could stand within {{ }}.
func ParseExpression(src string, o Options) (Expr, error) {
	e, _, err := Expression(src, o)
	return e, err
}

// Expression is ParseExpression that also gives what a Tree knows besides.
func Expression(src string, o Options) (Expr, *Tree, error) {
	p := &parser{o: o, tokens: lexExpression(src, o), tree: &Tree{}}
	e, err := p.expression(true)
	if err == nil && p.cur().kind != eof {
		err = fail(p.cur().line, "chunk after expression")
	}
	if err != nil {
		return nil, nil, p.first(err)
	}
	return e, p.tree, nil
}

type parser struct {
	o      Options
	tokens []token
	at     int
	depth  int
	tree   *Tree
	// tags are the open statements; ends what would close each body that is being read.
	tags []string
	ends [][]string
	// macros are those being read, the innermost last.
	macros []*Macro
	loops  int
}

// first gives the mistake that stands first: that of the lexer, if the parser got there.
func (p *parser) first(err error) error {
	for _, t := range []token{p.tokens[p.at], p.tokens[max(p.at-1, 0)]} {
		if t.kind == broken {
			return t.err
		}
	}
	return err
}

func (p *parser) cur() token { return p.tokens[p.at] }

func (p *parser) look() token {
	if p.at+1 < len(p.tokens) {
		return p.tokens[p.at+1]
	}
	return p.tokens[p.at]
}

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != eof && t.kind != broken {
		p.at++
	}
	return t
}

func (p *parser) here() At { return At{p.cur().line} }

func (p *parser) skip(op string) bool {
	if p.cur().is(op) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipName(n string) bool {
	if p.cur().named(n) {
		p.next()
		return true
	}
	return false
}

// expected is the error that something else was to stand here.
func (p *parser) expected(what string) error {
	t := p.cur()
	if t.kind == eof {
		return fail(t.line, "unexpected end of template, expected "+value.Repr(what)+".")
	}
	return fail(t.line, "expected token "+value.Repr(what)+", got "+value.Repr(t.describe()))
}

func (p *parser) expect(op string) error {
	if !p.skip(op) {
		return p.expected(op)
	}
	return nil
}

func (p *parser) expectName() (string, error) {
	if p.cur().kind != name {
		return "", p.expected("name")
	}
	return p.next().of, nil
}

func (p *parser) expectWord(word string) error {
	if !p.skipName(word) {
		return p.expected(word)
	}
	return nil
}

func (p *parser) expectKind(k kind) error {
	if p.cur().kind != k {
		return p.expected(token{kind: k}.describe())
	}
	p.next()
	return nil
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return fail(p.cur().line, "the template is nested too deeply: simplify it, or split it up")
	}
	return nil
}

// chain counts the links of an expression.
func (p *parser) chain(n *int) error {
	if *n++; *n > maxChain {
		return fail(p.cur().line, "the expression is too long: split it up")
	}
	return nil
}

// unknownTag is the error about a tag that means nothing here, or about the end of the
// text (tag "") within an open one.
func (p *parser) unknownTag(tag string, line int, atEnd bool) error {
	var b strings.Builder
	if atEnd {
		b.WriteString("Unexpected end of template.")
	} else {
		b.WriteString("Encountered unknown tag " + value.Repr(tag) + ".")
	}
	if len(p.ends) > 0 {
		known := false
		for _, ends := range p.ends {
			for _, e := range ends {
				known = known || e == tag
			}
		}
		last := p.ends[len(p.ends)-1]
		quoted := make([]string, len(last))
		for i, e := range last {
			quoted[i] = value.Repr(e)
		}
		looking := strings.Join(quoted, " or ")
		if !atEnd && known {
			b.WriteString(" You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for " + looking + ".")
		} else {
			b.WriteString(" Jinja was looking for the following tags: " + looking + ".")
		}
	}
	if len(p.tags) > 0 {
		b.WriteString(" The innermost block that needs to be closed is " + value.Repr(p.tags[len(p.tags)-1]) + ".")
	}
	return fail(line, b.String())
}

// statements reads a body behind a tag, up to one of the tags that may end it, which
// becomes the current token.
func (p *parser) statements(ends ...string) ([]Stmt, error) {
	p.skip(":")
	if err := p.expectKind(blockEnd); err != nil {
		return nil, err
	}
	p.ends = append(p.ends, ends)
	body, err := p.body(ends)
	if err != nil {
		return nil, err
	}
	if p.cur().kind == eof {
		return nil, p.unknownTag("", p.cur().line, true)
	}
	p.ends = p.ends[:len(p.ends)-1]
	return body, nil
}

// until reads a body up to its end tag, which is taken too.
func (p *parser) until(end string) ([]Stmt, error) {
	body, err := p.statements(end)
	if err == nil {
		p.next()
	}
	return body, err
}

func (p *parser) body(ends []string) ([]Stmt, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var body []Stmt
	for {
		switch t := p.cur(); t.kind {
		case eof:
			return body, nil
		case broken:
			return nil, t.err
		case data:
			p.next()
			body = append(body, &Text{t.of})
		case varBegin:
			p.next()
			x, err := p.tuple(tupleRule{condition: true})
			if err != nil {
				return nil, err
			}
			if err := p.expectKind(varEnd); err != nil {
				return nil, err
			}
			body = append(body, &Print{At{t.line}, x})
		default:
			p.next()
			if p.cur().namedAny(ends...) {
				return body, nil
			}
			s, err := p.statement()
			if err != nil {
				return nil, err
			}
			body = append(body, s...)
			if err := p.expectKind(blockEnd); err != nil {
				return nil, err
			}
		}
	}
}

func (p *parser) statement() ([]Stmt, error) {
	t := p.cur()
	if t.kind != name {
		return nil, fail(t.line, "tag name expected")
	}
	read := p.reader(t.of)
	if read == nil {
		return nil, p.unknownTag(t.of, t.line, false)
	}
	p.tags = append(p.tags, t.of)
	p.next()
	s, err := read(At{t.line})
	if err != nil {
		return nil, err
	}
	p.tags = p.tags[:len(p.tags)-1]
	return s, nil
}

func (p *parser) reader(tag string) func(At) ([]Stmt, error) {
	one := func(read func(At) (Stmt, error)) func(At) ([]Stmt, error) {
		return func(at At) ([]Stmt, error) {
			s, err := read(at)
			return []Stmt{s}, err
		}
	}
	switch tag {
	case "for":
		return one(p.forLoop)
	case "if":
		return one(p.ifElse)
	case "set":
		return one(p.set)
	case "with":
		return one(p.with)
	case "macro":
		return one(p.macro)
	case "call":
		return one(p.callBlock)
	case "filter":
		return one(p.filterBlock)
	case "include":
		return one(p.include)
	case "import":
		return one(p.importAs)
	case "from":
		return one(p.fromImport)
	case "extends":
		return one(p.extends)
	case "block":
		return one(p.block)
	case "autoescape":
		return one(p.autoescape)
	case "print":
		return p.print
	}
	if p.o.Do && tag == "do" {
		return one(p.do)
	}
	if p.o.LoopControls && (tag == "break" || tag == "continue") {
		return one(func(at At) (Stmt, error) {
			if p.loops == 0 {
				return nil, fail(at.Line, "'"+tag+"' outside loop")
			}
			if tag == "break" {
				return &Break{}, nil
			}
			return &Continue{}, nil
		})
	}
	return nil
}

func (p *parser) print(at At) ([]Stmt, error) {
	var all []Stmt
	for p.cur().kind != blockEnd {
		if len(all) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		x, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		all = append(all, &Print{at, x})
	}
	return all, nil
}

func (p *parser) do(at At) (Stmt, error) {
	x, err := p.tuple(tupleRule{condition: true})
	return &Do{at, x}, err
}

func (p *parser) forLoop(at At) (Stmt, error) {
	f := &For{At: at}
	var err error
	if f.Target, err = p.target(targetRule{}); err != nil {
		return nil, err
	}
	if err = p.expectWord("in"); err != nil {
		return nil, err
	}
	if f.Iter, err = p.tuple(tupleRule{}); err != nil {
		return nil, err
	}
	if p.skipName("if") {
		if f.Test, err = p.expression(true); err != nil {
			return nil, err
		}
	}
	f.Recursive = p.skipName("recursive")
	p.loops++
	if f.Body, err = p.statements("endfor", "else"); err != nil {
		return nil, err
	}
	p.loops--
	if p.next().named("else") {
		f.Else, err = p.until("endfor")
	}
	return f, err
}

func (p *parser) ifElse(At) (Stmt, error) {
	s := &If{}
	for {
		test, err := p.tuple(tupleRule{})
		if err != nil {
			return nil, err
		}
		body, err := p.statements("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		s.Branches = append(s.Branches, Branch{test, body})
		switch p.next().of {
		case "elif":
		case "else":
			s.Else, err = p.until("endif")
			return s, err
		default:
			return s, nil
		}
	}
}

func (p *parser) set(at At) (Stmt, error) {
	s := &Set{At: at}
	var err error
	if s.Target, err = p.target(targetRule{namespace: true}); err != nil {
		return nil, err
	}
	if p.skip("=") {
		s.X, err = p.tuple(tupleRule{condition: true})
		return s, err
	}
	if s.Filter, err = p.filters(nil, false); err != nil {
		return nil, err
	}
	s.Body, err = p.until("endset")
	return s, err
}

func (p *parser) with(At) (Stmt, error) {
	w := &With{}
	for p.cur().kind != blockEnd {
		if len(w.Targets) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		target, err := p.target(targetRule{})
		if err != nil {
			return nil, err
		}
		if err := p.expect("="); err != nil {
			return nil, err
		}
		x, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		w.Targets, w.Values = append(w.Targets, target), append(w.Values, x)
	}
	var err error
	w.Body, err = p.until("endwith")
	return w, err
}

func (p *parser) autoescape(At) (Stmt, error) {
	if _, err := p.expression(true); err != nil {
		return nil, err
	}
	body, err := p.until("endautoescape")
	return &Group{body}, err
}

func (p *parser) block(at At) (Stmt, error) {
	n, err := p.expectName()
	if err != nil {
		return nil, err
	}
	b := &Block{At: at, Name: n, Scoped: p.skipName("scoped"), Required: p.skipName("required")}
	if p.cur().is("-") {
		return nil, fail(p.cur().line, "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.")
	}
	if b.Body, err = p.until("endblock"); err != nil {
		return nil, err
	}
	if b.Required {
		for _, s := range b.Body {
			if t, ok := s.(*Text); !ok || strings.TrimSpace(t.Text) != "" {
				return nil, fail(p.cur().line, "Required blocks can only contain comments or whitespace")
			}
		}
	}
	p.skipName(n)
	if p.tree.Blocks[n] != nil {
		return nil, fail(at.Line, "block "+value.Repr(n)+" defined twice")
	}
	if p.tree.Blocks == nil {
		p.tree.Blocks = map[string]*Block{}
	}
	p.tree.Blocks[n] = b
	return b, nil
}

func (p *parser) extends(at At) (Stmt, error) {
	p.tree.Mutates = true
	x, err := p.expression(true)
	return &Extends{at, x}, err
}

// context reads "with context" or "without context".
func (p *parser) context(standard bool) bool {
	if p.cur().namedAny("with", "without") && p.look().named("context") {
		with := p.next().of == "with"
		p.next()
		return with
	}
	return standard
}

func (p *parser) include(at At) (Stmt, error) {
	p.tree.Mutates = true
	x, err := p.expression(true)
	if err != nil {
		return nil, err
	}
	i := &Include{At: at, Template: x}
	if p.cur().named("ignore") && p.look().named("missing") {
		i.IgnoreMissing = true
		p.next()
		p.next()
	}
	i.Context = p.context(true)
	return i, nil
}

func (p *parser) importAs(at At) (Stmt, error) {
	p.tree.Mutates = true
	x, err := p.expression(true)
	if err != nil {
		return nil, err
	}
	if err := p.expectWord("as"); err != nil {
		return nil, err
	}
	n, err := p.targetName()
	if err != nil {
		return nil, err
	}
	return &Import{At: at, Template: x, As: n, Context: p.context(false)}, nil
}

func (p *parser) fromImport(at At) (Stmt, error) {
	p.tree.Mutates = true
	x, err := p.expression(true)
	if err != nil {
		return nil, err
	}
	if err := p.expectWord("import"); err != nil {
		return nil, err
	}
	i := &Import{At: at, Template: x, From: true}
	contextHere := func() bool { return p.cur().namedAny("with", "without") && p.look().named("context") }
	for {
		if len(i.Names) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		if contextHere() {
			break
		}
		line := p.cur().line
		n, err := p.targetName()
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(n, "_") {
			return nil, fail(line, "names starting with an underline can not be imported")
		}
		alias := n
		if p.skipName("as") {
			if alias, err = p.targetName(); err != nil {
				return nil, err
			}
		}
		i.Names = append(i.Names, [2]string{n, alias})
		if contextHere() || !p.cur().is(",") {
			break
		}
	}
	i.Context = p.context(false)
	return i, nil
}

// signature reads the parameters of a macro.
func (p *parser) signature(m *Macro) error {
	if err := p.expect("("); err != nil {
		return err
	}
	for !p.cur().is(")") {
		if len(m.Params) > 0 {
			if err := p.expect(","); err != nil {
				return err
			}
		}
		n, err := p.targetName()
		if err != nil {
			return err
		}
		if p.skip("=") {
			x, err := p.expression(true)
			if err != nil {
				return err
			}
			m.Defaults = append(m.Defaults, x)
		} else if len(m.Defaults) > 0 {
			return fail(p.cur().line, "non-default argument follows default argument")
		}
		m.Params = append(m.Params, n)
	}
	return p.expect(")")
}

func (p *parser) macroBody(m *Macro, end string) error {
	p.macros = append(p.macros, m)
	loops := p.loops
	p.loops = 0
	var err error
	m.Body, err = p.until(end)
	p.loops = loops
	p.macros = p.macros[:len(p.macros)-1]
	return err
}

func (p *parser) macro(at At) (Stmt, error) {
	n, err := p.targetName()
	if err != nil {
		return nil, err
	}
	m := &Macro{At: at, Name: n}
	if err := p.signature(m); err != nil {
		return nil, err
	}
	return m, p.macroBody(m, "endmacro")
}

func (p *parser) callBlock(at At) (Stmt, error) {
	c := &CallBlock{At: at, Body: &Macro{At: at, Name: "caller"}}
	if p.cur().is("(") {
		if err := p.signature(c.Body); err != nil {
			return nil, err
		}
	}
	x, err := p.expression(true)
	if err != nil {
		return nil, err
	}
	call, ok := x.(*Call)
	if !ok {
		return nil, fail(at.Line, "expected call")
	}
	c.Call = call
	return c, p.macroBody(c.Body, "endcall")
}

func (p *parser) filterBlock(at At) (Stmt, error) {
	f, err := p.filters(nil, true)
	if err != nil {
		return nil, err
	}
	body, err := p.until("endfilter")
	return &FilterBlock{at, f, body}, err
}
