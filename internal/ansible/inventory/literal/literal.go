// Package literal reads literals of Python: numbers, strings, lists, tuples, dicts and sets,
// as inventories in INI form have them for values. Text goes in; a value comes out, or that
// the text is no literal, and then it means itself.
//
// It must not know inventories. It runs nothing: names, calls and operators are no literals.
package literal

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"tutti/internal/ansible/value"
)

// MaxDepth bounds how deep values may lie in each other.
const MaxDepth = 100

// Parse reads one literal. Tuples and sets come out as lists; a complex number and "..." come
// out as the text that Python prints. An integer of more than 64 bits stays text. ok is false
// when the text is no literal.
func Parse(text string) (v any, ok bool) {
	p := &parser{text: strings.TrimLeft(text, " \t")}
	p.blank()
	v = p.value(0)
	p.blank()
	if p.take(',') { // a tuple without its parentheses
		v = p.sequence(v)
	}
	if p.blank(); p.failed || p.pos < len(p.text) {
		return nil, false
	}
	return v, true
}

type parser struct {
	text   string
	pos    int
	failed bool
	// nested tells that a line may end here: within brackets.
	nested int
}

func (p *parser) fail() any {
	p.failed = true
	return nil
}

// sequence goes on with a tuple that has no parentheses.
func (p *parser) sequence(first any) any {
	l := value.NewList(first)
	for !p.failed {
		if p.blank(); p.pos >= len(p.text) {
			return l
		}
		l.Items = append(l.Items, p.value(0))
		if p.blank(); !p.take(',') {
			return l
		}
	}
	return nil
}

// blank skips blanks, a comment, and within brackets the ends of lines.
func (p *parser) blank() {
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == ' ', c == '\t', c == '\f', p.nested > 0 && (c == '\n' || c == '\r'):
			p.pos++
		case c == '#':
			end := strings.IndexByte(p.text[p.pos:], '\n')
			if end < 0 {
				p.pos = len(p.text)
				return
			}
			p.pos += end
			if p.nested == 0 {
				return
			}
		default:
			return
		}
	}
}

func (p *parser) take(c byte) bool {
	if p.failed || p.pos >= len(p.text) || p.text[p.pos] != c {
		return false
	}
	p.pos++
	return true
}

func (p *parser) value(depth int) any {
	if p.failed || depth > MaxDepth || p.pos >= len(p.text) {
		return p.fail()
	}
	rest := p.text[p.pos:]
	switch c := rest[0]; {
	case c == '[':
		return p.list(depth, ']')
	case c == '(':
		return p.list(depth, ')')
	case c == '{':
		return p.braces(depth)
	case c == '-' || c == '+' || c >= '0' && c <= '9':
		return p.number()
	case strings.HasPrefix(rest, "..."):
		p.pos += 3
		return "..."
	case c == '.':
		return p.number()
	}
	if n := stringPrefix(rest); n >= 0 {
		return p.strings()
	}
	return p.word(depth)
}

func (p *parser) word(depth int) any {
	rest := p.text[p.pos:]
	n := 0
	for n < len(rest) && (rest[n] == '_' || rest[n] >= 0x80 || rest[n] >= '0' && rest[n] <= '9' || rest[n]|0x20 >= 'a' && rest[n]|0x20 <= 'z') {
		n++
	}
	p.pos += n
	switch rest[:n] {
	case "True":
		return true
	case "False":
		return false
	case "None":
		return nil
	case "set":
		if p.blank(); p.take('(') {
			if p.blank(); p.take(')') {
				return &value.List{}
			}
		}
	}
	return p.fail()
}

// list reads what stands in brackets or parentheses. One value in parentheses without a
// comma is that value.
func (p *parser) list(depth int, end byte) any {
	l := &value.List{}
	p.pos++
	p.nested++
	defer func() { p.nested-- }()
	comma := false
	for {
		if p.blank(); p.take(end) {
			break
		}
		if len(l.Items) > 0 && !comma {
			return p.fail()
		}
		l.Items = append(l.Items, p.value(depth+1))
		p.blank()
		if comma = p.take(','); p.failed {
			return nil
		}
	}
	if end == ')' && len(l.Items) == 1 && !comma {
		return l.Items[0]
	}
	return l
}

// braces reads a dict or a set.
func (p *parser) braces(depth int) any {
	p.pos++
	p.nested++
	defer func() { p.nested-- }()
	d, set := &value.Dict{}, &value.List{}
	comma := false
	for {
		if p.blank(); p.take('}') {
			break
		}
		if d.Len()+len(set.Items) > 0 && !comma {
			return p.fail()
		}
		k := p.value(depth + 1)
		p.blank()
		switch {
		case p.take(':') && len(set.Items) == 0:
			if !hashable(k) {
				return p.fail()
			}
			p.blank()
			d.Set(k, p.value(depth+1))
		case d.Len() > 0 || !hashable(k):
			return p.fail()
		default:
			set.Items = append(set.Items, k)
		}
		p.blank()
		if comma = p.take(','); p.failed {
			return nil
		}
	}
	if len(set.Items) > 0 {
		return set
	}
	return d
}

func hashable(v any) bool {
	switch v.(type) {
	case *value.List, *value.Dict:
		return false
	}
	return true
}

// number reads an integer, a float or a complex number, with one sign.
func (p *parser) number() any {
	sign := p.take('-')
	if !sign {
		p.take('+')
	}
	p.blank()
	v, imaginary := p.digits()
	if p.failed {
		return nil
	}
	if sign {
		v = negate(v)
	}
	switch {
	case imaginary && sign:
		return complexText(math.Copysign(0, -1), asFloat(v), false)
	case imaginary:
		return complexText(0, asFloat(v), true)
	}
	if p.blank(); p.pos < len(p.text) && (p.text[p.pos] == '+' || p.text[p.pos] == '-') {
		minus := p.text[p.pos] == '-'
		p.pos++
		p.blank()
		second, imaginary := p.digits()
		if !imaginary {
			return p.fail()
		}
		f := asFloat(second)
		if minus {
			f = -f
		}
		return complexText(asFloat(v), f, false)
	}
	return v
}

func negate(v any) any {
	switch v := v.(type) {
	case int64:
		return -v
	case float64:
		return -v
	case string:
		return "-" + v
	}
	return v
}

func asFloat(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case string:
		f, _ := strconv.ParseFloat(v, 64)
		return f
	}
	return math.NaN()
}

// complexText is what Python prints of a complex number.
func complexText(real, imaginary float64, alone bool) string {
	text := func(f float64) string { return strings.TrimSuffix(value.Float(f), ".0") }
	if alone {
		return text(imaginary) + "j"
	}
	plus := "+"
	if imaginary < 0 || math.Signbit(imaginary) {
		plus = ""
	}
	return "(" + text(real) + plus + text(imaginary) + "j)"
}

// digits reads a number without a sign; imaginary tells that a j follows it.
func (p *parser) digits() (v any, imaginary bool) {
	rest := p.text[p.pos:]
	n := 0
	for n < len(rest) {
		c := rest[n]
		isExponent := n > 0 && (c == '+' || c == '-') && rest[n-1]|0x20 == 'e' && !strings.HasPrefix(rest, "0x") && !strings.HasPrefix(rest, "0X")
		if c != '_' && c != '.' && !isExponent && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
		n++
	}
	text := rest[:n]
	p.pos += n
	if body := strings.TrimRight(text, "jJ"); len(body) == len(text)-1 && !strings.HasPrefix(strings.ToLower(text), "0x") {
		text, imaginary = body, true
	}
	if text == "" || text[0] == '_' || (text[0] < '0' || text[0] > '9') && text[0] != '.' {
		return p.fail(), false
	}
	// Go reads the underscores of base 0 by the same rules as Python does.
	i, err := strconv.ParseInt(text, 0, 64)
	octal := len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9' || strings.HasPrefix(text, "0_")
	switch {
	case err == nil && (!octal || strings.Trim(text, "0_") == ""):
		return i, imaginary
	case err != nil && strings.Trim(text, "0123456789_") == "" && !octal && err.(*strconv.NumError).Err == strconv.ErrRange:
		return strings.ReplaceAll(text, "_", ""), imaginary
	}
	return p.float(text, octal, imaginary)
}

func (p *parser) float(text string, octal, imaginary bool) (any, bool) {
	lower := strings.ToLower(text)
	if strings.HasPrefix(lower, "0x") || strings.Contains(lower, "__") || strings.Trim(lower, "0123456789_.e+-") != "" ||
		octal && !imaginary && !strings.ContainsAny(lower, ".e") {
		return p.fail(), false
	}
	for i := range len(lower) { // an underscore stands between digits
		if lower[i] == '_' && (i == 0 || i+1 == len(lower) || !isDigit(lower[i-1]) || !isDigit(lower[i+1])) {
			return p.fail(), false
		}
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(lower, "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return p.fail(), false
	}
	return f, imaginary
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// stringPrefix gives the length of what stands before a string's quote, or -1.
func stringPrefix(text string) int {
	n := strings.IndexAny(text, `'"`)
	if n < 0 || n > 2 {
		return -1
	}
	switch strings.ToLower(text[:n]) {
	case "", "r", "b", "u", "rb", "br":
		return n
	}
	return -1
}

// strings reads strings that stand one after the other, which are one.
func (p *parser) strings() any {
	var b strings.Builder
	kind := ""
	for first := true; ; first = false {
		rest := p.text[p.pos:]
		n := stringPrefix(rest)
		if n < 0 {
			return b.String()
		}
		prefix := strings.ToLower(rest[:n])
		bytes := "text"
		if strings.Contains(prefix, "b") {
			bytes = "bytes"
		}
		if !first && bytes != kind {
			return p.fail()
		}
		kind = bytes
		p.pos += n
		if !p.quoted(&b, strings.Contains(prefix, "r"), kind == "bytes") {
			return p.fail()
		}
		p.blank()
	}
}

// quoted reads one string, whose quote is next.
func (p *parser) quoted(b *strings.Builder, raw, bytes bool) bool {
	quote := p.text[p.pos : p.pos+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(p.text[p.pos:], triple) {
		quote = triple
	}
	p.pos += len(quote)
	for p.pos < len(p.text) {
		rest := p.text[p.pos:]
		switch c := rest[0]; {
		case strings.HasPrefix(rest, quote):
			p.pos += len(quote)
			return true
		case c == '\n' && len(quote) == 1, bytes && c >= utf8.RuneSelf, c == 0:
			return false
		case c != '\\':
			b.WriteByte(c)
			p.pos++
		case len(rest) < 2:
			return false
		case raw:
			b.WriteString(rest[:2])
			p.pos += 2
		default:
			n := unescape(b, rest, bytes)
			if n == 0 {
				return false
			}
			p.pos += n
		}
	}
	return false
}

// unescape writes what a backslash and what follows stand for; it gives the length of both,
// 0 when they are wrong. What is no escape stays as it is.
func unescape(b *strings.Builder, text string, bytes bool) int {
	switch c := text[1]; {
	case c == '\n':
		return 2
	case strings.IndexByte(`\'"abfnrtv`, c) >= 0:
		b.WriteByte("\\'\"\a\b\f\n\r\t\v"[strings.IndexByte(`\'"abfnrtv`, c)])
		return 2
	case c >= '0' && c <= '7':
		n := 2
		for n < 4 && n < len(text) && text[n] >= '0' && text[n] <= '7' {
			n++
		}
		r, _ := strconv.ParseUint(text[1:n], 8, 32)
		b.WriteRune(rune(r))
		return n
	case c == 'x':
		return hexadecimal(b, text, 2)
	case c == 'u' && !bytes:
		return hexadecimal(b, text, 4)
	case c == 'U' && !bytes:
		return hexadecimal(b, text, 8)
	case c == 'N' && !bytes:
		return 0 // names of characters are not known here
	}
	b.WriteByte('\\')
	return 1
}

func hexadecimal(b *strings.Builder, text string, digits int) int {
	if len(text) < 2+digits {
		return 0
	}
	r, err := strconv.ParseUint(text[2:2+digits], 16, 32)
	if err != nil || r > utf8.MaxRune {
		return 0
	}
	b.WriteRune(rune(r))
	return 2 + digits
}
