package view

import (
	"fmt"
	"io"
	"strings"

	"tutti/internal/diag"
)

// Diags writes diagnostics in full, each in a box with the lines of the file that
// it is about. Sources are the texts of the files, by the names in ranges.
func (s Style) Diags(w io.Writer, list diag.List, sources map[string][]byte) {
	x := newSnippets(sources)
	for _, d := range list.Sorted() {
		write(w, s.diagnostic(d, x))
	}
}

// Compact writes errors in full and warnings as one line each (-compact-warnings).
func (s Style) Compact(w io.Writer, list diag.List, sources map[string][]byte) {
	x := newSnippets(sources)
	var warnings []string
	for _, d := range list.Sorted() {
		if d.Severity == diag.Error {
			write(w, s.diagnostic(d, x))
			continue
		}
		warnings = append(warnings, compactLine(d))
	}
	if len(warnings) == 0 {
		return
	}
	write(w, s.paint(boldAmber, "Warnings:")+"\n\n"+strings.Join(warnings, "")+
		"\nLeave out -compact-warnings to see them in full.\n")
}

func compactLine(d *diag.Diagnostic) string {
	text := "- " + printable(d.Headline)
	if d.Subject != nil {
		text += fmt.Sprintf(" (%s line %d)", d.Subject.Filename, d.Subject.Start.Line)
	} else if d.Address != "" {
		text += " (" + d.Address + ")"
	}
	return text + "\n"
}

// box is a frame at the left of a text.
type box struct {
	strings.Builder
	s     Style
	color paint
}

func (b *box) line(text string) {
	b.WriteString(b.s.paint(b.color, "│"))
	if text != "" {
		b.WriteString(" " + text)
	}
	b.WriteByte('\n')
}

func (s Style) diagnostic(d *diag.Diagnostic, x *snippets) string {
	b := &box{s: s, color: red}
	strong := boldRed
	if d.Severity == diag.Warning {
		b.color, strong = yellow, boldAmber
	}
	b.WriteString(s.paint(b.color, "╷") + "\n")
	b.line(s.paint(strong, d.Severity.String()+": ") + s.paint(bold, printable(d.Headline)))
	b.place(d, x)
	if d.Detail != "" {
		b.line("")
		for _, l := range Wrap(strings.TrimSpace(d.Detail), s.width()-2) {
			b.line(printable(l))
		}
	}
	b.WriteString(s.paint(b.color, "╵") + "\n")
	return b.String()
}

// place says where it is: the object, the file, the line with what is wrong in it
// underlined, and what the references there stand for.
func (b *box) place(d *diag.Diagnostic, x *snippets) {
	if d.Address == "" && d.Subject == nil {
		return
	}
	b.line("")
	if d.Address != "" {
		end := ","
		if d.Subject == nil {
			end = "."
		}
		b.line("  with " + printable(d.Address) + end)
	}
	if d.Subject == nil {
		return
	}
	sn := x.of(d)
	in := ""
	if sn.context != "" {
		in = ", in " + sn.context
	}
	end := ":"
	if len(sn.lines) == 0 {
		end = "."
	}
	b.line(fmt.Sprintf("  on %s line %d%s%s", d.Subject.Filename, d.Subject.Start.Line, in, end))
	for _, l := range sn.lines {
		b.source(l, sn.digits)
	}
	if len(d.Values) > 0 {
		b.line("    " + b.s.paint(grey, "├────────────────"))
		for _, v := range d.Values {
			b.line("    " + b.s.paint(grey, "│") + " " + printable(v))
		}
	}
}

// source writes one line of a file. What is wrong is underlined: by the terminal
// where it can, by a line of its own otherwise.
func (b *box) source(l sourceLine, digits int) {
	number := fmt.Sprintf("  %*d: ", digits, l.number)
	before, wrong, after := printable(l.text[:l.from]), printable(l.text[l.from:l.to]), printable(l.text[l.to:])
	b.line(number + before + b.s.paint(bold+underline, wrong) + after)
	if b.s.Color || l.from == l.to {
		return
	}
	under := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, before)
	under += spaces(max(columns(before)-columns(under), 0))
	b.line(spaces(len(number)) + under + strings.Repeat("^", max(columns(wrong), 1)))
}
