package intrinsic

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/jsonpath"
)

// Parse compiles a call of an intrinsic function. The error is a *SyntaxError.
//
//	call     = name "(" [ argument { "," argument } ] ")"
//	argument = call | path | 'text' | number | true | false | null
func Parse(text string) (*Expr, error) {
	p := &parser{text: text}
	if len(text) > MaxText {
		return nil, p.fail("it is %d bytes long, the limit is %d", len(text), MaxText)
	}
	p.blanks()
	c, err := p.call()
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.at < len(text) {
		return nil, p.fail("there is more after the call")
	}
	return &Expr{text: strings.TrimSpace(text), call: c}, nil
}

type parser struct {
	text  string
	at    int
	calls int
}

func (p *parser) fail(what string, args ...any) error {
	return &SyntaxError{Text: p.text, Offset: p.at, What: fmt.Sprintf(what, args...)}
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) blanks() {
	for p.peek() == ' ' || p.peek() == '\t' || p.peek() == '\n' || p.peek() == '\r' {
		p.at++
	}
}

func (p *parser) take(token string) bool {
	if strings.HasPrefix(p.text[p.at:], token) {
		p.at += len(token)
		return true
	}
	return false
}

// word reads letters, digits and dots.
func (p *parser) word() string {
	start := p.at
	for c := p.peek(); c == '.' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.text[start:p.at]
}

func (p *parser) call() (*call, error) {
	start := p.at
	name := p.word()
	f, ok := functions[name]
	if !ok {
		p.at = start
		return nil, p.fail("there is no intrinsic function %q", name)
	}
	if p.calls++; p.calls > MaxCalls {
		return nil, p.fail("there are more than %d functions in each other", MaxCalls)
	}
	p.blanks()
	if !p.take("(") {
		return nil, p.fail("expected ( after %s", name)
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	c := &call{function: f, name: name, args: args}
	if len(args) < f.least || len(args) > f.most {
		p.at = start
		return nil, p.fail("%s takes %s, not %d", name, f.count(), len(args))
	}
	if name == format && args[0].quoted {
		// The braces of a template are told apart where they are escaped.
		args[0].literal = args[0].raw
		if n := len(placeholders(args[0].raw)) - 1; n != len(args)-1 {
			p.at = start
			return nil, p.fail("%s has %d {} in its text and %d arguments for them", name, n, len(args)-1)
		}
	}
	return c, nil
}

func (p *parser) arguments() ([]argument, error) {
	var args []argument
	for p.blanks(); !p.take(")"); p.blanks() {
		if len(args) > 0 {
			if !p.take(",") {
				return nil, p.fail("expected , or )")
			}
			p.blanks()
		}
		a, err := p.argument()
		if err != nil {
			return nil, err
		}
		args = append(args, a)
	}
	return args, nil
}

func (p *parser) argument() (argument, error) {
	switch c := p.peek(); {
	case c == '$':
		return p.path()
	case c == '\'':
		return p.quoted()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case p.take("true"):
		return argument{literal: true}, nil
	case p.take("false"):
		return argument{literal: false}, nil
	case p.take("null"):
		return argument{}, nil
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		inner, err := p.call()
		return argument{call: inner}, err
	}
	return argument{}, p.fail("expected a path, a text in single quotes, a number, true, false, null or a function")
}

func (p *parser) number() (argument, error) {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte("+-.0123456789eE", p.peek()) >= 0 {
		p.at++
	}
	v, err := data.Decode([]byte(p.text[start:p.at]))
	if err != nil {
		p.at = start
		return argument{}, p.fail("this is not a number")
	}
	return argument{literal: v}, nil
}

// quoted reads a text in single quotes. Only ' { } and \ may stand behind a backslash.
func (p *parser) quoted() (argument, error) {
	start := p.at
	p.at++
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case '\'':
			raw := p.text[start+1 : p.at]
			p.at++
			return argument{raw: raw, literal: unescape(raw), quoted: true}, nil
		case '\\':
			p.at++
			if c := p.peek(); c == 0 || strings.IndexByte(`'{}\`, c) < 0 {
				return argument{}, p.fail(`only ' { } and \ may stand behind a backslash`)
			}
		}
		p.at++
	}
	p.at = start
	return argument{}, p.fail("the quote is not closed")
}

func unescape(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+1 < len(raw) {
			i++
		}
		b.WriteByte(raw[i])
	}
	return b.String()
}

// path reads a path, which ends before a comma or parenthesis that is not its own.
func (p *parser) path() (argument, error) {
	start := p.at
	for depth := 0; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		switch {
		case depth == 0 && (c == ',' || c == ')'):
			return p.compile(start)
		case c == '[' || c == '(':
			depth++
		case c == ']' || c == ')':
			depth--
		case depth > 0 && (c == '\'' || c == '"' || c == '/'):
			p.skip(c)
		}
	}
	return p.compile(start)
}

// skip goes on to the end of what is quoted.
func (p *parser) skip(quote byte) {
	for p.at++; p.at < len(p.text) && p.text[p.at] != quote; p.at++ {
		if p.text[p.at] == '\\' {
			p.at++
		}
	}
}

func (p *parser) compile(start int) (argument, error) {
	p.at = min(p.at, len(p.text))
	path, err := jsonpath.Parse(strings.TrimRight(p.text[start:p.at], " \t\r\n"))
	if err == nil {
		return argument{path: path}, nil
	}
	p.at = start
	var syntax *jsonpath.SyntaxError
	if errors.As(err, &syntax) {
		p.at += syntax.Offset
	}
	return argument{}, &SyntaxError{Text: p.text, Offset: p.at, What: err.Error(), Err: err}
}
