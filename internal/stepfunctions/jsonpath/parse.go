package jsonpath

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Parse compiles a path. Blanks around it do not count. The error is a *SyntaxError or
// a *LimitError.
func Parse(text string) (*Path, error) {
	if len(text) > MaxText {
		return nil, &LimitError{Path: text, What: fmt.Sprintf("it is %d bytes long", len(text)), Limit: MaxText}
	}
	p := parser{whole: text, text: strings.TrimRight(text, " ")}
	p.blanks()
	start := p.at
	root, err := p.root()
	if err != nil {
		return nil, err
	}
	steps, err := p.steps()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, p.fail("expected . or [ here")
	}
	return newPath(p.text[start:], root, steps), nil
}

func newPath(text string, root Root, steps []step) *Path {
	path := &Path{text: text, root: root, steps: steps, definite: true}
	for i, s := range steps {
		path.definite = path.definite && s.definite(i == len(steps)-1)
	}
	return path
}

// parser reads text from at on.
type parser struct {
	whole string // for errors
	text  string
	at    int
	depth int
	// inFilter is set while a path inside a filter is read, which ends where an
	// operator begins.
	inFilter bool
}

func (p *parser) fail(what string, args ...any) error {
	return &SyntaxError{Path: p.whole, Offset: p.at, What: fmt.Sprintf(what, args...)}
}

// more reports whether there is a byte left, which peek gives; otherwise 0.
func (p *parser) more() bool { return p.at < len(p.text) }

func (p *parser) peek() byte {
	if p.more() {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) take(token string) bool {
	if strings.HasPrefix(p.text[p.at:], token) {
		p.at += len(token)
		return true
	}
	return false
}

func (p *parser) blanks() {
	for p.peek() == ' ' || p.peek() == '\t' || p.peek() == '\n' || p.peek() == '\r' {
		p.at++
	}
}

func (p *parser) root() (Root, error) {
	if !p.take("$") {
		return "", p.fail("a path starts with $")
	}
	if p.take("$") {
		return Context, nil
	}
	start := p.at
	for p.more() {
		r, n := utf8.DecodeRuneInString(p.text[p.at:])
		if !unicode.IsLetter(r) && r != '_' && (p.at == start || !unicode.In(r, unicode.Digit, unicode.Mn, unicode.Mc, unicode.Pc)) {
			break
		}
		p.at += n
	}
	return Root("$" + p.text[start:p.at]), nil
}

// steps reads what follows a root, to the end of the path.
func (p *parser) steps() ([]step, error) {
	var steps []step
	for {
		switch {
		case p.take(".."):
			steps = append(steps, scan{})
			if !p.more() || p.peek() == '.' {
				return nil, p.fail("a name, * or [ must follow ..")
			}
			if p.peek() == '[' {
				continue
			}
		case p.take("."):
			if p.peek() == '[' {
				continue
			}
		case p.peek() == '[':
			s, err := p.bracket()
			if err != nil {
				return nil, err
			}
			steps = append(steps, s)
			continue
		default:
			return steps, nil
		}
		s, err := p.dotted()
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
}

// dotted reads what follows a dot: a name or a wildcard.
func (p *parser) dotted() (step, error) {
	if p.take("*") {
		return wildcard{}, nil
	}
	start := p.at
	for p.more() && !p.endsName() {
		p.at++
	}
	name := p.text[start:p.at]
	if name == "" {
		return nil, p.fail("expected a name")
	}
	if i := strings.IndexAny(name, `'"/`); i >= 0 && p.inFilter {
		p.at = start + i
		return nil, p.fail("in a filter, a name with %c is written in brackets", name[i])
	}
	if p.peek() == ' ' && !p.inFilter {
		return nil, p.fail("a name with blanks is written in brackets: ['%s …']", name)
	}
	return members{name}, nil
}

func (p *parser) endsName() bool {
	switch c := p.peek(); c {
	case '.', '[', ' ':
		return true
	case '<', '>', '=', '~', '!', ',', ']', '\t', '\n', '\r':
		return p.inFilter
	case ')':
		// "length()" is a name, as the service has no functions.
		return p.inFilter && p.text[p.at-1] != '('
	case '&', '|':
		return p.inFilter && p.at+1 < len(p.text) && p.text[p.at+1] == c
	}
	return false
}

func (p *parser) bracket() (step, error) {
	p.at++
	p.blanks()
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		return p.names()
	case c == '*':
		p.at++
		return wildcard{}, p.close()
	case c == '?':
		return p.filter()
	case c == '-' || c == ':' || c >= '0' && c <= '9':
		return p.numbers()
	}
	return nil, p.fail("expected a name in quotes, an index, *, : or ?( after [")
}

func (p *parser) close() error {
	p.blanks()
	if !p.take("]") {
		return p.fail("expected ]")
	}
	return nil
}

func (p *parser) names() (step, error) {
	var names members
	for {
		name, err := p.quoted()
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		p.blanks()
		if !p.take(",") {
			return names, p.close()
		}
		p.blanks()
		if c := p.peek(); c != '\'' && c != '"' {
			return nil, p.fail("expected a name in quotes after ,")
		}
	}
}

// quoted reads a string in single or double quotes.
func (p *parser) quoted() (string, error) {
	quote := p.text[p.at]
	start := p.at
	p.at++
	var b strings.Builder
	for p.more() {
		switch c := p.text[p.at]; c {
		case quote:
			p.at++
			return b.String(), nil
		case '\\':
			p.at++
			if err := p.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	p.at = start
	return "", p.fail("the quote %c is not closed", quote)
}

func (p *parser) escape(b *strings.Builder) error {
	if !p.more() {
		return p.fail("the text ends after a backslash")
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'u':
		r, err := p.hex()
		if err != nil {
			return err
		}
		if utf16.IsSurrogate(r) && p.take(`\u`) {
			low, err := p.hex()
			if err != nil {
				return err
			}
			r = utf16.DecodeRune(r, low)
		}
		b.WriteRune(r)
	default:
		b.WriteByte(c)
	}
	return nil
}

func (p *parser) hex() (rune, error) {
	if p.at+4 > len(p.text) {
		return 0, p.fail(`\u takes four hexadecimal digits`)
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	if err != nil {
		return 0, p.fail(`\u takes four hexadecimal digits`)
	}
	p.at += 4
	return rune(n), nil
}

// numbers reads indices or a slice.
func (p *parser) numbers() (step, error) {
	first, has, err := p.index()
	if err != nil {
		return nil, err
	}
	if p.take(":") {
		return p.slice(first, has)
	}
	list := indices{first}
	for {
		p.blanks()
		if !p.take(",") {
			return list, p.close()
		}
		p.blanks()
		next, has, err := p.index()
		if err != nil {
			return nil, err
		}
		if !has {
			return nil, p.fail("expected an index after ,")
		}
		list = append(list, next)
	}
}

// slice reads what follows the first colon; there are no blanks in a slice. A third
// number is read and, as in the library, does not count.
func (p *parser) slice(from int, hasFrom bool) (step, error) {
	s := slice{from: from, hasFrom: hasFrom}
	var err error
	if s.to, s.hasTo, err = p.index(); err != nil {
		return nil, err
	}
	if p.take(":") {
		if _, _, err = p.index(); err != nil {
			return nil, err
		}
	}
	if !s.hasFrom && !s.hasTo {
		return nil, p.fail("a slice needs a start or an end")
	}
	return s, p.close()
}

// index reads a whole number of 32 bits, if there is one.
func (p *parser) index() (n int, has bool, err error) {
	start := p.at
	p.take("-")
	for p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	if p.at == start {
		return 0, false, nil
	}
	i, err := strconv.ParseInt(p.text[start:p.at], 10, 32)
	if err != nil {
		p.at = start
		return 0, false, p.fail("an index is a whole number of 32 bits")
	}
	return int(i), true, nil
}
