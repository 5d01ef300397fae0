// Package objecttest holds objects, drivers and a world for the tests of the hall:
// the languages and the providers are what they stand for, at the I/O border.
//
// In: what a test writes down. Out: namespaces to plan and a World that says what
// was done to it, and whether anything was done in a wrong order. It must know no
// language and nothing of how plans are made.
//
// Files: namespace.go plain objects, block.go objects with drivers, text.go the
// text that they are written as, world.go what the drivers act on.
package objecttest

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// Namespace is a list of objects.
type Namespace []object.Object

var _ object.Namespace = Namespace(nil)

// Objects implements object.Namespace.
func (n Namespace) Objects() []object.Object { return n }

// Lookup implements object.Namespace.
func (n Namespace) Lookup(name addr.Name) object.Object {
	for _, o := range n {
		if o.Addr().Name == name {
			return o
		}
	}
	return nil
}

// Value is an object that only stands for a value.
type Value struct {
	Address addr.Object
	// Many says which instances there are; nil is one.
	Many func(context.Context, object.Scope) (object.Expansion, diag.List)
	Of   func(context.Context, object.Scope, object.Instance) (cty.Value, diag.List)
}

var _ object.Object = (*Value)(nil)

// Addr implements object.Object.
func (v *Value) Addr() addr.Object { return v.Address }

// References implements object.Object.
func (v *Value) References() []addr.Reference { return nil }

// Expand implements object.Object.
func (v *Value) Expand(ctx context.Context, s object.Scope) (object.Expansion, diag.List) {
	if v.Many == nil {
		return object.One(), nil
	}
	return v.Many(ctx, s)
}

// Wanted implements object.Object.
func (v *Value) Wanted(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	return v.Of(ctx, s, inst)
}

// Module is a container.
type Module struct {
	Value
	Inside func(object.Instance) (object.Namespace, diag.List)
}

var _ object.Container = (*Module)(nil)

// Open implements object.Container.
func (m *Module) Open(_ context.Context, _ object.Scope, inst object.Instance) (object.Namespace, diag.List) {
	return m.Inside(inst)
}

// Keys gives the expansion of n instances of a shape: numbers, or letters.
func Keys(shape object.Shape, n int) object.Expansion {
	x := object.Expansion{Shape: shape}
	for i := range n {
		inst := object.Instance{}
		switch shape {
		case object.Count:
			inst.Key = addr.IntKey(i)
		case object.ForEach:
			inst.Key, inst.Value = addr.StringKey(string(rune('a'+i))), cty.NumberIntVal(int64(i))
		case object.Single:
		default:
			panic("objecttest: invalid shape")
		}
		x.Instances = append(x.Instances, inst)
	}
	return x
}
