package jsonata

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"tutti/internal/stepfunctions/data"
)

// pattern is a regular expression, /text/flags. As a value it is a function that takes a string and gives the first
// match, with a function for the next one.
type pattern struct {
	compiled *regexp.Regexp
	source   string
	// contextual: it looks at what stands before a match, as ^ and \b do, so it cannot be run on the rest of a text.
	contextual bool
	weight     int // steps that a byte of text costs
	position   int
}

func (p *pattern) at(position int) *pattern {
	own := *p
	own.position = position
	return &own
}

// compilePattern turns a regular expression of ECMAScript into one of Go, which runs in linear time. Look-around and
// back-references have no counterpart there.
func compilePattern(source, flags string) (*pattern, error) {
	t := translator{source: source}
	if err := t.translate(); err != nil {
		return nil, err
	}
	text := string(t.out)
	prefix := ""
	for _, flag := range [...]string{"i", "m"} {
		if strings.Contains(flags, flag) {
			prefix += flag
		}
	}
	if prefix != "" {
		text = "(?" + prefix + ")" + text
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, reason(err)
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, reason(err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, reason(err)
	}
	return &pattern{compiled: compiled, source: source, contextual: looksBack(tree), weight: 1 + len(program.Inst)/instructionsPerStep}, nil
}

// instructionsPerStep is how many instructions of a regular expression a byte of text may meet in one step.
const instructionsPerStep = 32

func reason(err error) error {
	if e := (*syntax.Error)(nil); errors.As(err, &e) {
		return fmt.Errorf("%s: %s", e.Code, e.Expr)
	}
	return err
}

func looksBack(tree *syntax.Regexp) bool {
	switch tree.Op {
	case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	for _, sub := range tree.Sub {
		if looksBack(sub) {
			return true
		}
	}
	return false
}

// translator rewrites what the two dialects write in different ways.
type translator struct {
	source string
	at     int
	class  bool // between [ and ]
	out    []byte
}

func (t *translator) translate() error {
	for t.at < len(t.source) {
		c := t.source[t.at]
		rest := t.source[t.at:]
		switch {
		case c == '\\':
			if err := t.escape(); err != nil {
				return err
			}
			continue
		case t.class && c == '[':
			t.out = append(t.out, `\[`...)
		case t.class && c == ']':
			t.class = false
			t.out = append(t.out, c)
		case t.class:
			t.out = append(t.out, c)
		case strings.HasPrefix(rest, "[^]"):
			t.out = append(t.out, `(?s:.)`...)
			t.at += 2
		case strings.HasPrefix(rest, "[]"):
			t.out = append(t.out, `[^\x00-\x{10FFFF}]`...)
			t.at++
		case c == '[':
			t.class = true
			t.out = append(t.out, c)
			if strings.HasPrefix(rest, "[^") {
				t.out = append(t.out, '^')
				t.at++
			}
		case c == '.':
			t.out = append(t.out, `[^\n\r\x{2028}\x{2029}]`...)
		case strings.HasPrefix(rest, "(?"):
			if err := t.group(rest); err != nil {
				return err
			}
		default:
			t.out = append(t.out, c)
		}
		t.at++
	}
	return nil
}

func (t *translator) group(rest string) error {
	for _, look := range [...]string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.HasPrefix(rest, look) {
			return errors.New("look-ahead and look-behind are not supported")
		}
	}
	if !strings.HasPrefix(rest, "(?:") && !strings.HasPrefix(rest, "(?<") {
		return errors.New("invalid group")
	}
	t.out = append(t.out, '(')
	return nil
}

// escape translates what follows a backslash.
func (t *translator) escape() error {
	t.at++
	if t.at >= len(t.source) {
		return errors.New("a backslash at the end")
	}
	c := t.source[t.at]
	width := 1
	switch {
	case strings.IndexByte("dDwWtnrfv", c) >= 0 || !t.class && (c == 'b' || c == 'B'):
		t.out = append(t.out, '\\', c)
	case c == 's':
		t.space(false)
	case c == 'S':
		t.space(true)
	case c == 'b':
		t.out = append(t.out, `\x08`...)
	case c == '0':
		t.out = append(t.out, `\x00`...)
	case c >= '1' && c <= '9' || c == 'k':
		return errors.New("back-references are not supported")
	case c == 'x' || c == 'u':
		width = t.code(c)
	case c == 'c' && t.at+1 < len(t.source):
		t.out = fmt.Appendf(t.out, `\x%02x`, t.source[t.at+1]&0x1f)
		width = 2
	default:
		r, n := utf8.DecodeRuneInString(t.source[t.at:])
		t.out = append(t.out, regexp.QuoteMeta(string(r))...)
		if r == '-' {
			t.out = append(t.out[:len(t.out)-1], `\-`...)
		}
		width = n
	}
	t.at += width
	return nil
}

// blankClass is what \s matches in ECMAScript, inside of a class.
const blankClass = `\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`

func (t *translator) space(not bool) {
	switch {
	case t.class && not:
		// A negated class inside a class has no short form; ASCII is near enough.
		t.out = append(t.out, `\S`...)
	case t.class:
		t.out = append(t.out, blankClass...)
	case not:
		t.out = append(t.out, "[^"+blankClass+"]"...)
	default:
		t.out = append(t.out, "["+blankClass+"]"...)
	}
}

// code translates \xHH and \uHHHH; without the digits they are just letters.
func (t *translator) code(c byte) (width int) {
	digits := 2
	if c == 'u' {
		digits = 4
	}
	end := t.at + 1 + digits
	if end <= len(t.source) {
		if n, err := strconv.ParseUint(t.source[t.at+1:end], 16, 32); err == nil {
			t.out = fmt.Appendf(t.out, `\x{%x}`, n)
			return 1 + digits
		}
	}
	t.out = append(t.out, c)
	return 1
}

// match is one match of a regular expression in a text.
type match struct {
	start, end int // bytes
	text       string
	groups     []any // strings, or Undefined for a group that took no part
	next       func() (*match, error)
}

// first finds the first match; nil if there is none.
func (p *pattern) first(r *run, text string) (*match, error) {
	if p.contextual {
		return p.among(r, text)
	}
	s := search{pattern: p, r: r, text: text}
	return s.from(0)
}

// search finds one match after the other in a text.
type search struct {
	*pattern
	r     *run
	text  string
	count int
}

// from finds the first match at or behind a place.
func (s *search) from(start int) (*match, error) {
	found := s.compiled.FindStringSubmatchIndex(s.text[start:])
	if err := s.pay(start, found); err != nil || found == nil {
		return nil, err
	}
	for i := range found {
		if found[i] >= 0 {
			found[i] += start
		}
	}
	m := s.match(s.r, s.text, found)
	m.next = func() (*match, error) {
		if m.end >= len(s.text) {
			return nil, nil
		}
		next, err := s.from(m.end)
		if err != nil {
			return nil, err
		}
		return s.progress(next)
	}
	return m, nil
}

// measureEvery is how many matches share one measurement of what they cost. Texts up to measureFrom bytes are not worth
// it: every match counts as if it had looked at all the rest.
const (
	measureEvery = 16
	measureFrom  = 1024
)

// pay counts the bytes that were looked at. That may be more than those up to the end of the match, as in a(.*b)?, and
// only a search that counts what it reads can tell; so now and then the search is made once more in that way.
func (s *search) pay(start int, found []int) error {
	if found == nil || len(s.text) <= measureFrom {
		return s.r.work((len(s.text) - start) * s.weight)
	}
	s.count++
	if s.count%measureEvery != 1 {
		return s.r.work(1 + found[1]*s.weight)
	}
	counted := &counter{rest: s.text[start:]}
	s.compiled.MatchReader(counted)
	return s.r.work(1 + measureEvery*(len(s.text)-start-len(counted.rest))*s.weight)
}

// counter reads a text rune by rune; what is left of it tells how far a search looked.
type counter struct{ rest string }

func (c *counter) ReadRune() (rune, int, error) {
	if c.rest == "" {
		return 0, 0, io.EOF
	}
	r, n := utf8.DecodeRuneInString(c.rest)
	c.rest = c.rest[n:]
	return r, n, nil
}

// among finds all matches at once, for what cannot be run on the rest of a text.
func (p *pattern) among(r *run, text string) (*match, error) {
	if err := r.work(len(text) * p.weight); err != nil {
		return nil, err
	}
	all := p.compiled.FindAllStringSubmatchIndex(text, -1)
	if err := r.chargeList(len(all) * (p.compiled.NumSubexp() + 1)); err != nil {
		return nil, err
	}
	var nth func(i int) *match
	nth = func(i int) *match {
		if i >= len(all) {
			return nil
		}
		m := p.match(r, text, all[i])
		m.next = func() (*match, error) {
			if m.end >= len(text) {
				return nil, nil
			}
			return p.progress(nth(i + 1))
		}
		return m
	}
	return nth(0), nil
}

// progress refuses a further match that is empty, which would never end.
func (p *pattern) progress(m *match) (*match, error) {
	if m != nil && m.start == m.end {
		return nil, &Error{Code: "D1004", Position: p.position, Value: p.source}
	}
	return m, nil
}

func (p *pattern) match(r *run, text string, found []int) *match {
	m := &match{start: found[0], end: found[1], text: text[found[0]:found[1]]}
	for i := 2; i < len(found); i += 2 {
		if found[i] < 0 {
			m.groups = append(m.groups, r.kept(Undefined))
		} else {
			m.groups = append(m.groups, text[found[i]:found[i+1]])
		}
	}
	return m
}

func (p *pattern) arity() int { return 2 }

func (p *pattern) call(r *run, args []any, _ any, _ *frame) (any, error) {
	text, ok := "", false
	if len(args) > 0 {
		text, ok = args[0].(string)
	}
	if !ok {
		return Undefined, nil
	}
	m, err := p.first(r, text)
	if err != nil || m == nil {
		return Undefined, err
	}
	return r.matchObject(text, m)
}

// matchObject is a match as an expression sees it when it calls a regular expression itself.
func (r *run) matchObject(text string, m *match) (any, error) {
	r.dirty = true
	r.built++
	if err := r.read(m.end); err != nil {
		return nil, err
	}
	start := utf16Offset(text, m.start)
	return data.ObjectOf(
		data.Member{Key: "match", Value: m.text},
		data.Member{Key: "start", Value: boxed(float64(start))},
		data.Member{Key: "end", Value: boxed(float64(start + utf16Offset(m.text, len(m.text))))},
		data.Member{Key: "groups", Value: append([]any{}, m.groups...)},
		data.Member{Key: "next", Value: &nextMatch{text, m}},
	), r.charge(sizeObject + 5*sizeMember)
}

// nextMatch is the function under "next" of a match.
type nextMatch struct {
	text string
	m    *match
}

func (*nextMatch) arity() int { return 0 }

func (f *nextMatch) call(r *run, _ []any, _ any, _ *frame) (any, error) {
	m, err := f.m.next()
	if err != nil || m == nil {
		return Undefined, err
	}
	return r.matchObject(f.text, m)
}

// matches gives the first match of a regular expression, or of any function that behaves like one.
func (r *run) matches(f function, text string) (*match, error) {
	inner := f
	if p, ok := f.(*passed); ok {
		inner = p.function
	}
	if p, ok := inner.(*pattern); ok {
		return p.first(r, text)
	}
	v, err := r.callback(f, []any{text})
	if err != nil {
		return nil, err
	}
	return r.customMatch(v, text)
}

// customMatch reads the object that a matcher function of the user gave.
func (r *run) customMatch(v any, text string) (*match, error) {
	if isUndefined(v) {
		return nil, nil
	}
	o, ok := v.(*data.Object)
	if !ok {
		return nil, &Error{Code: "T1010"}
	}
	start, _ := o.Get("start")
	end, _ := o.Get("end")
	groups, _ := o.Get("groups")
	next, _ := o.Get("next")
	from, hasStart := integer(start)
	to, hasEnd := integer(end)
	list, hasGroups := list(groups)
	follow, hasNext := next.(function)
	if !hasStart || !hasEnd || !hasGroups || !hasNext || from < 0 || to < from {
		return nil, &Error{Code: "T1010"}
	}
	m := &match{start: byteOffset(text, int(from)), end: byteOffset(text, int(to)), groups: list}
	m.text = text[m.start:m.end]
	if own, ok := o.Get("match"); ok {
		m.text, _ = own.(string)
	}
	m.next = func() (*match, error) {
		v, err := r.callback(follow, nil)
		if err != nil {
			return nil, err
		}
		return r.customMatch(v, text)
	}
	return m, nil
}

// byteOffset is where the first n UTF-16 units of a text end.
func byteOffset(text string, n int) int {
	units := 0
	for i, c := range text {
		if units >= n {
			return i
		}
		units++
		if c > 0xffff {
			units++
		}
	}
	return len(text)
}
