package builtin

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

func number(v any) (i int64, f float64, whole, ok bool) {
	switch v := v.(type) {
	case int64:
		return v, float64(v), true, true
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

func absolute(c *jinja.Call) (any, error) {
	v := c.Args[0]
	_, f, _, ok := number(v)
	d, isDuration := v.(value.Duration)
	switch {
	case isDuration && d < 0 || ok && f < 0:
		return python.Unary("-", v)
	case isDuration || ok:
		return python.Unary("+", v)
	}
	return nil, fmt.Errorf("bad operand type for abs(): '%s'", value.TypeName(v))
}

// parseFloat is float() of a text.
func parseFloat(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, "xXpP") { // which Go would read
		return 0, false
	}
	if strings.Contains(s, "_") {
		if strings.Contains(s, "__") || s[0] == '_' || s[len(s)-1] == '_' {
			return 0, false
		}
		s = strings.ReplaceAll(s, "_", "")
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}

// parseInt is int() of a text. It reports whether the text is an integer.
func parseInt(s string, base int) (int64, bool, error) {
	s = strings.TrimSpace(s)
	digits, sign := s, ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits, sign = s[1:], s[:1]
	}
	if sign == "+" {
		sign = ""
	}
	prefixes := map[int]string{2: "0b", 8: "0o", 16: "0x"}
	if p := prefixes[base]; p != "" && strings.HasPrefix(strings.ToLower(digits), p) {
		digits = strings.TrimPrefix(digits[2:], "_")
	}
	if digits == "" || digits[0] == '-' || digits[0] == '+' || strings.Contains(digits, "__") || digits[0] == '_' || digits[len(digits)-1] == '_' {
		return 0, false, nil
	}
	if base == 0 && len(digits) > 1 && digits[0] == '0' && digits[1] >= '1' && digits[1] <= '9' {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(sign+strings.ReplaceAll(digits, "_", ""), base, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, false, &python.ErrTooLarge{What: "the integer"}
	}
	return n, err == nil, nil
}

func toInt(c *jinja.Call) (any, error) {
	v, standard := c.Args[0], c.Args[1]
	base, ok := c.Args[2].(int64)
	if !ok || base != 0 && base < 2 || base > 36 {
		return standard, nil
	}
	if s, isText := v.(string); isText {
		n, ok, err := parseInt(s, int(base))
		if ok || err != nil {
			return n, err
		}
		f, ok := parseFloat(s)
		if !ok || math.IsInf(f, 0) || math.IsNaN(f) {
			return standard, nil
		}
		return truncated(f)
	}
	i, f, whole, ok := number(v)
	switch {
	case whole:
		return i, nil
	case !ok || math.IsNaN(f):
		return standard, nil
	case math.IsInf(f, 0):
		return nil, errors.New("cannot convert float infinity to integer")
	}
	return truncated(f)
}

func truncated(f float64) (any, error) {
	if math.Abs(f) >= math.MaxInt64 {
		return nil, &python.ErrTooLarge{What: "the integer"}
	}
	return int64(f), nil
}

func toFloat(c *jinja.Call) (any, error) {
	if s, ok := c.Args[0].(string); ok {
		if f, ok := parseFloat(s); ok {
			return f, nil
		}
		return c.Args[1], nil
	}
	if _, f, _, ok := number(c.Args[0]); ok {
		return f, nil
	}
	return c.Args[1], nil
}

func round(c *jinja.Call) (any, error) {
	method, _ := c.Args[2].(string)
	if method != "common" && method != "ceil" && method != "floor" {
		return nil, errors.New("method must be common, ceil or floor")
	}
	i, f, whole, ok := number(c.Args[0])
	places, isInt := c.Args[1].(int64)
	switch {
	case !ok && method == "common":
		return nil, fmt.Errorf("type %s doesn't define __round__ method", value.TypeName(c.Args[0]))
	case !ok:
		return nil, fmt.Errorf("must be real number, not %s", value.TypeName(c.Args[0]))
	case !isInt:
		return nil, fmt.Errorf("'%s' object cannot be interpreted as an integer", value.TypeName(c.Args[1]))
	}
	if method == "common" {
		if whole {
			return roundInt(i, places)
		}
		return roundFloat(f, places), nil
	}
	by := math.Pow(10, float64(places))
	scaled := f * by
	if math.IsInf(scaled, 0) || math.IsNaN(scaled) {
		return nil, errors.New("cannot convert float to integer")
	}
	if method == "ceil" {
		return math.Ceil(scaled) / by, nil
	}
	return math.Floor(scaled) / by, nil
}

// roundFloat rounds to decimal places, a tie to the even digit, as the exact value has it.
func roundFloat(f float64, places int64) float64 {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0) || places > 300:
		return f
	case places >= 0:
		r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(places), 64), 64)
		return r
	case places < -308:
		return 0
	}
	by := math.Pow(10, float64(-places))
	return math.RoundToEven(f/by) * by
}

func roundInt(i, places int64) (any, error) {
	if places >= 0 {
		return i, nil
	}
	if places < -18 {
		return int64(0), nil
	}
	by := new(big.Int).Exp(big.NewInt(10), big.NewInt(-places), nil)
	q, r := new(big.Int).DivMod(big.NewInt(i), by, new(big.Int))
	double := new(big.Int).Lsh(r, 1)
	if n := double.Cmp(by); n > 0 || n == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	q.Mul(q, by)
	if !q.IsInt64() {
		return nil, &python.ErrTooLarge{What: "the integer"}
	}
	return q.Int64(), nil
}

func fileSize(c *jinja.Call) (any, error) {
	var size float64
	switch v := c.Args[0].(type) {
	case string:
		f, ok := parseFloat(v)
		if !ok {
			return nil, fmt.Errorf("could not convert string to float: %s", value.Repr(v))
		}
		size = f
	default:
		_, f, _, ok := number(v)
		if !ok {
			return nil, fmt.Errorf("float() argument must be a string or a real number, not '%s'", value.TypeName(v))
		}
		size = f
	}
	base, units := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if python.Truth(c.Args[1]) {
		base, units = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	switch {
	case size == 1:
		return "1 Byte", nil
	case size < base:
		return fmt.Sprintf("%d Bytes", int64(size)), nil
	}
	unit := base
	for i, name := range units {
		unit *= base
		if size < unit || i == len(units)-1 {
			return strconv.FormatFloat(base*size/unit, 'f', 1, 64) + " " + name, nil
		}
	}
	return nil, nil
}
