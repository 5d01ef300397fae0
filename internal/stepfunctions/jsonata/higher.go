package jsonata

import "tutti/internal/stepfunctions/data"

// The functions that take functions.

// rounds calls a function with each item, its position or key, and the whole, as far as it takes so many arguments.
type rounds struct {
	r    *run
	f    function
	args []any
}

func newRounds(r *run, f function, whole any) *rounds {
	args := []any{nil, nil, whole}
	return &rounds{r, f, args[:max(1, min(3, f.arity()))]}
}

func (c *rounds) call(item, at any) (any, error) {
	if err := c.r.work(1); err != nil {
		return nil, err
	}
	c.args[0] = item
	if len(c.args) > 1 {
		c.args[1] = at
	}
	return c.r.callback(c.f, c.args)
}

func (c *rounds) test(item, at any) (bool, error) {
	v, err := c.call(item, at)
	if err != nil {
		return false, err
	}
	return truth(v)
}

func mapFunction(r *run, args []any) (any, error) {
	items, ok := list(args[0])
	if !ok {
		return Undefined, nil
	}
	if err := r.chargeList(len(items)); err != nil {
		return nil, err
	}
	r.built++
	out := &array{sequence: true, items: make([]any, 0, len(items))}
	each := newRounds(r, args[1].(function), args[0])
	for i, item := range items {
		v, err := each.call(item, boxed(float64(i)))
		if err != nil {
			return nil, err
		}
		if !isUndefined(v) {
			out.items = append(out.items, r.kept(v))
		}
	}
	return out, nil
}

func filterFunction(r *run, args []any) (any, error) {
	items, ok := list(args[0])
	if !ok {
		return Undefined, nil
	}
	out := sequenceOf()
	each := newRounds(r, args[1].(function), args[0])
	for i, item := range items {
		yes, err := each.test(item, boxed(float64(i)))
		if err != nil {
			return nil, err
		}
		if yes {
			out.items = append(out.items, item)
		}
	}
	return out, r.chargeList(len(out.items))
}

func singleFunction(r *run, args []any) (any, error) {
	items, ok := list(args[0])
	if !ok {
		return Undefined, nil
	}
	var each *rounds
	if f, ok := args[1].(function); ok {
		each = newRounds(r, f, args[0])
	}
	var found any = Undefined
	matched := false
	for i, item := range items {
		yes := true
		if each != nil {
			var err error
			if yes, err = each.test(item, boxed(float64(i))); err != nil {
				return nil, err
			}
		}
		if !yes {
			continue
		}
		if matched {
			return nil, &Error{Code: "D3138", Index: i}
		}
		found, matched = item, true
	}
	if !matched {
		return nil, &Error{Code: "D3139"}
	}
	return found, nil
}

func reduce(r *run, args []any) (any, error) {
	items, ok := list(args[0])
	if !ok {
		return Undefined, nil
	}
	f := args[1].(function)
	if f.arity() < 2 {
		return nil, &Error{Code: "D3050", Index: 1}
	}
	total, from := args[2], 0
	if isUndefined(total) && len(items) > 0 {
		total, from = items[0], 1
	}
	room := []any{nil, nil, nil, args[0]}
	room = room[:min(4, f.arity())]
	for i := from; i < len(items); i++ {
		if err := r.work(1); err != nil {
			return nil, err
		}
		room[0], room[1] = total, items[i]
		if len(room) > 2 {
			room[2] = boxed(float64(i))
		}
		var err error
		if total, err = r.callback(f, room); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func each(r *run, args []any) (any, error) {
	o, _ := args[0].(*data.Object)
	r.built++
	out := sequenceOf()
	calls := newRounds(r, args[1].(function), args[0])
	for _, m := range o.Members() {
		v, err := calls.call(m.Value, m.Key)
		if err != nil {
			return nil, err
		}
		if !isUndefined(v) {
			out.items = append(out.items, r.kept(v))
		}
	}
	return out, r.chargeList(len(out.items))
}

func sift(r *run, args []any) (any, error) {
	o, _ := args[0].(*data.Object)
	f, ok := args[1].(function)
	if !ok {
		return Undefined, nil
	}
	if err := r.chargeList(3 * o.Len()); err != nil {
		return nil, err
	}
	out := data.NewObject(0)
	calls := newRounds(r, f, args[0])
	for _, m := range o.Members() {
		yes, err := calls.test(m.Value, m.Key)
		if err != nil {
			return nil, err
		}
		if yes {
			out.Set(m.Key, m.Value)
		}
	}
	if out.Len() == 0 {
		return Undefined, nil
	}
	return out, nil
}

// evaluator is $eval, which needs the scope in which it is called.
type evaluator struct{}

func (*evaluator) arity() int { return 2 }

// treeSize is how many bytes the tree of an expression may take for a byte of its text.
const treeSize = 256

var evalSignature = mustSignature("<sx?:x>")

func (*evaluator) call(r *run, args []any, context any, env *frame) (any, error) {
	args, err := evalSignature.check(args, context)
	if err != nil {
		return nil, err
	}
	text, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	if err := r.chargeText(treeSize * len(text)); err != nil {
		return nil, err
	}
	in := context
	if len(args) > 1 && !isUndefined(args[1]) {
		in = args[1]
		if _, ok := list(in); ok && !isSequence(in) {
			in = &array{items: []any{in}, sequence: true, wrapper: true}
		}
	}
	o, err := r.parse(text)
	if err != nil {
		return nil, dynamicError("D3120", err)
	}
	if env == nil {
		env = &frame{}
	}
	if err := r.enter(); err != nil {
		return nil, err
	}
	v, err := o.eval(r, in, env)
	if err != nil {
		return nil, dynamicError("D3121", err)
	}
	r.leave()
	return v, nil
}

// dynamicError puts an error of the inner expression into one of $eval. A limit stays one.
func dynamicError(code string, err error) error {
	e := complete(err).(*Error)
	if e.Code == "U1001" {
		return e
	}
	return &Error{Code: code, Value: e.Message}
}
