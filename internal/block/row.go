package block

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/diag"
	"tutti/internal/object"
)

// schemaVersion is that of the attributes which this version writes.
const schemaVersion = 0

// Decode reads a row with the named attributes; those that were null were not
// written, nor those that came later.
func Decode(s *object.State, names ...[]string) (*object.Actual, diag.List) {
	if s.SchemaVersion > schemaVersion {
		return nil, diag.Errorf(nil, "Row was written by a newer version", "The row of %s has the version %d, and this tutti knows versions up to %d. Use the newer one.", s.Addr, s.SchemaVersion, schemaVersion)
	}
	v, err := FromJSON(s.Attributes)
	if err == nil && (v.IsNull() || !v.Type().IsObjectType()) {
		err = errors.New("they are no object")
	}
	if err != nil {
		return nil, diag.Errorf(nil, "Row cannot be read", "The attributes of %s in the state are damaged: %v. Forget it with \"tutti state rm '%s'\" and run it again.", s.Addr, err, s.Addr)
	}
	stored := v.AsValueMap()
	attrs := make(map[string]cty.Value, len(stored))
	for _, list := range names {
		for _, name := range list {
			attrs[name] = cty.NullVal(cty.DynamicPseudoType)
			if a, ok := stored[name]; ok {
				attrs[name] = a
			}
		}
	}
	out := object.MarkPaths(cty.ObjectVal(attrs), s.Sensitive, object.Sensitive)
	return &object.Actual{Value: out, Private: s.Private, Tainted: s.Tainted}, nil
}

// Encode makes the row of a block of the driver's name. Nulls are not written.
func Encode(a *object.Actual, name string) (*object.State, error) {
	attrs := a.Value.AsValueMap()
	for name, v := range attrs {
		if !v.IsMarked() && v.IsNull() {
			delete(attrs, name)
		}
	}
	bare, _ := cty.ObjectVal(attrs).UnmarkDeep()
	src, err := ctyjson.Marshal(bare, bare.Type())
	if err != nil {
		return nil, fmt.Errorf("the value of a %s has no JSON form: %w", name, err)
	}
	return &object.State{Driver: name, SchemaVersion: schemaVersion, Attributes: src, Private: a.Private, Tainted: a.Tainted,
		Sensitive: object.PathsMarked(a.Value, object.Sensitive)}, nil
}

// FromJSON reads a value of JSON's own types. The json package bounds its depth.
func FromJSON(src []byte) (cty.Value, error) {
	var tree any
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return cty.NilVal, err
	}
	if _, err := d.Token(); err != io.EOF {
		return cty.NilVal, errors.New("there is something behind the value")
	}
	return fromTree(tree)
}

func fromTree(tree any) (cty.Value, error) {
	switch t := tree.(type) {
	case nil:
		return cty.NullVal(cty.DynamicPseudoType), nil
	case bool:
		return cty.BoolVal(t), nil
	case string:
		return cty.StringVal(t), nil
	case json.Number:
		return number(t.String())
	case []any:
		elems := make([]cty.Value, len(t))
		for i, e := range t {
			var err error
			if elems[i], err = fromTree(e); err != nil {
				return cty.NilVal, err
			}
		}
		return cty.TupleVal(elems), nil
	case map[string]any:
		attrs := make(map[string]cty.Value, len(t))
		for name, e := range t {
			var err error
			if attrs[name], err = fromTree(e); err != nil {
				return cty.NilVal, err
			}
		}
		return cty.ObjectVal(attrs), nil
	default:
		panic(fmt.Sprintf("block: invariant broken: JSON decoded to %T", tree))
	}
}

// maxExponent bounds the binary exponent of a number: written out, as JSON in a
// state is, 1e999999999 would be a gigabyte.
const maxExponent = 1 << 14

func number(text string) (cty.Value, error) {
	v, err := cty.ParseNumberVal(text)
	if err != nil {
		return cty.NilVal, err
	}
	f := v.AsBigFloat()
	if f.Sign() == 0 {
		return cty.Zero, nil // and never -0, which is another value to some
	}
	if exp := f.MantExp(nil); f.IsInf() || exp > maxExponent || exp < -maxExponent {
		return cty.NilVal, errors.New("a number is too large or too small")
	}
	return v, nil
}

// Join makes the value of a block from what went in and what came out.
func Join(inputs, outputs map[string]cty.Value) cty.Value {
	all := maps.Clone(inputs)
	maps.Copy(all, outputs)
	return cty.ObjectVal(all)
}
