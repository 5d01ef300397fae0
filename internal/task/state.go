package task

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// The names under which rows say whose they are.
const (
	driverName   = "task"
	approvalName = "approval"
)

// schemaVersion is that of the attributes which this version writes.
const schemaVersion = 0

// driver carries out tasks. It holds nothing of one task: all that is needed to
// destroy one lies in its row, so that it can be done when the block is gone.
type driver struct {
	// root is the folder that relative paths start from.
	root string
}

var (
	_ object.Driver  = (*driver)(nil)
	_ object.Settler = (*driver)(nil)
)

// DriverOf gives the driver of a row whose block is gone.
func DriverOf(row *object.State) (object.Driver, diag.List) {
	switch row.Driver {
	case driverName:
		return &driver{root: "."}, nil
	case approvalName:
		return approvalDriver{}, nil
	default:
		return nil, diag.Errorf(nil, "Unknown driver in the state", "The row of %s names %q, which this version of tutti does not know. A newer one may have written it.", row.Addr, row.Driver)
	}
}

// private is what a task keeps for itself. Stores encrypt it always.
type private struct {
	// Salt is the key of the hashes in the inputs.
	Salt []byte `json:"salt"`
	// Ran is set once there was a run, whatever came of it.
	Ran bool `json:"ran,omitempty"`
	// Failed is set when the last run of a manual task failed: it is not tainted,
	// because that would make it run without being asked to.
	Failed    bool    `json:"failed,omitempty"`
	OnDestroy *action `json:"on_destroy,omitempty"`
}

func (p private) bytes() []byte {
	out, err := json.Marshal(p)
	if err != nil {
		panic("task: invariant broken: the private data has no JSON form: " + err.Error())
	}
	return out
}

func readPrivate(prior *object.Actual) (private, error) {
	var p private
	if prior == nil || len(prior.Private) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(prior.Private, &p); err != nil {
		return p, fmt.Errorf("the private data of the stored task cannot be read: %w", err)
	}
	return p, nil
}

// Read implements object.Driver: a task leaves nothing that could be looked at,
// but for the paths of creates, which planning looks at.
func (d *driver) Read(_ context.Context, _ addr.Instance, known *object.Actual) (*object.Actual, diag.List) {
	return known, nil
}

// Decode implements object.Driver.
func (d *driver) Decode(_ context.Context, s *object.State) (*object.Actual, diag.List) {
	return decode(s, runInputs, otherInputs, textOutputs, numberOutputs)
}

// Encode implements object.Driver.
func (d *driver) Encode(a *object.Actual) (*object.State, error) { return encode(a, driverName) }

// decode reads a row with the named attributes; those that were null were not
// written, nor those that came later.
func decode(s *object.State, names ...[]string) (*object.Actual, diag.List) {
	if s.SchemaVersion > schemaVersion {
		return nil, diag.Errorf(nil, "Row was written by a newer version", "The row of %s has the version %d, and this tutti knows versions up to %d. Use the newer one.", s.Addr, s.SchemaVersion, schemaVersion)
	}
	v, err := fromJSON(s.Attributes)
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

func encode(a *object.Actual, name string) (*object.State, error) {
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

// fromJSON reads a value of JSON's own types. The json package bounds its depth.
func fromJSON(src []byte) (cty.Value, error) {
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
		panic(fmt.Sprintf("task: invariant broken: JSON decoded to %T", tree))
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
