package task

import (
	"context"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
)

// scope gives fixed values to whom asks, by the text of the address.
type scope map[string]cty.Value

var _ object.Scope = scope(nil)

func (s scope) Object(_ context.Context, o addr.Object) cty.Value {
	if v, ok := s[o.String()]; ok {
		return v
	}
	return cty.DynamicVal
}
func (s scope) Instance(ctx context.Context, i addr.Instance) cty.Value {
	return s.Object(ctx, i.Object)
}
func (s scope) Expansion(context.Context, addr.Object) object.Expansion { return object.One() }
func (s scope) After(context.Context, addr.Object)                      {}
func (s scope) Changed(context.Context, addr.Instance, cty.Path) bool   { return false }

func testEnv(root string) *expr.Env {
	return &expr.Env{
		Functions: map[string]function.Function{"upper": stdlib.UpperFunc, "jsonencode": stdlib.JSONEncodeFunc, "toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType))},
		Roots:     map[string]cty.Value{"path": cty.ObjectVal(map[string]cty.Value{"root": cty.StringVal(root)})},
	}
}

// stand is one block with what was stored of it, taken through plans and applies as
// the hall does it.
type stand struct {
	t      *testing.T
	dir    string
	values scope
	row    *object.State
	log    []string
	// replace asks for a run, as -replace does.
	replace bool
	object  object.Driven
}

func newStand(t *testing.T, src string) *stand {
	t.Helper()
	s := &stand{t: t, dir: t.TempDir(), values: scope{}}
	s.edit(src)
	return s
}

// edit gives the block another text; what is stored stays.
func (s *stand) edit(src string) {
	s.t.Helper()
	f, d := block.Load(map[string][]byte{"main.tutti.hcl": []byte(src)}, Kinds())
	if len(d) > 0 {
		s.t.Fatal(d.Err())
	}
	s.object = objects(f, testEnv(s.dir))[0].(object.Driven)
}

func (s *stand) driver() object.Driver {
	drv, d := s.object.Driver(s.t.Context(), s.values, object.Instance{})
	if len(d) > 0 {
		s.t.Fatal(d.Err())
	}
	return drv
}

func (s *stand) address() addr.Instance { return s.object.Addr().Instance(addr.NoKey) }

func (s *stand) wanted() cty.Value {
	s.t.Helper()
	v, d := s.object.Wanted(s.t.Context(), s.values, object.Instance{})
	if d.HasErrors() {
		s.t.Fatal(d.Err())
	}
	return v
}

func (s *stand) prior() *object.Actual {
	s.t.Helper()
	if s.row == nil {
		return nil
	}
	a, d := s.driver().Decode(s.t.Context(), s.row)
	if len(d) > 0 {
		s.t.Fatal(d.Err())
	}
	if a, d = s.driver().Read(s.t.Context(), s.address(), a); len(d) > 0 {
		s.t.Fatal(d.Err())
	}
	return a
}

func (s *stand) plan() object.Change {
	s.t.Helper()
	prior := s.prior()
	c, d := s.driver().Plan(s.t.Context(), object.PlanRequest{Addr: s.address(), Wanted: s.wanted(), Prior: prior,
		Replace: prior != nil && (s.replace || prior.Tainted), Requested: s.replace})
	if len(d) > 0 {
		s.t.Fatal(d.Err())
	}
	return c
}

// apply plans and carries out. The verb that was planned is given with what the
// carrying out reported.
func (s *stand) apply() (object.Verb, diag.List) {
	s.t.Helper()
	c := s.plan()
	if c.Verb == object.NoOp {
		return c.Verb, nil
	}
	req := s.request(c)
	res, d := s.driver().Apply(s.t.Context(), req)
	s.store(res.Actual)
	return c.Verb, d
}

func (s *stand) request(c object.Change) object.ApplyRequest {
	req := object.ApplyRequest{Addr: s.address(), Verb: c.Verb, Wanted: s.wanted(), Planned: c.After, Private: c.Private,
		Log: func(line string) { s.log = append(s.log, line) }}
	if c.Verb != object.Create {
		req.Prior = s.prior()
	}
	return req
}

// store keeps what came into being, and holds the stored form against the value.
func (s *stand) store(a *object.Actual) {
	s.t.Helper()
	if a == nil {
		return
	}
	row, err := s.driver().Encode(a)
	if err != nil {
		s.t.Fatal(err)
	}
	row.Addr, s.row = s.address(), row
	if back := s.prior(); !back.Value.RawEquals(a.Value) || back.Tainted != a.Tainted {
		s.t.Fatalf("stored and read again is another value:\n%#v\nwas\n%#v", back.Value, a.Value)
	}
}

// must applies, and fails the test unless the verb is planned and nothing reported.
func (s *stand) must(want object.Verb) {
	s.t.Helper()
	got, d := s.apply()
	if got != want {
		s.t.Fatalf("planned to %s, want %s", got, want)
	}
	if len(d) > 0 {
		s.t.Fatal(d.Err(), d[0].Detail)
	}
}

// output gives one attribute of what is stored, as text.
func (s *stand) output(name string) string {
	s.t.Helper()
	v, _ := s.prior().Value.GetAttr(name).UnmarkDeep()
	switch {
	case v.IsNull():
		return "null"
	case v.Type() == cty.Number:
		return v.AsBigFloat().Text('f', -1)
	case v.Type() == cty.String:
		return v.AsString()
	default:
		return v.GoString()
	}
}

func (s *stand) destroy() diag.List {
	s.t.Helper()
	drv, d := DriverOf(s.row)
	if len(d) > 0 {
		s.t.Fatal(d.Err())
	}
	prior, d := drv.Decode(s.t.Context(), s.row)
	if len(d) > 0 {
		s.t.Fatal(d.Err())
	}
	c, d := drv.Plan(s.t.Context(), object.PlanRequest{Addr: s.address(), Wanted: cty.NilVal, Prior: prior})
	if len(d) > 0 || c.Verb != object.Delete {
		s.t.Fatal(c.Verb, d.Err())
	}
	res, d := drv.Apply(s.t.Context(), object.ApplyRequest{Addr: s.address(), Verb: c.Verb, Prior: prior,
		Log: func(line string) { s.log = append(s.log, line) }})
	if (res.Actual != nil) != d.HasErrors() {
		s.t.Fatalf("left %v behind with %v", res.Actual, d.Err())
	}
	return d
}

func secretText(s string) cty.Value { return cty.StringVal(s).Mark(object.Sensitive) }

func joined(lines []string) string { return strings.Join(lines, "\n") }

// objects gives those of a file, in its order.
func objects(f *block.File, env *expr.Env) []object.Object {
	var out []object.Object
	for _, b := range f.Blocks {
		out = append(out, Object(b, env))
	}
	return out
}
