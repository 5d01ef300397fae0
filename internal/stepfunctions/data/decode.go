package data

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may lie in each other.
const MaxDepth = 1000

// SyntaxError says where a text is not JSON.
type SyntaxError struct {
	Offset int // bytes from the start
	What   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("not JSON at byte %d: %s", e.Offset, e.What) }

// Decode reads one JSON value (RFC 8259); blanks may surround it. Of members with
// the same key the last one counts, as in most readers. Unpaired surrogates become
// the replacement character. The error is a *SyntaxError.
func Decode(text []byte) (any, error) {
	d := decoder{text: string(text)}
	d.blank()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	d.blank()
	if d.at < len(d.text) {
		return nil, d.fail("there is more after the value")
	}
	return v, nil
}

// decoder shares the text's memory with the strings that it gives.
type decoder struct {
	text string
	at   int
}

func (d *decoder) fail(what string) error { return &SyntaxError{Offset: d.at, What: what} }

func (d *decoder) blank() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return
		}
	}
}

func (d *decoder) value(depth int) (any, error) {
	if d.at >= len(d.text) {
		return nil, d.fail("the text ends where a value should be")
	}
	switch c := d.text[d.at]; {
	case c == '{':
		return d.object(depth + 1)
	case c == '[':
		return d.array(depth + 1)
	case c == '"':
		return d.string()
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	case c == 't':
		return true, d.word("true")
	case c == 'f':
		return false, d.word("false")
	case c == 'n':
		return nil, d.word("null")
	}
	return nil, d.fail("expected a value")
}

func (d *decoder) word(w string) error {
	if len(d.text)-d.at < len(w) || d.text[d.at:d.at+len(w)] != w {
		return d.fail("expected " + w)
	}
	d.at += len(w)
	return nil
}

func (d *decoder) array(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, d.fail(fmt.Sprintf("values lie more than %d deep in each other", MaxDepth))
	}
	d.at++
	list := []any{}
	for d.blank(); !d.closes(']'); d.blank() {
		if len(list) > 0 {
			if err := d.word(","); err != nil {
				return nil, err
			}
			d.blank()
		}
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (d *decoder) closes(c byte) bool {
	if d.at < len(d.text) && d.text[d.at] == c {
		d.at++
		return true
	}
	return false
}

func (d *decoder) object(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, d.fail(fmt.Sprintf("values lie more than %d deep in each other", MaxDepth))
	}
	d.at++
	o := &Object{}
	for d.blank(); !d.closes('}'); d.blank() {
		if len(o.members) > 0 {
			if err := d.word(","); err != nil {
				return nil, err
			}
			d.blank()
		}
		if d.at >= len(d.text) || d.text[d.at] != '"' {
			return nil, d.fail("expected a key in quotes")
		}
		key, err := d.string()
		if err != nil {
			return nil, err
		}
		d.blank()
		if err := d.word(":"); err != nil {
			return nil, err
		}
		d.blank()
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		o.Set(key, v)
	}
	return o, nil
}

func (d *decoder) string() (string, error) {
	d.at++
	start := d.at
	for d.at < len(d.text) {
		switch c := d.text[d.at]; {
		case c == '"':
			d.at++
			return d.text[start : d.at-1], nil
		case c == '\\' || c >= utf8.RuneSelf:
			return d.escaped(start)
		case c < ' ':
			return "", d.fail("a control character in a string must be escaped")
		}
		d.at++
	}
	return "", d.fail("the string does not end")
}

// escaped reads the rest of a string that holds escapes or is not plain ASCII.
func (d *decoder) escaped(start int) (string, error) {
	b := append(make([]byte, 0, d.at-start+32), d.text[start:d.at]...)
	for d.at < len(d.text) {
		switch c := d.text[d.at]; {
		case c == '"':
			d.at++
			return string(b), nil
		case c == '\\':
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		case c < ' ':
			return "", d.fail("a control character in a string must be escaped")
		case c < utf8.RuneSelf:
			b = append(b, c)
			d.at++
		default:
			r, n := utf8.DecodeRuneInString(d.text[d.at:])
			b = utf8.AppendRune(b, r)
			d.at += n
		}
	}
	return "", d.fail("the string does not end")
}

var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (d *decoder) escape() (rune, error) {
	if d.at+1 >= len(d.text) {
		return 0, d.fail("the string does not end")
	}
	c := d.text[d.at+1]
	if r, ok := escapes[c]; ok {
		d.at += 2
		return r, nil
	}
	if c != 'u' {
		return 0, d.fail("this escape is unknown")
	}
	r, ok := d.hex(d.at + 2)
	if !ok {
		return 0, d.fail(`\u takes four hexadecimal digits`)
	}
	d.at += 6
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if d.at+1 < len(d.text) && d.text[d.at] == '\\' && d.text[d.at+1] == 'u' {
		if low, ok := d.hex(d.at + 2); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				d.at += 6
				return pair, nil
			}
		}
	}
	return utf8.RuneError, nil
}

func (d *decoder) hex(at int) (rune, bool) {
	if at+4 > len(d.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(d.text[at:at+4], 16, 16)
	return rune(n), err == nil
}

func (d *decoder) number() (any, error) {
	start := d.at
	d.closes('-')
	switch {
	case d.closes('0'):
	case d.digits() == 0:
		return nil, d.fail("expected a digit")
	}
	if d.closes('.') && d.digits() == 0 {
		return nil, d.fail("expected a digit after the point")
	}
	if d.closes('e') || d.closes('E') {
		if !d.closes('+') {
			d.closes('-')
		}
		if d.digits() == 0 {
			return nil, d.fail("expected a digit in the exponent")
		}
	}
	return NumberOf(d.text[start:d.at]), nil
}

func (d *decoder) digits() int {
	start := d.at
	for d.at < len(d.text) && d.text[d.at] >= '0' && d.text[d.at] <= '9' {
		d.at++
	}
	return d.at - start
}

// NumberOf gives the value of a JSON number's text: a float64 when that prints the
// same, otherwise a Number.
func NumberOf(text string) any {
	if len(text) < 16 && isInteger(text) && text != "-0" {
		i, err := strconv.ParseInt(text, 10, 64)
		if err == nil {
			return float64(i)
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	var room [32]byte
	if err == nil && string(AppendFloat(room[:0], f)) == text {
		return f
	}
	return Number(text)
}
