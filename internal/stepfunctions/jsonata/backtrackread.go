package jsonata

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A regular expression with look-around or back-references is read here into a tree, of which compile.go's counterpart,
// backtrackcompile.go, makes a program.

// part is a part of a regular expression.
type part interface{ part() }

type (
	oneOf     struct{ set []rune } // pairs of the first and last rune of a range
	sequence  []part
	alternate []part
	// edge is ^ and $; word is \b, or \B.
	edge struct{ end bool }
	word struct{ not bool }
	// capture is a group with a number.
	capture struct {
		number int
		inner  part
	}
	look struct {
		inner          part
		behind, negate bool
	}
	backReference struct {
		number int
		name   string // instead of the number, until all names are known
	}
	// repetition has max -1 for no bound. The groups in it have the numbers from first, before last.
	repetition struct {
		inner       part
		min, max    int
		lazy        bool
		first, last int
	}
)

func (oneOf) part()          {}
func (sequence) part()       {}
func (alternate) part()      {}
func (edge) part()           {}
func (word) part()           {}
func (*capture) part()       {}
func (*look) part()          {}
func (*backReference) part() {}
func (*repetition) part()    {}

// The bounds of a regular expression.
const (
	maxNested = 200  // groups in groups
	maxRepeat = 1000 // as package regexp has it
	maxGroups = 1000
)

type treeReader struct {
	source     string
	at         int
	fold       bool
	groups     int
	depth      int
	names      map[string]int
	references []*backReference
}

// readTree reads a whole expression.
func readTree(source string, fold bool) (*treeReader, part, error) {
	r := &treeReader{source: source, fold: fold, names: map[string]int{}}
	tree, err := r.alternatives()
	if err == nil && r.at < len(source) {
		err = errors.New("a closing parenthesis without an opening one")
	}
	for _, ref := range r.references {
		if number, ok := r.names[ref.name]; ref.name != "" && ok {
			ref.number = number
		}
		if err == nil && (ref.number < 1 || ref.number > r.groups) {
			err = errors.New("a back-reference to a group that is not there")
		}
	}
	return r, tree, err
}

func (r *treeReader) alternatives() (part, error) {
	if r.depth++; r.depth > maxNested {
		return nil, errors.New("its groups are nested too deeply")
	}
	defer func() { r.depth-- }()
	var all alternate
	for {
		one, err := r.sequence()
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		if !strings.HasPrefix(r.source[r.at:], "|") {
			break
		}
		r.at++
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (r *treeReader) sequence() (part, error) {
	var all sequence
	for r.at < len(r.source) && r.source[r.at] != '|' && r.source[r.at] != ')' {
		first := r.groups + 1
		one, err := r.term()
		if err == nil {
			one, err = r.repeated(one, first)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

var repeatCounts = regexp.MustCompile(`^\{([0-9]+)(,([0-9]*))?\}`)

// repeated reads what may follow a term: *, +, ?, {n,m}, and ? for as few as possible.
func (r *treeReader) repeated(inner part, first int) (part, error) {
	q := &repetition{inner: inner, max: -1, first: first, last: r.groups + 1}
	rest := r.source[r.at:]
	switch counts := repeatCounts.FindStringSubmatch(rest); {
	case strings.HasPrefix(rest, "*"):
		r.at++
	case strings.HasPrefix(rest, "+"):
		q.min = 1
		r.at++
	case strings.HasPrefix(rest, "?"):
		q.max = 1
		r.at++
	case counts != nil:
		var err error
		if q.min, err = strconv.Atoi(counts[1]); err != nil {
			return nil, err
		}
		switch {
		case counts[2] == "":
			q.max = q.min
		case counts[3] != "":
			if q.max, err = strconv.Atoi(counts[3]); err != nil {
				return nil, err
			}
		}
		r.at += len(counts[0])
	default:
		return inner, nil
	}
	if q.min > maxRepeat || q.max > maxRepeat || q.max >= 0 && q.max < q.min {
		return nil, fmt.Errorf("invalid repeat count: %s", rest[:min(len(rest), 20)])
	}
	switch inner.(type) {
	case edge, word:
		return nil, errors.New("a repetition of nothing")
	}
	if strings.HasPrefix(r.source[r.at:], "?") {
		q.lazy = true
		r.at++
	}
	if r.at < len(r.source) && strings.IndexByte("*+?", r.source[r.at]) >= 0 {
		return nil, errors.New("invalid nested repetition operator: " + r.source[r.at-1:r.at+1])
	}
	return q, nil
}

func (r *treeReader) term() (part, error) {
	rest := r.source[r.at:]
	switch c := rest[0]; {
	case c == '^' || c == '$':
		r.at++
		return edge{end: c == '$'}, nil
	case c == '(':
		return r.group(rest)
	case strings.HasPrefix(rest, `\b`), strings.HasPrefix(rest, `\B`):
		r.at += 2
		return word{not: rest[1] == 'B'}, nil
	case strings.HasPrefix(rest, `\k<`):
		name, _, ok := strings.Cut(rest[3:], ">")
		if !ok {
			return nil, errors.New("a back-reference without its end")
		}
		r.at += len(name) + 4
		return r.reference(&backReference{name: name}), nil
	case c == '\\' && len(rest) > 1 && rest[1] >= '1' && rest[1] <= '9':
		digits := 2
		for digits < len(rest) && digits < 5 && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		number, err := strconv.Atoi(rest[1:digits])
		r.at += digits
		return r.reference(&backReference{number: number}), err
	case strings.IndexByte("*+?", c) >= 0:
		return nil, errors.New("missing argument to repetition operator: " + rest[:1])
	}
	return r.class(rest)
}

func (r *treeReader) reference(ref *backReference) part {
	r.references = append(r.references, ref)
	return ref
}

func (r *treeReader) group(rest string) (part, error) {
	kinds := []struct {
		prefix string
		look   *look
	}{{"(?:", nil}, {"(?=", &look{}}, {"(?!", &look{negate: true}}, {"(?<=", &look{behind: true}}, {"(?<!", &look{behind: true, negate: true}}}
	number, around := 0, (*look)(nil)
	i := slices.IndexFunc(kinds, func(k struct {
		prefix string
		look   *look
	}) bool {
		return strings.HasPrefix(rest, k.prefix)
	})
	switch {
	case i >= 0:
		around = kinds[i].look
		r.at += len(kinds[i].prefix)
	case strings.HasPrefix(rest, "(?<"):
		name, _, ok := strings.Cut(rest[3:], ">")
		if _, twice := r.names[name]; !ok || name == "" || twice {
			return nil, errors.New("invalid name of a group")
		}
		r.groups++
		number = r.groups
		r.names[name] = number
		r.at += len(name) + 4
	case strings.HasPrefix(rest, "(?"):
		return nil, errors.New("invalid group")
	default:
		r.groups++
		number = r.groups
		r.at++
	}
	if r.groups > maxGroups {
		return nil, errors.New("it has too many groups")
	}
	inner, err := r.alternatives()
	if err != nil {
		return nil, err
	}
	if r.at >= len(r.source) {
		return nil, errors.New("missing closing parenthesis")
	}
	r.at++
	switch {
	case number > 0:
		return &capture{number: number, inner: inner}, nil
	case around != nil:
		around.inner = inner
		return around, nil
	}
	return inner, nil
}

// class reads what matches one rune. What it means is told by the translation that all other expressions go through.
func (r *treeReader) class(rest string) (part, error) {
	width := 1
	switch rest[0] {
	case '[':
		for width = 1; width < len(rest) && rest[width] != ']'; width++ {
			if rest[width] == '\\' {
				width++
			}
		}
		if width++; width > len(rest) {
			return nil, errors.New("missing closing ]")
		}
	case '\\':
		t := translator{source: rest}
		if err := t.escape(); err != nil {
			return nil, err
		}
		width = t.at
	default:
		_, width = utf8.DecodeRuneInString(rest)
		if rest[0] != '.' {
			r.at += width
			return r.literal(rest[:width])
		}
	}
	r.at += width
	t := translator{source: rest[:width]}
	if err := t.translate(); err != nil {
		return nil, err
	}
	return r.parsed(string(t.out))
}

func (r *treeReader) literal(text string) (part, error) { return r.parsed(regexp.QuoteMeta(text)) }

// parsed gives the runes that an expression for one of them matches.
func (r *treeReader) parsed(text string) (part, error) {
	flags := syntax.Perl
	if r.fold {
		flags |= syntax.FoldCase
	}
	tree, err := syntax.Parse(text, flags)
	if err != nil {
		return nil, reason(err)
	}
	switch tree.Op {
	case syntax.OpNoMatch:
		return oneOf{}, nil
	case syntax.OpCharClass:
		return oneOf{tree.Rune}, nil
	case syntax.OpAnyChar:
		return oneOf{[]rune{0, unicode.MaxRune}}, nil
	case syntax.OpAnyCharNotNL:
		return oneOf{[]rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}}, nil
	case syntax.OpLiteral:
		if len(tree.Rune) == 1 {
			set := []rune{tree.Rune[0], tree.Rune[0]}
			for c := unicode.SimpleFold(tree.Rune[0]); tree.Flags&syntax.FoldCase != 0 && c != tree.Rune[0]; c = unicode.SimpleFold(c) {
				set = append(set, c, c)
			}
			return oneOf{set}, nil
		}
	}
	return nil, fmt.Errorf("%s matches no single character", text)
}
