package jsonata

import (
	"slices"

	"tutti/internal/stepfunctions/data"
)

// transform is |pattern|update,remove|, which makes a function.
type transform struct {
	pattern, update, remove, clone op
	position, updateAt, removeAt   int
}

func (o *transform) eval(_ *run, _ any, env *frame) (any, error) {
	return &transformer{o, env}, nil
}

// transformer copies a value and changes what the pattern finds in the copy.
type transformer struct {
	*transform
	env *frame
}

func (*transformer) arity() int { return 1 }

// mutable are the objects that a transformer may change: those of its own copy.
type mutable map[*data.Object]bool

func (f *transformer) call(r *run, args []any, context any, _ *frame) (any, error) {
	args, err := transformSignature.check(args, context)
	if err != nil || isUndefined(args[0]) {
		return Undefined, err
	}
	if err := r.enter(); err != nil {
		return nil, err
	}
	if known, err := f.clone.eval(r, nil, f.env); err != nil {
		return nil, err
	} else if _, ok := known.(function); !ok {
		return nil, &Error{Code: "T2013", Position: f.position}
	}
	own := mutable{}
	room := 0
	if update, ok := f.update.(*objectOp); ok {
		room = len(update.group.keys)
	}
	result, err := (&cloner{r, own, room}).clone(unwrapped(args[0]), 0)
	if err != nil {
		return nil, err
	}
	found, err := f.pattern.eval(r, result, f.env)
	if err != nil {
		return nil, err
	}
	matches, ok := list(found)
	if !ok {
		matches = []any{found}
	}
	for _, match := range matches {
		if isUndefined(match) {
			continue
		}
		if err := f.change(r, match, own); err != nil {
			return nil, err
		}
	}
	r.leave()
	return result, nil
}

var transformSignature = mustSignature("<(oa):o>")

// change carries out the update of one match. What the pattern found elsewhere than in the copy stays as it is.
func (f *transformer) change(r *run, match any, own mutable) error {
	update, err := f.update.eval(r, match, f.env)
	if err != nil {
		return err
	}
	object, _ := match.(*data.Object)
	if !own[object] {
		object = nil
	}
	switch update := update.(type) {
	case undefined:
	case *data.Object:
		if object == nil {
			break
		}
		if err := r.charge(update.Len() * sizeMember); err != nil {
			return err
		}
		for _, m := range update.Members() {
			object.Set(m.Key, r.kept(m.Value))
		}
	default:
		return &Error{Code: "T2011", Position: f.updateAt, Value: update}
	}
	if f.remove == nil {
		return nil
	}
	removed, err := f.remove.eval(r, match, f.env)
	if err != nil || isUndefined(removed) {
		return err
	}
	keys, ok := list(removed)
	if !ok {
		keys = []any{removed}
	}
	if !allStrings(keys) {
		return &Error{Code: "T2012", Position: f.removeAt, Value: removed}
	}
	if object == nil {
		return nil
	}
	return r.remove(object, keys)
}

// remove takes members out of an object of the copy.
func (r *run) remove(object *data.Object, keys []any) error {
	there := slices.ContainsFunc(keys, func(key any) bool { _, ok := object.Get(key.(string)); return ok })
	if err := r.chargeList(len(keys) + 3*object.Len()); err != nil || !there {
		return err
	}
	unwanted := make(map[string]bool, len(keys))
	for _, key := range keys {
		unwanted[key.(string)] = true
	}
	left := data.NewObject(object.Len() - 1)
	for _, m := range object.Members() {
		if !unwanted[m.Key] {
			left.Set(m.Key, m.Value)
		}
	}
	*object = *left
	return nil
}

// cloner copies values, noting the objects of the copy.
type cloner struct {
	*run
	own  mutable
	room int // for further members of each object
}

// clone copies a value. As in the reference the copy is what the JSON of the value says.
func (c *cloner) clone(v any, depth int) (any, error) {
	switch x := v.(type) {
	case *data.Object:
		if err := c.cost(x.Len()+c.room, sizeMember, depth); err != nil {
			return nil, err
		}
		o := data.NewObject(x.Len() + c.room)
		for _, m := range x.Members() {
			copied, err := c.clone(m.Value, depth+1)
			if err != nil {
				return nil, err
			}
			o.Set(m.Key, copied)
		}
		c.own[o] = true
		return o, nil
	case []any, *array:
		items, _ := list(v)
		if err := c.cost(len(items), sizeItem, depth); err != nil {
			return nil, err
		}
		copied := make([]any, len(items))
		for i, item := range items {
			var err error
			if copied[i], err = c.clone(item, depth+1); err != nil {
				return nil, err
			}
		}
		return copied, nil
	case float64:
		if x-x != 0 {
			return nil, nil
		}
		if rounded := fifteenDigits(x); rounded != x {
			return rounded, nil
		}
	case undefined:
		return nil, nil
	case function:
		return "", nil
	}
	return v, nil
}

func (c *cloner) cost(n, size, depth int) error {
	c.built++
	if err := c.walk(n, depth); err != nil {
		return err
	}
	return c.charge(sizeObject + n*size)
}
