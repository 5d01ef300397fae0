package jsonpath

import (
	"errors"
	"regexp"
	"strings"

	"tutti/internal/stepfunctions/data"
)

// condition is what a filter asks of a value: every, either, not, exists or compare.
type condition interface {
	accepts(e *evaluation, item any) (bool, error)
}

type (
	every  []condition
	either []condition
	not    struct{ condition condition }
	// exists asks whether a path has a value, be it null.
	exists struct{ path *Path }
	// compare holds two operands against each other.
	compare struct {
		left, right operand
		operator    string
	}
)

// operand is a side of a comparison: a path from the item (@) or from the document
// ($), a pattern, or a literal value.
type operand struct {
	path    *Path
	pattern *regexp.Regexp
	literal any
}

// fromItem is the root of paths in a filter that start from the item.
const fromItem Root = "@"

// filter reads ?( … ) and what closes its bracket.
//
//	or       = and { "||" and }
//	and      = term { "&&" term }
//	term     = "(" or ")" | "!" term | operand [ operator operand ]
func (p *parser) filter() (step, error) {
	start := p.at
	p.at++
	p.blanks()
	if p.peek() != '(' {
		return nil, p.fail("expected ( after ?")
	}
	condition, err := p.term()
	if err != nil {
		return nil, err
	}
	text := "[" + p.text[start:p.at] + "]"
	return filter{condition: condition, text: text}, p.close()
}

func (p *parser) or() (condition, error) {
	list, err := p.chain("||", p.and)
	if len(list) == 1 {
		return list[0], err
	}
	return either(list), err
}

func (p *parser) and() (condition, error) {
	list, err := p.chain("&&", p.term)
	if len(list) == 1 {
		return list[0], err
	}
	return every(list), err
}

// chain reads parts with a sign between them.
func (p *parser) chain(sign string, part func() (condition, error)) ([]condition, error) {
	var list []condition
	for {
		next, err := part()
		if err != nil {
			return nil, err
		}
		list = append(list, next)
		p.blanks()
		if !p.take(sign) {
			return list, nil
		}
	}
}

func (p *parser) term() (condition, error) {
	if p.depth++; p.depth > MaxNesting {
		return nil, &LimitError{Path: p.whole, What: "its filters lie too deep in each other", Limit: MaxNesting}
	}
	defer func() { p.depth-- }()
	p.blanks()
	switch {
	case p.take("!"):
		negated, err := p.term()
		if err != nil {
			return nil, err
		}
		if _, compared := negated.(compare); compared {
			return nil, p.fail("write !( … ) to negate a comparison")
		}
		return not{negated}, nil
	case p.take("("):
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		p.blanks()
		if !p.take(")") {
			return nil, p.fail("expected an operator or )")
		}
		if _, compared := inner.(compare); compared {
			return every{inner}, nil // in parentheses it may be negated
		}
		return inner, nil
	}
	return p.comparison()
}

func (p *parser) comparison() (condition, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	operator, err := p.operator()
	if err != nil {
		return nil, err
	}
	if operator == "" {
		if left.path == nil {
			return nil, p.fail("expected an operator after a value")
		}
		return exists{left.path}, nil
	}
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	return compare{left: left, right: right, operator: operator}, nil
}

// symbols are the operators made of signs, a longer one before one that it begins
// with; words are those made of letters, which may be written in either case.
const (
	symbols = "=== !== == != <= >= =~ < >"
	words   = " in nin subsetof anyof noneof contains all size empty "
)

// operator reads an operator, if there is one.
func (p *parser) operator() (string, error) {
	p.blanks()
	for symbol := range strings.FieldsSeq(symbols) {
		if p.take(symbol) {
			return symbol, nil
		}
	}
	start := p.at
	for c := p.peek() | 0x20; c >= 'a' && c <= 'z'; c = p.peek() | 0x20 {
		p.at++
	}
	word := strings.ToLower(p.text[start:p.at])
	if word == "" {
		return "", nil
	}
	if !strings.Contains(words, " "+word+" ") {
		p.at = start
		return "", p.fail("the operator %s is unknown; there are %s%s", word, symbols, strings.TrimRight(words, " "))
	}
	if p.peek() != ' ' {
		return "", p.fail("expected a blank after %s", word)
	}
	return word, nil
}

func (p *parser) operand() (operand, error) {
	p.blanks()
	switch c := p.peek(); {
	case c == '@' || c == '$':
		path, err := p.inner()
		return operand{path: path}, err
	case c == '\'' || c == '"':
		text, err := p.quoted()
		return operand{literal: text}, err
	case c == '/':
		return p.regexp()
	case c == '[' || c == '{':
		v, err := p.json()
		return operand{literal: v}, err
	case c == '-' || c == '.' || c >= '0' && c <= '9':
		return p.number()
	}
	switch {
	case p.take("true"):
		return operand{literal: true}, nil
	case p.take("false"):
		return operand{literal: false}, nil
	case p.take("null"):
		return operand{}, nil
	}
	return operand{}, p.fail("expected a path from @ or $, a string, a number, true, false, null, a list or a /pattern/")
}

// inner reads a path inside a filter.
func (p *parser) inner() (*Path, error) {
	start, outer := p.at, p.inFilter
	root := Root(p.text[p.at : p.at+1])
	p.at++
	p.inFilter = true
	steps, err := p.steps()
	p.inFilter = outer
	if err != nil {
		return nil, err
	}
	if c := p.peek(); c == '$' || c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' {
		return nil, p.fail("in a filter, a path starts from @ or $")
	}
	return newPath(p.text[start:p.at], root, steps), nil
}

func (p *parser) number() (operand, error) {
	start := p.at
	for p.more() && strings.IndexByte("+-.0123456789eE", p.peek()) >= 0 {
		p.at++
	}
	v, err := data.Decode([]byte(p.text[start:p.at]))
	if err != nil {
		p.at = start
		return operand{}, p.fail("this is not a number")
	}
	return operand{literal: v}, nil
}

// json reads a literal list or object, whose strings may stand in single quotes.
func (p *parser) json() (any, error) {
	start := p.at
	var b strings.Builder
	depth := 0
	for p.more() {
		switch c := p.peek(); c {
		case '\'', '"':
			text, err := p.quoted()
			if err != nil {
				return nil, err
			}
			b.Write(data.AppendString(nil, text))
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		b.WriteByte(p.peek())
		p.at++
		if depth == 0 {
			break
		}
	}
	v, err := data.Decode([]byte(b.String()))
	if err != nil {
		p.at = start
		what := err
		var syntax *data.SyntaxError
		if errors.As(err, &syntax) {
			what = errors.New(syntax.What)
		}
		return nil, p.fail("this list or object is not JSON: %v", what)
	}
	return v, nil
}

// regexp reads /pattern/flags. A value matches when all of it does.
func (p *parser) regexp() (operand, error) {
	start := p.at
	p.at++
	from := p.at
	for p.more() && p.peek() != '/' {
		if p.peek() == '\\' {
			p.at++
		}
		p.at++
	}
	if p.at >= len(p.text) {
		p.at = start
		return operand{}, p.fail("the pattern is not closed by /")
	}
	pattern := strings.ReplaceAll(p.text[from:p.at], `\/`, "/")
	p.at++
	flags := ""
	for p.more() && strings.IndexByte("dimsuxU", p.peek()) >= 0 {
		switch c := p.peek(); c {
		case 'i', 'm', 's':
			flags += string(c)
		case 'd', 'u', 'U':
			// Lines end with \n only, and letters are Unicode's, in any case.
		default:
			return operand{}, p.fail("patterns with comments (flag x) are not supported")
		}
		p.at++
	}
	compiled, err := regexp.Compile(`\A(?` + flags + `:` + pattern + `)\z`)
	if err != nil {
		p.at = start
		return operand{}, p.fail("this pattern is not supported: %v", err)
	}
	return operand{pattern: compiled}, nil
}
