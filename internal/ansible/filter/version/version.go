// Package version compares version numbers as Ansible's version test does: two texts and a
// kind go in, their order comes out. There are four kinds: loose (anything goes), strict
// (two or three numbers), semver and pep440. The package is pure.
package version

import (
	"fmt"
	"math/big"
	"strings"
)

// Kind is a way of reading version numbers.
type Kind uint8

// The kinds of version. The zero value is invalid.
const (
	Loose Kind = iota + 1
	Strict
	Semantic
	PEP440
)

// Compare tells how a stands to b: below (-1), equal (0) or above (1). What cannot be read,
// or not be compared, is an error in Python's words.
func Compare(kind Kind, a, b string) (int, error) {
	switch kind {
	case Loose:
		return compareLoose(a, b)
	case Strict:
		return compareRead(a, b, readStrict, strict.compare)
	case Semantic:
		return compareRead(a, b, readSemantic, semantic.compare)
	case PEP440:
		return compareRead(a, b, readPEP440, pep440.compare)
	default:
		panic(fmt.Sprintf("version: no kind %d", kind))
	}
}

func compareRead[V any](a, b string, read func(string) (V, error), compare func(V, V) int) (int, error) {
	left, err := read(a)
	if err != nil {
		return 0, err
	}
	right, err := read(b)
	if err != nil {
		return 0, err
	}
	return compare(left, right), nil
}

// number is a whole number of any length.
type number = *big.Int

// whole reads digits, which the caller has made sure of. No digits are 0.
func whole(digits string) number {
	n := new(big.Int)
	if digits != "" {
		n.SetString(digits, 10)
	}
	return n
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }

// part is a piece of a version: a number, or text where number is nil.
type part struct {
	number number
	text   string
}

// loose cuts a version into runs of digits, runs of small letters, and whatever is between
// them. Dots only separate.
func loose(text string) []part {
	var parts []part
	for i := 0; i < len(text); {
		start, c := i, text[i]
		switch {
		case isDigit(c):
			for i < len(text) && isDigit(text[i]) {
				i++
			}
			parts = append(parts, part{number: whole(text[start:i])})
			continue
		case isLetter(c):
			for i < len(text) && isLetter(text[i]) {
				i++
			}
		case c == '.':
			i++
			continue
		default:
			for i < len(text) && !isDigit(text[i]) && !isLetter(text[i]) && text[i] != '.' {
				i++
			}
		}
		parts = append(parts, part{text: text[start:i]})
	}
	return parts
}

func compareLoose(a, b string) (int, error) {
	left, right := loose(a), loose(b)
	for i := range min(len(left), len(right)) {
		l, r := left[i], right[i]
		switch {
		case l.number != nil && r.number != nil:
			if c := l.number.Cmp(r.number); c != 0 {
				return c, nil
			}
		case l.number == nil && r.number == nil:
			if c := strings.Compare(l.text, r.text); c != 0 {
				return c, nil
			}
		default:
			return 0, fmt.Errorf("'<' not supported between instances of '%s' and '%s'", l.typeName(), r.typeName())
		}
	}
	return sign(len(left) - len(right)), nil
}

func (p part) typeName() string {
	if p.number != nil {
		return "int"
	}
	return "str"
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// strict is a version such as 1.2.3 or 1.2b3.
type strict struct {
	numbers [3]number
	// pre is a or b, or 0; preNumber what stands behind it.
	pre       byte
	preNumber number
}

func readStrict(text string) (strict, error) {
	wrong := fmt.Errorf("invalid version number '%s'", text)
	v := strict{numbers: [3]number{whole(""), whole(""), whole("")}, preNumber: whole("")}
	rest := strings.TrimSuffix(text, "\n")
	count := 0
	for {
		digits, after := leading(rest)
		if digits == "" {
			return v, wrong
		}
		v.numbers[count] = whole(digits)
		count++
		rest = after
		if count == 3 || !strings.HasPrefix(rest, ".") {
			break
		}
		rest = rest[1:]
	}
	if rest != "" && (rest[0] == 'a' || rest[0] == 'b') {
		digits, after := leading(rest[1:])
		if digits == "" {
			return v, wrong
		}
		v.pre, v.preNumber, rest = rest[0], whole(digits), after
	}
	if rest != "" || count < 2 {
		return v, wrong
	}
	return v, nil
}

func leading(text string) (digits, rest string) {
	n := 0
	for n < len(text) && isDigit(text[n]) {
		n++
	}
	return text[:n], text[n:]
}

func (v strict) compare(w strict) int {
	for i := range v.numbers {
		if c := v.numbers[i].Cmp(w.numbers[i]); c != 0 {
			return c
		}
	}
	switch {
	case v.pre == w.pre:
		return v.preNumber.Cmp(w.preNumber)
	case v.pre == 0:
		return 1
	case w.pre == 0:
		return -1
	default:
		return sign(int(v.pre) - int(w.pre))
	}
}

// semantic is a version by semver.org, without what only names a build.
type semantic struct {
	core       [3]number
	prerelease []part
}

func readSemantic(text string) (semantic, error) {
	var v semantic
	wrong := fmt.Errorf("invalid semantic version '%s'", text)
	rest, build, hasBuild := strings.Cut(strings.TrimSuffix(text, "\n"), "+")
	core, pre, hasPre := strings.Cut(rest, "-")
	numbers := strings.Split(core, ".")
	if len(numbers) != 3 {
		return v, wrong
	}
	for i, n := range numbers {
		if !plainNumber(n) {
			return v, wrong
		}
		v.core[i] = whole(n)
	}
	if hasBuild && !identifiers(build, false) || hasPre && !identifiers(pre, true) {
		return v, wrong
	}
	if hasPre {
		for _, p := range strings.Split(pre, ".") {
			if digits, rest := leading(p); rest == "" {
				v.prerelease = append(v.prerelease, part{number: whole(digits)})
			} else {
				v.prerelease = append(v.prerelease, part{text: p})
			}
		}
	}
	return v, nil
}

// plainNumber reports whether text is digits without a leading zero.
func plainNumber(text string) bool {
	digits, rest := leading(text)
	return digits != "" && rest == "" && (len(digits) == 1 || digits[0] != '0')
}

// identifiers checks what stands behind - and + of a semantic version.
func identifiers(text string, prerelease bool) bool {
	for _, p := range strings.Split(text, ".") {
		if p == "" {
			return false
		}
		for i := range len(p) {
			if c := p[i] | 0x20; !isDigit(p[i]) && !isLetter(c) && p[i] != '-' {
				return false
			}
		}
		if _, rest := leading(p); prerelease && rest == "" && !plainNumber(p) {
			return false
		}
	}
	return true
}

func (v semantic) compare(w semantic) int {
	for i := range v.core {
		if c := v.core[i].Cmp(w.core[i]); c != 0 {
			return c
		}
	}
	if len(v.prerelease) == 0 || len(w.prerelease) == 0 {
		// The one without is the release, which comes after.
		return sign(len(w.prerelease) - len(v.prerelease))
	}
	for i := range min(len(v.prerelease), len(w.prerelease)) {
		l, r := v.prerelease[i], w.prerelease[i]
		c := 0
		switch {
		case l.number != nil && r.number != nil:
			c = l.number.Cmp(r.number)
		case l.number != nil:
			c = -1
		case r.number != nil:
			c = 1
		default:
			c = strings.Compare(l.text, r.text)
		}
		if c != 0 {
			return c
		}
	}
	return sign(len(v.prerelease) - len(w.prerelease))
}
