package inventory

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// glob is a pattern of a shell: *, ?, [abc], [a-z] and [!abc], anything else is itself.
type glob []globPart

// globPart matches one character, or with star any number of them.
type globPart struct {
	star, any bool
	char      rune
	class     *charClass
}

// charClass is what stands in brackets: pairs of first and last characters.
type charClass struct {
	not    bool
	ranges []rune
}

func parseGlob(expr string) glob {
	var g glob
	for i := 0; i < len(expr); {
		c, size := utf8.DecodeRuneInString(expr[i:])
		switch c {
		case '*':
			g = append(g, globPart{star: true})
		case '?':
			g = append(g, globPart{any: true})
		case '[':
			if end := classEnd(expr, i); end >= 0 {
				g = append(g, globPart{class: parseClass(expr[i+1 : end])})
				size = end + 1 - i
				break
			}
			fallthrough
		default:
			g = append(g, globPart{char: c})
		}
		i += size
	}
	return g
}

// classEnd finds the ] of a [, or -1. A ] that comes first belongs to the class.
func classEnd(expr string, at int) int {
	i := at + 1
	if i < len(expr) && expr[i] == '!' {
		i++
	}
	if i < len(expr) && expr[i] == ']' {
		i++
	}
	if n := strings.IndexByte(expr[min(i, len(expr)):], ']'); n >= 0 {
		return i + n
	}
	return -1
}

// parseClass reads what stands in brackets. A range that runs backwards holds nothing.
func parseClass(body string) *charClass {
	rest, not := strings.CutPrefix(body, "!")
	c := &charClass{not: not}
	chars := []rune(rest)
	for i := 0; i < len(chars); i++ {
		from, to := chars[i], chars[i]
		if i+2 < len(chars) && chars[i+1] == '-' {
			to = chars[i+2]
			i += 2
		}
		c.ranges = append(c.ranges, from, to)
	}
	return c
}

func (c *charClass) has(r rune) bool {
	for pair := range slices.Chunk(c.ranges, 2) {
		if r >= pair[0] && r <= pair[1] {
			return !c.not
		}
	}
	return c.not
}

func (p *globPart) is(r rune) bool {
	switch {
	case p.any:
		return true
	case p.class != nil:
		return p.class.has(r)
	}
	return p.char == r
}

// matches tells whether the whole name matches. Where it fails behind a star, that star takes
// one character more: only the last star has to be tried again, so that this costs at most
// the product of both lengths.
func (g glob) matches(name string) bool {
	at, part := 0, 0
	star, starAt := -1, 0
	for at < len(name) {
		r, size := utf8.DecodeRuneInString(name[at:])
		switch {
		case part < len(g) && g[part].star:
			star, starAt = part, at
			part++
		case part < len(g) && g[part].is(r):
			part++
			at += size
		case star >= 0:
			_, n := utf8.DecodeRuneInString(name[starAt:])
			starAt += n
			part, at = star+1, starAt
		default:
			return false
		}
	}
	for part < len(g) && g[part].star {
		part++
	}
	return part == len(g)
}
