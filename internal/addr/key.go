package addr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/gocty"
)

// Key tells the instances of one object apart. The zero value is no key: the
// object has neither count nor for_each.
type Key struct {
	kind keyKind
	n    int
	s    string
}

type keyKind uint8

const (
	noKey keyKind = iota
	intKey
	stringKey
)

// NoKey is the key of an object that has just one instance.
var NoKey = Key{}

// IntKey is a key of count; n must not be negative.
func IntKey(n int) Key {
	if n < 0 {
		panic(fmt.Sprintf("addr: negative instance key %d", n))
	}
	return Key{kind: intKey, n: n}
}

// StringKey is a key of for_each. It is normalised as cty normalises strings, so
// that a key from a command line equals the one from an expression.
func StringKey(s string) Key { return Key{kind: stringKey, s: cty.NormalizeString(s)} }

// IsNone reports whether there is no key.
func (k Key) IsNone() bool { return k.kind == noKey }

// Int gives the number of a count key.
func (k Key) Int() (int, bool) { return k.n, k.kind == intKey }

// Str gives the text of a for_each key.
func (k Key) Str() (string, bool) { return k.s, k.kind == stringKey }

// String gives "", "[3]" or `["eu"]`, the latter as HCL writes strings.
func (k Key) String() string {
	switch k.kind {
	case noKey:
		return ""
	case intKey:
		return "[" + strconv.Itoa(k.n) + "]"
	case stringKey:
		return "[" + quote(k.s) + "]"
	default:
		panic("addr: invalid key kind")
	}
}

// Value gives the key as expressions see it; cty.NilVal for no key.
func (k Key) Value() cty.Value {
	switch k.kind {
	case intKey:
		return cty.NumberIntVal(int64(k.n))
	case stringKey:
		return cty.StringVal(k.s)
	default:
		return cty.NilVal
	}
}

// KeyOf turns a known, unmarked number or string into a key.
func KeyOf(v cty.Value) (Key, error) {
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() || v.IsMarked() {
		return NoKey, fmt.Errorf("an instance key must be a known number or string")
	}
	switch v.Type() {
	case cty.String:
		return StringKey(v.AsString()), nil
	case cty.Number:
		var n int
		if err := gocty.FromCtyValue(v, &n); err != nil || n < 0 {
			return NoKey, fmt.Errorf("a number used as an instance key must be whole and not negative")
		}
		return IntKey(n), nil
	default:
		return NoKey, fmt.Errorf("an instance key must be a number or a string, not %s", v.Type().FriendlyName())
	}
}

// Compare orders no key before numbers before strings.
func (k Key) Compare(o Key) int {
	if k.kind != o.kind {
		return int(k.kind) - int(o.kind)
	}
	if k.kind == intKey {
		return k.n - o.n
	}
	return strings.Compare(k.s, o.s)
}

// quote writes a string as an HCL quoted literal that parses back to it.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteRune(utf8.RuneError)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case (r == '$' || r == '%') && strings.HasPrefix(s[i+1:], "{"):
			b.WriteRune(r)
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	b.WriteByte('"')
	return b.String()
}

// unquote reads a quoted literal at the start of s and gives what follows it.
func unquote(s string) (val, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		return "", s, fmt.Errorf("expected a quoted string at %q", s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], nil
		case c == '\\':
			n, err := unescape(s[i:], &b)
			if err != nil {
				return "", s, err
			}
			i += n - 1
		case (c == '$' || c == '%') && strings.HasPrefix(s[i+1:], "{"):
			return "", s, fmt.Errorf("a key may not hold a template: write %c%c{ for a literal %c{", c, c, c)
		case (c == '$' || c == '%') && i+2 < len(s) && s[i+1] == c && s[i+2] == '{':
			b.WriteByte(c)
			i++
		default:
			b.WriteByte(c)
		}
	}
	return "", s, fmt.Errorf("the string %s has no closing quote", s)
}

// unescape reads one backslash sequence and gives its length.
func unescape(s string, b *strings.Builder) (int, error) {
	if len(s) < 2 {
		return 0, fmt.Errorf("a backslash at the end of a key")
	}
	switch s[1] {
	case '"', '\\':
		b.WriteByte(s[1])
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'u', 'U':
		n := 6
		if s[1] == 'U' {
			n = 10
		}
		if len(s) < n {
			return 0, fmt.Errorf("an incomplete \\%c sequence in a key", s[1])
		}
		r, err := strconv.ParseUint(s[2:n], 16, 32)
		if err != nil || !utf8.ValidRune(rune(r)) {
			return 0, fmt.Errorf("an invalid \\%c sequence in a key", s[1])
		}
		b.WriteRune(rune(r))
		return n, nil
	default:
		return 0, fmt.Errorf("an unknown sequence \\%c in a key", s[1])
	}
	return 2, nil
}
