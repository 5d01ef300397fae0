package data

import (
	"math"
	"strconv"
	"strings"
)

// Float gives a number's value. ok is false for what is not a number. A literal
// beyond the range of float64 gives an infinity.
func Float(v any) (f float64, ok bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case Number:
		f, _ := strconv.ParseFloat(string(v), 64)
		return f, true
	}
	return 0, false
}

// Int gives a number's value when it is whole and fits.
func Int(v any) (int64, bool) {
	if n, ok := v.(Number); ok {
		if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
			return i, true
		}
	}
	f, ok := Float(v)
	if !ok || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// Integer gives a whole number as a value without losing digits.
func Integer(i int64) any { return integer(i) }

func integer(i int64) any {
	const exact = 1 << 53
	if i > -exact && i < exact {
		return float64(i)
	}
	return Number(strconv.FormatInt(i, 10))
}

// AppendFloat writes a number as ECMAScript does (Number::toString), which is what
// JSON.stringify and the service's JSONata print. NaN and infinities are null.
func AppendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(b, "null"...)
	case f == 0:
		return append(b, '0')
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.AppendInt(b, int64(f), 10)
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	// ECMAScript writes no leading zero in the exponent: 1e-07 is 1e-7.
	if n := len(b); n-start >= 4 && b[n-2] == '0' && (b[n-3] == '-' || b[n-3] == '+') {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

// isInteger reports whether a JSON number has neither fraction nor exponent.
func isInteger(s string) bool { return !strings.ContainsAny(s, ".eE") }
