package jsonata

import (
	"tutti/internal/stepfunctions/data"
)

// The functions on objects, and those that are about any value.

func keys(r *run, args []any) (any, error) {
	found := data.NewObject(0)
	if err := r.gatherKeys(args[0], found, 0); err != nil {
		return nil, err
	}
	out := sequenceOf()
	for _, m := range found.Members() {
		out.items = append(out.items, m.Key)
	}
	return out, r.chargeList(3 * len(out.items))
}

func (r *run) gatherKeys(v any, into *data.Object, depth int) error {
	if o, ok := v.(*data.Object); ok {
		for _, m := range o.Members() {
			into.Set(m.Key, nil)
		}
		return r.walk(o.Len(), depth)
	}
	items, _ := list(v)
	if err := r.walk(len(items), depth); err != nil {
		return err
	}
	for _, item := range items {
		if err := r.gatherKeys(item, into, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func lookup(r *run, args []any) (any, error) {
	key, ok := args[1].(string)
	if _, many := list(args[0]); many && !ok {
		return sequenceOf(), nil
	} else if !ok {
		return Undefined, nil
	}
	return r.field(args[0], key, 0)
}

func spread(r *run, args []any) (any, error) {
	items, many := list(args[0])
	if letter(args[0]) != 'o' && !many {
		return args[0], nil
	}
	// Of an array comes an array, of an object a sequence.
	out := &array{sequence: len(items) == 0}
	return out, r.spread(args[0], out, 0)
}

func (r *run) spread(v any, out *array, depth int) error {
	switch v := v.(type) {
	case []any, *array:
		items, _ := list(v)
		if err := r.walk(len(items), depth); err != nil {
			return err
		}
		for _, item := range items {
			if err := r.spread(item, out, depth+1); err != nil {
				return err
			}
		}
	case *data.Object:
		r.built += v.Len()
		if err := r.charge(v.Len() * (sizeObject + sizeMember + sizeItem)); err != nil {
			return err
		}
		for _, m := range v.Members() {
			out.items = append(out.items, data.ObjectOf(m))
		}
	case undefined:
	default:
		out.items = append(out.items, r.kept(v))
		return r.charge(sizeItem)
	}
	return nil
}

func merge(r *run, args []any) (any, error) {
	items, ok := list(args[0])
	if !ok {
		return Undefined, nil
	}
	merged := data.NewObject(0)
	for _, item := range items {
		o, _ := item.(*data.Object)
		if err := r.chargeList(o.Len() * 3); err != nil {
			return nil, err
		}
		for _, m := range o.Members() {
			merged.Set(m.Key, m.Value)
		}
	}
	return merged, nil
}

func typeOf(_ *run, args []any) (any, error) {
	switch letter(args[0]) {
	case 'm':
		return Undefined, nil
	case 'l':
		return "null", nil
	case 'n':
		return "number", nil
	case 's':
		return "string", nil
	case 'b':
		return "boolean", nil
	case 'a':
		return "array", nil
	case 'f':
		return "function", nil
	}
	return "object", nil
}

func errorFunction(_ *run, args []any) (any, error) {
	message, _ := args[0].(string)
	return nil, &Error{Code: "D3137", Message: message}
}

func assert(_ *run, args []any) (any, error) {
	if truthy(args[0]) {
		return Undefined, nil
	}
	message, _ := args[1].(string)
	return nil, &Error{Code: "D3141", Message: message}
}

func cloneFunction(r *run, args []any) (any, error) {
	if isUndefined(args[0]) {
		return Undefined, nil
	}
	return (&cloner{r, mutable{}, 0}).clone(unwrapped(args[0]), 0)
}
