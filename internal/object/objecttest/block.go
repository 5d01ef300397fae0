package objecttest

import (
	"context"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// Block is one block of a configuration.
type Block struct {
	Name  addr.Name
	Shape object.Shape
	N     int      // instances of a count
	Each  []string // keys of a for_each
	Text  string
	Force string
	Uses  []Use
	After []Use
	// Triggers replace the block's instances when they change.
	Triggers []Use
	// CountOf makes as many instances as the text of an ID is long, modulo 3: it is
	// known only when the ID is.
	CountOf *Use
	// Provider is an object that the driver's configuration needs.
	Provider                     *Use
	CreateFirst, Prevent, Forget bool
	Import                       string
	// Inside are the blocks of a module.
	Inside Config
}

// Use is a reference: to an object as a whole, to the instance with the same key,
// or to one by its key.
type Use struct {
	Name addr.Name
	Same bool
	Key  addr.Key
	// Up looks in the root from inside of a module; In, from the root, into every
	// instance of a module.
	Up bool
	In string
}

// Config is the blocks of a module, in the order of the file.
type Config []*Block

// Namespace gives the objects of the root.
func (c Config) Namespace(w *World) object.Namespace { return c.in(w, addr.Module{}) }

func (c Config) in(w *World, m addr.Module) Namespace {
	var ns Namespace
	for _, b := range c {
		o := &item{world: w, module: m, block: b}
		if b.Name.Kind == addr.ModuleCall {
			ns = append(ns, &container{o})
		} else {
			ns = append(ns, o)
		}
	}
	return ns
}

// DriverOf implements planner.OrphanDrivers.
func (c Config) DriverOf(ctx context.Context, s object.Scope, row *object.State, w *World) (object.Driver, diag.List) {
	if row.Driver != "" {
		name := addr.Name{Kind: addr.Resource, Type: "t", Name: row.Driver}
		for _, b := range c {
			if b.Name == name && len(ids(s.Object(ctx, addr.Object{Name: name}))) == 0 {
				return nil, nil
			}
		}
	}
	return &Driver{World: w, Provider: row.Driver}, nil
}

// item is a block in a module instance.
type item struct {
	world  *World
	module addr.Module
	block  *Block
}

var _ object.Importable = (*item)(nil)

// Addr implements object.Object.
func (o *item) Addr() addr.Object { return addr.Object{Module: o.module, Name: o.block.Name} }

// References implements object.Object.
func (o *item) References() []addr.Reference { return nil }

// Expand implements object.Object.
func (o *item) Expand(ctx context.Context, s object.Scope) (object.Expansion, diag.List) {
	b := o.block
	x := object.Expansion{Shape: b.Shape}
	switch {
	case b.CountOf != nil:
		known, unknown := o.use(ctx, s, *b.CountOf, object.Instance{})
		if unknown {
			return object.Expansion{Shape: object.Count, Unknown: true}, nil
		}
		return Keys(object.Count, len(strings.Join(known, ""))%3), nil
	case b.Shape == object.ForEach:
		for _, k := range slices.Sorted(slices.Values(b.Each)) {
			x.Instances = append(x.Instances, object.Instance{Key: addr.StringKey(k), Value: cty.StringVal(k)})
		}
		return x, nil
	default:
		return Keys(b.Shape, b.N), nil
	}
}

// use gives the IDs that a reference stands for, or that they are not known.
func (o *item) use(ctx context.Context, s object.Scope, u Use, inst object.Instance) (known []string, unknown bool) {
	for _, m := range o.modules(ctx, s, u) {
		at := addr.Object{Module: m, Name: u.Name}
		var v cty.Value
		switch key := u.Key; {
		case u.Same:
			key = inst.Key
			fallthrough
		case !key.IsNone():
			if v = s.Instance(ctx, at.Instance(key)); v == cty.NilVal {
				continue // there is no such instance
			}
		default:
			v = s.Object(ctx, at)
		}
		list := ids(v)
		if list == nil {
			unknown = true
		}
		known = append(known, list...)
	}
	return known, unknown
}

func (o *item) modules(ctx context.Context, s object.Scope, u Use) []addr.Module {
	switch {
	case u.Up:
		return []addr.Module{{}}
	case u.In == "":
		return []addr.Module{o.module}
	}
	var out []addr.Module
	for _, inst := range s.Expansion(ctx, o.module.CallOf(u.In)).Instances {
		out = append(out, o.module.Child(u.In, inst.Key))
	}
	return out
}

// ids gives the IDs in the value of an object or of several; nil when one is unknown.
func ids(v cty.Value) []string {
	if !v.IsWhollyKnown() {
		return nil
	}
	out := []string{}
	if v.IsNull() {
		return out
	}
	if v.Type().IsObjectType() && v.Type().HasAttribute("id") {
		return append(out, v.GetAttr("id").AsString())
	}
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		out = append(out, ids(e)...)
	}
	return out
}

// Wanted implements object.Object.
func (o *item) Wanted(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	b := o.block
	for _, u := range b.After {
		for _, m := range o.modules(ctx, s, u) {
			s.After(ctx, addr.Object{Module: m, Name: u.Name})
		}
	}
	text, unknown := b.Text, false
	for _, u := range b.Uses {
		known, open := o.use(ctx, s, u, inst)
		for _, id := range known {
			text += " <" + id + ">"
		}
		unknown = unknown || open
	}
	v := cty.StringVal(text)
	if unknown {
		v = cty.UnknownVal(cty.String)
	}
	id := cty.UnknownVal(cty.String)
	if b.Name.Kind == addr.Data {
		id = cty.NullVal(cty.String)
	}
	return cty.ObjectVal(map[string]cty.Value{"id": id, "text": v, "force": cty.StringVal(b.Force)}), nil
}

// Driver implements object.Driven.
func (o *item) Driver(ctx context.Context, s object.Scope, inst object.Instance) (object.Driver, diag.List) {
	d := &Driver{World: o.world, Data: o.block.Name.Kind == addr.Data}
	if p := o.block.Provider; p != nil {
		if _, unknown := o.use(ctx, s, *p, inst); unknown {
			return nil, nil
		}
		d.Provider = p.Name.Name
	}
	return d, nil
}

// Policy implements object.Driven.
func (o *item) Policy(ctx context.Context, s object.Scope, inst object.Instance) (object.Policy, diag.List) {
	p := object.Policy{CreateBeforeDestroy: o.block.CreateFirst, PreventDestroy: o.block.Prevent, Forget: o.block.Forget}
	for _, u := range o.block.Triggers {
		key := u.Key
		if u.Same {
			key = inst.Key
		}
		if at := (addr.Object{Module: o.module, Name: u.Name}).Instance(key); s.Changed(ctx, at, nil) {
			p.Replace = append(p.Replace, at.String())
		}
	}
	return p, nil
}

// ImportOf implements object.Importable.
func (o *item) ImportOf(_ context.Context, _ object.Scope, inst object.Instance) (*object.Import, diag.List) {
	if o.block.Import == "" {
		return nil, nil
	}
	return &object.Import{To: o.Addr().Instance(inst.Key), ID: object.ImportID{ID: o.block.Import, Identity: cty.NilVal}}, nil
}

// container is the call of a module.
type container struct{ *item }

// Driver hides that of item: a module has none.
func (c *container) Driver() {}

// Wanted implements object.Object.
func (c *container) Wanted(context.Context, object.Scope, object.Instance) (cty.Value, diag.List) {
	return cty.EmptyObjectVal, nil
}

// Open implements object.Container.
func (c *container) Open(_ context.Context, _ object.Scope, inst object.Instance) (object.Namespace, diag.List) {
	return c.block.Inside.in(c.world, c.module.Child(c.block.Name.Name, inst.Key)), nil
}

var _ object.Container = (*container)(nil)
