package regex

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// nestingLimit is how deep groups may lie in each other.
const nestingLimit = 200

// translator turns a pattern of Python's into one of the engine's, which are .NET's. Every
// group gets its number written out, since .NET would count named groups last; comments and
// the white space of verbose patterns go; what Python knows and .NET does not is rewritten.
type translator struct {
	in    []rune
	at    int
	out   bytes.Buffer
	flags Flags
	// names of the groups so far, by their number.
	names []string
	// atom is where in out the last thing begins that a quantifier may follow; -1 for none.
	atom  int
	depth int
	// open are the groups that are being read, which nothing can refer to yet.
	open []int
	// outside are the negated classes of the set that is being read, such as \W in [\W_].
	outside []string
}

func (t *translator) fail(at int, format string, args ...any) error {
	return fmt.Errorf(format+" at position %d", append(args, at)...)
}

func (t *translator) more() bool { return t.at < len(t.in) }

// ahead tells whether the pattern goes on with s.
func (t *translator) ahead(s string) bool {
	runes := []rune(s)
	return t.at+len(runes) <= len(t.in) && slices.Equal(t.in[t.at:t.at+len(runes)], runes)
}

func (t *translator) eat(s string) bool {
	if !t.ahead(s) {
		return false
	}
	t.at += len([]rune(s))
	return true
}

// until reads up to a closing character, which it passes over.
func (t *translator) until(closing rune, what string) (string, error) {
	start := t.at
	for t.more() && t.in[t.at] != closing {
		t.at++
	}
	if !t.more() {
		return "", t.fail(start, "missing %c, unterminated %s", closing, what)
	}
	t.at++
	return string(t.in[start : t.at-1]), nil
}

func (t *translator) pattern() error {
	if err := t.globalFlags(); err != nil {
		return err
	}
	if err := t.alternatives(); err != nil {
		return err
	}
	if t.more() {
		return t.fail(t.at, "unbalanced parenthesis")
	}
	return nil
}

// globalFlags reads "(?im)" at the beginning, which is where Python wants it.
func (t *translator) globalFlags() error {
	for t.ahead("(?") {
		end := t.at + 2
		for end < len(t.in) && strings.ContainsRune("aiLmsux", t.in[end]) {
			end++
		}
		if end == t.at+2 || end >= len(t.in) || t.in[end] != ')' {
			return nil
		}
		for _, c := range t.in[t.at+2 : end] {
			switch c {
			case 'a':
				t.flags |= ASCII
			case 'i':
				t.flags |= IgnoreCase
			case 'm':
				t.flags |= Multiline
			case 's':
				t.flags |= DotAll
			case 'x':
				t.flags |= Verbose
			}
		}
		t.at = end + 1
	}
	return nil
}

// alternatives reads up to the end of the group or the pattern.
func (t *translator) alternatives() error {
	t.atom = -1
	for t.more() {
		c := t.in[t.at]
		switch {
		case c == ')':
			return nil
		case c == '|':
			t.at++
			t.out.WriteByte('|')
			t.atom = -1
		case t.flags&Verbose != 0 && (unicode.IsSpace(c) || c == '#'):
			t.skipVerbose()
		case strings.ContainsRune("*+?", c) || c == '{' && t.repeatAhead():
			if err := t.quantifier(); err != nil {
				return err
			}
		default:
			if err := t.item(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *translator) skipVerbose() {
	if t.in[t.at] != '#' {
		t.at++
		return
	}
	for t.more() && t.in[t.at] != '\n' {
		t.at++
	}
}

// item reads one thing that is not a quantifier.
func (t *translator) item() error {
	start := t.out.Len()
	c := t.in[t.at]
	t.atom = start
	switch c {
	case '(':
		return t.group(start)
	case '[':
		return t.set()
	case '\\':
		return t.escape()
	case '^', '$':
		t.at++
		t.out.WriteRune(c)
	case '.':
		t.at++
		t.out.WriteRune(c)
	default:
		t.at++
		t.literal(c)
	}
	return nil
}

// literal writes a character that stands for itself.
func (t *translator) literal(c rune) {
	if c < 0x80 && !unicode.IsLetter(c) && !unicode.IsDigit(c) && c > ' ' && c != '_' {
		t.out.WriteByte('\\')
		t.out.WriteRune(c)
		return
	}
	if c < ' ' || c == 0x7f || c >= 0xD800 && c <= 0xDFFF {
		fmt.Fprintf(&t.out, `\u%04x`, c)
		return
	}
	t.out.WriteRune(c)
}

// repeatAhead tells whether "{" begins a quantifier; otherwise it is a plain character.
func (t *translator) repeatAhead() bool {
	_, _, length := t.bounds()
	return length > 0
}

// bounds reads "{2}", "{2,}", "{,2}" or "{2,3}"; length is 0 when it is none of them.
func (t *translator) bounds() (low, high string, length int) {
	end := t.at + 1
	for end < len(t.in) && t.in[end] != '}' {
		if !strings.ContainsRune("0123456789,", t.in[end]) {
			return "", "", 0
		}
		end++
	}
	if end >= len(t.in) {
		return "", "", 0
	}
	low, high, comma := strings.Cut(string(t.in[t.at+1:end]), ",")
	if strings.Contains(high, ",") || low == "" && high == "" && !comma || low == "" && !comma {
		return "", "", 0
	}
	if !comma {
		high = low
	}
	if low == "" {
		low = "0"
	}
	return low, high, end + 1 - t.at
}

func (t *translator) quantifier() error {
	start := t.at
	text := string(t.in[t.at])
	if t.in[t.at] == '{' {
		low, high, n := t.bounds()
		lowest, lowErr := strconv.Atoi(low)
		highest, highErr := strconv.Atoi(high)
		if lowErr != nil || high != "" && highErr != nil {
			return t.fail(start, "the repetition number is too large")
		}
		if high != "" && highest < lowest {
			return t.fail(start+1, "min repeat greater than max repeat")
		}
		text = "{" + low + "," + high + "}"
		t.at += n
	} else {
		t.at++
	}
	if t.atom < 0 {
		if start > 0 && strings.ContainsRune("*+?}", t.in[start-1]) {
			return t.fail(start, "multiple repeat")
		}
		return t.fail(start, "nothing to repeat")
	}
	switch {
	case t.eat("?"):
		t.out.WriteString(text + "?")
	case t.eat("+"):
		// A possessive one is an atomic group.
		body := string(t.out.Bytes()[t.atom:])
		t.out.Truncate(t.atom)
		t.out.WriteString("(?>" + body + text + ")")
	default:
		t.out.WriteString(text)
	}
	t.atom = -1
	return nil
}

func (t *translator) group(start int) error {
	opened := t.at
	t.at++
	if t.depth++; t.depth > nestingLimit {
		return t.fail(opened, "groups lie more than %d deep in each other", nestingLimit)
	}
	defer func() { t.depth-- }()
	number := 0
	if t.eat("?") {
		done, n, err := t.extension(opened)
		if err != nil || done {
			return err
		}
		number = n
	} else {
		number = t.newGroup("")
	}
	if number > 0 {
		t.open = append(t.open, number)
	}
	if err := t.alternatives(); err != nil {
		return err
	}
	if !t.eat(")") {
		return t.fail(opened, "missing ), unterminated subpattern")
	}
	if number > 0 {
		t.open = t.open[:len(t.open)-1]
	}
	t.out.WriteByte(')')
	t.atom = start
	return nil
}

func (t *translator) newGroup(name string) int {
	number := len(t.names)
	t.names = append(t.names, name)
	fmt.Fprintf(&t.out, "(?<%d>", number)
	return number
}

// extension reads what follows "(?". done tells that the whole group was read, number that it
// captures.
func (t *translator) extension(opened int) (done bool, number int, err error) {
	for _, same := range []string{":", "=", "!", "<=", "<!", ">"} {
		if t.eat(same) {
			t.out.WriteString("(?" + same)
			return false, 0, nil
		}
	}
	switch {
	case t.eat("#"):
		t.atom = -1
		if _, err := t.until(')', "comment"); err != nil {
			return true, 0, t.fail(opened, "missing ), unterminated comment")
		}
		return true, 0, nil
	case t.eat("P<"):
		at := t.at
		name, err := t.until('>', "name")
		if err != nil {
			return false, 0, err
		}
		if !identifier(name) {
			return false, 0, t.fail(at, "bad character in group name '%s'", name)
		}
		if n := slices.Index(t.names, name); n > 0 {
			return false, 0, t.fail(at, "redefinition of group name '%s' as group %d; was group %d", name, len(t.names), n)
		}
		return false, t.newGroup(name), nil
	case t.eat("P="):
		at := t.at
		name, err := t.until(')', "name")
		if err != nil {
			return false, 0, err
		}
		n := slices.Index(t.names, name)
		if n <= 0 {
			return false, 0, t.fail(at, "unknown group name '%s'", name)
		}
		return true, 0, t.reference(n, at)
	case t.eat("("):
		return false, 0, t.condition()
	}
	return false, 0, t.scopedFlags(opened)
}

func identifier(name string) bool {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}

// condition reads "(?(1)" or "(?(name)".
func (t *translator) condition() error {
	at := t.at
	name, err := t.until(')', "name")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(name)
	switch {
	case err != nil:
		if n = slices.Index(t.names, name); n <= 0 {
			return t.fail(at, "unknown group name '%s'", name)
		}
	case n <= 0 || n >= len(t.names):
		return t.fail(at, "invalid group reference %s", name)
	}
	fmt.Fprintf(&t.out, "(?(%d)", n)
	return nil
}

// scopedFlags reads "(?i:" and "(?-i:".
func (t *translator) scopedFlags(opened int) error {
	end := t.at
	for end < len(t.in) && strings.ContainsRune("aiLmsux-", t.in[end]) {
		end++
	}
	if end >= len(t.in) || end == t.at || t.in[end] != ':' && t.in[end] != ')' {
		if t.at >= len(t.in) {
			return t.fail(t.at, "unexpected end of pattern")
		}
		rest := t.in[t.at:min(len(t.in), t.at+1)]
		if rest[0] == 'P' || rest[0] == '<' {
			rest = t.in[t.at:min(len(t.in), t.at+2)]
		}
		return t.fail(opened+1, "unknown extension ?%s", string(rest))
	}
	if t.in[end] == ')' {
		return t.fail(opened, "global flags not at the start of the expression")
	}
	kept := strings.Map(func(r rune) rune {
		if strings.ContainsRune("ims-", r) {
			return r
		}
		return -1
	}, string(t.in[t.at:end]))
	t.out.WriteString("(?" + strings.TrimSuffix(kept, "-") + ":")
	t.at = end + 1
	return nil
}

// reference writes a back reference to a group.
func (t *translator) reference(n, at int) error {
	if slices.Contains(t.open, n) {
		return t.fail(at, "cannot refer to an open group")
	}
	fmt.Fprintf(&t.out, `\k<%d>`, n)
	return nil
}
