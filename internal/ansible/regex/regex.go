// Package regex runs the regular expressions of Python's re module, as playbooks, filters and
// modules write them: named groups, inline flags, \Z, replacement templates, and matches found
// in Python's order with Python's rules for empty ones.
//
// In: a pattern and text. Out: matches, whose positions count characters (bytes with Bytes).
// Text that is not UTF-8 comes through unharmed. The package is pure; only a Regex that was
// given a time limit asks a clock. The engine is regexp2, which backtracks as Python's does.
package regex

import (
	"errors"
	"fmt"
	"time"

	"github.com/dlclark/regexp2"
)

// Flags are those of re.compile.
type Flags uint8

// The flags, under their long Python names.
const (
	IgnoreCase Flags = 1 << iota
	Multiline
	DotAll
	Verbose
	// ASCII makes \w, \d and \s know ASCII only.
	ASCII
	// Bytes matches the bytes of text and not its characters, as Python does for a pattern of
	// type bytes. It includes ASCII.
	Bytes
)

// patternLimit bounds the length of a pattern.
const patternLimit = 1 << 20

// Regex is a compiled pattern. It is safe for use by several goroutines.
type Regex struct {
	pattern string
	flags   Flags
	// source is the pattern in the engine's own language, options what goes with it.
	source  string
	options regexp2.RegexOptions
	engine  *regexp2.Regexp
	// names has the name of each group by its number; "" has none.
	names []string
}

// Compile reads a pattern. An error tells the fault and where in the pattern it is.
func Compile(pattern string, flags Flags) (*Regex, error) {
	if len(pattern) > patternLimit {
		return nil, fmt.Errorf("the pattern is longer than %d bytes", patternLimit)
	}
	if flags&Bytes != 0 {
		flags |= ASCII
	}
	t := translator{in: decode(pattern, flags), flags: flags, names: []string{""}}
	if err := t.pattern(); err != nil {
		return nil, err
	}
	re := &Regex{pattern: pattern, flags: t.flags, source: t.out.String(), names: t.names}
	if t.flags&IgnoreCase != 0 {
		re.options |= regexp2.IgnoreCase
	}
	if t.flags&Multiline != 0 {
		re.options |= regexp2.Multiline
	}
	if t.flags&DotAll != 0 {
		re.options |= regexp2.Singleline
	}
	engine, err := regexp2.Compile(re.source, re.options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pattern, err)
	}
	re.engine = engine
	return re, nil
}

// WithLimit gives a copy that gives up a search after about that time, with an error.
// Without it, a hostile pattern can take for ever, as in Python.
func (re *Regex) WithLimit(limit time.Duration) *Regex {
	limited := *re
	engine := regexp2.MustCompile(re.source, re.options)
	engine.MatchTimeout = limit
	limited.engine = engine
	return &limited
}

// Pattern gives the pattern as it was written.
func (re *Regex) Pattern() string { return re.pattern }

// Groups tells how many groups there are besides the whole match.
func (re *Regex) Groups() int { return len(re.names) - 1 }

// Names gives the name of each group by its number; "" has none.
func (re *Regex) Names() []string { return re.names }

// number gives the group of a name; -1 when there is none.
func (re *Regex) number(name string) int {
	for i, n := range re.names {
		if n == name && n != "" {
			return i
		}
	}
	return -1
}

// Search finds the first match; nil when there is none.
func (re *Regex) Search(s string) (*Match, error) { return re.search(decode(s, re.flags), 0) }

// Match finds a match at the beginning of s; nil when there is none.
func (re *Regex) Match(s string) (*Match, error) { return re.anchored(`\A(?:`+re.source+`)`, s) }

// FullMatch finds a match of the whole of s; nil when there is none.
func (re *Regex) FullMatch(s string) (*Match, error) {
	return re.anchored(`\A(?:`+re.source+`)\z`, s)
}

func (re *Regex) anchored(source, s string) (*Match, error) {
	engine, err := regexp2.Compile(source, re.options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", re.pattern, err)
	}
	engine.MatchTimeout = re.engine.MatchTimeout
	with := *re
	with.engine = engine
	return with.search(decode(s, re.flags), 0)
}

func (re *Regex) search(text []rune, start int) (*Match, error) {
	found, err := re.engine.FindRunesMatchStartingAt(text, start)
	if err != nil {
		return nil, re.gaveUp(err)
	}
	if found == nil {
		return nil, nil
	}
	return &Match{re: re, text: text, found: found}, nil
}

func (re *Regex) gaveUp(err error) error {
	return fmt.Errorf("matching %q was given up: %w", re.pattern, err)
}

// FindAll finds all matches, from left to right.
func (re *Regex) FindAll(s string) ([]*Match, error) {
	w := walk{re: re, text: decode(s, re.flags)}
	var list []*Match
	m, err := w.next()
	for m != nil && err == nil {
		list = append(list, m)
		m, err = w.next()
	}
	return list, err
}

// walk goes from match to match. As in Python, what follows an empty match may begin at the
// same place, if it is not empty.
type walk struct {
	re   *Regex
	text []rune
	at   int
	// empty tells that the match before was empty, and over that there is no more.
	empty, over bool
	// filled is the pattern that does not match emptily at the place where it begins to look.
	filled *regexp2.Regexp
}

func (w *walk) next() (*Match, error) {
	if w.over {
		return nil, nil
	}
	re := w.re
	if w.empty {
		if w.filled == nil {
			engine, err := regexp2.Compile(`(?:`+re.source+`)(?!\G)`, re.options)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", re.pattern, err)
			}
			engine.MatchTimeout = re.engine.MatchTimeout
			w.filled = engine
		}
		with := *re
		with.engine = w.filled
		re = &with
	}
	m, err := re.search(w.text, w.at)
	if m == nil || err != nil {
		w.over = true
		return nil, err
	}
	start, end := m.Span(0)
	w.at, w.empty = end, start == end
	return m, nil
}

// Match is one place where a pattern matched.
type Match struct {
	re    *Regex
	text  []rune
	found *regexp2.Match
}

// Span gives where group n (0 is the whole match) begins and ends, in characters; -1, -1 when
// it took no part.
func (m *Match) Span(n int) (start, end int) {
	g := m.found.GroupByNumber(n)
	if g == nil || len(g.Captures) == 0 {
		return -1, -1
	}
	return g.Index, g.Index + g.Length
}

// Group gives the text of group n and whether it took part in the match.
func (m *Match) Group(n int) (text string, ok bool) {
	start, end := m.Span(n)
	if start < 0 {
		return "", false
	}
	return encode(m.text[start:end], m.re.flags), true
}

// String gives the whole match.
func (m *Match) String() string {
	s, _ := m.Group(0)
	return s
}

// Named gives the text of the group of a name; known tells that there is such a group, ok
// that it took part.
func (m *Match) Named(name string) (text string, ok, known bool) {
	n := m.re.number(name)
	if n < 0 {
		return "", false, false
	}
	text, ok = m.Group(n)
	return text, ok, true
}

// Groups gives the texts of all groups but the whole match; nil where one took no part.
func (m *Match) Groups() []any {
	list := make([]any, 0, m.re.Groups())
	for n := 1; n <= m.re.Groups(); n++ {
		if s, ok := m.Group(n); ok {
			list = append(list, s)
		} else {
			list = append(list, nil)
		}
	}
	return list
}

// Expand fills a replacement template with the groups of the match.
func (m *Match) Expand(template string) (string, error) {
	t, err := m.re.Template(template)
	if err != nil {
		return "", err
	}
	return encode(t.fill(nil, m), m.re.flags), nil
}

// ErrGroup is wrapped by errors about groups that a pattern does not have.
var ErrGroup = errors.New("no such group")

// Around gives what stands before the group of a name, the group's text, and what follows it.
func (m *Match) Around(name string) (before, text, after string, ok bool) {
	n := m.re.number(name)
	if n < 0 {
		return "", "", "", false
	}
	start, end := m.Span(n)
	if start < 0 {
		return "", "", "", false
	}
	return encode(m.text[:start], m.re.flags), encode(m.text[start:end], m.re.flags), encode(m.text[end:], m.re.flags), true
}

// Flags gives the flags of the pattern, those that stand at its beginning included.
func (re *Regex) Flags() Flags { return re.flags }
