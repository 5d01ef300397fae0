package provider

import "github.com/zclconf/go-cty/cty"

// ImpliedType is the type of values of the block: an object with an attribute
// for each attribute and each nested block. It is computed once; safe for
// concurrent use. A nil block gives the empty object type.
func (b *Block) ImpliedType() cty.Type {
	if b == nil {
		return cty.EmptyObject
	}
	if t := b.implied.Load(); t != nil {
		return *t
	}
	attrs := make(map[string]cty.Type, len(b.Attributes)+len(b.Blocks))
	for name, a := range b.Attributes {
		attrs[name] = a.Type
	}
	for name, nested := range b.Blocks {
		attrs[name] = nested.ImpliedType()
	}
	t := cty.Object(attrs)
	b.implied.Store(&t)
	return t
}

// ImpliedType is the type of the values that all blocks of this kind make together.
func (n *NestedBlock) ImpliedType() cty.Type {
	inner := n.Block.ImpliedType()
	switch n.Nesting {
	case NestingSingle, NestingGroup:
		return inner
	case NestingSet:
		return cty.Set(inner)
	case NestingList, NestingMap:
		// A collection has one element type; blocks that hold values of any
		// type need a tuple or an object, which is not known beforehand.
		if inner.HasDynamicTypes() {
			return cty.DynamicPseudoType
		}
		if n.Nesting == NestingList {
			return cty.List(inner)
		}
		return cty.Map(inner)
	default:
		panic("provider: a nested block has no nesting")
	}
}

// ImpliedType is the type of a nested attribute's values.
func (o *Object) ImpliedType() cty.Type {
	attrs := make(map[string]cty.Type, len(o.Attributes))
	for name, a := range o.Attributes {
		attrs[name] = a.Type
	}
	inner := cty.Object(attrs)
	switch o.Nesting {
	case NestingSingle:
		return inner
	case NestingList:
		return cty.List(inner)
	case NestingSet:
		return cty.Set(inner)
	case NestingMap:
		return cty.Map(inner)
	default:
		panic("provider: a nested attribute has no nesting")
	}
}
