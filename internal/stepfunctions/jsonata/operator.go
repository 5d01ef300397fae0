package jsonata

import (
	"math"
	"strings"

	"tutti/internal/stepfunctions/data"
)

type literal struct{ value any }

func (o *literal) eval(*run, any, *frame) (any, error) { return o.value, nil }

// context is $.
type context struct{}

func (*context) eval(_ *run, in any, _ *frame) (any, error) {
	return single(unwrapped(in)), nil
}

// unwrapped gives the array that is the whole input, or v itself.
func unwrapped(v any) any {
	if a, ok := v.(*array); ok && a.wrapper {
		return a.items[0]
	}
	return v
}

// global is a variable that the expression does not bind.
type global struct {
	place   int
	name    string
	builtin function
}

func (o *global) eval(r *run, _ any, _ *frame) (any, error) {
	return r.global(o.place, o.name, o.builtin), nil
}

// scoped is a variable that may be bound in a scope.
type scoped struct {
	name    string
	builtin function
}

func (o *scoped) eval(r *run, _ any, env *frame) (any, error) {
	if v, ok := env.lookup(o.name); ok {
		return single(v), nil
	}
	return r.lookup(o.name, o.builtin), nil
}

// parent is %, which is a variable that a step before has bound.
type parent struct{ label string }

func (o *parent) eval(_ *run, _ any, env *frame) (any, error) {
	if v, ok := env.lookup(o.label); ok {
		return v, nil
	}
	return Undefined, nil
}

type bind struct {
	name  string
	value op
}

func (o *bind) eval(r *run, in any, env *frame) (any, error) {
	v, err := o.value.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	env.bind(o.name, v)
	return single(v), nil
}

// block is (a; b; c).
type block struct {
	parts []op
	scope bool // some part binds a variable
}

func (o *block) eval(r *run, in any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	if o.scope {
		env = env.inner(nil)
	}
	v := Undefined
	for _, part := range o.parts {
		var err error
		if v, err = part.eval(r, in, env); err != nil {
			return nil, err
		}
	}
	r.leave()
	return single(v), nil
}

// condition is test ? then : other.
type condition struct{ test, then, other op }

func (o *condition) eval(r *run, in any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	v, err := o.test.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	yes, err := truth(v)
	if err != nil {
		return nil, err
	}
	v = Undefined
	switch {
	case yes:
		v, err = o.then.eval(r, in, env)
	case o.other != nil:
		v, err = o.other.eval(r, in, env)
	}
	r.leave()
	return single(v), err
}

// alternative is first ?: other, or with onlyMissing first ?? other.
type alternative struct {
	first, other op
	onlyMissing  bool
}

func (o *alternative) eval(r *run, in any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	v, err := o.first.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	good := !isUndefined(v)
	if !o.onlyMissing {
		if good, err = truth(v); err != nil {
			return nil, err
		}
	}
	if !good {
		v, err = o.other.eval(r, in, env)
	}
	r.leave()
	return single(v), err
}

// both evaluates two operands.
func both(r *run, left, right op, in any, env *frame) (a, b any, err error) {
	if err = r.enter(); err != nil {
		return nil, nil, err
	}
	if a, err = left.eval(r, in, env); err != nil {
		return nil, nil, err
	}
	b, err = right.eval(r, in, env)
	r.leave()
	return a, b, err
}

// located gives an error of an operator its place.
func located(err error, operator string, position int) error {
	if e, ok := err.(*Error); ok {
		e.Token, e.Position = operator, position
	}
	return err
}

type arithmetic struct {
	operator    byte
	left, right op
	position    int
}

func (o *arithmetic) eval(r *run, in any, env *frame) (any, error) {
	a, b, err := both(r, o.left, o.right, in, env)
	if err != nil {
		return nil, err
	}
	x, okX := a.(float64)
	y, okY := b.(float64)
	if !okX || !okY || x-x != 0 || y-y != 0 {
		v, err := o.checked(&x, &y, a, b)
		if v != nil || err != nil {
			return v, located(err, string(o.operator), o.position)
		}
	}
	switch o.operator {
	case '+':
		return boxed(x + y), nil
	case '-':
		return boxed(x - y), nil
	case '*':
		return boxed(x * y), nil
	case '/':
		return boxed(x / y), nil
	}
	return boxed(math.Mod(x, y)), nil
}

// checked finds out what the operands are when they are not simply two finite numbers. v is nil if they are numbers.
func (o *arithmetic) checked(x, y *float64, a, b any) (v any, err error) {
	var ok bool
	if !isUndefined(a) {
		if *x, ok, err = finite(a); err != nil || !ok {
			return nil, errorOr(err, &Error{Code: "T2001", Value: a})
		}
	}
	if !isUndefined(b) {
		if *y, ok, err = finite(b); err != nil || !ok {
			return nil, errorOr(err, &Error{Code: "T2002", Value: b})
		}
	}
	if isUndefined(a) || isUndefined(b) {
		return Undefined, nil
	}
	return nil, nil
}

func errorOr(err error, otherwise *Error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// negation is the prefix -.
type negation struct {
	of       op
	position int
}

func (o *negation) eval(r *run, in any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	v, err := o.of.eval(r, in, env)
	r.leave()
	if err != nil || isUndefined(v) {
		return v, err
	}
	f, ok, err := finite(v)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, located(&Error{Code: "D1002", Value: v}, "-", o.position)
	}
	return boxed(-f), nil
}

// equality is = or, negated, !=.
type equality struct {
	left, right op
	negated     bool
}

func (o *equality) eval(r *run, in any, env *frame) (any, error) {
	a, b, err := both(r, o.left, o.right, in, env)
	if err != nil {
		return nil, err
	}
	if isUndefined(a) || isUndefined(b) {
		return false, nil
	}
	same, err := r.equal(a, b, 0)
	return same != o.negated, err
}

type comparison struct {
	operator    string
	left, right op
	position    int
}

func (o *comparison) eval(r *run, in any, env *frame) (any, error) {
	a, b, err := both(r, o.left, o.right, in, env)
	if err != nil {
		return nil, err
	}
	if x, ok := a.(float64); ok {
		if y, ok := b.(float64); ok {
			return o.numbers(x, y), nil
		}
	}
	v, err := o.mixed(a, b)
	return v, located(err, o.operator, o.position)
}

func (o *comparison) numbers(x, y float64) bool {
	switch o.operator {
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	}
	return x >= y
}

func comparable(v any) bool {
	switch letter(v) {
	case 's', 'n':
		return true
	}
	return false
}

func (o *comparison) mixed(a, b any) (any, error) {
	for _, v := range [...]any{a, b} {
		if !comparable(v) && !isUndefined(v) {
			if !comparable(a) {
				v = a
			}
			return nil, &Error{Code: "T2010", Value: v}
		}
	}
	if isUndefined(a) || isUndefined(b) {
		return Undefined, nil
	}
	if letter(a) != letter(b) {
		return nil, &Error{Code: "T2009", Value: a, Value2: b}
	}
	if s, ok := a.(string); ok {
		return o.numbers(float64(compareStrings(s, b.(string))), 0), nil
	}
	x, _ := number(a)
	y, _ := number(b)
	return o.numbers(x, y), nil
}

// logic is and, or.
type logic struct {
	left, right op
	or          bool
	position    int
}

func (o *logic) eval(r *run, in any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	v, err := o.left.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	yes, err := truth(v)
	if err == nil && yes != o.or {
		if v, err = o.right.eval(r, in, env); err == nil {
			yes, err = truth(v)
		}
	}
	r.leave()
	if err != nil {
		return nil, err
	}
	return yes, nil
}

// concatenation is a & b & c.
type concatenation struct {
	parts    []op
	position int
}

func (o *concatenation) eval(r *run, in any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	var room [8]string
	texts, size := room[:0], 0
	for _, part := range o.parts {
		v, err := part.eval(r, in, env)
		if err != nil {
			return nil, err
		}
		s, ok := v.(string)
		if !ok {
			if isUndefined(v) {
				continue
			}
			if s, err = r.text(v, false); err != nil {
				return nil, located(err, "&", o.position)
			}
		}
		texts = append(texts, s)
		size += len(s)
	}
	r.leave()
	if err := r.chargeText(size); err != nil {
		return nil, err
	}
	if len(texts) == 2 {
		return texts[0] + texts[1], nil
	}
	return strings.Join(texts, ""), nil
}

// maxSpan is how many items the range operator may give, as in the reference.
const maxSpan = 1e7

// span is the range operator, [a..b].
type span struct {
	left, right op
	position    int
}

func (o *span) eval(r *run, in any, env *frame) (any, error) {
	a, b, err := both(r, o.left, o.right, in, env)
	if err != nil {
		return nil, err
	}
	v, err := r.span(a, b)
	return v, located(err, "..", o.position)
}

func (r *run) span(a, b any) (any, error) {
	from, okA := integer(a)
	to, okB := integer(b)
	switch {
	case !okA && !isUndefined(a):
		return nil, &Error{Code: "T2003", Value: a}
	case !okB && !isUndefined(b):
		return nil, &Error{Code: "T2004", Value: b}
	case isUndefined(a) || isUndefined(b) || from > to:
		return Undefined, nil
	}
	size := to - from + 1
	if size > maxSpan {
		return nil, &Error{Code: "D2014", Value: size}
	}
	if err := r.chargeList(int(size)); err != nil {
		return nil, err
	}
	if err := r.charge(8 * int(size)); err != nil { // each number is a box of its own
		return nil, err
	}
	items := make([]any, int(size))
	for i := range items {
		items[i] = boxed(from + float64(i))
	}
	return sequenceOf(items...), nil
}

func integer(v any) (float64, bool) {
	f, ok := number(v)
	return f, ok && f == math.Trunc(f) && !math.IsInf(f, 0)
}

// membership is a in b.
type membership struct{ left, right op }

func (o *membership) eval(r *run, in any, env *frame) (any, error) {
	a, b, err := both(r, o.left, o.right, in, env)
	if err != nil {
		return nil, err
	}
	if isUndefined(a) || isUndefined(b) {
		return false, nil
	}
	items, ok := list(b)
	if !ok {
		return same(a, b), nil
	}
	if err := r.work(len(items)); err != nil {
		return nil, err
	}
	for _, item := range items {
		if same(a, item) {
			return true, nil
		}
	}
	return false, nil
}

// same is ECMAScript's ===: scalars by value, arrays and objects by identity.
func same(a, b any) bool {
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return ok && x == y
	case float64, data.Number:
		x64, _ := number(x)
		y64, ok := number(b)
		return ok && x64 == y64
	case *array:
		y, ok := b.(*array)
		return ok && x == y
	}
	return identical(a, b)
}
