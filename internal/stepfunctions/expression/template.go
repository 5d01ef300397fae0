package expression

import "tutti/internal/stepfunctions/data"

// Field is one member of an object that is made at run time.
type Field struct {
	Key   string
	Value Expr
}

// Object gives an object of these fields, of which the last one of a key counts. It is
// a Constant when all of them are.
func Object(fields []Field) Expr {
	constant := data.NewObject(len(fields))
	for _, f := range fields {
		c, ok := f.Value.(Constant)
		if !ok {
			return objectTemplate(fields)
		}
		constant.Set(f.Key, c.Value)
	}
	return Constant{constant}
}

// List gives a list of these items. It is a Constant when all of them are.
func List(items []Expr) Expr {
	constant := make([]any, len(items))
	for i, item := range items {
		c, ok := item.(Constant)
		if !ok {
			return listTemplate(items)
		}
		constant[i] = c.Value
	}
	return Constant{constant}
}

type objectTemplate []Field

var _ Expr = objectTemplate(nil)

// Eval implements Expr.
func (t objectTemplate) Eval(s *Scope) (any, error) {
	o := data.NewObject(len(t))
	for _, f := range t {
		v, err := f.Value.Eval(s)
		if err != nil {
			return nil, err
		}
		o.Set(f.Key, v)
	}
	return o, nil
}

// Names implements Expr.
func (t objectTemplate) Names(f func(string)) {
	for _, field := range t {
		field.Value.Names(f)
	}
}

type listTemplate []Expr

var _ Expr = listTemplate(nil)

// Eval implements Expr.
func (t listTemplate) Eval(s *Scope) (any, error) {
	list := make([]any, len(t))
	for i, item := range t {
		v, err := item.Eval(s)
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	return list, nil
}

// Names implements Expr.
func (t listTemplate) Names(f func(string)) {
	for _, item := range t {
		item.Names(f)
	}
}
