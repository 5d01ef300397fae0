// Package jsontext reads and writes JSON as Python's json module does, down to the spaces and
// the words of its errors. Text goes in and values come out, or the other way round. The
// package is pure.
package jsontext

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tutti/internal/ansible/value"
)

// maxDepth bounds how deep a document may be nested.
const maxDepth = 900

// Parse reads one JSON value. NaN, Infinity and -Infinity are read too. When strict, text
// must not hold control characters. Whole numbers beyond 64 bits become floats.
func Parse(text string, strict bool) (any, error) {
	p := parser{text: text, strict: strict}
	if strings.HasPrefix(text, "\ufeff") {
		return nil, p.fault("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0)
	}
	p.blank()
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.blank(); p.at < len(text) {
		return nil, p.fault("Extra data", p.at)
	}
	return v, nil
}

type parser struct {
	text   string
	at     int
	strict bool
}

// fault is an error about a place, which is counted in characters.
func (p *parser) fault(message string, at int) error {
	before := p.text[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("%s: line %d column %d (char %d)", message, line, column, utf8.RuneCountInString(before))
}

func (p *parser) blank() {
	for p.at < len(p.text) && strings.IndexByte(" \t\n\r", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("maximum recursion depth exceeded while decoding a JSON value (at most %d levels)", maxDepth)
	}
	switch c := p.peek(); {
	case c == '"':
		return p.string()
	case c == '{':
		return p.dict(depth)
	case c == '[':
		return p.list(depth)
	case c == '-' || c >= '0' && c <= '9':
		if v, ok := p.number(); ok {
			return v, nil
		}
	}
	for _, w := range []struct {
		text string
		v    any
	}{{"null", nil}, {"true", true}, {"false", false}, {"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)}} {
		if strings.HasPrefix(p.text[p.at:], w.text) {
			p.at += len(w.text)
			return w.v, nil
		}
	}
	return nil, p.fault("Expecting value", p.at)
}

func (p *parser) digits() bool {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}

func (p *parser) number() (any, bool) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	if p.peek() == '0' {
		p.at++
	} else if !p.digits() {
		p.at = start
		return nil, false
	}
	whole := true
	if mark := p.at; p.peek() == '.' {
		if p.at++; p.digits() {
			whole = false
		} else {
			p.at = mark
		}
	}
	if mark := p.at; p.peek() == 'e' || p.peek() == 'E' {
		p.at++
		if p.peek() == '+' || p.peek() == '-' {
			p.at++
		}
		if p.digits() {
			whole = false
		} else {
			p.at = mark
		}
	}
	text := p.text[start:p.at]
	if whole {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, true
		}
	}
	f, _ := strconv.ParseFloat(text, 64) // what is too large is infinite, as in Python
	return f, true
}

func (p *parser) string() (any, error) {
	begin := p.at
	p.at++
	var b strings.Builder
	for {
		start := p.at
		for p.at < len(p.text) && p.text[p.at] != '"' && p.text[p.at] != '\\' && p.text[p.at] >= ' ' {
			p.at++
		}
		b.WriteString(p.text[start:p.at])
		if p.at >= len(p.text) {
			return nil, p.fault("Unterminated string starting at", begin)
		}
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return b.String(), nil
		case c == '\\':
			if err := p.escape(&b, begin); err != nil {
				return nil, err
			}
		case p.strict:
			return nil, p.fault("Invalid control character at", p.at)
		default:
			b.WriteByte(c)
			p.at++
		}
	}
}

func (p *parser) escape(b *strings.Builder, begin int) error {
	at := p.at
	if p.at++; p.at >= len(p.text) {
		return p.fault("Unterminated string starting at", begin)
	}
	c := p.text[p.at]
	p.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		return nil
	}
	if c != 'u' {
		return p.fault("Invalid \\escape", at)
	}
	r, ok := p.hex()
	if !ok {
		return p.fault("Invalid \\uXXXX escape", at+1)
	}
	if utf16.IsSurrogate(r) {
		mark := p.at
		if strings.HasPrefix(p.text[p.at:], `\u`) {
			p.at += 2
			low, ok := p.hex()
			if both := utf16.DecodeRune(r, low); ok && both != utf8.RuneError {
				b.WriteRune(both)
				return nil
			}
			p.at = mark
		}
	}
	if utf16.IsSurrogate(r) {
		return fmt.Errorf("Refusing to deserialize an invalid UTF8 string value: 'utf-8' codec can't encode character '\\u%04x' in position %d: surrogates not allowed", // Ansible's own words
			r, utf8.RuneCountInString(b.String()))
	}
	b.WriteRune(r)
	return nil
}

func (p *parser) hex() (rune, bool) {
	if p.at+4 > len(p.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 32)
	if err != nil {
		return 0, false
	}
	p.at += 4
	return rune(n), true
}

func (p *parser) list(depth int) (any, error) {
	l := &value.List{Items: []any{}}
	p.at++
	if p.blank(); p.peek() == ']' {
		p.at++
		return l, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, v)
		p.blank()
		switch {
		case p.peek() == ']' && p.at < len(p.text):
			p.at++
			return l, nil
		case p.peek() != ',':
			return nil, p.fault("Expecting ',' delimiter", p.at)
		}
		p.at++
		p.blank()
	}
}

func (p *parser) dict(depth int) (any, error) {
	d := &value.Dict{}
	p.at++
	if p.blank(); p.peek() == '}' {
		p.at++
		return d, nil
	}
	for {
		if p.peek() != '"' {
			return nil, p.fault("Expecting property name enclosed in double quotes", p.at)
		}
		key, err := p.string()
		if err != nil {
			return nil, err
		}
		if p.blank(); p.peek() != ':' {
			return nil, p.fault("Expecting ':' delimiter", p.at)
		}
		p.at++
		p.blank()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		d.Set(key, v)
		p.blank()
		switch p.peek() {
		case '}':
			p.at++
			return d, nil
		case ',':
			p.at++
			p.blank()
		default:
			return nil, p.fault("Expecting ',' delimiter", p.at)
		}
	}
}
