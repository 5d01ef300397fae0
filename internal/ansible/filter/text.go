package filter

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/regex"
	"tutti/internal/ansible/value"
)

// expression compiles a pattern with the flags that filters have.
func expression(pattern, ignoreCase, multiline any) (*regex.Regex, error) {
	text, ok := pattern.(string)
	if !ok {
		return nil, errors.New("first argument must be string or compiled pattern")
	}
	return regex.Compile(text, flags(ignoreCase, multiline))
}

func flags(ignoreCase, multiline any) regex.Flags {
	var f regex.Flags
	if python.Truth(ignoreCase) {
		f |= regex.IgnoreCase
	}
	if python.Truth(multiline) {
		f |= regex.Multiline
	}
	return f
}

func regexReplace(_ *jinja.Call, a []any) (any, error) {
	text := value.String(a[0])
	re, err := expression(a[1], a[3], a[4])
	if err != nil {
		return nil, err
	}
	with, ok := a[2].(string)
	if !ok {
		return nil, fmt.Errorf("decoding to str: need a bytes-like object, %s found", value.TypeName(a[2]))
	}
	count, ok := asIndex(a[5])
	if !ok {
		return nil, notInteger(a[5])
	}
	out, n, err := text, 0, error(nil)
	if count >= 0 { // with a negative count, Python replaces nothing
		out, n, err = re.Sub(with, text, int(count))
	}
	if err != nil {
		return nil, err
	}
	if python.Truth(a[6]) && !value.Equal(a[6], int64(n)) {
		return nil, fmt.Errorf("'%s' should match %s times, but matches %d times in '%s'", value.String(a[1]), value.String(a[6]), count, text)
	}
	return out, nil
}

func regexFindall(_ *jinja.Call, a []any) (any, error) {
	re, err := expression(a[1], a[3], a[2])
	if err != nil {
		return nil, err
	}
	found, err := re.FindAll(value.String(a[0]))
	if err != nil {
		return nil, err
	}
	out := make([]any, len(found))
	for i, m := range found {
		switch groups := m.Groups(); len(groups) {
		case 0:
			out[i] = m.String()
		case 1:
			out[i] = orEmpty(groups[0])
		default:
			for j, g := range groups {
				groups[j] = orEmpty(g)
			}
			out[i] = value.NewTuple(groups...)
		}
	}
	return &value.List{Items: out}, nil
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

func regexSearch(c *jinja.Call, a []any) (any, error) {
	var groups []any
	for _, arg := range a[2:] {
		g, err := backReference(arg)
		if err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	ignoreCase, _ := c.Kwarg("ignorecase")
	multiline, _ := c.Kwarg("multiline")
	re, err := expression(a[1], ignoreCase, multiline)
	if err != nil {
		return nil, err
	}
	m, err := re.Search(value.String(a[0]))
	if m == nil || err != nil {
		return nil, err
	}
	if groups == nil {
		return m.String(), nil
	}
	out := make([]any, 0, len(groups))
	for _, g := range groups {
		text, took, known := "", false, false
		if n, ok := g.(int); ok {
			known = n <= re.Groups()
			if known {
				text, took = m.Group(n)
			}
		} else {
			text, took, known = m.Named(g.(string))
		}
		if !known {
			return nil, errors.New("no such group")
		}
		if took {
			out = append(out, text)
		} else {
			out = append(out, nil)
		}
	}
	return &value.List{Items: out}, nil
}

// backReference reads \1 or \g<name>: a number or a name.
func backReference(arg any) (any, error) {
	text, ok := arg.(string)
	switch {
	case !ok:
		return nil, fmt.Errorf("'%s' object has no attribute 'startswith'", value.TypeName(arg))
	case strings.HasPrefix(text, `\g`):
		rest, ok := strings.CutPrefix(text, `\g<`)
		end := len(rest)
		if i := strings.IndexAny(rest, " \t\n\r\f\v"); i >= 0 {
			end = i
		}
		if end = strings.LastIndexByte(rest[:end], '>'); ok && end > 0 {
			return rest[:end], nil
		}
	case strings.HasPrefix(text, `\`):
		n := 1
		for n < len(text) && text[n] >= '0' && text[n] <= '9' {
			n++
		}
		if n > 1 {
			number, err := strconv.Atoi(text[1:n])
			if err != nil {
				return nil, errors.New("no such group")
			}
			return number, nil
		}
	default:
		return nil, errors.New("Unknown argument") // Ansible's own words
	}
	return nil, errors.New("'NoneType' object has no attribute 'group'")
}

func regexEscape(_ *jinja.Call, a []any) (any, error) {
	text := value.String(a[0])
	switch a[1] {
	case "python":
		return regex.Escape(text), nil
	case "posix_basic":
		var b strings.Builder
		for i := range len(text) {
			if strings.IndexByte(`].[^$*\`, text[i]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(text[i])
		}
		return b.String(), nil
	case "posix_extended":
		return nil, fmt.Errorf("Regex type (%s) not yet implemented", value.String(a[1])) // Ansible's own words
	}
	return nil, fmt.Errorf("Invalid regex type (%s)", value.String(a[1])) // Ansible's own words
}

func quote(_ *jinja.Call, a []any) (any, error) {
	if a[0] == nil {
		return "''", nil
	}
	return Quote(value.String(a[0])), nil
}

// Quote makes text one word of a shell's.
func Quote(text string) string {
	if text == "" {
		return "''"
	}
	for i := range len(text) {
		c := text[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("_@%+=:,./-", c) < 0 {
			return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'"
		}
	}
	return text
}

// maxComment bounds the text that comment makes of repeated lines.
const maxComment = 16 << 20

// commentStyle gives the parameters of a style, as key and value in turn.
func commentStyle(name string) []any {
	switch name {
	case "plain":
		return []any{"decoration", "# "}
	case "erlang":
		return []any{"decoration", "% "}
	case "c":
		return []any{"decoration", "// "}
	case "cblock":
		return []any{"beginning", "/*", "decoration", " * ", "end", " */"}
	case "xml":
		return []any{"beginning", "<!--", "decoration", " - ", "end", "-->"}
	}
	return nil
}

func comment(c *jinja.Call, a []any) (any, error) {
	style, _ := a[1].(string)
	own := commentStyle(style)
	if own == nil {
		if err := python.Hashable(a[1]); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("Invalid style %s.", value.Repr(a[1])) // Ansible's own words
	}
	given := &value.Dict{}
	for _, k := range c.Kwargs {
		given.Set(k.Name, k.Value)
	}
	styled := value.NewDict(own...)
	decoration, ok := given.Get("decoration")
	if !ok {
		decoration, _ = styled.Get("decoration")
	}
	mark, ok := decoration.(string)
	if !ok {
		return nil, fmt.Errorf("'%s' object has no attribute 'rstrip'", value.TypeName(decoration))
	}
	p := value.NewDict("newline", "\n", "beginning", "", "prefix", strip(mark), "prefix_count", int64(1),
		"decoration", "", "postfix", strip(mark), "postfix_count", int64(1), "end", "")
	p.Update(styled)
	p.Update(given)
	return decorate(a[0], p)
}

func strip(s string) string { return strings.TrimRight(s, " \t\n\r\f\v") }

func decorate(text any, p *value.Dict) (any, error) {
	get := func(key string) string { v, _ := p.Get(key); return value.String(v) }
	truth := func(key string) bool { v, _ := p.Get(key); return python.Truth(v) }
	body, ok := text.(string)
	if !ok {
		return nil, fmt.Errorf("'%s' object has no attribute 'replace'", value.TypeName(text))
	}
	count := func(key string) (int, error) {
		v, _ := p.Get(key)
		n, ok := asInt(v)
		if s, isText := v.(string); isText {
			i, err := strconv.Atoi(strings.TrimSpace(s))
			n, ok = int64(i), err == nil
		}
		if !ok {
			return 0, notInteger(v)
		}
		if n > maxComment/int64(len(get("prefix"))+len(get("postfix"))+len(get("newline"))+1) {
			return 0, fmt.Errorf("%s is %d: a comment may be at most %d bytes long", key, n, maxComment)
		}
		return int(max(n, 0)), nil
	}
	newline, decoration := get("newline"), get("decoration")
	prefixes, err := count("prefix_count")
	if err != nil {
		return nil, err
	}
	postfixes, err := count("postfix_count")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if truth("beginning") {
		b.WriteString(get("beginning") + newline)
	}
	if truth("prefix") {
		line := newline
		if get("prefix") != newline {
			line = get("prefix") + newline
		}
		b.WriteString(strings.Repeat(line, prefixes))
	}
	lines := decoration + strings.ReplaceAll(body, newline, newline+decoration)
	b.WriteString(strings.ReplaceAll(lines, decoration+newline, strip(decoration)+newline))
	b.WriteString(strings.Repeat(newline+get("postfix"), postfixes))
	if truth("end") {
		b.WriteString(newline + get("end"))
	}
	return b.String(), nil
}

func ternary(_ *jinja.Call, a []any) (any, error) {
	switch v := a[0].(type) {
	case *value.Undefined:
		if !v.Lenient {
			return nil, jinja.Use(v)
		}
	case *value.Unknown:
		return v, nil
	case nil:
		if a[3] != nil {
			return a[3], nil
		}
	}
	if python.Truth(a[0]) {
		return a[1], nil
	}
	return a[2], nil
}

func mandatory(_ *jinja.Call, a []any) (any, error) {
	u, ok := a[0].(*value.Undefined)
	if !ok {
		return a[0], nil
	}
	if u.Err != nil {
		return u, nil
	}
	if a[1] != nil {
		return nil, errors.New(value.String(a[1]))
	}
	name := ""
	if u.Name != "" {
		name = value.Repr(u.Name) + " "
	}
	return nil, fmt.Errorf("Mandatory variable %snot defined.", name) // Ansible's own words
}

func typeDebug(_ *jinja.Call, a []any) (any, error) { return value.TypeName(a[0]), nil }

// Bool is what the bool filter makes of a value; known tells that it is one of those that
// clearly stand for a boolean.
func Bool(v any) (result, known bool) {
	text := ""
	switch v := v.(type) {
	case string:
		text = strings.ToLower(v)
	case bool, int64:
		text = strings.ToLower(value.String(v))
	default:
		return value.Equal(v, int64(1)), false
	}
	switch text {
	case "yes", "on", "true", "1":
		return true, true
	case "no", "off", "false", "0":
		return false, true
	}
	return false, false
}

func toBool(c *jinja.Call, a []any) (any, error) {
	b, known := Bool(a[0])
	if !known {
		warn(c, fmt.Sprintf("The `bool` filter coerced invalid value %s (%s) to %s.", value.Repr(a[0]), value.TypeName(a[0]), value.Repr(b)))
	}
	return b, nil
}
