package argument

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// parseLiteral reads a Python literal of dicts, lists, tuples, text, numbers, True, False
// and None; nil when it is none. Dicts keep only keys that are text.
func parseLiteral(s string) any {
	p := literal{rest: s}
	v, ok := p.value(0)
	p.space()
	if !ok || p.rest != "" {
		return nil
	}
	return v
}

type literal struct{ rest string }

func (p *literal) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *literal) eat(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *literal) value(depth int) (any, bool) {
	p.space()
	if depth > depthLimit || p.rest == "" {
		return nil, false
	}
	switch c := p.rest[0]; {
	case c == '{':
		return p.dict(depth)
	case c == '[':
		p.eat("[")
		return p.items("]", depth)
	case c == '(':
		p.eat("(")
		return p.items(")", depth)
	case c == '\'' || c == '"':
		return p.text(c)
	}
	end := strings.IndexAny(p.rest, ",:]}) \t\r\n")
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	switch word {
	case "True":
		return true, true
	case "False":
		return false, true
	case "None":
		return nil, true
	}
	if i, err := strconv.ParseInt(word, 0, 64); err == nil {
		return i, true
	}
	f, err := strconv.ParseFloat(word, 64)
	return f, err == nil
}

func (p *literal) dict(depth int) (any, bool) {
	m := map[string]any{}
	p.eat("{")
	for !p.eat("}") {
		k, ok := p.value(depth + 1)
		if !ok || !p.eat(":") {
			return nil, false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		m[text(k)] = v
		if !p.eat(",") {
			return m, p.eat("}")
		}
	}
	return m, true
}

func (p *literal) items(end string, depth int) (any, bool) {
	list := []any{}
	for !p.eat(end) {
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		list = append(list, v)
		if !p.eat(",") {
			return list, p.eat(end)
		}
	}
	return list, true
}

func (p *literal) text(quote byte) (any, bool) {
	p.rest = p.rest[1:]
	var b strings.Builder
	for p.rest != "" {
		if p.rest[0] == quote {
			p.rest = p.rest[1:]
			return b.String(), true
		}
		if p.rest[0] != '\\' {
			_, n := utf8.DecodeRuneInString(p.rest)
			b.WriteString(p.rest[:n])
			p.rest = p.rest[n:]
			continue
		}
		if strings.HasPrefix(p.rest, `\'`) || strings.HasPrefix(p.rest, `\"`) {
			b.WriteByte(p.rest[1])
			p.rest = p.rest[2:]
			continue
		}
		r, _, tail, err := strconv.UnquoteChar(p.rest, quote)
		if err != nil {
			return nil, false
		}
		b.WriteRune(r)
		p.rest = tail
	}
	return nil, false
}
