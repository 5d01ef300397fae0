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
	// backtracks matches instead of compiled what package regexp cannot.
	backtracks *backtracker
	source     string
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

// maxPattern bounds the length of a regular expression in bytes.
const maxPattern = 1 << 14

// errBacktracks refuses what only a machine that backtracks can match.
var errBacktracks = errors.New("look-around and back-references take more than linear time")

// compilePattern turns a regular expression of ECMAScript into one of Go, which runs in linear time. Look-around and
// back-references have no counterpart there: they backtrack.
func compilePattern(source, flags string) (*pattern, error) {
	if len(source) > maxPattern {
		return nil, errors.New("it is too long")
	}
	p, err := compileLinear(source, flags)
	if !errors.Is(err, errBacktracks) {
		return p, err
	}
	b, err := newBacktracker(source, flags)
	if err != nil {
		return nil, err
	}
	return &pattern{backtracks: b, source: source}, nil
}

func compileLinear(source, flags string) (*pattern, error) {
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
			return errBacktracks
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
		return errBacktracks
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

// match is one match in a text.
type match struct {
	source     string
	start, end int    // bytes of source
	text       string // what matched; a matcher function may say something else than source[start:end]
	places     []int  // of the match and its groups in source, as package regexp gives them; -1: took no part
	own        []any  // the groups that a matcher function gave, instead of places
}

// groups is how many groups there are.
func (m *match) groups() int {
	if m.own != nil {
		return len(m.own)
	}
	return max(0, len(m.places)/2-1)
}

// group gives the text of a group, counted from 1; empty if it took no part.
func (m *match) group(n int) string {
	if m.own != nil {
		text, _ := m.own[n-1].(string)
		return text
	}
	if m.places[2*n] < 0 {
		return ""
	}
	return m.source[m.places[2*n]:m.places[2*n+1]]
}

// values gives the groups as an array.
func (m *match) values(r *run) []any {
	all := append([]any{}, m.own...)
	for n := 2; n < len(m.places); n += 2 {
		if m.places[n] < 0 {
			all = append(all, r.kept(Undefined))
		} else {
			all = append(all, m.source[m.places[n]:m.places[n+1]])
		}
	}
	return all
}

// matches finds one match after the other, of a regular expression or of a function that behaves like one.
type matches struct {
	r       *run
	text    string
	pattern *pattern
	begin   int // where the first match may begin
	at      int // the end of the last match; -1 before the first one
	count   int
	far     bool     // the search looks far beyond the end of a match
	all     [][]int  // the matches that were found at once, if the pattern needs that
	matcher function // instead of pattern: what is called next
	current match
}

// matches begins a search. Nothing is looked for yet.
func (r *run) matches(f function, text string) *matches {
	inner := f
	if p, ok := f.(*passed); ok {
		inner = p.function
	}
	if p, ok := inner.(*pattern); ok {
		return &matches{r: r, text: text, pattern: p, at: -1}
	}
	return &matches{r: r, text: text, matcher: f, at: -1}
}

// next gives the next match, which is valid until the one after it; nil if there is none.
func (s *matches) next() (*match, error) {
	first := s.at < 0
	if s.pattern == nil {
		return s.custom(first)
	}
	if !first && s.at >= len(s.text) {
		return nil, nil
	}
	endless := &Error{Code: "D1004", Position: s.pattern.position, Value: s.pattern.source}
	if !first && s.current.start == s.current.end {
		return nil, endless // the same match would come again
	}
	places, err := s.find(max(s.at, s.begin))
	if err != nil || places == nil {
		return nil, err
	}
	if !first && places[0] == places[1] {
		return nil, endless
	}
	s.at = places[1]
	s.count++
	s.current = match{source: s.text, start: places[0], end: places[1], text: s.text[places[0]:places[1]], places: places}
	return &s.current, nil
}

// find gives the places of the first match at or behind start.
func (s *matches) find(start int) ([]int, error) {
	if b := s.pattern.backtracks; b != nil {
		return b.find(s.r, s.text, start)
	}
	if s.pattern.contextual {
		return s.among()
	}
	places := s.pattern.compiled.FindStringSubmatchIndex(s.text[start:])
	for i := range places {
		if start > 0 && places[i] >= 0 {
			places[i] += start
		}
	}
	return places, s.pay(start, places)
}

// among finds all matches at once, for what cannot be run on the rest of a text.
func (s *matches) among() ([]int, error) {
	if s.count == 0 {
		if err := s.r.work(len(s.text) * s.pattern.weight); err != nil {
			return nil, err
		}
		s.all = s.pattern.compiled.FindAllStringSubmatchIndex(s.text, -1)
		for len(s.all) > 0 && s.all[0][0] < s.begin {
			s.all = s.all[1:]
		}
		if err := s.r.chargeList(len(s.all) * (s.pattern.compiled.NumSubexp() + 2)); err != nil {
			return nil, err
		}
	}
	if s.count >= len(s.all) {
		return nil, nil
	}
	return s.all[s.count], nil
}

// measureEvery is how many matches share one measurement of what they cost. Texts up to measureFrom bytes are not worth
// it: every match counts as if it had looked at all the rest.
const (
	measureEvery = 16
	measureFrom  = 1024
)

// pay counts the bytes that were looked at. That may be more than those up to the end of the match, as in a(.*b)?, and
// only a search that counts what it reads can tell. So now and then the search is made once more in that way, and each
// time as long as it looks far.
func (s *matches) pay(start int, places []int) error {
	weight := s.pattern.weight
	if places == nil || len(s.text) <= measureFrom {
		return s.r.work((len(s.text) - start) * weight)
	}
	if s.count%measureEvery != 0 && !s.far {
		return s.r.work(1 + (places[1]-start)*weight)
	}
	counted := &counter{rest: s.text[start:]}
	s.pattern.compiled.FindReaderSubmatchIndex(counted)
	read := len(s.text) - start - len(counted.rest)
	s.far = read-(places[1]-start) > measureFrom
	return s.r.work(1 + 2*read*weight)
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

// custom asks a matcher function, and then the functions that it gives under "next".
func (s *matches) custom(first bool) (*match, error) {
	if s.matcher == nil {
		return nil, nil
	}
	var args []any
	if first {
		args = []any{s.text}
	}
	v, err := s.r.callback(s.matcher, args)
	if err != nil || isUndefined(v) {
		return nil, err
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
	own, hasGroups := list(groups)
	follow, hasNext := next.(function)
	if !hasStart || !hasEnd || !hasGroups || !hasNext || from < 0 || to < from || to > float64(len(s.text)) {
		return nil, &Error{Code: "T1010"}
	}
	s.matcher = follow
	m := match{source: s.text, start: byteOffset(s.text, int(from)), end: byteOffset(s.text, int(to)), own: append([]any{}, own...)}
	m.text = s.text[m.start:m.end]
	if text, ok := o.Get("match"); ok {
		m.text, _ = text.(string)
	}
	s.at, s.current = m.end, m
	return &s.current, s.r.read(m.end)
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
	s := r.matches(p, text)
	if len(args) > 1 {
		// A second argument is where to begin. $map and $filter give the position of the item there.
		from, _ := integer(args[1])
		if from > float64(len(text)) {
			return Undefined, nil
		}
		s.begin = byteOffset(text, int(max(from, 0)))
	}
	m, err := s.next()
	if err != nil || m == nil {
		return Undefined, err
	}
	return s.object(m)
}

// object is a match as an expression sees it when it calls a regular expression itself.
func (s *matches) object(m *match) (any, error) {
	r := s.r
	r.dirty = true
	r.built++
	if err := r.read(m.end); err != nil {
		return nil, err
	}
	start := utf16Offset(s.text, m.start)
	rest := *s
	return data.ObjectOf(
		data.Member{Key: "match", Value: m.text},
		data.Member{Key: "start", Value: boxed(float64(start))},
		data.Member{Key: "end", Value: boxed(float64(start + utf16Offset(m.text, len(m.text))))},
		data.Member{Key: "groups", Value: m.values(r)},
		data.Member{Key: "next", Value: &nextMatch{rest}},
	), r.charge(sizeObject + 5*sizeMember + m.groups()*sizeItem)
}

// nextMatch is the function under "next" of a match.
type nextMatch struct{ rest matches }

func (*nextMatch) arity() int { return 0 }

func (f *nextMatch) call(*run, []any, any, *frame) (any, error) {
	s := f.rest
	m, err := s.next()
	if err != nil || m == nil {
		return Undefined, err
	}
	return s.object(m)
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
