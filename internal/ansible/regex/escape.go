package regex

import (
	"strconv"
	"strings"
	"unicode"
)

// classes are \w, \d and \s as Python knows them, in the engine's words, for inside of
// brackets.
func (t *translator) class(c rune) (string, bool) {
	if t.flags&ASCII != 0 {
		switch c {
		case 'w':
			return `a-zA-Z0-9_`, true
		case 'd':
			return `0-9`, true
		case 's':
			return ` \t\n\r\f\v`, true
		}
		return "", false
	}
	switch c {
	case 'w':
		return `\p{L}\p{N}_`, true
	case 'd':
		return `\p{Nd}`, true
	case 's':
		return `\s\x1c-\x1f`, true
	}
	return "", false
}

// escape reads what begins with a backslash outside of brackets.
func (t *translator) escape() error {
	start := t.at
	t.at++
	if !t.more() {
		return t.fail(start, "bad escape (end of pattern)")
	}
	c := t.in[t.at]
	if set, ok := t.class(unicode.ToLower(c)); ok {
		t.at++
		if unicode.IsUpper(c) {
			t.out.WriteString("[^" + set + "]")
		} else {
			t.out.WriteString("[" + set + "]")
		}
		return nil
	}
	switch c {
	case 'A', 'b', 'B':
		t.at++
		t.out.WriteString(`\` + string(c))
		return nil
	case 'Z':
		t.at++
		t.out.WriteString(`\z`)
		return nil
	}
	if c >= '1' && c <= '9' {
		return t.numbered(start)
	}
	r, err := t.character(start)
	if err != nil {
		return err
	}
	t.literal(r)
	return nil
}

// numbered reads "\1", or an octal escape of three digits.
func (t *translator) numbered(start int) error {
	if t.at+2 < len(t.in) && octal(t.in[t.at]) && octal(t.in[t.at+1]) && octal(t.in[t.at+2]) {
		v := octalValue(t.in[t.at : t.at+3])
		if v > 0o377 {
			return t.fail(start, `octal escape value \%s outside of range 0-0o377`, string(t.in[t.at:t.at+3]))
		}
		t.at += 3
		t.literal(v)
		return nil
	}
	end := t.at + 1
	if end < len(t.in) && t.in[end] >= '0' && t.in[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(string(t.in[t.at:end]))
	if n >= len(t.names) {
		return t.fail(start+1, "invalid group reference %d", n)
	}
	t.at = end
	return t.reference(n, start)
}

// character reads an escape that stands for one character; t.at is behind the backslash.
func (t *translator) character(start int) (rune, error) {
	c := t.in[t.at]
	t.at++
	switch c {
	case 'x':
		return t.hex(start, 2)
	case 'u':
		return t.hex(start, 4)
	case 'U':
		return t.hex(start, 8)
	case '0':
		end := t.at
		for end < len(t.in) && end < t.at+2 && octal(t.in[end]) {
			end++
		}
		v := octalValue(t.in[t.at:end])
		t.at = end
		return v, nil
	}
	if r, ok := controlEscapes()[c]; ok && c != 'b' {
		return r, nil
	}
	if c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
		return 0, t.fail(start, `bad escape \%c`, c)
	}
	return c, nil
}

func (t *translator) hex(start, digits int) (rune, error) {
	if t.at+digits <= len(t.in) {
		if v, err := strconv.ParseUint(string(t.in[t.at:t.at+digits]), 16, 32); err == nil && v <= unicode.MaxRune {
			t.at += digits
			return rune(v), nil
		}
	}
	end := t.at
	for end < len(t.in) && end < t.at+digits && strings.ContainsRune("0123456789abcdefABCDEF", t.in[end]) {
		end++
	}
	return 0, t.fail(start, "incomplete escape %s", string(t.in[start:end]))
}

// set reads "[...]". Negated classes within it become alternatives beside it, because the
// engine does not get sets like [^\W\d] right.
func (t *translator) set() error {
	start, begin := t.at, t.out.Len()
	t.at++
	not := t.eat("^")
	t.outside = nil
	for first := true; ; first = false {
		if !t.more() {
			return t.fail(start, "unterminated character set")
		}
		if t.in[t.at] == ']' && !first {
			break
		}
		if err := t.span(); err != nil {
			return err
		}
	}
	t.at++
	items := string(t.out.Bytes()[begin:])
	t.out.Truncate(begin)
	sets := t.outside
	if items != "" {
		sets = append(sets, "["+items+"]")
	}
	switch {
	case len(t.outside) == 0 && not:
		t.out.WriteString("[^" + items + "]")
	case len(t.outside) == 0:
		t.out.WriteString("[" + items + "]")
	case not:
		t.out.WriteString("(?:(?!" + strings.Join(sets, "|") + `)[\s\S])`)
	default:
		t.out.WriteString("(?:" + strings.Join(sets, "|") + ")")
	}
	return nil
}

// span reads one element of a set: a character, a class or a range.
func (t *translator) span() error {
	start := t.at
	low, isClass, err := t.element()
	if err != nil {
		return err
	}
	if !t.more() || t.in[t.at] != '-' || t.at+1 < len(t.in) && t.in[t.at+1] == ']' || t.at+1 >= len(t.in) {
		if !isClass {
			t.literal(low)
		}
		return nil
	}
	t.at++
	high, highClass, err := t.element()
	if err != nil {
		return err
	}
	if isClass || highClass || high < low {
		return t.fail(start, "bad character range %s", string(t.in[start:t.at]))
	}
	t.literal(low)
	t.out.WriteByte('-')
	t.literal(high)
	return nil
}

// element reads one character of a set; a class is written at once.
func (t *translator) element() (r rune, isClass bool, err error) {
	start := t.at
	c := t.in[t.at]
	t.at++
	if c != '\\' {
		return c, false, nil
	}
	if !t.more() {
		return 0, false, t.fail(start, "bad escape (end of pattern)")
	}
	c = t.in[t.at]
	if set, ok := t.class(unicode.ToLower(c)); ok {
		t.at++
		if unicode.IsUpper(c) {
			t.outside = append(t.outside, "[^"+set+"]")
		} else {
			t.out.WriteString(set)
		}
		return 0, true, nil
	}
	switch {
	case c == 'b':
		t.at++
		return '\b', false, nil
	case c >= '1' && c <= '7' && t.at+2 < len(t.in) && octal(t.in[t.at+1]) && octal(t.in[t.at+2]):
		t.at += 3
		return octalValue(t.in[t.at-3 : t.at]), false, nil
	}
	r, err = t.character(start)
	return r, false, err
}
