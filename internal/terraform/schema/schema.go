// Package schema holds all that follows from a provider's description of a block:
// the type of its values, how a body becomes such a value, what a provider is
// asked to plan, and whether its answers keep to the protocol.
//
// In: provider.Block, HCL bodies and evaluation contexts, cty values. Out: cty
// values and diagnostics. A block is compiled once (New) and then used for
// thousands of instances; a body is bound once (Block.Bind) and then decoded once
// per instance. It does no I/O and must not know a provider's process, states or
// plans.
//
// Start with Block. Sources: "Resource Instance Change Lifecycle" and the plugin
// protocol's documentation of Terraform; observed behaviour of Terraform 1.11 and
// OpenTofu 1.12.
package schema

import (
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/terraform/provider"
)

// Type is the compiled schema of a resource type. It is immutable.
type Type struct {
	Version         int64
	Block           *Block
	Identity        *Block // nil when the type has none
	IdentityVersion int64
}

// NewType compiles a resource type's schema.
func NewType(t *provider.Type) *Type {
	out := &Type{Version: t.Version, Block: New(t.Block), IdentityVersion: t.IdentityVersion}
	if t.Identity != nil {
		out.Identity = New(t.Identity)
	}
	return out
}

// Block is a compiled block. It is immutable and safe for concurrent use. Values
// that its methods take have its type, unless they say otherwise.
type Block struct {
	source *provider.Block
	level  *level
}

// New compiles a block.
func New(b *provider.Block) *Block { return &Block{b, compileBlock(b)} }

// Type gives the type of the block's values. Parts whose type is only known with
// a value are cty.DynamicPseudoType.
func (b *Block) Type() cty.Type { return b.level.ty }

// Source gives what the block was compiled from.
func (b *Block) Source() *provider.Block { return b.source }

// Empty gives the value of a body that sets nothing.
func (b *Block) Empty() cty.Value { return b.level.empty() }

// HasWriteOnly reports whether any attribute of the block is write-only.
func (b *Block) HasWriteOnly() bool { return b.level.has&hasWriteOnly != 0 }

// HasSensitive reports whether any attribute of the block is sensitive.
func (b *Block) HasSensitive() bool { return b.level.has&hasSensitive != 0 }

// features say what there is anywhere in a level, so that walks that would find
// nothing are not made.
type features uint8

const (
	hasComputed features = 1 << iota
	hasSensitive
	hasWriteOnly
	hasDynamic // a type that is only known with a value
)

// level is one object of the schema: a block's content, or that of a nested
// attribute.
type level struct {
	attrs  []*attribute // sorted by name
	blocks []*nesting   // sorted by name
	byName map[string]*attribute
	ty     cty.Type
	has    features
	body   *hcl.BodySchema // nil for a nested attribute, which has no body
}

// attribute is a provider's attribute with what follows from it.
type attribute struct {
	*provider.Attribute
	name string
	// accepts is Type with what may be left out of objects marked as optional.
	accepts cty.Type
	// nested describes a nested attribute; nil for any other.
	nested *nesting
	// legacy is set when the attribute may be written as blocks: how a schema of
	// the old SDK says that a computed list of objects can be set.
	legacy *nesting
	has    features
}

// nesting is a level with how often it may stand: a block type or the content of
// a nested attribute.
type nesting struct {
	name     string
	mode     provider.Nesting
	level    *level
	ty       cty.Type
	min, max int
	// deprecated belongs to a block type, with the provider's advice.
	deprecated  bool
	deprecation string
}

func compileBlock(b *provider.Block) *level {
	l := compileAttributes(b.Attributes)
	types := l.ty.AttributeTypes()
	l.body = &hcl.BodySchema{}
	for _, a := range l.attrs {
		// An attribute that may stand as blocks is never missed: they are looked for
		// first.
		required := a.Required && a.legacy == nil
		l.body.Attributes = append(l.body.Attributes, hcl.AttributeSchema{Name: a.name, Required: required})
		if a.legacy != nil {
			l.body.Blocks = append(l.body.Blocks, hcl.BlockHeaderSchema{Type: a.name})
		}
	}
	for _, name := range sortedKeys(b.Blocks) {
		n := compileNestedBlock(name, b.Blocks[name])
		l.blocks = append(l.blocks, n)
		l.has |= n.level.has
		types[name] = n.ty
		header := hcl.BlockHeaderSchema{Type: name}
		if n.mode == provider.NestingMap {
			header.LabelNames = []string{"key"}
		}
		l.body.Blocks = append(l.body.Blocks, header)
	}
	l.ty = cty.Object(types)
	return l
}

func compileNestedBlock(name string, b *provider.NestedBlock) *nesting {
	n := &nesting{name: name, mode: b.Nesting, level: compileBlock(b.Block), min: b.MinItems, max: b.MaxItems,
		deprecated: b.Block.Deprecated, deprecation: b.Block.DeprecationMessage}
	n.ty = n.container()
	return n
}

// container gives the type of the whole: a collection of objects cannot hold
// objects of different types, so one with dynamic parts is a tuple or an object,
// whose type is known with its value.
func (n *nesting) container() cty.Type {
	elem := n.level.ty
	switch n.mode {
	case provider.NestingSingle, provider.NestingGroup:
		return elem
	case provider.NestingSet:
		return cty.Set(elem)
	case provider.NestingList, provider.NestingMap:
		switch {
		case elem.HasDynamicTypes():
			return cty.DynamicPseudoType
		case n.mode == provider.NestingList:
			return cty.List(elem)
		default:
			return cty.Map(elem)
		}
	default:
		panic("schema: a block has no nesting mode")
	}
}

func compileAttributes(attrs map[string]*provider.Attribute) *level {
	l := &level{byName: make(map[string]*attribute, len(attrs))}
	types := make(map[string]cty.Type, len(attrs))
	for _, name := range sortedKeys(attrs) {
		a := compileAttribute(name, attrs[name])
		l.attrs = append(l.attrs, a)
		l.byName[name] = a
		l.has |= a.has
		types[name] = a.Type
	}
	l.ty = cty.Object(types)
	return l
}

func compileAttribute(name string, p *provider.Attribute) *attribute {
	a := &attribute{Attribute: p, name: name, accepts: p.Type}
	for f, on := range map[features]bool{hasComputed: p.Computed, hasSensitive: p.Sensitive, hasWriteOnly: p.WriteOnly,
		hasDynamic: p.Type.HasDynamicTypes()} {
		if on {
			a.has |= f
		}
	}
	switch {
	case p.Nested != nil:
		content := compileAttributes(p.Nested.Attributes)
		a.nested = &nesting{name: name, mode: p.Nested.Nesting, level: content, ty: p.Type}
		a.has |= content.has
		a.accepts = acceptsNested(a.nested)
	case standsAsBlocks(p.Type):
		a.legacy = legacyBlocks(name, p.Type)
	}
	return a
}

// acceptsNested gives the type that a nested attribute's value is converted to:
// what is not required may be left out.
func acceptsNested(n *nesting) cty.Type {
	types := map[string]cty.Type{}
	var optional []string
	for _, a := range n.level.attrs {
		types[a.name] = a.accepts
		if !a.Required {
			optional = append(optional, a.name)
		}
	}
	elem := cty.ObjectWithOptionalAttrs(types, optional)
	switch {
	case n.mode == provider.NestingSingle || n.mode == provider.NestingGroup:
		return elem
	case n.ty == cty.DynamicPseudoType:
		return n.ty
	case n.mode == provider.NestingList:
		return cty.List(elem)
	case n.mode == provider.NestingSet:
		return cty.Set(elem)
	case n.mode == provider.NestingMap:
		return cty.Map(elem)
	default:
		panic("schema: a nested attribute has no nesting mode")
	}
}

// standsAsBlocks reports whether an attribute of the type may also be written as
// blocks.
func standsAsBlocks(ty cty.Type) bool {
	return (ty.IsListType() || ty.IsSetType()) && ty.ElementType().IsObjectType()
}

// legacyBlocks gives the block type as which an attribute may be written: every
// attribute of its elements is optional, and those of them that are lists or sets
// of objects may be blocks again.
func legacyBlocks(name string, ty cty.Type) *nesting {
	b := &provider.Block{Attributes: map[string]*provider.Attribute{}}
	for attr, aty := range ty.ElementType().AttributeTypes() {
		b.Attributes[attr] = &provider.Attribute{Type: aty, Optional: true}
	}
	mode := provider.NestingList
	if ty.IsSetType() {
		mode = provider.NestingSet
	}
	return compileNestedBlock(name, &provider.NestedBlock{Block: b, Nesting: mode})
}

func (l *level) empty() cty.Value {
	vals := make(map[string]cty.Value, len(l.attrs)+len(l.blocks))
	for _, a := range l.attrs {
		vals[a.name] = cty.NullVal(a.Type)
	}
	for _, n := range l.blocks {
		vals[n.name] = n.empty()
	}
	return cty.ObjectVal(vals)
}

// empty gives the value of no block of the type.
func (n *nesting) empty() cty.Value {
	switch n.mode {
	case provider.NestingSingle:
		return cty.NullVal(n.ty)
	case provider.NestingGroup:
		return n.level.empty()
	default:
		return n.collect(nil, nil)
	}
}

// collect makes a value of the nesting from its elements. Keys belong to a map.
func (n *nesting) collect(keys []string, elems []cty.Value) cty.Value {
	dynamic := n.ty == cty.DynamicPseudoType || n.level.has&hasDynamic != 0 && !uniform(elems)
	switch n.mode {
	case provider.NestingList:
		switch {
		case dynamic:
			return cty.TupleVal(elems)
		case len(elems) == 0:
			return cty.ListValEmpty(n.level.ty)
		default:
			return cty.ListVal(elems)
		}
	case provider.NestingSet:
		if len(elems) == 0 {
			return cty.SetValEmpty(n.level.ty)
		}
		return cty.SetVal(elems)
	case provider.NestingMap:
		vals := make(map[string]cty.Value, len(elems))
		for i, k := range keys {
			vals[k] = elems[i]
		}
		switch {
		case dynamic:
			return cty.ObjectVal(vals)
		case len(vals) == 0:
			return cty.MapValEmpty(n.level.ty)
		default:
			return cty.MapVal(vals)
		}
	default:
		panic("schema: only collections are collected")
	}
}

func uniform(elems []cty.Value) bool {
	for _, e := range elems {
		if !e.Type().Equals(elems[0].Type()) {
			return false
		}
	}
	return true
}

// single reports whether there is at most one element, without a collection
// around it.
func (n *nesting) single() bool {
	return n.mode == provider.NestingSingle || n.mode == provider.NestingGroup
}

// attributeAt gives the attribute that a path leads to or into, and whether it
// leads further into it; nil when it leads to a block.
func (l *level) attributeAt(p cty.Path) (a *attribute, inside bool) {
	for i := 0; i < len(p); i++ {
		step, ok := p[i].(cty.GetAttrStep)
		if !ok {
			continue // an index into the collection of the nesting before
		}
		if found := l.byName[step.Name]; found != nil {
			if found.nested == nil {
				return found, i < len(p)-1
			}
			a, l = found, found.nested.level
			inside = i < len(p)-1
			continue
		}
		n := l.blockNamed(step.Name)
		if n == nil {
			return nil, false
		}
		a, l = nil, n.level
	}
	return a, inside
}

func (l *level) blockNamed(name string) *nesting {
	for _, n := range l.blocks {
		if n.name == name {
			return n
		}
	}
	return nil
}

// Attribute gives the attribute that holds what the path leads to; nil when the
// path leads to a block or nowhere.
func (b *Block) Attribute(p cty.Path) *provider.Attribute {
	if a, _ := b.level.attributeAt(p); a != nil {
		return a.Attribute
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (n *nesting) set() bool { return n.mode == provider.NestingSet }

func (n *nesting) keyed() bool { return n.mode == provider.NestingMap }
