package block

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/object"
)

// ephemeralText stands for an ephemeral input: whether it changed cannot be known.
const ephemeralText = "(ephemeral value)"

// saltSize is the key of the hash in bytes, as long as its output.
const saltSize = sha256.Size

// NewSalt gives a key for a Concealer.
func NewSalt() []byte {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	return salt
}

// Concealer gives inputs the form in which they are compared, shown and stored:
// JSON's types, and a keyed hash in the place of every sensitive part. The key is
// the block's own and lies where stores encrypt.
type Concealer struct{ Salt []byte }

// Inputs gives the named arguments of a wanted value.
func (c Concealer) Inputs(wanted cty.Value, names ...[]string) map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, list := range names {
		for _, name := range list {
			out[name] = c.Conceal(wanted.GetAttr(name))
		}
	}
	return out
}

// WithoutNulls drops what a block does not say, at both levels.
func WithoutNulls(v cty.Value) cty.Value {
	v, marks := v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.Type().IsObjectType() {
		return v.WithMarks(marks)
	}
	attrs := map[string]cty.Value{}
	for name, a := range v.AsValueMap() {
		if !a.IsNull() {
			attrs[name] = WithoutNulls(a)
		}
	}
	return cty.ObjectVal(attrs).WithMarks(marks)
}

// Conceal gives one value that form.
func (c Concealer) Conceal(v cty.Value) cty.Value {
	inner, marks := v.Unmark()
	if _, ok := marks[object.Ephemeral]; ok {
		return cty.StringVal(ephemeralText).Mark(object.Sensitive)
	}
	if _, ok := marks[object.Sensitive]; ok {
		return c.hash(inner).Mark(object.Sensitive)
	}
	return c.plain(inner)
}

// plain turns a value that carries no mark itself into JSON's types.
func (c Concealer) plain(v cty.Value) cty.Value {
	switch ty := v.Type(); {
	case v.IsNull():
		return cty.NullVal(cty.DynamicPseudoType)
	case !v.IsKnown():
		if ty.IsPrimitiveType() {
			return v
		}
		return cty.DynamicVal
	case ty.IsObjectType() || ty.IsMapType():
		attrs := map[string]cty.Value{}
		for name, a := range v.AsValueMap() {
			attrs[name] = c.Conceal(a)
		}
		return cty.ObjectVal(attrs)
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		var elems []cty.Value
		for _, e := range v.AsValueSlice() {
			elems = append(elems, c.Conceal(e))
		}
		return cty.TupleVal(elems)
	default:
		return v
	}
}

// hash stands for a sensitive value: equal values of one task have equal hashes,
// and nobody without the key can try values out.
func (c Concealer) hash(v cty.Value) cty.Value {
	v, _ = v.UnmarkDeep()
	switch {
	case v.IsNull():
		return cty.NullVal(cty.DynamicPseudoType)
	case !v.IsWhollyKnown() || c.Salt == nil:
		return cty.UnknownVal(cty.String)
	}
	text, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		panic(fmt.Sprintf("task: invariant broken: a known input has no JSON form: %s", err))
	}
	mac := hmac.New(sha256.New, c.Salt)
	mac.Write(text)
	return cty.StringVal("hmac-sha256:" + hex.EncodeToString(mac.Sum(nil)))
}
