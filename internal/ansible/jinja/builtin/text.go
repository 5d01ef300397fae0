package builtin

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// overText makes a filter of a function from text to text.
func overText(c *jinja.Call, f func(string) string) (any, error) {
	text, err := c.Text(c.Args[0])
	return f(text), err
}

func upper(c *jinja.Call) (any, error)      { return overText(c, python.Upper) }
func lower(c *jinja.Call) (any, error)      { return overText(c, strings.ToLower) }
func capitalize(c *jinja.Call) (any, error) { return overText(c, python.Capitalize) }
func str(c *jinja.Call) (any, error)        { return overText(c, func(s string) string { return s }) }

var titleBreak = regexp.MustCompile(`[-\s({\[<]+`)

// title makes the first letter behind blanks, hyphens and open brackets upper case.
func title(c *jinja.Call) (any, error) {
	return overText(c, func(s string) string {
		var b strings.Builder
		word := func(w string) {
			r, n := utf8.DecodeRuneInString(w)
			if n > 0 {
				b.WriteString(python.Upper(string(r)) + strings.ToLower(w[n:]))
			}
		}
		at := 0
		for _, m := range titleBreak.FindAllStringIndex(s, -1) {
			word(s[at:m[0]])
			b.WriteString(s[m[0]:m[1]])
			at = m[1]
		}
		word(s[at:])
		return b.String()
	})
}

func center(c *jinja.Call) (any, error) {
	text, err := c.Text(c.Args[0])
	if err != nil {
		return nil, err
	}
	n, ok := c.Args[1].(int64)
	if !ok {
		return nil, fmt.Errorf("'%s' object cannot be interpreted as an integer", value.TypeName(c.Args[1]))
	}
	return python.Justify(text, '^', n, " ")
}

func trim(c *jinja.Call) (any, error) {
	text, err := c.Text(c.Args[0])
	if err != nil {
		return nil, err
	}
	m, _ := python.Attribute(text, "strip")
	return c.Invoke(m, c.Args[1:], nil)
}

func replace(c *jinja.Call) (any, error) {
	var texts [3]string
	for i := range texts {
		var err error
		if texts[i], err = c.Text(c.Args[i]); err != nil {
			return nil, err
		}
	}
	n := int64(-1)
	if c.Args[3] != nil {
		i, ok := c.Args[3].(int64)
		if !ok {
			return nil, fmt.Errorf("'%s' object cannot be interpreted as an integer", value.TypeName(c.Args[3]))
		}
		n = i
	}
	return python.Replace(texts[0], texts[1], texts[2], n)
}

func join(c *jinja.Call) (any, error) {
	items, err := c.Items(c.Args[0])
	if err != nil {
		return nil, err
	}
	separator, err := c.Text(c.Args[1])
	if err != nil {
		return nil, err
	}
	p := pathOf(c.Args[2])
	var b strings.Builder
	for i, x := range items {
		if x, err = key(c, p, x, nil, true); err != nil {
			return nil, err
		}
		text, err := c.Text(x)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(separator)
		}
		if b.Len()+len(text) > python.MaxText {
			return nil, &python.ErrTooLarge{What: "the text"}
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func format(c *jinja.Call) (any, error) {
	text, err := c.Text(c.Args[0])
	if err != nil {
		return nil, err
	}
	if len(c.Args) > 1 && len(c.Kwargs) > 0 {
		return nil, errors.New("can't handle positional and keyword arguments at the same time")
	}
	if len(c.Kwargs) > 0 {
		d := &value.Dict{}
		for _, k := range c.Kwargs {
			d.Set(k.Name, k.Value)
		}
		return python.Percent(text, d)
	}
	return python.Percent(text, value.NewTuple(c.Args[1:]...))
}

// maxIndent bounds the width of an indentation.
const maxIndent = 10_000

func indent(c *jinja.Call) (any, error) {
	text, ok := c.Args[0].(string)
	if !ok {
		return nil, fmt.Errorf("unsupported operand type(s) for +=: '%s' and 'str'", value.TypeName(c.Args[0]))
	}
	by, ok := c.Args[1].(string)
	if !ok {
		n, isInt := c.Args[1].(int64)
		if !isInt || n > maxIndent {
			return nil, fmt.Errorf("can't indent by %s: a text or a number up to %d is wanted", value.Repr(c.Args[1]), maxIndent)
		}
		by = strings.Repeat(" ", int(max(n, 0)))
	}
	onFirst, onBlank := python.Truth(c.Args[2]), python.Truth(c.Args[3])
	lines := python.Lines(text+"\n", false).Items
	if len(lines)*len(by) > python.MaxText {
		return nil, &python.ErrTooLarge{What: "the text"}
	}
	var b strings.Builder
	for i, l := range lines {
		line := l.(string)
		if i > 0 {
			b.WriteByte('\n')
		}
		if i == 0 && onFirst || i > 0 && (line != "" || onBlank) {
			b.WriteString(by)
		}
		b.WriteString(line)
	}
	return b.String(), nil
}

// leeway is how much longer than asked for a text may be before truncate cuts it.
const leeway = 5

func truncate(c *jinja.Call) (any, error) {
	length, ok1 := c.Args[1].(int64)
	end, ok2 := c.Args[3].(string)
	more, ok3 := c.Args[4].(int64)
	if c.Args[4] == nil {
		more, ok3 = leeway, true
	}
	if !ok1 || !ok2 || !ok3 {
		return nil, errors.New("truncate takes a length, a text to end with and a leeway")
	}
	n := int64(utf8.RuneCountInString(end))
	if length < n {
		return nil, fmt.Errorf("expected length >= %d, got %d", n, length)
	}
	if more < 0 {
		return nil, fmt.Errorf("expected leeway >= 0, got %d", more)
	}
	size, err := python.Len(c.Args[0])
	if err != nil || int64(size) <= length+more { // a short list comes back as it is
		return c.Args[0], err
	}
	s, ok := c.Args[0].(string)
	if !ok {
		return nil, fmt.Errorf("truncate takes text, not %s", value.TypeName(c.Args[0]))
	}
	r := []rune(s)
	cut := string(r[:length-n])
	if !python.Truth(c.Args[2]) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, nil
}

var word = regexp.MustCompile(`[\p{L}\p{N}_]+`)

func wordcount(c *jinja.Call) (any, error) {
	text, err := c.Text(c.Args[0])
	return int64(len(word.FindAllStringIndex(text, -1))), err
}
