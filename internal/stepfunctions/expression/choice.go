package expression

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/jsonpath"
)

// Operator is a comparison of a Choice rule in JSONPath, such as StringLessThanPath.
type Operator struct {
	Name string
	// Operand is the type of JSON that the operator compares with: string, number or
	// boolean; "timestamp" is a string of that form.
	Operand string
	// FromPath says that the definition has a path to the operand, not the operand.
	FromPath bool
	holds    func(value, operand any) bool
}

// Operators gives all comparisons.
func Operators() []Operator {
	var all []Operator
	ordered := []struct {
		suffix string
		holds  func(order int) bool
	}{
		{"Equals", func(o int) bool { return o == 0 }},
		{"LessThan", func(o int) bool { return o < 0 }},
		{"GreaterThan", func(o int) bool { return o > 0 }},
		{"LessThanEquals", func(o int) bool { return o <= 0 }},
		{"GreaterThanEquals", func(o int) bool { return o >= 0 }},
	}
	kinds := []struct {
		prefix, operand string
		order           func(a, b any) (int, bool)
	}{{"String", "string", orderStrings}, {"Numeric", "number", orderNumbers}, {"Timestamp", "timestamp", orderTimes}, {"Boolean", "boolean", orderBooleans}}
	for _, k := range kinds {
		for _, o := range ordered {
			if k.prefix == "Boolean" && o.suffix != "Equals" {
				continue
			}
			holds := func(a, b any) bool {
				order, ok := k.order(a, b)
				return ok && o.holds(order)
			}
			name := k.prefix + o.suffix
			all = append(all, Operator{name, k.operand, false, holds}, Operator{name + "Path", k.operand, true, holds})
		}
	}
	all = append(all, Operator{"StringMatches", "string", false, func(v, pattern any) bool {
		s, ok := v.(string)
		return ok && matches(s, pattern.(string))
	}})
	for _, is := range []struct {
		name string
		is   func(any) bool
	}{
		{"IsNull", func(v any) bool { return v == nil }},
		{"IsNumeric", func(v any) bool { return data.Kind(v) == "number" }},
		{"IsString", func(v any) bool { return data.Kind(v) == "string" }},
		{"IsBoolean", func(v any) bool { return data.Kind(v) == "boolean" }},
		{"IsTimestamp", func(v any) bool { _, ok := timestamp(v); return ok }},
		{"IsPresent", func(any) bool { return true }},
	} {
		all = append(all, Operator{is.name, "boolean", false, func(v, want any) bool { return is.is(v) == want }})
	}
	return all
}

// isPresent is the one operator that may ask for what is not there.
const isPresent = "IsPresent"

// Compare gives the comparison of what is at a path (made by Reference) with an operand:
// a Constant of the operator's type, or a path where the operator takes one.
func Compare(o Operator, variable, operand Expr) Expr {
	return &comparison{o, variable.(*path), operand}
}

// comparison is one test of a Choice rule. A value of another type than the operator's
// compares as false (States Language, "Data-test Expression").
type comparison struct {
	operator Operator
	variable *path
	operand  Expr
}

var _ Expr = (*comparison)(nil)

// Eval implements Expr.
func (e *comparison) Eval(s *Scope) (any, error) {
	v, err := e.variable.find(s)
	if err != nil {
		var missing *jsonpath.NotFoundError
		if errors.As(err, &missing) && e.operator.Name == isPresent {
			return e.operand.(Constant).Value == false, nil
		}
		return nil, choiceFailure(e.variable, err)
	}
	var operand any
	switch o := e.operand.(type) {
	case Constant:
		operand = o.Value
	case *path:
		if operand, err = o.find(s); err != nil {
			return nil, choiceFailure(o, err)
		}
	default:
		panic(fmt.Sprintf("expression: invariant broken: %T is no operand of %s", o, e.operator.Name))
	}
	return e.operator.holds(v, operand), nil
}

func choiceFailure(p *path, err error) *Error {
	var missing *jsonpath.NotFoundError
	if !errors.As(err, &missing) {
		return &Error{Runtime, err.Error()}
	}
	return &Error{Runtime, fmt.Sprintf("Invalid path '%s': The choice state's condition path references an invalid value.", p.path)}
}

// Names implements Expr.
func (e *comparison) Names(f func(string)) {
	e.variable.Names(f)
	e.operand.Names(f)
}

// And holds when all of the rules do, Or when one does, Not when its rule does not. A
// rule behind the one that decides is not evaluated.
func And(rules []Expr) Expr { return &combination{rules, false, false} }

// Or is described with And.
func Or(rules []Expr) Expr { return &combination{rules, true, false} }

// Not is described with And.
func Not(rule Expr) Expr { return &combination{[]Expr{rule}, true, true} }

type combination struct {
	rules []Expr
	// decides is the value of a rule that decides; negated turns the result round.
	decides, negated bool
}

var _ Expr = (*combination)(nil)

// Eval implements Expr.
func (e *combination) Eval(s *Scope) (any, error) {
	for _, r := range e.rules {
		v, err := r.Eval(s)
		if err != nil {
			return nil, err
		}
		if v == e.decides {
			return e.decides != e.negated, nil
		}
	}
	return e.decides == e.negated, nil
}

// Names implements Expr.
func (e *combination) Names(f func(string)) {
	for _, r := range e.rules {
		r.Names(f)
	}
}

func orderBooleans(a, b any) (int, bool) {
	x, ok := a.(bool)
	y, both := b.(bool)
	if x == y {
		return 0, ok && both
	}
	return 1, ok && both
}

// orderNumbers compares as the numbers are in a float64.
func orderNumbers(a, b any) (int, bool) {
	x, ok := data.Float(a)
	y, both := data.Float(b)
	return cmp.Compare(x, y), ok && both
}

func orderTimes(a, b any) (int, bool) {
	x, ok := timestamp(a)
	y, both := timestamp(b)
	return x.Compare(y), ok && both
}

func timestamp(v any) (time.Time, bool) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	return ParseTimestamp(s)
}

// ParseTimestamp reads a timestamp of RFC 3339 as the States Language wants it: T
// between date and time, and Z when there is no offset, both in upper case.
func ParseTimestamp(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	// Go also takes lower case, and a comma before fractions of seconds.
	return t, err == nil && strings.ToUpper(s) == s && !strings.Contains(s, ",")
}

// orderStrings compares by UTF-16 code units, as the service's Java does.
func orderStrings(a, b any) (int, bool) {
	x, ok := a.(string)
	y, both := b.(string)
	if !ok || !both {
		return 0, false
	}
	p, q := []rune(x), []rune(y)
	for i := range min(len(p), len(q)) {
		if p[i] != q[i] {
			return cmp.Compare(unit(p[i]), unit(q[i])), true
		}
	}
	return cmp.Compare(len(p), len(q)), true
}

// unit ranks a character by its first UTF-16 code unit: beyond U+FFFF that is a
// surrogate, which comes before U+E000.
func unit(r rune) rune {
	const surrogates, private = 0xd800, 0xe000
	switch {
	case r > 0xffff:
		return surrogates + r
	case r >= private:
		return r + 0x200000
	}
	return r
}

// matches compares with a pattern in which * stands for any characters and \* for an
// asterisk, in linear time for a bounded number of asterisks.
func matches(s, pattern string) bool {
	parts := split(pattern)
	if len(parts) == 1 {
		return s == parts[0]
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(s, first) || !strings.HasSuffix(s[len(first):], last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}

// split gives what stands between a pattern's asterisks, without escapes.
func split(pattern string) []string {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern) && (pattern[i+1] == '*' || pattern[i+1] == '\\'):
			i++
			b.WriteByte(pattern[i])
		case c == '*':
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(parts, b.String())
}
