package jsonata

import (
	"tutti/internal/stepfunctions/data"
)

// run is one evaluation: what it has used of its limits, and what it knows beside the input.
type run struct {
	steps  int64 // left
	memory int64 // left, in bytes
	depth  int   // left

	root    any
	options *Options
	names   []string // of globals
	globals []any    // the values of free variables, looked up when first needed; nil: not yet

	// dirty says that a value was built which may hold what is no JSON: a function, undefined, an infinity, or an
	// array that is a sequence. built counts what may have put values deeper into each other. Both spare results a walk
	// that they do not need.
	dirty bool
	built int

	// parse makes an operation of a text for $eval. It is a field because the library would otherwise refer to itself.
	parse func(text string) (op, error)
}

func newRun(e *Expr, input any, opts Options) *run {
	l := opts.Limits
	if l.MaxDepth == 0 {
		l.MaxDepth = DefaultMaxDepth
	}
	if l.MaxSteps == 0 {
		l.MaxSteps = DefaultMaxSteps
	}
	if l.MaxMemory == 0 {
		l.MaxMemory = DefaultMaxMemory
	}
	r := &run{steps: l.MaxSteps, memory: l.MaxMemory, depth: l.MaxDepth, root: input, options: &opts, names: e.globals}
	if len(e.globals) > 0 {
		r.globals = make([]any, len(e.globals))
	}
	return r
}

// work counts n steps.
func (r *run) work(n int) error {
	r.steps -= int64(n)
	if r.steps < 0 {
		return limitError("the evaluation takes too many steps: check for an endless loop")
	}
	return nil
}

// read counts the steps of looking at n bytes of text.
func (r *run) read(n int) error { return r.work(1 + n>>5) }

// The sizes of what is built, in bytes.
const (
	sizeItem   = 16
	sizeArray  = 40
	sizeMember = 48
	sizeObject = 56
	sizeFrame  = 128
)

// charge counts n bytes of memory.
func (r *run) charge(n int) error {
	r.memory -= int64(n)
	if r.memory < 0 || n < 0 {
		return limitError("the evaluation builds too much")
	}
	return nil
}

// chargeList counts an array of n items, before it is made. It costs steps too, since somebody fills it.
func (r *run) chargeList(n int) error {
	if err := r.work(n); err != nil {
		return err
	}
	return r.charge(sizeArray + n*sizeItem)
}

// chargeText counts a text of n bytes, before it is made.
func (r *run) chargeText(n int) error {
	if err := r.read(n); err != nil {
		return err
	}
	return r.charge(n)
}

// walk counts a visit of n values that lie depth deep.
func (r *run) walk(n, depth int) error {
	if depth > maxNesting {
		return errNesting()
	}
	return r.work(1 + n)
}

// enter begins an expression inside another one; leave ends it.
func (r *run) enter() error {
	r.depth--
	if r.depth < 0 {
		return limitError("the expression nests too deep: check for endless recursion, or make it tail-recursive")
	}
	r.steps--
	if r.steps < 0 {
		return r.work(0)
	}
	return nil
}

func (r *run) leave() { r.depth++ }

// kept notes that a value goes into an array or object, and gives it back.
func (r *run) kept(v any) any {
	switch v := v.(type) {
	case string, bool, nil, *data.Object, []any, data.Number:
	case float64:
		if v-v != 0 { // NaN and infinities
			r.dirty = true
		}
	default:
		r.dirty = true
	}
	return v
}

// walkFrom is the number of arrays and objects around others from which on a result is checked for its depth.
const walkFrom = 128

// result makes a JSON value, or Undefined, of the value of the whole expression.
func (r *run) result(v any) (any, error) {
	if isUndefined(v) {
		return v, nil
	}
	if !r.dirty && r.built < walkFrom {
		switch v := v.(type) {
		case *array:
			return v.items, nil
		case []any, *data.Object, string, bool, nil, data.Number:
			return v, nil
		}
	}
	return r.plain(v, 0)
}

// plain gives v as a JSON value, copying only what is not one yet.
func (r *run) plain(v any, depth int) (any, error) {
	switch x := v.(type) {
	case float64:
		if x-x != 0 {
			return nil, nil
		}
	case undefined:
		return nil, nil // as JSON.stringify does with a hole in an array
	case function:
		return nil, &Error{Code: "U1003"}
	case *array:
		items, _, err := r.plainItems(x.items, depth)
		return items, err
	case []any:
		items, changed, err := r.plainItems(x, depth)
		if changed || err != nil {
			return items, err
		}
	case *data.Object:
		o, err := r.plainObject(x, depth)
		if o != x || err != nil {
			return o, err
		}
	}
	return v, nil
}

func (r *run) checkDepth(n, depth int) error {
	if depth >= data.MaxDepth {
		return errNesting()
	}
	return r.work(1 + n)
}

func (r *run) plainItems(items []any, depth int) (_ []any, changed bool, _ error) {
	if err := r.checkDepth(len(items), depth); err != nil {
		return nil, false, err
	}
	own := items
	for i, item := range items {
		p, err := r.plain(item, depth+1)
		if err != nil {
			return nil, false, err
		}
		if !changed && !identical(p, item) {
			if err := r.chargeList(len(items)); err != nil {
				return nil, false, err
			}
			own, changed = append(make([]any, 0, len(items)), items...), true
		}
		if changed {
			own[i] = p
		}
	}
	return own, changed, nil
}

func (r *run) plainObject(o *data.Object, depth int) (*data.Object, error) {
	if err := r.checkDepth(o.Len(), depth); err != nil {
		return nil, err
	}
	own := o
	for i, m := range o.Members() {
		p, err := r.plain(m.Value, depth+1)
		if err != nil {
			return nil, err
		}
		if own == o && !identical(p, m.Value) {
			if err := r.charge(sizeObject + o.Len()*sizeMember); err != nil {
				return nil, err
			}
			own = data.ObjectOf(o.Members()[:i]...)
		}
		if own != o {
			own.Set(m.Key, p)
		}
	}
	return own, nil
}

// identical tells whether two values are one and the same; it may say no for equal numbers and strings.
func identical(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	case *data.Object:
		b, ok := b.(*data.Object)
		return ok && a == b
	}
	switch b.(type) {
	case []any, *array:
		return false
	}
	return a == b
}

// global gives a variable that the expression itself does not bind.
func (r *run) global(place int, name string, builtin function) any {
	if v := r.globals[place]; v != nil {
		if _, isNull := v.(null); isNull {
			return nil
		}
		return v
	}
	v := r.lookup(name, builtin)
	r.globals[place] = v
	if v == nil {
		r.globals[place] = null{}
	}
	return v
}

// null stands for a null among the globals, where nil means not known yet.
type null struct{}

// lookup gives what the caller, or else the language, calls name.
func (r *run) lookup(name string, builtin function) any {
	if name == "$" {
		return r.root
	}
	if v, ok := r.options.Variables[name]; ok {
		return v
	}
	if f, ok := r.options.Functions[name]; ok {
		if f.Call == nil {
			return Undefined
		}
		return newProvided(f)
	}
	if builtin != nil {
		return builtin
	}
	return Undefined
}
