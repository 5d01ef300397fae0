package regex

import (
	"fmt"
	"strconv"
)

// Template is a replacement text that was read: "\1", "\g<name>" and escapes.
type Template struct {
	re    *Regex
	parts []part
}

// part is text, or (when group is not negative) a group's.
type part struct {
	text  []rune
	group int
}

// Template reads a replacement template for this pattern.
func (re *Regex) Template(template string) (*Template, error) {
	t := &Template{re: re}
	in := decode(template, re.flags)
	var text []rune
	flush := func() {
		if len(text) > 0 {
			t.parts = append(t.parts, part{text: text, group: -1})
			text = nil
		}
	}
	for i := 0; i < len(in); {
		if in[i] != '\\' {
			text = append(text, in[i])
			i++
			continue
		}
		literal, group, n, err := re.templateEscape(in[i:], i)
		if err != nil {
			return nil, err
		}
		if group >= 0 {
			flush()
			t.parts = append(t.parts, part{group: group})
		} else {
			text = append(text, literal...)
		}
		i += n
	}
	flush()
	return t, nil
}

// templateEscape reads what begins with a backslash: text or a group (-1 when none), and how
// many characters that took.
func (re *Regex) templateEscape(in []rune, at int) (text []rune, group, n int, err error) {
	if len(in) < 2 {
		return nil, -1, 0, fmt.Errorf("bad escape (end of pattern) at position %d", at)
	}
	switch c := in[1]; {
	case c == 'g':
		return re.templateGroup(in, at)
	case c == '0':
		n = 2
		for n < 4 && n < len(in) && octal(in[n]) {
			n++
		}
		return []rune{octalValue(in[1:n])}, -1, n, nil
	case c >= '1' && c <= '9':
		if len(in) > 3 && octal(c) && octal(in[2]) && octal(in[3]) {
			v := octalValue(in[1:4])
			if v > 0o377 {
				return nil, -1, 0, fmt.Errorf(`octal escape value \%s outside of range 0-0o377 at position %d`, string(in[1:4]), at)
			}
			return []rune{v}, -1, 4, nil
		}
		n = 2
		if len(in) > 2 && in[2] >= '0' && in[2] <= '9' {
			n = 3
		}
		number, _ := strconv.Atoi(string(in[1:n]))
		if number > re.Groups() {
			return nil, -1, 0, fmt.Errorf("invalid group reference %d at position %d%w", number, at+1, noGroup{})
		}
		return nil, number, n, nil
	case c == '\\':
		return []rune{'\\'}, -1, 2, nil
	default:
		if r, ok := controlEscapes()[c]; ok {
			return []rune{r}, -1, 2, nil
		}
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return nil, -1, 0, fmt.Errorf(`bad escape \%c at position %d`, c, at)
		}
		return in[:2], -1, 2, nil
	}
}

// noGroup makes an error be ErrGroup without a word in its text.
type noGroup struct{}

func (noGroup) Error() string { return "" }
func (noGroup) Unwrap() error { return ErrGroup }

func octal(r rune) bool { return r >= '0' && r <= '7' }

func octalValue(digits []rune) rune {
	v := rune(0)
	for _, d := range digits {
		v = v*8 + d - '0'
	}
	return v
}

func controlEscapes() map[rune]rune {
	return map[rune]rune{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}
}

// templateGroup reads "\g<name>" or "\g<number>".
func (re *Regex) templateGroup(in []rune, at int) (text []rune, group, n int, err error) {
	if len(in) < 3 || in[2] != '<' {
		return nil, -1, 0, fmt.Errorf("missing < at position %d", at+2)
	}
	end := 3
	for end < len(in) && in[end] != '>' {
		end++
	}
	name := string(in[3:end])
	switch {
	case name == "":
		return nil, -1, 0, fmt.Errorf("missing group name at position %d", at+3)
	case end == len(in):
		return nil, -1, 0, fmt.Errorf("missing >, unterminated name at position %d", at+3)
	}
	if number, err := strconv.Atoi(name); err == nil && number >= 0 {
		if number > re.Groups() {
			return nil, -1, 0, fmt.Errorf("invalid group reference %d at position %d%w", number, at+3, noGroup{})
		}
		return nil, number, end + 1, nil
	}
	if !identifier(name) {
		return nil, -1, 0, fmt.Errorf("bad character in group name '%s' at position %d", name, at+3)
	}
	if group = re.number(name); group < 0 {
		return nil, -1, 0, fmt.Errorf("unknown group name '%s'%w", name, noGroup{})
	}
	return nil, group, end + 1, nil
}

// fill adds the template's text for a match.
func (t *Template) fill(out []rune, m *Match) []rune {
	for _, p := range t.parts {
		if p.group < 0 {
			out = append(out, p.text...)
		} else if start, end := m.Span(p.group); start >= 0 {
			out = append(out, m.text[start:end]...)
		}
	}
	return out
}

// Sub replaces matches by a template, at most count of them (all when count is 0), and tells
// how many were replaced.
func (re *Regex) Sub(template, s string, count int) (result string, n int, err error) {
	t, err := re.Template(template)
	if err != nil {
		return "", 0, err
	}
	text := decode(s, re.flags)
	var out []rune
	last := 0
	w := walk{re: re, text: text}
	m, err := w.next()
	for ; m != nil && err == nil; m, err = w.next() {
		start, end := m.Span(0)
		out = append(out, text[last:start]...)
		out = t.fill(out, m)
		last = end
		n++
		if n == count {
			break
		}
	}
	if err != nil || n == 0 {
		return s, 0, err
	}
	return encode(append(out, text[last:]...), re.flags), n, nil
}

// Split cuts s at matches, at most limit times (always when limit is 0). Groups of the
// pattern stand between the pieces, nil where one took no part.
func (re *Regex) Split(s string, limit int) ([]any, error) {
	text := decode(s, re.flags)
	var list []any
	last := 0
	w := walk{re: re, text: text}
	m, err := w.next()
	for n := 0; m != nil && err == nil && (limit == 0 || n < limit); m, err = w.next() {
		start, end := m.Span(0)
		list = append(list, encode(text[last:start], re.flags))
		list = append(list, m.Groups()...)
		last = end
		n++
	}
	return append(list, encode(text[last:], re.flags)), err
}
