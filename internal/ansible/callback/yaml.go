package callback

import (
	"regexp"
	"strings"

	"tutti/internal/ansible/document/dump"
	"tutti/internal/ansible/value"
)

// omitted stands for the lines of an output that is shown as a whole.
const omitted = "<omitted>"

// dumpYAML writes a result as YAML. Unless Pretty says no, readers count for more than
// exactness: text of several lines is shown as such.
func (s *screen) dumpYAML(r *value.Dict, indent int) string {
	lossy := s.o.Pretty != "no"
	var v any = r
	if lossy {
		r = r.Shallow()
		for _, key := range []string{"stdout", "stderr"} {
			if r.Has(key) && r.Has(key+"_lines") {
				r.Set(key+"_lines", omitted)
			}
		}
		v = readable(r)
	}
	text, err := dump.YAML(v, dump.Options{Flow: dump.FlowNever, Blocks: true, Indent: indent})
	if err != nil {
		return value.Repr(r)
	}
	if indent == 0 {
		indent = prettyIndent
	}
	return indented(text, indent)
}

// indented puts blanks before every line that is not empty.
func indented(text string, by int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(strings.Repeat(" ", by))
		}
		b.WriteString(line)
	}
	return b.String()
}

var blanksBeforeEnd = regexp.MustCompile(" +([\n\u0085\u2028\u2029])")

// readable makes texts of several lines such that YAML can show them as a block.
func readable(v any) any {
	switch v := v.(type) {
	case *value.Dict:
		out := &value.Dict{}
		for k, item := range v.All() {
			out.Set(k, readable(item))
		}
		return out
	case *value.List:
		out := &value.List{Items: make([]any, len(v.Items)), Tuple: v.Tuple}
		for i, item := range v.Items {
			out.Items[i] = readable(item)
		}
		return out
	case string:
		if !strings.ContainsAny(v, "\n\u0085\u2028\u2029") {
			return v
		}
		text := expandTabs(strings.TrimRight(v, " \t\n\r\v\f\u0085\u2028\u2029"))
		text = strings.Map(func(c rune) rune {
			if c == '\n' || c >= 0x20 && c <= 0x7e || c == 0x85 || c >= 0xa0 && c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd && c != 0xfeff || c >= 0x10000 {
				return c
			}
			return -1
		}, text)
		return blanksBeforeEnd.ReplaceAllString(text, "$1")
	default:
		return v
	}
}

// tabWidth is how far tabs reach.
const tabWidth = 8

func expandTabs(text string) string {
	if !strings.Contains(text, "\t") {
		return text
	}
	var b strings.Builder
	column := 0
	for _, c := range text {
		switch c {
		case '\t':
			n := tabWidth - column%tabWidth
			b.WriteString(strings.Repeat(" ", n))
			column += n
		case '\n', '\r':
			b.WriteRune(c)
			column = 0
		default:
			b.WriteRune(c)
			column++
		}
	}
	return b.String()
}
