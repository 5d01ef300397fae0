package document

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tutti/internal/ansible/value"
)

// jsonReader makes nodes of JSON. It gives up at the first thing that is none: the text is
// then read as YAML, whose message is the one to show.
type jsonReader struct {
	*reader
	pos          int
	line, column int
	failed       bool
}

// json reads the whole text as JSON, or reports that it is none.
func (r *reader) json() (*Node, bool) {
	j := &jsonReader{reader: r, line: 1, column: 1}
	j.blank()
	if j.pos >= len(r.text) || strings.IndexByte(`{["-0123456789tfnNI`, r.text[j.pos]) < 0 {
		return nil, false
	}
	n := j.value(1)
	if j.failed {
		return nil, false
	}
	if j.blank(); j.pos < len(r.text) {
		return nil, false
	}
	return n, true
}

func (j *jsonReader) blank() {
	for j.pos < len(j.text) {
		switch j.text[j.pos] {
		case '\n':
			j.line, j.column = j.line+1, 0
		case ' ', '\t', '\r':
		default:
			return
		}
		j.pos++
		j.column++
	}
}

func (j *jsonReader) take(c byte) bool {
	if j.failed || j.pos >= len(j.text) || j.text[j.pos] != c {
		return false
	}
	j.pos++
	j.column++
	return true
}

func (j *jsonReader) stop() *Node {
	j.failed = true
	return &Node{Kind: Scalar}
}

func (j *jsonReader) value(depth int) *Node {
	if j.blank(); depth > MaxDepth || j.failed || j.pos >= len(j.text) {
		return j.stop()
	}
	if j.size++; j.size > MaxNodes {
		return j.stop()
	}
	at := j.at(j.line, j.column)
	switch j.text[j.pos] {
	case '{':
		return j.dict(at, depth)
	case '[':
		return j.list(at, depth)
	case '"':
		text := j.quoted()
		return &Node{Kind: Scalar, Scalar: j.string(text, at), Origin: at, size: 1}
	}
	return j.plain(at)
}

// words are the values that JSON, as Python reads it, has names for.
func word(text string) (any, bool) {
	switch text {
	case "true":
		return true, true
	case "false":
		return false, true
	case "null":
		return nil, true
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return nil, false
}

func (j *jsonReader) plain(at value.Origin) *Node {
	end := j.pos
	for end < len(j.text) && strings.IndexByte(" \t\r\n,:]}[{\"", j.text[end]) < 0 {
		end++
	}
	text := string(j.text[j.pos:end])
	v, ok := word(text)
	if !ok {
		if !isNumber(text) {
			return j.stop()
		}
		var err error
		if v, err = value.Number(text); err != nil && !math.IsInf(v.(float64), 0) {
			return j.stop()
		}
	}
	j.pos, j.column = end, j.column+end-j.pos
	return &Node{Kind: Scalar, Scalar: v, Origin: at, size: 1}
}

// isNumber tells whether text is a number by the grammar of JSON.
func isNumber(text string) bool {
	text = strings.TrimPrefix(text, "-")
	whole := digits(text)
	if whole == 0 || whole > 1 && text[0] == '0' {
		return false
	}
	text = text[whole:]
	if rest, ok := strings.CutPrefix(text, "."); ok {
		n := digits(rest)
		if n == 0 {
			return false
		}
		text = rest[n:]
	}
	if text != "" && (text[0] == 'e' || text[0] == 'E') {
		text = text[1:]
		if text != "" && (text[0] == '+' || text[0] == '-') {
			text = text[1:]
		}
		n := digits(text)
		return n > 0 && n == len(text)
	}
	return text == ""
}

func digits(text string) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

func (j *jsonReader) list(at value.Origin, depth int) *Node {
	n := &Node{Kind: List, Origin: at, size: 1}
	j.take('[')
	if j.blank(); j.take(']') {
		return n
	}
	for !j.failed {
		item := j.value(depth + 1)
		n.Items = append(n.Items, item)
		n.size += item.size
		if j.blank(); j.take(']') {
			return n
		}
		if !j.take(',') {
			return j.stop()
		}
	}
	return n
}

func (j *jsonReader) dict(at value.Origin, depth int) *Node {
	b := newDictBuilder(&reader{options: Options{Duplicates: IgnoreDuplicates}}, &Node{Kind: Dict, Origin: at, size: 1}, 0)
	j.take('{')
	if j.blank(); j.take('}') {
		return b.dict
	}
	for !j.failed {
		if j.blank(); j.pos >= len(j.text) || j.text[j.pos] != '"' {
			return j.stop()
		}
		k := &Node{Kind: Scalar, Origin: j.at(j.line, j.column), size: 1}
		k.Scalar = j.quoted()
		if j.blank(); !j.take(':') {
			return j.stop()
		}
		v := j.value(depth + 1)
		b.add(k, v)
		b.dict.size += v.size + 1
		if j.blank(); j.take('}') {
			return j.profiled(b.dict)
		}
		if !j.take(',') {
			return j.stop()
		}
	}
	return b.dict
}

// profiled gives what {"__ansible_vault": …} and {"__ansible_unsafe": …} stand for, which
// Ansible writes where JSON has no tags.
func (j *jsonReader) profiled(d *Node) *Node {
	if len(d.Keys) != 1 || j.options.PlainTags {
		return d
	}
	text, ok := d.Items[0].Text()
	if !ok {
		return d
	}
	switch d.Keys[0].Scalar {
	case "__ansible_vault":
		return &Node{Kind: Scalar, Scalar: &value.Vaulted{Text: text, Origin: d.Origin}, Origin: d.Origin, size: 1}
	case "__ansible_unsafe":
		return &Node{Kind: Scalar, Scalar: text, Origin: d.Origin, size: 1}
	}
	return d
}

// quoted reads a string; control characters in it are an error, as in Python.
func (j *jsonReader) quoted() string {
	start := j.pos + 1
	for i := start; i < len(j.text); i++ {
		switch c := j.text[i]; {
		case c == '"':
			text := string(j.text[start:i])
			j.pos, j.column = i+1, j.column+utf8.RuneCountInString(text)+2
			return text
		case c == '\\':
			return j.escaped(start, i)
		case c < 0x20:
			j.stop()
			return ""
		}
	}
	j.stop()
	return ""
}

// escaped reads a string that has an escape at this byte.
func (j *jsonReader) escaped(start, at int) string {
	var b strings.Builder
	b.Write(j.text[start:at])
	for i := at; i < len(j.text); {
		switch c := j.text[i]; {
		case c == '"':
			j.column += utf8.RuneCount(j.text[start:i]) + 2
			j.pos = i + 1
			return b.String()
		case c < 0x20:
			j.stop()
			return ""
		case c != '\\':
			b.WriteByte(c)
			i++
		default:
			n := unescape(&b, j.text[i:])
			if n == 0 {
				j.stop()
				return ""
			}
			i += n
		}
	}
	j.stop()
	return ""
}

// unescape writes the character of an escape and tells its length, 0 when it is none.
func unescape(b *strings.Builder, text []byte) int {
	if len(text) < 2 {
		return 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, text[1]); i >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		return 2
	}
	c, ok := hexadecimal(text)
	if !ok {
		return 0
	}
	if utf16.IsSurrogate(c) {
		if d, ok := hexadecimal(text[6:]); ok {
			if both := utf16.DecodeRune(c, d); both != utf8.RuneError {
				b.WriteRune(both)
				return 12
			}
		}
	}
	b.WriteRune(c)
	return 6
}

func hexadecimal(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
