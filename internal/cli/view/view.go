// Package view is how things look: plans, diagnostics, running operations, states
// and outputs, as text for people and as JSON for machines.
//
// In: values of the house (a plan, diagnostics, rows). Out: text on a writer. It
// owns layout, colours and the JSON formats, which are Terraform's where Terraform
// has one, so that people and programs that read one read the other. It must not
// know the engine, the store, files or clocks: whoever calls it hands in the time.
//
// Files: diag.go and snippet.go diagnostics, value.go, delta.go, list.go and
// text.go values and their differences, change.go one entry of a plan, plan.go all
// of it, progress.go what is under way, summary.go how it ended, and json*.go the
// forms for machines.
package view

import (
	"io"
	"strings"
)

// DefaultWidth is that of a terminal which does not tell, in columns.
const DefaultWidth = 80

// Style says how to write. The zero value is plain text, 80 columns wide.
type Style struct {
	Color bool
	// Width is in columns; DefaultWidth when 0. Only prose is wrapped: values keep
	// their lines, so that they can be copied.
	Width int
	// Name is what the program was called by; "tutti" when "".
	Name string
	// Blocks tells which attributes of an object are written as blocks; nil when
	// nobody knows, and then none is.
	Blocks BlockFinder
	// Types tells of which type an object's attributes are; nil when nobody knows,
	// and then they are read as JSON has them.
	Types TypeFinder
}

func (s Style) width() int {
	if s.Width <= 0 {
		return DefaultWidth
	}
	return s.Width
}

func (s Style) name() string {
	if s.Name == "" {
		return "tutti"
	}
	return s.Name
}

// paint is an ANSI sequence that starts a colour.
type paint string

const (
	bold      paint = "\x1b[1m"
	underline paint = "\x1b[4m"
	red       paint = "\x1b[31m"
	green     paint = "\x1b[32m"
	yellow    paint = "\x1b[33m"
	cyan      paint = "\x1b[36m"
	grey      paint = "\x1b[90m"
	boldRed   paint = "\x1b[1;31m"
	boldGreen paint = "\x1b[1;32m"
	boldAmber paint = "\x1b[1;33m"
)

const reset = "\x1b[0m"

// paint gives the text in a colour, when there are colours.
func (s Style) paint(p paint, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return string(p) + text + reset
}

// Wrap breaks prose at the width. Lines that begin with a space are kept as they
// are: they hold commands and examples.
func Wrap(text string, width int) []string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if line == "" || line[0] == ' ' || columns(line) <= width {
			out = append(out, line)
			continue
		}
		out = append(out, wrapLine(line, width)...)
	}
	return out
}

func wrapLine(line string, width int) []string {
	var out []string
	var b strings.Builder
	used := 0
	for word := range strings.FieldsSeq(line) {
		n := columns(word)
		if used > 0 && used+1+n > width {
			out = append(out, b.String())
			b.Reset()
			used = 0
		}
		if used > 0 {
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return append(out, b.String())
}

// write hands the text on. What cannot be shown is nobody's to repair, so an error
// is dropped here: a closed pipe ends the program by its signal.
func write(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

// count gives "1 thing" or "3 things".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + many
}
