package builtin

import (
	"errors"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")

func escape(c *jinja.Call) (any, error) { return overText(c, escaper.Replace) }

var (
	comment = regexp.MustCompile(`(?s)<!--.*?-->`)
	tag     = regexp.MustCompile(`(?s)<.*?>`)
)

func stripTags(c *jinja.Call) (any, error) {
	return overText(c, func(s string) string {
		s = tag.ReplaceAllString(comment.ReplaceAllString(s, ""), "")
		return html.UnescapeString(strings.Join(strings.Fields(s), " "))
	})
}

var notInAttribute = regexp.MustCompile(`[\s/>=]`)

func xmlattr(c *jinja.Call) (any, error) {
	pairs, err := pairsOf(c.Args[0])
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range pairs {
		k, v := p.(*value.List).Items[0], p.(*value.List).Items[1]
		switch v := v.(type) {
		case nil:
			continue
		case *value.Undefined:
			if v.Err != nil {
				return nil, jinja.Use(v)
			}
			continue
		}
		name, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("expected string or bytes-like object, got '%s'", value.TypeName(k))
		}
		if notInAttribute.MatchString(name) {
			return nil, errors.New("Invalid character in attribute name: " + value.Repr(name)) // Jinja's words
		}
		text, err := c.Text(v)
		if err != nil {
			return nil, err
		}
		out = append(out, escaper.Replace(name)+`="`+escaper.Replace(text)+`"`)
	}
	all := strings.Join(out, " ")
	if all != "" && python.Truth(c.Args[1]) {
		all = " " + all
	}
	return all, nil
}

// quoteURL is urllib's quote: all but letters, digits, _.-~ and the slash as %XX.
func quoteURL(s string, query bool) string {
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		switch {
		case ch >= 'a' && ch <= 'z', ch >= 'A' && ch <= 'Z', ch >= '0' && ch <= '9', strings.IndexByte("_.-~", ch) >= 0, ch == '/' && !query:
			b.WriteByte(ch)
		case ch == ' ' && query:
			b.WriteByte('+')
		default:
			fmt.Fprintf(&b, "%%%02X", ch)
		}
	}
	return b.String()
}

func urlencode(c *jinja.Call) (any, error) {
	v := c.Args[0]
	var pairs []any
	switch x := v.(type) {
	case *value.Dict, jinja.Mapping:
		var err error
		if pairs, err = pairsOf(x); err != nil {
			return nil, err
		}
	case *value.List:
		pairs = x.Items
	default:
		return overText(c, func(s string) string { return quoteURL(s, false) })
	}
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		kv, err := python.Items(p)
		if err != nil {
			return nil, fmt.Errorf("cannot unpack non-iterable %s object", value.TypeName(p))
		}
		if len(kv) != 2 {
			return nil, fmt.Errorf("not enough values to unpack (expected 2, got %d)", len(kv))
		}
		k, err := c.Text(kv[0])
		if err != nil {
			return nil, err
		}
		v, err := c.Text(kv[1])
		if err != nil {
			return nil, err
		}
		parts[i] = quoteURL(k, true) + "=" + quoteURL(v, true)
	}
	return strings.Join(parts, "&"), nil
}

var (
	blanks = regexp.MustCompile(`\s+`)
	scheme = regexp.MustCompile(`^[\w.+-]{2,}:/{0,2}$`)
	link   = regexp.MustCompile(`(?i)^(?:(?:https?://|www\.)(?:(?:[\w%-]+\.)+)?(?:[a-z]{2,63}|xn--[\w%]{2,59})|(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)|https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\]))(?::\d{1,5})?(?:[/?#]\S*)?$`)
	mail   = regexp.MustCompile(`^\S+@\w[\w.-]*\.\w+$`)
	opens  = regexp.MustCompile(`^(?:[(<]|&lt;)+`)
	closes = regexp.MustCompile(`(?:[)>.,\n]|&gt;)+$`)
)

// linker makes links of the words that are URLs or addresses.
type linker struct {
	limit      int // of the text shown, -1 for none
	attributes string
	schemes    []string
}

func urlize(c *jinja.Call) (any, error) {
	text, err := c.Text(c.Args[0])
	if err != nil {
		return nil, err
	}
	l := linker{limit: -1}
	if n, ok := c.Args[1].(int64); ok {
		l.limit = int(max(n, 0))
	}
	rel, _ := c.Args[4].(string)
	parts := append(strings.Fields(rel), "noopener")
	if python.Truth(c.Args[2]) {
		parts = append(parts, "nofollow")
	}
	slices.Sort(parts)
	l.attributes = ` rel="` + escaper.Replace(strings.Join(slices.Compact(parts), " ")) + `"`
	if target, ok := c.Args[3].(string); ok && target != "" {
		l.attributes += ` target="` + escaper.Replace(target) + `"`
	}
	if c.Args[5] != nil {
		schemes, err := c.Items(c.Args[5])
		if err != nil {
			return nil, err
		}
		for _, x := range schemes {
			s, ok := x.(string)
			if !ok || !scheme.MatchString(s) {
				return nil, fmt.Errorf("%s is not a valid URI scheme prefix.", value.Repr(x)) // Jinja's words
			}
			l.schemes = append(l.schemes, s)
		}
	}
	var b strings.Builder
	text = escaper.Replace(text)
	at := 0
	for _, m := range append(blanks.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		b.WriteString(l.word(text[at:m[0]]))
		b.WriteString(text[m[0]:m[1]])
		at = m[1]
	}
	return b.String(), nil
}

func (l linker) word(middle string) string {
	head := opens.FindString(middle)
	middle = middle[len(head):]
	tail := ""
	if at := closes.FindStringIndex(middle); at != nil {
		middle, tail = middle[:at[0]], middle[at[0]:]
	}
	// What is opened within a URL is closed within it.
	for _, pair := range [][2]string{{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}} {
		open := strings.Count(middle, pair[0])
		if open <= strings.Count(middle, pair[1]) {
			continue
		}
		for range min(open, strings.Count(tail, pair[1])) {
			end := strings.Index(tail, pair[1]) + len(pair[1])
			middle, tail = middle+tail[:end], tail[end:]
		}
	}
	return head + l.link(middle) + tail
}

func (l linker) link(s string) string {
	a := func(href, shown string) string { return `<a href="` + href + `"` + l.attributes + `>` + shown + `</a>` }
	switch {
	case link.MatchString(s):
		href := s
		if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
			href = "https://" + s
		}
		return a(href, l.shown(s))
	case strings.HasPrefix(s, "mailto:") && mail.MatchString(s[7:]):
		return `<a href="` + s + `">` + s[7:] + `</a>`
	case strings.Contains(s, "@") && !strings.HasPrefix(s, "www.") && !strings.HasPrefix(s, "@") && !strings.Contains(s, ":") && mail.MatchString(s):
		return `<a href="mailto:` + s + `">` + s + `</a>`
	}
	for _, p := range l.schemes {
		if s != p && strings.HasPrefix(s, p) {
			return a(s, s)
		}
	}
	return s
}

func (l linker) shown(s string) string {
	if l.limit < 0 || utf8.RuneCountInString(s) <= l.limit {
		return s
	}
	return string([]rune(s)[:l.limit]) + "..."
}
