package view

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// text writes a string: quoted, as a heredoc when it has several lines, or as
// jsonencode(...) when it holds JSON.
func (p *printer) text(s string, indent int, o op) {
	if v, ok := jsonValue(s); ok && v.LengthInt() > 0 {
		p.WriteString("jsonencode(\n")
		p.line(indent+4, same)
		p.whole(v, indent+4, o)
		p.WriteByte('\n')
		p.line(indent, same)
		p.WriteByte(')')
		return
	}
	if !strings.Contains(s, "\n") {
		p.WriteString(quoted(s))
		return
	}
	p.WriteString("<<-EOT\n")
	for _, l := range textLines(s) {
		p.textLine(l, indent+4, same)
	}
	p.line(indent, same)
	p.WriteString("EOT")
}

func textLines(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") }

// textLine writes one line of a text. What would move the cursor is shown instead
// of done.
func (p *printer) textLine(l string, indent int, o op) {
	p.line(indent, o)
	p.WriteString(printable(l))
	p.WriteByte('\n')
}

// printable replaces control characters, which could otherwise repaint a terminal
// from within a value.
func printable(s string) string {
	clean := func(r rune) bool { return r != '\t' && (r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0) }
	if strings.IndexFunc(s, clean) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == 0x7f || r >= 0x80 && r < 0xa0:
			return '\uFFFD'
		case clean(r):
			return '\u2400' + r // the picture of the character
		default:
			return r
		}
	}, s)
}

// textDelta writes the difference of two strings that are not equal.
func (p *printer) textDelta(before, after string, indent int, note string) {
	if b, ok := jsonValue(before); ok {
		if a, ok := jsonValue(after); ok && b.LengthInt() > 0 && a.LengthInt() > 0 {
			p.jsonDelta(b, a, indent, note)
			return
		}
	}
	if !strings.Contains(before, "\n") && !strings.Contains(after, "\n") {
		p.WriteString(quoted(before) + p.arrow() + quoted(after) + note)
		return
	}
	p.WriteString("<<-EOT" + note + "\n")
	b, a := textLines(before), textLines(after)
	walkEdits(len(b), len(a), func(i, j int) bool { return b[i] == a[j] }, &textEdits{p, b, a, indent + 4})
	if was, is := strings.HasSuffix(before, "\n"), strings.HasSuffix(after, "\n"); was != is {
		p.line(indent+4, same)
		word := "added"
		if was {
			word = "removed"
		}
		p.WriteString(p.s.paint(grey, "# (the newline at the end is "+word+")") + "\n")
	}
	p.line(indent, same)
	p.WriteString("EOT")
}

type textEdits struct {
	p             *printer
	before, after []string
	indent        int
}

// textContext is how many unchanged lines are shown around a changed one.
const textContext = 3

func (t *textEdits) keep(i, _, n int, first, last bool) {
	head, tail := textContext, textContext
	if first {
		head = 0
	}
	if last {
		tail = 0
	}
	for k := range n {
		if n > head+tail+1 && k >= head && k < n-tail {
			if k == head {
				t.p.hidden(t.indent, n-head-tail, "line", "lines")
			}
			continue
		}
		t.p.textLine(t.before[i+k], t.indent, same)
	}
}

func (t *textEdits) change(i, n, j, m int) {
	for k := range n {
		t.p.textLine(t.before[i+k], t.indent, del)
	}
	for k := range m {
		t.p.textLine(t.after[j+k], t.indent, add)
	}
}

func (p *printer) jsonDelta(b, a cty.Value, indent int, note string) {
	p.WriteString("jsonencode(" + note + "\n")
	if b.RawEquals(a) {
		p.line(indent+4, same)
		p.WriteString(p.s.paint(grey, "# (only the white space or the order of names differs)"))
	} else {
		p.line(indent+4, upd)
		p.delta(b, a, indent+4, nil, "")
	}
	p.WriteByte('\n')
	p.line(indent, same)
	p.WriteByte(')')
}

func (p *printer) arrow() string { return " " + p.s.paint(yellow, "->") + " " }
