package dump

import (
	"strings"
	"unicode/utf8"
)

// analysis tells in which styles a text may be written.
type analysis struct {
	multiline                            bool
	flowPlain, blockPlain, single, block bool
}

func isBreak(c rune) bool {
	return c == '\r' || c == '\n' || c == 0x85 || c == 0x2028 || c == 0x2029
}

// isPrintable tells which characters libyaml lets stand unescaped: none above 0xffff.
func isPrintable(c rune) bool {
	return c == '\n' || c >= 0x20 && c <= 0x7e || c >= 0xa0 && c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd && c != 0xfeff
}

// isBlankOrEnd tells of what separates words; 0 stands for the end.
func isBlankOrEnd(c rune) bool { return c == ' ' || c == '\t' || c == 0 || isBreak(c) }

// scan collects what analyze has to know of a text.
type scan struct {
	flowIndicators, blockIndicators  bool
	breaks, special                  bool
	leadingSpace, leadingBreak       bool
	trailingSpace, trailingBreak     bool
	breakSpace, spaceBreak           bool
	previousSpace, previousBreak     bool
	precededByBlank, followedByBlank bool
}

func analyze(text string) analysis {
	if text == "" {
		return analysis{blockPlain: true, single: true}
	}
	s := scan{precededByBlank: true}
	if strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") {
		s.flowIndicators, s.blockIndicators = true, true
	}
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		next := rune(0)
		if i+size < len(text) {
			next, _ = utf8.DecodeRuneInString(text[i+size:])
		}
		s.followedByBlank = isBlankOrEnd(next)
		s.indicator(c, i == 0)
		s.whitespace(c, i == 0, i+size == len(text))
		s.precededByBlank = isBlankOrEnd(c)
		i += size
	}
	a := analysis{multiline: s.breaks, flowPlain: true, blockPlain: true, single: true, block: true}
	if s.leadingSpace || s.leadingBreak || s.trailingSpace || s.trailingBreak || s.breaks {
		a.flowPlain, a.blockPlain = false, false
	}
	if s.trailingSpace {
		a.block = false
	}
	if s.breakSpace {
		a.flowPlain, a.blockPlain, a.single = false, false, false
	}
	if s.spaceBreak || s.special {
		a = analysis{multiline: a.multiline}
	}
	a.flowPlain = a.flowPlain && !s.flowIndicators
	a.blockPlain = a.blockPlain && !s.blockIndicators
	return a
}

// indicator notes characters that mean something in YAML at their place.
func (s *scan) indicator(c rune, first bool) {
	switch {
	case first && strings.ContainsRune("#,[]{}&*!|>'\"%@`", c),
		first && c == '-' && s.followedByBlank,
		!first && c == '#' && s.precededByBlank:
		s.flowIndicators, s.blockIndicators = true, true
	case first && (c == '?' || c == ':'), c == ':':
		s.flowIndicators = true
		s.blockIndicators = s.blockIndicators || s.followedByBlank
	case !first && strings.ContainsRune(",?[]{}", c):
		s.flowIndicators = true
	}
	if !isPrintable(c) {
		s.special = true
	}
	if isBreak(c) {
		s.breaks = true
	}
}

// whitespace notes blanks and breaks where they matter.
func (s *scan) whitespace(c rune, first, last bool) {
	switch {
	case c == ' ':
		s.leadingSpace = s.leadingSpace || first
		s.trailingSpace = s.trailingSpace || last
		s.breakSpace = s.breakSpace || s.previousBreak
		s.previousSpace, s.previousBreak = true, false
	case isBreak(c):
		s.leadingBreak = s.leadingBreak || first
		s.trailingBreak = s.trailingBreak || last
		s.spaceBreak = s.spaceBreak || s.previousSpace
		s.previousSpace, s.previousBreak = false, true
	default:
		s.previousSpace, s.previousBreak = false, false
	}
}
