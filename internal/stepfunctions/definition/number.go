package definition

import (
	"math"
	"tutti/internal/stepfunctions/document"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/expression"
)

// The largest numbers that the service takes.
const (
	maxSeconds      = 99_999_999
	maxAttempts     = 99_999_999
	maxDelaySeconds = 31_622_400
	maxBatchBytes   = 262_144
)

// interval is what a number must lie in.
type interval struct {
	low, high float64
	whole     bool
}

func wholeNumber(low, high float64) interval { return interval{low, high, true} }

var unbounded = math.Inf(1)

// literal checks a number that stands in the file.
func (c *checker) literal(n *document.Node, in interval) (float64, bool) {
	f, ok := data.Float(n.Value)
	if n.Kind != document.Scalar || !ok {
		if in.whole {
			c.wrong(n, "Wrong type", "Expected value of type Integer", "the value must be a whole number, and it is %s %s.", article(n.TypeName()), n.TypeName())
		} else {
			c.typed(n, "number")
		}
		return 0, false
	}
	text := string(data.AppendFloat(nil, f))
	switch low, high := string(data.AppendFloat(nil, in.low)), string(data.AppendFloat(nil, in.high)); {
	case f < in.low:
		c.wrong(n, "Value out of range", "Minimum value is "+low, "the value is %s, and the least is %s.", text, low)
	case f > in.high:
		c.wrong(n, "Value out of range", "Maximum value is "+high, "the value is %s, and the most is %s.", text, high)
	case in.whole && f != math.Trunc(f):
		c.wrong(n, "Wrong type", "Expected value of type Integer", "the value is %s, and it must be a whole number.", text)
	default:
		return f, true
	}
	return 0, false
}

// number gives a field that takes a number: a literal, in JSONata an expression, in
// JSONPath by the field's path under the name with Path at its end. pathName is "" where
// there is no such field. It is nil where none of them is there.
func (r *reading) number(n *document.Node, name, pathName string, in interval) expression.Expr {
	if pathName != "" && r.language == JSONPath {
		r.c.oneOf(n, false, name, pathName)
		if m := n.Get(pathName); m != nil {
			if e := r.reference(m); e != nil {
				return expression.Number(e, in.whole, in.low, in.high)
			}
			return nil
		}
	}
	m := n.Get(name)
	if m == nil {
		return nil
	}
	if text, ok := m.Text(); ok && r.language == JSONata && isQuery(text) {
		if e := r.query(m, text); e != nil {
			return expression.Number(e, in.whole, in.low, in.high)
		}
		return nil
	}
	if _, ok := r.c.literal(m, in); !ok {
		return nil
	}
	return expression.Constant{Value: m.Value}
}
