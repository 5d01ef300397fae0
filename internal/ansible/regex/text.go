package regex

import (
	"strings"
	"unicode/utf8"
)

// escaped is where the bytes that are not UTF-8 are kept while a text is matched: as in
// Python's surrogateescape, byte b is the character escaped+b, which no text has.
const escaped = 0xDC00

// decode makes the characters of a text, or its bytes.
func decode(s string, flags Flags) []rune {
	if flags&Bytes != 0 {
		runes := make([]rune, len(s))
		for i := range len(s) {
			runes[i] = rune(s[i])
		}
		return runes
	}
	runes := make([]rune, 0, len(s))
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				r = escaped + rune(s[i])
			}
		}
		runes = append(runes, r)
	}
	return runes
}

// encode is the way back.
func encode(runes []rune, flags Flags) string {
	var b strings.Builder
	b.Grow(len(runes))
	for _, r := range runes {
		switch {
		case flags&Bytes != 0:
			b.WriteByte(byte(r))
		case r >= escaped+0x80 && r <= escaped+0xFF:
			b.WriteByte(byte(r - escaped))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Escape gives a pattern that matches just s, as re.escape does.
func Escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
