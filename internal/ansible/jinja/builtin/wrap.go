package builtin

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

func wordwrap(c *jinja.Call) (any, error) {
	s, ok := c.Args[0].(string)
	if !ok {
		return nil, fmt.Errorf("'%s' object has no attribute 'splitlines'", value.TypeName(c.Args[0]))
	}
	width, ok := c.Args[1].(int64)
	if !ok || width <= 0 {
		return nil, fmt.Errorf("invalid width %s (must be > 0)", value.Repr(c.Args[1]))
	}
	between := "\n"
	if c.Args[3] != nil {
		if between, ok = c.Args[3].(string); !ok {
			return nil, errors.New("wrapstring must be text")
		}
	}
	w := wrapper{width: int(min(width, python.MaxText)), breakLong: python.Truth(c.Args[2]), hyphens: python.Truth(c.Args[4])}
	var lines []string
	for _, l := range python.Lines(s, false).Items {
		lines = append(lines, strings.Join(w.wrap(l.(string)), between))
	}
	return strings.Join(lines, between), nil
}

// wrapper fills lines as Python's textwrap does.
type wrapper struct {
	width              int
	breakLong, hyphens bool
}

// pieces cuts a line into what may not be parted: blanks, words, parts of hyphenated words.
func (w wrapper) pieces(line string) [][]rune {
	var out [][]rune
	r := []rune(line)
	for from := 0; from < len(r); {
		to := from + 1
		blank := unicode.IsSpace(r[from])
		for to < len(r) && unicode.IsSpace(r[to]) == blank {
			to++
		}
		if blank || !w.hyphens {
			out = append(out, r[from:to])
		} else {
			out = append(out, hyphenated(r[from:to])...)
		}
		from = to
	}
	return out
}

// hyphenated cuts a word behind hyphens between letters, and around dashes.
func hyphenated(r []rune) [][]rune {
	letter := func(i int) bool { return i >= 0 && i < len(r) && unicode.IsLetter(r[i]) }
	var out [][]rune
	from := 0
	for i := 0; i < len(r); i++ {
		if r[i] != '-' {
			continue
		}
		end := i
		for end < len(r) && r[end] == '-' {
			end++
		}
		if end-i >= 2 { // a dash stands alone if it stands between words
			if i > from && end < len(r) && (unicode.IsLetter(r[end]) || unicode.IsDigit(r[end])) {
				out = append(out, r[from:i], r[i:end])
				from = end
			}
			i = end - 1
			continue
		}
		before := letter(i-1) && letter(i-2) || letter(i-1) && i >= 3 && r[i-2] == '-' && letter(i-3)
		after := letter(i+1) && (letter(i+2) || i+2 < len(r) && r[i+2] == '-' && letter(i+3))
		if before && after {
			out = append(out, r[from:i+1])
			from = i + 1
		}
	}
	return append(out, r[from:])
}

func (w wrapper) wrap(line string) []string {
	pieces := w.pieces(line)
	var lines []string
	for len(pieces) > 0 {
		var current []rune
		last := 0 // where the last piece of the line begins
		if len(lines) > 0 && unicode.IsSpace(pieces[0][0]) {
			pieces = pieces[1:]
		}
		for len(pieces) > 0 && len(current)+len(pieces[0]) <= w.width {
			last = len(current)
			current = append(current, pieces[0]...)
			pieces = pieces[1:]
		}
		if len(pieces) > 0 && len(pieces[0]) > w.width {
			last = len(current)
			current, pieces = w.long(current, pieces)
		}
		if len(current) > last && unicode.IsSpace(current[last]) {
			current = current[:last]
		}
		if len(current) > 0 {
			lines = append(lines, string(current))
		}
	}
	return lines
}

// long deals with a piece that is longer than a line.
func (w wrapper) long(current []rune, pieces [][]rune) ([]rune, [][]rune) {
	room := w.width - len(current)
	switch {
	case w.breakLong:
		end := room
		if w.hyphens && len(pieces[0]) > room {
			for i := room - 1; i > 0; i-- {
				if pieces[0][i] == '-' && strings.Trim(string(pieces[0][:i]), "-") != "" {
					end = i + 1
					break
				}
			}
		}
		current = append(current, pieces[0][:end]...)
		rest := append([][]rune(nil), pieces...)
		if rest[0] = rest[0][end:]; len(rest[0]) == 0 {
			rest = rest[1:]
		}
		return current, rest
	case len(current) == 0:
		return append(current, pieces[0]...), pieces[1:]
	}
	return current, pieces
}
