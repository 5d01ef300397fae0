package python

import (
	"math"
	"math/big"
	"math/bits"
	"strings"
	"time"

	"tutti/internal/ansible/value"
)

// ErrTooLarge is a result beyond what the package makes.
type ErrTooLarge struct{ What string }

func (e *ErrTooLarge) Error() string { return e.What + " is too large" }

// number gives an int, float or bool as int64 or float64.
func number(v any) (i int64, f float64, whole, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

func unsupported(op string, a, b any) error {
	if op == "**" {
		op = "** or pow()"
	}
	return errorf("unsupported operand type(s) for %s: '%s' and '%s'", op, name(a), name(b))
}

// Binary is an arithmetic operator: + - * / // % **.
func Binary(op string, a, b any) (any, error) {
	ai, af, aw, ok := number(a)
	if ok {
		if bi, bf, bw, ok := number(b); ok {
			if aw && bw {
				return integers(op, ai, bi)
			}
			return floats(op, af, bf)
		}
	}
	switch op {
	case "+":
		return add(a, b)
	case "*":
		if i, ok := index(b); ok {
			return repeat(a, i, unsupported(op, a, b))
		}
		if i, ok := index(a); ok {
			return repeat(b, i, unsupported(op, a, b))
		}
		if sequence(a) {
			return nil, errorf("can't multiply sequence by non-int of type '%s'", name(b))
		}
		if sequence(b) {
			return nil, errorf("can't multiply sequence by non-int of type '%s'", name(a))
		}
		return scale(a, b)
	case "%":
		if s, ok := a.(string); ok {
			return Percent(s, b)
		}
	case "-":
		return subtract(a, b)
	case "/", "//":
		return divide(op, a, b)
	}
	return nil, unsupported(op, a, b)
}

func sequence(v any) bool {
	switch v.(type) {
	case string, *value.List:
		return true
	}
	return false
}

func integers(op string, a, b int64) (any, error) {
	switch op {
	case "+":
		if c := a + b; (c > a) == (b > 0) {
			return c, nil
		}
	case "-":
		if c := a - b; (c < a) == (b > 0) {
			return c, nil
		}
	case "*":
		if c, ok := multiply(a, b); ok {
			return c, nil
		}
	case "/":
		if b == 0 {
			return nil, errorf("division by zero")
		}
		return float64(a) / float64(b), nil
	case "//", "%":
		if b == 0 {
			if op == "%" {
				return nil, errorf("integer modulo by zero")
			}
			return nil, errorf("integer division or modulo by zero")
		}
		q, r := a/b, a%b
		if r != 0 && (r < 0) != (b < 0) {
			q, r = q-1, r+b
		}
		if op == "%" {
			return r, nil
		}
		return q, nil
	case "**":
		if b < 0 {
			return floats(op, float64(a), float64(b))
		}
		return power(a, b)
	}
	return nil, &ErrTooLarge{"the integer"}
}

func multiply(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	if hi != 0 || lo > math.MaxInt64 || a == math.MinInt64 || b == math.MinInt64 {
		return 0, a == 0 || b == 0
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), true
	}
	return int64(lo), true
}

func power(a, b int64) (any, error) {
	if a == 0 || a == 1 {
		if b == 0 {
			return int64(1), nil
		}
		return a, nil
	}
	if a == -1 {
		return 1 - 2*(b&1), nil
	}
	if b > 63 {
		return nil, &ErrTooLarge{"the integer"}
	}
	x := new(big.Int).Exp(big.NewInt(a), big.NewInt(b), nil)
	if !x.IsInt64() {
		return nil, &ErrTooLarge{"the integer"}
	}
	return x.Int64(), nil
}

func floats(op string, a, b float64) (any, error) {
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "/":
		if b == 0 {
			return nil, errorf("float division by zero")
		}
		return a / b, nil
	case "//":
		if b == 0 {
			return nil, errorf("float floor division by zero")
		}
		return math.Floor(a / b), nil
	case "%":
		if b == 0 {
			return nil, errorf("float modulo")
		}
		r := math.Mod(a, b)
		if r != 0 && (r < 0) != (b < 0) {
			r += b
		}
		return r, nil
	default:
		if a == 0 && b < 0 {
			return nil, errorf("0.0 cannot be raised to a negative power")
		}
		if a < 0 && b != math.Floor(b) {
			return nil, errorf("complex numbers are not supported: a negative number to the power of a fraction")
		}
		r := math.Pow(a, b)
		if math.IsInf(r, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
			return nil, errorf("(34, 'Numerical result out of range')")
		}
		return r, nil
	}
}

func add(a, b any) (any, error) {
	switch a := a.(type) {
	case string:
		c, ok := b.(string)
		if !ok {
			return nil, errorf(`can only concatenate str (not "%s") to str`, name(b))
		}
		if len(a)+len(c) > MaxText {
			return nil, &ErrTooLarge{"the text"}
		}
		return a + c, nil
	case *value.List:
		c, ok := b.(*value.List)
		if !ok || a.Tuple != c.Tuple {
			return nil, errorf(`can only concatenate %s (not "%s") to %s`, name(a), name(b), name(a))
		}
		if len(a.Items)+len(c.Items) > MaxItems {
			return nil, &ErrTooLarge{"the list"}
		}
		items := make([]any, 0, len(a.Items)+len(c.Items))
		return &value.List{Items: append(append(items, a.Items...), c.Items...), Tuple: a.Tuple}, nil
	case *value.Time:
		if d, ok := b.(value.Duration); ok {
			return shift(a, time.Duration(d)), nil
		}
	case value.Duration:
		switch b := b.(type) {
		case value.Duration:
			return a + b, nil
		case *value.Time:
			return shift(b, time.Duration(a)), nil
		}
	}
	return nil, unsupported("+", a, b)
}

func shift(t *value.Time, d time.Duration) *value.Time {
	if t.DateOnly {
		d = d / (24 * time.Hour) * 24 * time.Hour
	}
	return &value.Time{Time: t.Time.Add(d), DateOnly: t.DateOnly, Naive: t.Naive}
}

func subtract(a, b any) (any, error) {
	switch a := a.(type) {
	case *value.Time:
		switch b := b.(type) {
		case *value.Time:
			if a.DateOnly != b.DateOnly {
				return nil, unsupported("-", a, b)
			}
			if a.Naive != b.Naive {
				return nil, errorf("can't subtract offset-naive and offset-aware datetimes")
			}
			return value.Duration(a.Time.Sub(b.Time)), nil
		case value.Duration:
			return shift(a, -time.Duration(b)), nil
		}
	case value.Duration:
		if b, ok := b.(value.Duration); ok {
			return a - b, nil
		}
	}
	return nil, unsupported("-", a, b)
}

// scale multiplies a timedelta.
func scale(a, b any) (any, error) {
	d, ok := a.(value.Duration)
	_, f, _, number1 := number(b)
	if !ok {
		d, ok = b.(value.Duration)
		_, f, _, number1 = number(a)
	}
	if !ok || !number1 {
		return nil, unsupported("*", a, b)
	}
	return value.Duration(math.Round(float64(d)*f/1000) * 1000), nil
}

// divide divides a timedelta.
func divide(op string, a, b any) (any, error) {
	d, ok := a.(value.Duration)
	if !ok {
		return nil, unsupported(op, a, b)
	}
	if e, ok := b.(value.Duration); ok {
		if e == 0 {
			return nil, errorf("division by zero")
		}
		if op == "//" {
			return int64(math.Floor(float64(d) / float64(e))), nil
		}
		return float64(d) / float64(e), nil
	}
	_, f, _, isNumber := number(b)
	if !isNumber {
		return nil, unsupported(op, a, b)
	}
	if f == 0 {
		return nil, errorf("division by zero")
	}
	return value.Duration(math.Round(float64(d)/f/1000) * 1000), nil
}

// repeat gives a sequence, or a timedelta, n times.
func repeat(x any, n int64, wrong error) (any, error) {
	if d, ok := x.(value.Duration); ok {
		return scale(d, n)
	}
	n = max(n, 0)
	switch v := x.(type) {
	case string:
		if l := int64(len(v)); l > 0 && n > MaxText/l {
			return nil, &ErrTooLarge{"the text"}
		}
		return strings.Repeat(v, int(n)), nil
	case *value.List:
		l := int64(len(v.Items))
		if l > 0 && n > MaxItems/l {
			return nil, &ErrTooLarge{"the list"}
		}
		out := &value.List{Tuple: v.Tuple}
		for range n {
			out.Items = append(out.Items, v.Items...)
			if l == 0 {
				break
			}
		}
		return out, nil
	}
	return nil, wrong
}

// Unary is -x or +x.
func Unary(op string, v any) (any, error) {
	i, f, whole, ok := number(v)
	switch d, isDuration := v.(value.Duration); {
	case isDuration && op == "-":
		return -d, nil
	case isDuration:
		return d, nil
	case !ok:
		return nil, errorf("bad operand type for unary %s: '%s'", op, name(v))
	case whole && op == "-":
		if i == math.MinInt64 {
			return nil, &ErrTooLarge{"the integer"}
		}
		return -i, nil
	case whole:
		return i, nil
	case op == "-":
		return -f, nil
	default:
		return f, nil
	}
}

// Compare is one of == != < <= > >= in "not in".
func Compare(op string, a, b any) (bool, error) {
	switch op {
	case "==":
		return value.Equal(a, b), nil
	case "!=":
		return !value.Equal(a, b), nil
	case "in", "not in":
		in, err := Contains(b, a)
		return in == (op == "in"), err
	}
	if unordered(a) || unordered(b) { // every order with nan is false
		return false, nil
	}
	n, err := value.Compare(a, b)
	if err != nil {
		return false, errorf("%s", strings.Replace(err.Error(), "'<'", "'"+op+"'", 1))
	}
	switch op {
	case "<":
		return n < 0, nil
	case "<=":
		return n <= 0, nil
	case ">":
		return n > 0, nil
	default:
		return n >= 0, nil
	}
}

func unordered(v any) bool {
	f, ok := v.(float64)
	return ok && math.IsNaN(f)
}
