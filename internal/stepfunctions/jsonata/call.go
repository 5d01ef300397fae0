package jsonata

import "tutti/internal/stepfunctions/data"

// function is a value that can be called.
type function interface {
	// arity is how many arguments a higher-order function hands over.
	arity() int
	// call may give a *thunk, which apply resolves. It does not keep args. context stands in for a missing argument
	// where a signature says so.
	call(r *run, args []any, context any, env *frame) (any, error)
}

// apply calls a function and then, one after the other, those that it ends with, so that tail recursion needs no depth.
func (r *run) apply(f function, args []any, context any, env *frame) (any, error) {
	v, err := f.call(r, args, context, env)
	for err == nil {
		t, ok := v.(*thunk)
		if !ok {
			return v, nil
		}
		if err = r.work(1); err != nil {
			break
		}
		v, err = t.resume(r, context)
	}
	return nil, err
}

// callback calls a function that was given as an argument.
func (r *run) callback(f function, args []any) (any, error) { return r.apply(f, args, nil, nil) }

// thunk is a call in tail position that was put off.
type thunk struct {
	call *call
	in   any
	env  *frame
}

func (t *thunk) resume(r *run, context any) (any, error) {
	f, err := t.call.function(r, t.in, t.env)
	if err != nil {
		return nil, err
	}
	args, err := t.call.args(r, t.in, t.env, nil)
	if err != nil {
		return nil, err
	}
	v, err := t.call.invoke(r, f, args, context, t.env)
	return v, err
}

// call is f(a, b).
type call struct {
	procedure op
	arguments []op
	position  int
	name      any // as errors tell it
	hint      op  // the variable of the same name, if the function was written without $
	tail      bool
}

func (o *call) eval(r *run, in any, env *frame) (any, error) {
	if o.tail {
		return &thunk{o, in, env}, nil
	}
	return o.evalWith(r, in, env, nil)
}

// evalWith calls the function with further arguments in front.
func (o *call) evalWith(r *run, in any, env *frame, front []any) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	f, err := o.function(r, in, env)
	if err != nil {
		return nil, err
	}
	args, err := o.args(r, in, env, front)
	if err != nil {
		return nil, err
	}
	v, err := o.invoke(r, f, args, in, env)
	if err != nil {
		return nil, err
	}
	for {
		t, ok := v.(*thunk)
		if !ok {
			break
		}
		if err = r.work(1); err != nil {
			return nil, err
		}
		if v, err = t.resume(r, in); err != nil {
			return nil, o.explain(err, f)
		}
	}
	r.leave()
	return v, nil
}

// function evaluates what is called. It gives the value also if that is no function: arguments come first.
func (o *call) function(r *run, in any, env *frame) (any, error) {
	f, err := o.procedure.eval(r, in, env)
	if err != nil || !isUndefined(f) || o.hint == nil {
		return f, err
	}
	if known, err := o.hint.eval(r, in, env); err != nil || !isUndefined(known) {
		return nil, errorOr(err, &Error{Code: "T1005", Position: o.position, Token: o.name})
	}
	return f, nil
}

// optionalRoom is for arguments that are not given: most functions have one that may be missing.
const optionalRoom = 1

func (o *call) args(r *run, in any, env *frame, front []any) ([]any, error) {
	args := append(make([]any, 0, len(front)+len(o.arguments)+optionalRoom), front...)
	for _, argument := range o.arguments {
		v, err := argument.eval(r, in, env)
		if err != nil {
			return nil, err
		}
		if f, ok := v.(function); ok {
			v = handOver(f)
		}
		args = append(args, v)
	}
	return args, nil
}

func (o *call) invoke(r *run, f any, args []any, context any, env *frame) (any, error) {
	callee, ok := f.(function)
	if !ok {
		return nil, &Error{Code: "T1006", Position: o.position, Token: o.name}
	}
	v, err := callee.call(r, args, context, env)
	if err != nil {
		return nil, o.explain(err, f)
	}
	return v, nil
}

// explain tells in an error from a function which call it was. The outermost call wins, as in the reference.
func (o *call) explain(err error, f any) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	if _, ok := f.(*passed); !ok || e.Position == 0 {
		e.Position = o.position
	}
	if e.Token == nil {
		e.Token = o.name
	}
	return e
}

// check gives the arguments as a signature wants them.
func (r *run) check(s *signature, args []any, context any) ([]any, error) {
	args, err := s.check(args, context)
	for _, arg := range args {
		if items, ok := arg.([]any); ok && len(items) == 1 {
			r.kept(items[0]) // it may be a single value that the signature has made an array
		}
	}
	return args, err
}

// passed is a function that was an argument: it does not see the context of its caller.
type passed struct{ function }

func handOver(f function) function {
	switch f := f.(type) {
	case *passed:
		return f
	case *pattern: // has no use for a context
		return f
	}
	return &passed{f}
}

func (p *passed) call(r *run, args []any, _ any, env *frame) (any, error) {
	return r.apply(p.function, args, nil, env)
}

// lambdaOp is function($a, $b){ body }.
type lambdaOp struct {
	parameters []string
	signature  *signature
	body       op
}

func (o *lambdaOp) eval(r *run, in any, env *frame) (any, error) {
	// Scopes count when a function keeps them; others are gone after their call, and their number is bounded by depth.
	return &lambda{o, in, env}, r.charge(sizeFrame)
}

// lambda is a function with the scope and context in which it was written.
type lambda struct {
	*lambdaOp
	in  any
	env *frame
}

// callSteps is what the call of a function of the expression costs more than another operation.
const callSteps = 5

func (f *lambda) arity() int { return len(f.parameters) }

func (f *lambda) call(r *run, args []any, context any, _ *frame) (any, error) {
	if f.signature != nil {
		var err error
		if args, err = r.check(f.signature, args, context); err != nil {
			return nil, err
		}
	}
	if err := r.work(callSteps); err != nil {
		return nil, err
	}
	if err := r.enter(); err != nil {
		return nil, err
	}
	env := f.env.inner(f.parameters)
	n := copy(env.values, args)
	for ; n < len(env.values); n++ {
		env.values[n] = Undefined
	}
	v, err := f.body.eval(r, f.in, env)
	r.leave()
	return v, err
}

// native is a function of the language itself.
type native struct {
	name       string
	parameters int // that higher-order functions hand over at most
	signature  *signature
	run        func(r *run, args []any) (any, error)
}

func (f *native) arity() int { return f.parameters }

func (f *native) call(r *run, args []any, context any, _ *frame) (any, error) {
	args, err := r.check(f.signature, args, context)
	if err != nil {
		return nil, err
	}
	for len(args) < len(f.signature.parameters) {
		args = append(args, Undefined)
	}
	if err := r.work(1); err != nil {
		return nil, err
	}
	return f.run(r, args)
}

// provided is a function of the caller.
type provided struct {
	fn        Function
	signature *signature // nil: anything goes
}

func newProvided(fn Function) *provided {
	if fn.Signature == "" {
		return &provided{fn: fn}
	}
	return &provided{fn, mustSignature(fn.Signature)}
}

func (f *provided) arity() int {
	if f.signature == nil {
		return 1
	}
	return len(f.signature.parameters)
}

func (f *provided) call(r *run, args []any, context any, _ *frame) (any, error) {
	if f.signature != nil {
		var err error
		if args, err = f.signature.check(args, context); err != nil {
			return nil, err
		}
	}
	plain := make([]any, len(args))
	for i, arg := range args {
		var err error
		if plain[i], err = r.result(arg); err != nil {
			return nil, err
		}
	}
	r.built++
	if err := r.work(1); err != nil {
		return nil, err
	}
	v, err := f.fn.Call(plain)
	if err != nil || isUndefined(v) {
		return v, err
	}
	// What it has built counts as if the expression had.
	return v, r.chargeText(data.Size(v, int(r.memory)+1))
}

// partial is f(a, ?).
type partial struct {
	procedure op
	arguments []op // nil for ?
	position  int
	name      any // as errors tell it
	hint      op
}

func (o *partial) eval(r *run, in any, env *frame) (any, error) {
	p := &partiallyApplied{args: make([]any, len(o.arguments))}
	for i, argument := range o.arguments {
		if argument == nil {
			p.open = append(p.open, i)
			continue
		}
		var err error
		if p.args[i], err = argument.eval(r, in, env); err != nil {
			return nil, err
		}
	}
	v, err := o.procedure.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	f, ok := v.(function)
	if !ok {
		code := "T1008"
		if o.hint != nil {
			if known, err := o.hint.eval(r, in, env); err == nil && !isUndefined(known) {
				code = "T1007"
			}
		}
		return nil, &Error{Code: code, Position: o.position, Token: o.name}
	}
	p.of = f
	return p, nil
}

// partiallyApplied is a function some of whose arguments are given.
type partiallyApplied struct {
	of   function
	args []any
	open []int // the places in args that are still to be given
}

func (f *partiallyApplied) arity() int { return len(f.open) }

func (f *partiallyApplied) call(r *run, args []any, context any, env *frame) (any, error) {
	if err := r.charge(sizeArray + len(f.args)*sizeItem); err != nil {
		return nil, err
	}
	all := append([]any(nil), f.args...)
	for i, place := range f.open {
		all[place] = Undefined
		if i < len(args) {
			all[place] = args[i]
		}
	}
	if err := r.enter(); err != nil {
		return nil, err
	}
	v, err := f.of.call(r, all, context, env)
	r.leave()
	return v, err
}

// apply is the operator ~>.
type apply struct {
	left     op
	call     *call // the right side, if it is a call: it gets the left side as its first argument
	right    op
	position int
}

func (o *apply) eval(r *run, in any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	v, err := o.left.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	if o.call != nil {
		v, err = o.call.evalWith(r, in, env, []any{v})
		r.leave()
		return v, err
	}
	right, err := o.right.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	g, ok := right.(function)
	if !ok {
		return nil, &Error{Code: "T2006", Position: o.position, Value: right}
	}
	if f, ok := v.(function); ok {
		r.leave()
		return &composed{f, g}, nil
	}
	v, err = r.apply(g, []any{v}, nil, env)
	r.leave()
	return v, err
}

// composed is f ~> g for two functions.
type composed struct{ f, g function }

func (*composed) arity() int { return 1 }

func (c *composed) call(r *run, args []any, context any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	if len(args) == 0 {
		args = []any{Undefined}
	}
	v, err := r.apply(c.f, args[:1], nil, env)
	if err != nil {
		return nil, err
	}
	if v, err = c.g.call(r, []any{single(v)}, context, env); err != nil {
		return nil, err
	}
	r.leave()
	return v, nil
}
