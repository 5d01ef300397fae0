package jsonata

import (
	"bytes"
	"math"
	"slices"
	"strconv"

	"tutti/internal/stepfunctions/data"
)

// text is what $string() gives for a defined value.
func (r *run) text(v any, pretty bool) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case function:
		return "", nil
	case float64:
		if v-v != 0 {
			return "", &Error{Code: "D3001", Value: v}
		}
		var room [32]byte
		return string(appendRounded(room[:0], v)), nil
	}
	b, err := r.encode(unwrapped(v), pretty)
	return string(b), err
}

// encode writes a value as JSON, numbers with at most fifteen digits.
func (r *run) encode(v any, pretty bool) ([]byte, error) {
	e := encoder{r: r, pretty: pretty}
	if err := e.value(v, 0); err != nil {
		return nil, err
	}
	return e.out, e.pay()
}

type encoder struct {
	r      *run
	out    []byte
	paid   int // bytes of out that are counted already
	pretty bool
}

// payEvery is how many bytes may be written before they are counted.
const payEvery = 4096

func (e *encoder) pay() error {
	n := len(e.out) - e.paid
	e.paid = len(e.out)
	if err := e.r.chargeText(n); err != nil {
		return err
	}
	if cap(e.out)-len(e.out) < 2*payEvery && n >= payEvery {
		e.out = slices.Grow(e.out, len(e.out)) // twice as much, so that little is copied
	}
	return nil
}

func (e *encoder) value(v any, depth int) error {
	if depth > maxNesting {
		return errNesting()
	}
	if len(e.out)-e.paid > payEvery {
		if err := e.pay(); err != nil {
			return err
		}
	}
	switch v := v.(type) {
	case float64:
		if math.IsInf(v, 0) {
			return &Error{Code: "D1001", Value: v}
		}
		e.out = appendRounded(e.out, v)
	case data.Number:
		f, _ := data.Float(v)
		return e.value(f, depth)
	case function:
		e.out = append(e.out, `""`...)
	case undefined:
		e.out = append(e.out, "null"...)
	case []any:
		return e.items(v, depth)
	case *array:
		return e.items(v.items, depth)
	case *data.Object:
		return e.members(v, depth)
	default:
		e.out = data.Append(e.out, v)
	}
	return nil
}

func (e *encoder) items(items []any, depth int) error {
	e.out = append(e.out, '[')
	for i, item := range items {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.newLine(depth + 1)
		if err := e.value(item, depth+1); err != nil {
			return err
		}
	}
	if len(items) > 0 {
		e.newLine(depth)
	}
	e.out = append(e.out, ']')
	return e.r.work(len(items))
}

func (e *encoder) members(o *data.Object, depth int) error {
	e.out = append(e.out, '{')
	for i, m := range o.Members() {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.newLine(depth + 1)
		e.out = data.AppendString(e.out, m.Key)
		e.out = append(e.out, ':')
		if e.pretty {
			e.out = append(e.out, ' ')
		}
		if err := e.value(m.Value, depth+1); err != nil {
			return err
		}
	}
	if o.Len() > 0 {
		e.newLine(depth)
	}
	e.out = append(e.out, '}')
	return e.r.work(o.Len())
}

func (e *encoder) newLine(depth int) {
	if !e.pretty {
		return
	}
	e.out = append(e.out, '\n')
	for range depth {
		e.out = append(e.out, ' ', ' ')
	}
}

// appendRounded writes a number with at most fifteen digits. Nearly all numbers have no more.
func appendRounded(b []byte, f float64) []byte {
	start := len(b)
	b = data.AppendFloat(b, f)
	if len(b)-start <= 16 { // a point and fifteen digits
		return b
	}
	return data.AppendFloat(b[:start], fifteenDigits(f))
}

// fifteenDigits rounds a number that is not whole to fifteen significant digits, so that 0.1 + 0.2 prints as 0.3.
func fifteenDigits(f float64) float64 {
	if f == math.Trunc(f) || f-f != 0 || fewDecimals(f) {
		return f
	}
	var room [64]byte
	// Exactly half-way ECMAScript rounds up and Go to even.
	digits := strconv.AppendFloat(room[:0], f, 'e', 15, 64)
	if end := bytes.IndexByte(digits, 'e'); digits[end-1] == '5' && halfWay(f) {
		digits[end-1] = '6'
		f = mustFloat(digits)
	}
	return mustFloat(strconv.AppendFloat(room[:0], f, 'e', 14, 64))
}

// fewDecimals tells of most numbers quickly that they have few digits: the quotient of two whole numbers is the number
// nearest to it.
func fewDecimals(f float64) bool {
	for _, power := range [...]float64{100, 10_000} {
		if whole := math.Round(f * power); math.Abs(whole) < 1e15 && whole/power == f {
			return true
		}
	}
	return false
}

// halfWay tells whether a number has exactly sixteen digits.
func halfWay(f float64) bool {
	const zeros = 24
	var room [64]byte
	digits, _, _ := bytes.Cut(strconv.AppendFloat(room[:0], f, 'e', 15+zeros, 64), []byte("e"))
	return bytes.HasSuffix(digits, bytes.Repeat([]byte("0"), zeros))
}

func mustFloat(digits []byte) float64 {
	f, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		panic("jsonata: invariant broken: a rounded number is not readable: " + err.Error())
	}
	return f
}
