package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape reads the escapes of a string as Python does; an unknown one stays as it is.
func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 >= len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		n, err := escape(&b, s[i+1:], i)
		if err != nil {
			return "", err
		}
		i += 1 + n
	}
	return b.String(), nil
}

// escape writes what a backslash followed by s stands for, and tells how much of s it was.
func escape(b *strings.Builder, s string, at int) (int, error) {
	simple := map[byte]string{'\n': "", '\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f",
		'n': "\n", 'r': "\r", 't': "\t", 'v': "\v"}
	if to, ok := simple[s[0]]; ok {
		b.WriteString(to)
		return 1, nil
	}
	switch c := s[0]; {
	case c == 'x':
		return hex(b, s, 2, at, `truncated \xXX escape`)
	case c == 'u':
		return hex(b, s, 4, at, `truncated \uXXXX escape`)
	case c == 'U':
		return hex(b, s, 8, at, `truncated \UXXXXXXXX escape`)
	case c >= '0' && c <= '7':
		n := 1
		for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		i, _ := strconv.ParseUint(s[:n], 8, 16)
		b.WriteRune(rune(i))
		return n, nil
	default:
		_, n := utf8.DecodeRuneInString(s)
		b.WriteString(`\` + s[:n])
		return n, nil
	}
}

func hex(b *strings.Builder, s string, n, at int, message string) (int, error) {
	if len(s) < n+1 {
		return 0, fmt.Errorf("%s", message)
	}
	i, err := strconv.ParseUint(s[1:n+1], 16, 32)
	if err != nil {
		return 0, fmt.Errorf("%s", message)
	}
	if i > utf8.MaxRune {
		return 0, fmt.Errorf("illegal Unicode character")
	}
	b.WriteRune(rune(i))
	return n + 1, nil
}
