package jsonata

import "tutti/internal/stepfunctions/data"

// name is a field of the context.
type name struct{ key string }

func (o *name) eval(r *run, in any, _ *frame) (any, error) {
	return r.field(in, o.key, 0)
}

// field gives a member of an object, or those of all objects in an array.
func (r *run) field(v any, key string, depth int) (any, error) {
	if o, ok := v.(*data.Object); ok {
		if v, ok := o.Get(key); ok {
			return v, nil
		}
		return Undefined, nil
	}
	items, ok := list(v)
	if !ok {
		return Undefined, nil
	}
	if err := r.walk(len(items), depth); err != nil {
		return nil, err
	}
	out := sequenceOf()
	for _, item := range items {
		found, err := r.field(item, key, depth+1)
		if err != nil {
			return nil, err
		}
		if isUndefined(found) {
			continue
		}
		if more, ok := list(found); ok {
			out.items = append(out.items, more...)
		} else {
			out.items = append(out.items, found)
		}
	}
	return out, r.chargeList(len(out.items))
}

// chain evaluates steps that are only names, which is most of what queries over large documents do. It goes through the
// items depth first, so that what is between the first and the last step needs no sequence.
func chain(r *run, steps []step, items []any, last bool) (any, error) {
	out := results{r: r, only: last, expected: len(items)}
	if err := out.follow(steps, items); err != nil {
		return nil, err
	}
	return out.sequence(), nil
}

func (o *results) follow(steps []step, items []any) error {
	if err := o.r.work(len(items)); err != nil {
		return err
	}
	name := steps[0].name
	for _, item := range items {
		var v any
		if object, ok := item.(*data.Object); ok {
			if v, ok = object.Get(name); !ok {
				continue
			}
		} else {
			found, err := o.r.field(item, name, 0)
			if err != nil {
				return err
			}
			v = single(found)
		}
		var err error
		if len(steps) == 1 {
			err = o.add(single(v))
		} else {
			err = o.inside(steps[1:], v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inside follows further steps from the value of one.
func (o *results) inside(steps []step, v any) error {
	if isUndefined(v) {
		return nil
	}
	if a, own := v.(*array); own && a.cons {
		return o.follow(steps, []any{a})
	}
	if items, ok := list(v); ok {
		if o.items == nil {
			o.expected = min(o.expected*max(1, len(items)), maxGuess)
		}
		return o.follow(steps, items)
	}
	one := [1]any{v}
	return o.follow(steps, one[:])
}

// names is the common path that is only fields, perhaps of a variable: a.b.c or $v.a.b. As long as there are no arrays
// on the way, it needs no sequences.
type names struct {
	*path
}

// namesOnly tells whether a path is one for names.
func (o *path) namesOnly() bool {
	if o.group != nil || o.keepSingleton || o.keepArray || o.tuple || o.firstTuple < len(o.steps) {
		return false
	}
	for i := range o.steps {
		s := &o.steps[i]
		if !s.named && !(i == 0 && o.absolute && s.isVariable()) || len(s.stages) > 0 {
			return false
		}
	}
	return true
}

func (s *step) isVariable() bool {
	switch s.op.(type) {
	case *global, *scoped, *context:
		return true
	}
	return false
}

func (o *names) eval(r *run, in any, env *frame) (any, error) {
	if err := r.work(len(o.steps)); err != nil {
		return nil, err
	}
	v := in
	for i := range o.steps {
		s := &o.steps[i]
		if !s.named {
			var err error
			if v, err = s.op.eval(r, in, env); err != nil {
				return nil, err
			}
			continue
		}
		object, ok := v.(*data.Object)
		if !ok {
			items, many := list(v)
			if !many {
				return Undefined, nil
			}
			v, err := o.evalFrom(r, i, items, env)
			return single(v), err
		}
		if v, ok = object.Get(s.name); !ok {
			return Undefined, nil
		}
	}
	if a, ok := v.(*array); ok && a.sequence {
		return single(sequenceOf(a.items...)), nil
	}
	return v, nil
}

// wildcard is *.
type wildcard struct{}

func (*wildcard) eval(r *run, in any, _ *frame) (any, error) {
	in = unwrapped(in)
	out := &array{sequence: true}
	add := func(v any) error {
		if items, ok := list(v); ok {
			out.sequence = false // what comes out of an array stays one, as in the reference
			return r.flatten(items, &out.items, 0)
		}
		out.items = append(out.items, v)
		return nil
	}
	if o, ok := in.(*data.Object); ok {
		for _, m := range o.Members() {
			if err := add(m.Value); err != nil {
				return nil, err
			}
		}
	}
	items, _ := list(in)
	for _, item := range items {
		if err := add(item); err != nil {
			return nil, err
		}
	}
	return out, r.chargeList(len(out.items))
}

// flatten adds all that lies in arrays, however deep.
func (r *run) flatten(items []any, out *[]any, depth int) error {
	if err := r.walk(len(items), depth); err != nil {
		return err
	}
	for _, item := range items {
		if inner, ok := list(item); ok {
			if err := r.flatten(inner, out, depth+1); err != nil {
				return err
			}
		} else {
			*out = append(*out, item)
		}
	}
	return nil
}

// descendants is **.
type descendants struct{}

func (*descendants) eval(r *run, in any, _ *frame) (any, error) {
	if isUndefined(in) {
		return in, nil
	}
	out := sequenceOf()
	if err := r.descend(in, out, 0); err != nil {
		return nil, err
	}
	return out, nil
}

func (r *run) descend(v any, out *array, depth int) error {
	if err := r.walk(1, depth); err != nil {
		return err
	}
	items, ok := list(v)
	if !ok {
		out.items = append(out.items, r.kept(v))
		if err := r.charge(sizeItem); err != nil {
			return err
		}
	}
	if o, ok := v.(*data.Object); ok {
		for _, m := range o.Members() {
			if err := r.descend(m.Value, out, depth+1); err != nil {
				return err
			}
		}
	}
	for _, item := range items {
		if err := r.descend(item, out, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// singled is an expression that may give a sequence of any length.
type singled struct{ of op }

func (o *singled) eval(r *run, in any, env *frame) (any, error) {
	v, err := o.of.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	return single(v), nil
}

// keeping is an expression with [] behind it.
type keeping struct{ of op }

func (o *keeping) eval(r *run, in any, env *frame) (any, error) {
	v, err := o.of.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	if a, ok := v.(*array); ok && a.sequence {
		a.keep = true
		return single(a), nil
	}
	return v, nil
}
