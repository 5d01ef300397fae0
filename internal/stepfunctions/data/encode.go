package data

import (
	"fmt"
	"unicode/utf8"
)

// Encode gives a value as compact JSON.
func Encode(v any) []byte { return Append(nil, v) }

// Append writes a value as compact JSON behind b. Members keep their order; only
// what JSON demands is escaped. It panics for what is no Value.
func Append(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		if v {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case float64:
		return AppendFloat(b, v)
	case Number:
		return append(b, v...)
	case string:
		return AppendString(b, v)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = Append(b, item)
		}
		return append(b, ']')
	case *Object:
		b = append(b, '{')
		for i, m := range v.Members() {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendString(b, m.Key)
			b = append(b, ':')
			b = Append(b, m.Value)
		}
		return append(b, '}')
	}
	panic(fmt.Sprintf("data: invariant broken: %T is not a JSON value", v))
}

// AppendString writes a JSON string.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, c)
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// Size is how many bytes Encode gives, counted up to limit: a larger value gives
// something above limit without being encoded as a whole.
func Size(v any, limit int) int {
	switch v := v.(type) {
	case []any:
		n := 2
		for _, item := range v {
			if n += Size(item, limit-n) + 1; n > limit {
				return n
			}
		}
		return n
	case *Object:
		n := 2
		for _, m := range v.Members() {
			if n += len(m.Key) + 4 + Size(m.Value, limit-n); n > limit {
				return n
			}
		}
		return n
	case string:
		return len(v) + 2
	default:
		return len(Append(nil, v))
	}
}
