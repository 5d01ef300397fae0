package jsonata

import "tutti/internal/stepfunctions/data"

// arrayOp is [a, b, c].
type arrayOp struct {
	items []op
	whole []bool // by item: it is itself an array constructor, and stays one item
	cons  bool
}

func (o *arrayOp) eval(r *run, in any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	r.built++
	if err := r.chargeList(len(o.items)); err != nil {
		return nil, err
	}
	items := make([]any, 0, len(o.items))
	for i, item := range o.items {
		v, err := item.eval(r, in, env)
		switch {
		case err != nil:
			return nil, err
		case isUndefined(v):
		case o.whole[i]:
			items = append(items, r.kept(v))
		default:
			more, ok := list(v)
			if !ok {
				items = append(items, r.kept(v))
				continue
			}
			if err := r.chargeList(len(more)); err != nil {
				return nil, err
			}
			items = append(items, more...)
		}
	}
	r.leave()
	if o.cons {
		return &array{items: items, cons: true}, nil
	}
	return items, nil
}

// objectOp is {key: value}, which groups the items of its input.
type objectOp struct{ group *group }

func (o *objectOp) eval(r *run, in any, env *frame) (any, error) {
	return o.group.eval(r, in, env)
}

// grouped is an expression with {key: value} behind it.
type grouped struct {
	of    op
	group *group
}

func (o *grouped) eval(r *run, in any, env *frame) (any, error) {
	v, err := o.of.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	return o.group.eval(r, v, env)
}

// group makes an object of a sequence: items with equal keys come together, and each value is evaluated once for all
// items of its key.
type group struct {
	keys, values []op
	position     int
	// fixed are the keys if all are literals, none twice: then a single item needs no grouping.
	fixed []string
}

func (g *group) literalKeys() {
	keys := data.NewObject(len(g.keys))
	for _, k := range g.keys {
		l, ok := k.(*literal)
		if !ok {
			return
		}
		key, ok := l.value.(string)
		if !ok {
			return
		}
		keys.Set(key, nil)
	}
	if keys.Len() == len(g.keys) {
		g.fixed = keys.Keys()
	}
}

func (g *group) eval(r *run, in any, env *frame) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	var v any
	var err error
	items, many := list(in)
	stream, tuples := in.(*tuples)
	switch {
	case tuples:
		v, err = g.evalTuples(r, stream.list, env)
	case many && len(items) == 0:
		v, err = g.evalItems(r, []any{Undefined}, env)
	case many:
		v, err = g.evalItems(r, items, env)
	case g.fixed != nil:
		v, err = g.evalSingle(r, in, env)
	default:
		v, err = g.evalItems(r, []any{in}, env)
	}
	r.leave()
	return v, err
}

func (g *group) evalSingle(r *run, in any, env *frame) (any, error) {
	r.built++
	if err := r.charge(sizeObject + len(g.fixed)*sizeMember); err != nil {
		return nil, err
	}
	o := data.NewObject(len(g.fixed))
	for i, value := range g.values {
		v, err := value.eval(r, in, env)
		if err != nil {
			return nil, err
		}
		if !isUndefined(v) {
			o.Set(g.fixed[i], r.kept(v))
		}
	}
	return o, nil
}

// gathered is what has come together under one key.
type gathered struct {
	key    string
	pair   int // the pair that gave the key
	values appended
	tuples []tuple
}

// gather finds the entry of a key in the order in which keys came.
type gather struct {
	entries []*gathered
	byKey   map[string]*gathered
}

// entry gives the entry for the key that an item has by a pair, or nil if it has none.
func (g *group) entry(r *run, into *gather, pair int, in any, env *frame) (*gathered, error) {
	k, err := g.keys[pair].eval(r, in, env)
	if err != nil || isUndefined(k) {
		return nil, err
	}
	key, ok := k.(string)
	if !ok {
		return nil, &Error{Code: "T1003", Position: g.position, Value: k}
	}
	e := into.byKey[key]
	if e == nil {
		if err := r.charge(sizeMember + len(key)); err != nil {
			return nil, err
		}
		e = &gathered{key: key, pair: pair}
		into.byKey[key] = e
		into.entries = append(into.entries, e)
	} else if e.pair != pair {
		return nil, &Error{Code: "D1009", Position: g.position, Value: key}
	}
	return e, nil
}

func (g *group) evalItems(r *run, items []any, env *frame) (any, error) {
	into := gather{byKey: map[string]*gathered{}}
	for _, item := range items {
		if err := r.work(1); err != nil {
			return nil, err
		}
		for pair := range g.keys {
			e, err := g.entry(r, &into, pair, item, env)
			if err != nil {
				return nil, err
			}
			if e == nil {
				continue
			}
			if err := e.values.add(r, item); err != nil {
				return nil, err
			}
		}
	}
	return g.object(r, &into, func(e *gathered) (any, *frame) { return e.values.value(), env })
}

// evalTuples groups a stream of tuples: in a value, each variable stands for all its values in the group.
func (g *group) evalTuples(r *run, stream []tuple, env *frame) (any, error) {
	into := gather{byKey: map[string]*gathered{}}
	for _, t := range stream {
		if err := r.work(1); err != nil {
			return nil, err
		}
		for pair := range g.keys {
			e, err := g.entry(r, &into, pair, t.at, t.frame(env))
			if err != nil {
				return nil, err
			}
			if e == nil {
				continue
			}
			if err := r.charge(sizeMember); err != nil {
				return nil, err
			}
			e.tuples = append(e.tuples, t)
		}
	}
	reduced := make(map[string]tuple, len(into.entries))
	for _, e := range into.entries {
		t, err := reduceTuples(r, e.tuples)
		if err != nil {
			return nil, err
		}
		reduced[e.key] = t
	}
	return g.object(r, &into, func(e *gathered) (any, *frame) {
		t := reduced[e.key]
		return t.at, t.frame(env)
	})
}

func (g *group) object(r *run, into *gather, scope func(*gathered) (any, *frame)) (any, error) {
	r.built++
	if err := r.charge(sizeObject + len(into.entries)*sizeMember); err != nil {
		return nil, err
	}
	o := data.NewObject(len(into.entries))
	for _, e := range into.entries {
		in, env := scope(e)
		v, err := g.values[e.pair].eval(r, in, env)
		if err != nil {
			return nil, err
		}
		if !isUndefined(v) {
			o.Set(e.key, r.kept(v))
		}
	}
	return o, nil
}

// appended builds what $append(a, $append(b, ...)) gives, without copying again and again.
type appended struct {
	first any // as long as it is the only one; nil with none set says that nothing was added
	set   bool
	items []any
}

func (a *appended) add(r *run, v any) error {
	switch {
	case isUndefined(v):
		return nil
	case !a.set:
		a.first, a.set = v, true
		return nil
	case a.items == nil:
		a.items = []any{}
		if err := a.extend(r, a.first); err != nil {
			return err
		}
	}
	return a.extend(r, v)
}

func (a *appended) extend(r *run, v any) error {
	more, ok := list(v)
	if !ok {
		a.items = append(a.items, r.kept(v))
		return r.charge(sizeItem)
	}
	if err := r.chargeList(len(more)); err != nil {
		return err
	}
	a.items = append(a.items, more...)
	return nil
}

func (a *appended) value() any {
	switch {
	case !a.set:
		return Undefined
	case a.items == nil:
		return a.first
	}
	return a.items
}

// reduceTuples makes one tuple of many, whose variables hold the values of all.
func reduceTuples(r *run, stream []tuple) (tuple, error) {
	if len(stream) == 1 {
		return stream[0], nil
	}
	var at appended
	var order []string
	byName := map[string]*appended{}
	for _, t := range stream {
		if err := at.add(r, t.at); err != nil {
			return tuple{}, err
		}
		seen := map[string]bool{}
		for b := t.carried; b != nil; b = b.next {
			if seen[b.name] {
				continue // an earlier value of the variable, hidden by a later one
			}
			seen[b.name] = true
			if byName[b.name] == nil {
				byName[b.name] = &appended{}
				order = append(order, b.name)
			}
			if err := byName[b.name].add(r, b.value); err != nil {
				return tuple{}, err
			}
		}
	}
	t := tuple{at: at.value()}
	for _, name := range order {
		t.carried = &binding{name: name, value: byName[name].value(), next: t.carried}
	}
	return t, nil
}
