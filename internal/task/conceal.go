package task

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

// runInputs are the arguments whose change makes a task run again.
var runInputs = []string{"command", "script", "interpreter", "environment", "working_dir", "stdin", "http", "triggers"}

// otherInputs are arguments that are shown and stored beside them.
var otherInputs = []string{"creates", "on_destroy"}

// ephemeralText stands for an ephemeral input: whether it changed cannot be known.
const ephemeralText = "(ephemeral value)"

// saltSize is the key of the hash in bytes, as long as its output.
const saltSize = sha256.Size

func newSalt() []byte {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	return salt
}

// concealer gives inputs the form in which they are compared, shown and stored:
// JSON's types, and a keyed hash in the place of every sensitive part. The key is
// the task's own and lies where stores encrypt.
type concealer struct{ salt []byte }

// inputs gives the named arguments of a wanted value. The large blocks are shown
// without what they do not say.
func (c concealer) inputs(wanted cty.Value, names ...[]string) map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, list := range names {
		for _, name := range list {
			v := wanted.GetAttr(name)
			if name == "http" || name == "on_destroy" {
				v = withoutNulls(v)
			}
			out[name] = c.conceal(v)
		}
	}
	return out
}

// withoutNulls drops what a block does not say, at both levels.
func withoutNulls(v cty.Value) cty.Value {
	v, marks := v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.Type().IsObjectType() {
		return v.WithMarks(marks)
	}
	attrs := map[string]cty.Value{}
	for name, a := range v.AsValueMap() {
		if !a.IsNull() {
			attrs[name] = withoutNulls(a)
		}
	}
	return cty.ObjectVal(attrs).WithMarks(marks)
}

func (c concealer) conceal(v cty.Value) cty.Value {
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
func (c concealer) plain(v cty.Value) cty.Value {
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
			attrs[name] = c.conceal(a)
		}
		return cty.ObjectVal(attrs)
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		var elems []cty.Value
		for _, e := range v.AsValueSlice() {
			elems = append(elems, c.conceal(e))
		}
		return cty.TupleVal(elems)
	default:
		return v
	}
}

// hash stands for a sensitive value: equal values of one task have equal hashes,
// and nobody without the key can try values out.
func (c concealer) hash(v cty.Value) cty.Value {
	v, _ = v.UnmarkDeep()
	switch {
	case v.IsNull():
		return cty.NullVal(cty.DynamicPseudoType)
	case !v.IsWhollyKnown() || c.salt == nil:
		return cty.UnknownVal(cty.String)
	}
	text, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		panic(fmt.Sprintf("task: invariant broken: a known input has no JSON form: %s", err))
	}
	mac := hmac.New(sha256.New, c.salt)
	mac.Write(text)
	return cty.StringVal("hmac-sha256:" + hex.EncodeToString(mac.Sum(nil)))
}
