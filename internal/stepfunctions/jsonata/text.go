package jsonata

import (
	"math"
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
		return string(data.AppendFloat(room[:0], fifteenDigits(v))), nil
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
	return e.r.chargeText(n)
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
		e.out = data.AppendFloat(e.out, fifteenDigits(v))
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

// fifteenDigits rounds a number that is not whole to fifteen significant digits, so that 0.1 + 0.2 prints as 0.3.
func fifteenDigits(f float64) float64 {
	if f == math.Trunc(f) || f-f != 0 {
		return f
	}
	var room [64]byte
	digits := strconv.AppendFloat(room[:0], f, 'e', 14, 64)
	rounded, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		panic("jsonata: invariant broken: a rounded number is not readable: " + err.Error())
	}
	// Exactly half-way ECMAScript rounds up and Go to even. It takes a whole part of fifteen digits to be half-way.
	if half := math.Abs(f); half >= 1e14 && half < 1e15 && half-math.Floor(half) == 0.5 {
		rounded = math.Copysign(math.Floor(half)+1, f)
	}
	return rounded
}
