package jsonata

import "tutti/internal/stepfunctions/data"

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
	result, err := r.clone(unwrapped(args[0]), own, 0)
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
	for _, key := range keys {
		if object == nil {
			continue
		}
		if err := r.charge(object.Len() * sizeMember); err != nil {
			return err
		}
		*object = *object.Without(key.(string))
	}
	return nil
}

// clone copies a value, noting the objects of the copy. As in the reference it becomes what its JSON says.
func (r *run) clone(v any, own mutable, depth int) (any, error) {
	switch v := v.(type) {
	case *data.Object:
		if err := r.cloneCost(v.Len(), sizeMember, depth); err != nil {
			return nil, err
		}
		o := data.NewObject(v.Len())
		for _, m := range v.Members() {
			c, err := r.clone(m.Value, own, depth+1)
			if err != nil {
				return nil, err
			}
			o.Set(m.Key, c)
		}
		own[o] = true
		return o, nil
	case []any, *array:
		items, _ := list(v)
		if err := r.cloneCost(len(items), sizeItem, depth); err != nil {
			return nil, err
		}
		copied := make([]any, len(items))
		for i, item := range items {
			var err error
			if copied[i], err = r.clone(item, own, depth+1); err != nil {
				return nil, err
			}
		}
		return copied, nil
	case float64:
		if v-v != 0 {
			return nil, nil
		}
		return fifteenDigits(v), nil
	case undefined:
		return nil, nil
	case function:
		return "", nil
	}
	return v, nil
}

func (r *run) cloneCost(n, size, depth int) error {
	r.built++
	if err := r.walk(n, depth); err != nil {
		return err
	}
	return r.charge(sizeObject + n*size)
}
