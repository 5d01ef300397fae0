package provider

import (
	"encoding/binary"
	"maps"
	"math"
	"math/big"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"

	"tutti/internal/terraform/provider/tfplugin6"
)

// layout is how a block's values are written in MessagePack: the attributes in the
// order of their names, each name encoded once for all values. What is rare goes
// through the cty library, whose bytes these are (TestBlockEncoding).
type layout struct {
	head  []byte // that a map begins, and how long it is
	attrs []attributeLayout
}

type attributeLayout struct {
	name string
	key  []byte
	ty   cty.Type
}

func newLayout(ty cty.Type) *layout {
	types := ty.AttributeTypes()
	l := &layout{attrs: make([]attributeLayout, 0, len(types))}
	switch n := len(types); {
	case n < 16:
		l.head = []byte{0x80 | byte(n)}
	case n <= math.MaxUint16:
		l.head = binary.BigEndian.AppendUint16([]byte{0xde}, uint16(n))
	default:
		l.head = binary.BigEndian.AppendUint32([]byte{0xdf}, uint32(n))
	}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		l.attrs = append(l.attrs, attributeLayout{name, appendText(nil, name), types[name]})
	}
	return l
}

func (b *Block) layout() *layout {
	if l := b.wire.Load(); l != nil {
		return l
	}
	l := newLayout(b.ImpliedType())
	b.wire.Store(l)
	return l
}

// encode puts a value of the block into its wire form, as the function encode does.
func (b *Block) encode(v cty.Value) (*tfplugin6.DynamicValue, error) {
	ty := b.ImpliedType()
	if b == nil || v == cty.NilVal || v.IsMarked() || v.IsNull() || !v.IsKnown() || !v.Type().Equals(ty) {
		return encode(v, ty)
	}
	l := b.layout()
	out := append(make([]byte, 0, 32*len(l.attrs)+1), l.head...)
	for i := range l.attrs {
		a := &l.attrs[i]
		out = append(out, a.key...)
		av, done := v.GetAttr(a.name), false
		if out, done = appendPlain(out, av, a.ty); done {
			continue
		}
		part, err := msgpack.Marshal(av, a.ty)
		if err != nil {
			return encode(v, ty) // for an error that tells the place
		}
		out = append(out, part...)
	}
	return &tfplugin6.DynamicValue{Msgpack: out}, nil
}

// appendPlain writes what most attributes are: null, a text, a truth value, a small
// number, or unknown with nothing more to say about it.
func appendPlain(out []byte, v cty.Value, ty cty.Type) ([]byte, bool) {
	switch {
	case ty == cty.DynamicPseudoType || v.IsMarked():
		return out, false
	case !v.IsKnown():
		if v.RawEquals(cty.UnknownVal(ty)) {
			return append(out, 0xd4, 0, 0), true
		}
	case v.IsNull():
		return append(out, 0xc0), true
	case ty == cty.String:
		return appendText(out, v.AsString()), true
	case ty == cty.Bool && v.True():
		return append(out, 0xc3), true
	case ty == cty.Bool:
		return append(out, 0xc2), true
	case ty == cty.Number:
		if n, exact := v.AsBigFloat().Int64(); exact == big.Exact && n >= 0 && n < 128 {
			return append(out, byte(n)), true
		}
	}
	return out, false
}

func appendText(out []byte, s string) []byte {
	switch n := len(s); {
	case n < 32:
		out = append(out, 0xa0|byte(n))
	case n <= math.MaxUint8:
		out = append(out, 0xd9, byte(n))
	case n <= math.MaxUint16:
		out = binary.BigEndian.AppendUint16(append(out, 0xda), uint16(n))
	default:
		out = binary.BigEndian.AppendUint32(append(out, 0xdb), uint32(n))
	}
	return append(out, s...)
}
