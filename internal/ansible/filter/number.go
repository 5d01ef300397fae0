package filter

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"tutti/internal/ansible/filter/mersenne"
	"tutti/internal/ansible/filter/real"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// asFloat is what Python's math functions take.
func asFloat(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64, bool:
		n, _ := asInt(v)
		return float64(n), nil
	}
	return 0, notReal{v}
}

// notReal is Python's TypeError about something that is no number.
type notReal struct{ v any }

func (n notReal) Error() string { return "must be real number, not " + value.TypeName(n.v) }

// onlyNumbers puts the filter's own words before a TypeError.
func onlyNumbers(name string, err error) error {
	var wrong notReal
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s() can only be used on numbers: %w", name, err)
	}
	return err
}

func logarithm(_ *jinja.Call, a []any) (any, error) {
	x, err := asFloat(a[0])
	if err != nil {
		return nil, onlyNumbers("log", err)
	}
	if n, ok := asInt(a[1]); ok && n == 10 && value.Equal(a[1], int64(10)) {
		f, err := real.Log10(x)
		return f, err
	}
	natural, err := real.Log(x)
	if err != nil {
		return nil, err
	}
	base, err := asFloat(a[1])
	if err != nil {
		return nil, onlyNumbers("log", err)
	}
	if base == math.E {
		return natural, nil
	}
	under, err := real.Log(base)
	switch {
	case err != nil:
		return nil, err
	case under == 0:
		return nil, errors.New("float division by zero")
	}
	return natural / under, nil
}

func power(_ *jinja.Call, a []any) (any, error) {
	x, err := asFloat(a[0])
	if err != nil {
		return nil, onlyNumbers("pow", err)
	}
	y, err := asFloat(a[1])
	if err != nil {
		return nil, onlyNumbers("pow", err)
	}
	f, err := real.Pow(x, y)
	return f, err
}

func root(_ *jinja.Call, a []any) (any, error) {
	x, err := asFloat(a[0])
	if value.Equal(a[1], int64(2)) {
		switch {
		case err != nil:
			return nil, onlyNumbers("root", err)
		case x < 0:
			return nil, fmt.Errorf("root() can only be used on numbers: %w", real.ErrDomain)
		}
		return math.Sqrt(x), nil
	}
	base, baseErr := toFloat(a[1])
	switch {
	case baseErr != nil:
		return nil, fmt.Errorf("root() can only be used on numbers: %w", baseErr)
	case base == 0:
		return nil, errors.New("float division by zero")
	case err != nil:
		return nil, onlyNumbers("root", err)
	}
	f, err := real.Pow(x, 1/base)
	if errors.Is(err, real.ErrDomain) {
		err = fmt.Errorf("root() can only be used on numbers: %w", err)
	}
	return f, err
}

// toFloat is float().
func toFloat(v any) (float64, error) {
	s, ok := v.(string)
	if !ok {
		f, err := asFloat(v)
		if err != nil {
			return 0, fmt.Errorf("float() argument must be a string or a real number, not '%s'", value.TypeName(v))
		}
		return f, nil
	}
	text := strings.ReplaceAll(strings.TrimSpace(s), "_", "")
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || strings.ContainsAny(text, "xX") {
		return 0, fmt.Errorf("could not convert string to float: %s", value.Repr(s))
	}
	return f, nil
}

// units are the letters before which sizes stand, the largest first, each 1024 of the next.
const units = "YZEPTGMKB"

// limit is how many bytes the unit at a place in units is.
func limit(at int) float64 { return math.Ldexp(1, 10*(len(units)-1-at)) }

func humanReadable(_ *jinja.Call, a []any) (any, error) {
	size, err := asFloat(a[0])
	base := "Bytes"
	if python.Truth(a[1]) {
		base = "bits"
	}
	at := len(units) - 1
	switch unit := a[2].(type) {
	case nil:
		if err != nil {
			return nil, fmt.Errorf("human_readable() failed on bad input: '>=' not supported between instances of '%s' and 'int'", value.TypeName(a[0]))
		}
		for i := range units {
			if size >= limit(i) {
				at = i
				break
			}
		}
	case string:
		if i := strings.Index(units, strings.ToUpper(unit)); len(unit) == 1 && i >= 0 {
			at = i
		}
		if err != nil {
			return nil, fmt.Errorf("human_readable() failed on bad input: unsupported operand type(s) for /: '%s' and 'int'", value.TypeName(a[0]))
		}
	default:
		return nil, fmt.Errorf("human_readable() can't interpret the input: '%s' object has no attribute 'upper'", value.TypeName(unit))
	}
	suffix := base
	if at < len(units)-1 {
		suffix = units[at:at+1] + base[:1]
	}
	return strconv.FormatFloat(size/limit(at), 'f', 2, 64) + " " + suffix, nil
}

func humanToBytes(_ *jinja.Call, a []any) (any, error) {
	text := value.String(a[0])
	n, err := ParseBytes(text, a[1], python.Truth(a[2]))
	var wrong notText
	switch {
	case errors.As(err, &wrong):
		return nil, fmt.Errorf("human_to_bytes() failed on bad input: %w", err)
	case err != nil:
		return nil, fmt.Errorf("human_to_bytes() can't interpret the input: %w", err)
	}
	return n, nil
}

// notText is Python's TypeError about something that has no letters.
type notText struct{ v any }

func (n notText) Error() string {
	return "'" + value.TypeName(n.v) + "' object is not subscriptable"
}

// sizeParts cuts "1.5 MB" into its number and its unit.
func sizeParts(text string) (number, unit string, ok bool) {
	rest := strings.TrimRight(text, " \t\n\r\f\v")
	n := 0
	for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || rest[n] == '.') {
		n++
	}
	number, unit = rest[:n], strings.TrimLeft(rest[n:], " \t\n\r\f\v")
	if strings.Count(number, ".") > 1 || number == "" || number[len(number)-1] == '.' {
		return "", "", false
	}
	for i := range len(unit) {
		if c := unit[i] | 0x20; c < 'a' || c > 'z' {
			return "", "", false
		}
	}
	return number, unit, true
}

// ParseBytes reads a size such as "10M" or "2 KB", or of bits "2Kb". Without a unit of its
// own it has the default one, which may be nil. What is beyond 64 bits is a float.
func ParseBytes(text string, defaultUnit any, bits bool) (any, error) {
	number, unit, ok := sizeParts(text)
	if !ok {
		return nil, fmt.Errorf("human_to_bytes() can't interpret following string:%s", spaced(text))
	}
	n, _ := strconv.ParseFloat(number, 64) // digits with a point always read; too large is infinite
	if unit == "" {
		switch d := defaultUnit.(type) {
		case nil:
			return whole(n), nil
		case string:
			if unit = d; d == "" {
				return nil, errors.New("string index out of range")
			}
		default:
			return nil, notText{d}
		}
	}
	key := strings.ToUpper(unit[:1])
	at := strings.Index(units, key)
	if at < 0 {
		return nil, fmt.Errorf("human_to_bytes() failed to convert %s (unit = %s). The suffix must be one of %s",
			text, unit, strings.Join(strings.Split(units, ""), ", "))
	}
	class, className := "B", "byte"
	if bits {
		class, className = "b", "bit"
	}
	if len(unit) > 1 && strings.ToLower(unit) != longUnit(at)+className && unit != shortUnit(at)+class {
		expected := fmt.Sprintf("expect %s%s or %s", key, class, key)
		if key == "B" {
			expected = fmt.Sprintf("expect %s or %s", class, className)
		}
		return nil, fmt.Errorf("human_to_bytes() failed to convert %s. Value is not a valid string (%s)", text, expected)
	}
	return whole(n * limit(at)), nil
}

// spaced puts a blank before text; messages lose what they end with.
func spaced(text string) string { return strings.TrimRight(" "+text, " ") }

// shortUnit is what stands before B in a unit: K in KB, nothing in B.
func shortUnit(at int) string {
	if units[at] == 'B' {
		return ""
	}
	return units[at : at+1]
}

// longUnit is what stands before byte in a unit's name.
func longUnit(at int) string {
	return strings.Split("yotta zetta exa peta tera giga mega kilo ", " ")[at]
}

// whole rounds half to even, as Python does.
func whole(f float64) any {
	f = math.RoundToEven(f)
	if math.Abs(f) < 1<<63 {
		return int64(f)
	}
	return f
}

// below gives numbers by a seed, or by the caller's randomness without one.
func below(c *jinja.Call, seed any) (func(int64) int64, error) {
	if seed == nil {
		return func(n int64) int64 { return int64(c.Random(uint64(n))) }, nil
	}
	r, err := mersenne.New(seed)
	if err != nil {
		return nil, err
	}
	return r.Below, nil
}

func random(c *jinja.Call, a []any) (any, error) {
	next, err := below(c, a[3])
	if err != nil {
		return nil, err
	}
	switch end := a[0].(type) {
	case int64, bool:
		n, _ := asInt(end)
		return randomNumber(next, n, a[1], a[2])
	case *value.List, *value.Dict, string, python.Range, python.Mapping:
		if python.Truth(a[1]) || python.Truth(a[2]) {
			return nil, errors.New("start and step can only be used with integer values")
		}
		if d, ok := end.(*value.Dict); ok {
			return randomKey(next, d)
		}
		items, err := python.Items(end)
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return nil, errors.New("Cannot choose from an empty sequence") // Python's own words
		}
		return items[next(int64(len(items)))], nil
	}
	return nil, errors.New("random can only be used on sequences and integers")
}

// randomKey is what Python makes of a dict where it wants a sequence: the value of a number.
func randomKey(next func(int64) int64, d *value.Dict) (any, error) {
	if d.Len() == 0 {
		return nil, errors.New("Cannot choose from an empty sequence") // Python's own words
	}
	k := next(int64(d.Len()))
	if v, ok := d.Get(k); ok {
		return v, nil
	}
	return nil, errors.New(value.Repr(k))
}

func randomNumber(next func(int64) int64, end int64, from, by any) (any, error) {
	start, step := int64(0), int64(1)
	for _, o := range []struct {
		to *int64
		v  any
	}{{&start, from}, {&step, by}} {
		if !python.Truth(o.v) {
			continue
		}
		n, ok := asIndex(o.v)
		if f, isFloat := o.v.(float64); isFloat && f == math.Trunc(f) {
			n, ok = int64(f), true
		}
		if s, isText := o.v.(string); isText {
			return nil, fmt.Errorf("invalid literal for int() with base 10: %s", value.Repr(s))
		}
		if !ok {
			return nil, fmt.Errorf("'%s' object cannot be interpreted as an integer", value.TypeName(o.v))
		}
		*o.to = n
	}
	width := end - start
	count := width
	if step > 0 {
		count = (width + step - 1) / step
	} else {
		count = (width + step + 1) / step
	}
	if count <= 0 || step == 1 && width <= 0 {
		if step != 1 {
			return nil, errors.New("empty range for randrange()")
		}
		return nil, fmt.Errorf("empty range for randrange() (%d, %d, %d)", start, end, width)
	}
	return start + step*next(count), nil
}

func shuffle(c *jinja.Call, a []any) (any, error) {
	items, err := python.Items(a[0])
	if err != nil {
		return a[0], nil // as in Ansible: what cannot be shuffled stays as it is
	}
	list := &value.List{Items: append([]any{}, items...)}
	var seed any
	if python.Truth(a[1]) {
		seed = a[1]
	}
	next, err := below(c, seed)
	if err == nil {
		mersenne.Shuffle(list.Items, next)
	}
	return list, nil
}
