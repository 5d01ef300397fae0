package executor

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the longest name in characters (API reference, CreateStateMachine).
const MaxName = 80

// Forbidden are the characters that names must not contain, besides white space and
// control characters (API reference, CreateStateMachine).
const Forbidden = `<>{}[]?*"#%\^|~` + "`" + `$&,;:/`

// GoodName reports whether a state machine, execution or activity may have the name.
func GoodName(name string) bool {
	if name == "" || utf8.RuneCountInString(name) > MaxName || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if strings.ContainsRune(Forbidden, r) || unicode.IsSpace(r) || unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF || r == 0x10FFFF {
			return false
		}
	}
	return true
}
