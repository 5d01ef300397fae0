package resource_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/builtin"
	"tutti/internal/terraform/provider/providertest"
	"tutti/internal/terraform/resource"
	"tutti/internal/terraform/schema"
)

// faulty is the driver of a faulty_thing of the test provider, configured.
func faulty(t testing.TB, change func(*resource.Options), env ...string) *resource.Driver {
	t.Helper()
	p := launch(t, providertest.Faulty(t), env...)
	return driverOf(t, p, "faulty_thing", change)
}

func launch(t testing.TB, path string, env ...string) provider.Provider {
	t.Helper()
	p, err := provider.Launch(t.Context(), provider.LaunchOptions{Path: path, Env: env, CacheDir: provider.NoCache, AllowDeferral: true, StopGrace: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	all, d := p.Schema(t.Context())
	fine(t, d)
	config, d := p.ValidateConfig(t.Context(), schema.New(all.Provider).Empty())
	fine(t, d)
	fine(t, p.Configure(t.Context(), config))
	return p
}

func driverOf(t testing.TB, p provider.Provider, typeName string, change func(*resource.Options)) *resource.Driver {
	t.Helper()
	all, d := p.Schema(t.Context())
	fine(t, d)
	o := resource.Options{Provider: p, Name: `provider["tutti.test/test/faulty"]`, Kind: provider.Managed, TypeName: typeName}
	if change != nil {
		change(&o)
	}
	o.Schema = schema.NewType(all.Types.Type(o.Kind, typeName))
	if change != nil {
		change(&o)
	}
	return resource.New(o)
}

// data is the driver of terraform_data.
func data(t testing.TB, change func(*resource.Options)) *resource.Driver {
	t.Helper()
	return driverOf(t, builtin.New(builtin.Options{NewID: func() string { return "id" }}), "terraform_data", func(o *resource.Options) {
		o.Name = `provider["terraform.io/builtin/terraform"]`
		if change != nil {
			change(o)
		}
	})
}

func fine(t testing.TB, d diag.List) {
	t.Helper()
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, d diag.List, parts ...string) {
	t.Helper()
	err := d.Err()
	if err == nil {
		t.Fatalf("no error, want %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("got %q, want %q in it", err, p)
		}
	}
}

func at() addr.Instance {
	return addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "faulty_thing", Name: "x"}}.Instance(addr.NoKey)
}

var (
	s = cty.StringVal
	n = cty.NumberIntVal
)

type vals = map[string]cty.Value

// thing gives a configuration of a faulty_thing.
func thing(given vals) cty.Value {
	all := vals{"name": s("n"), "size": cty.NullVal(cty.Number), "value": cty.NullVal(cty.DynamicPseudoType), "secret_wo": cty.NullVal(cty.String),
		"secret_wo_version": cty.NullVal(cty.Number), "path": cty.NullVal(cty.String), "delay": cty.NullVal(cty.Number), "fault": cty.NullVal(cty.String),
		"id": cty.NullVal(cty.String), "serial": cty.NullVal(cty.Number), "secret_length": cty.NullVal(cty.Number), "meta_seen": cty.NullVal(cty.String), "label_seen": cty.NullVal(cty.String)}
	for name, v := range given {
		all[name] = v
	}
	return cty.ObjectVal(all)
}

func input(v cty.Value) cty.Value {
	return cty.ObjectVal(vals{"id": cty.NullVal(cty.String), "input": v, "output": cty.NullVal(cty.DynamicPseudoType), "triggers_replace": cty.NullVal(cty.DynamicPseudoType)})
}

// plan plans, and fails the test on errors.
func plan(t testing.TB, d object.Driver, wanted cty.Value, prior *object.Actual) object.Change {
	t.Helper()
	c, dd := d.Plan(t.Context(), object.PlanRequest{Addr: at(), Wanted: wanted, Prior: prior})
	fine(t, dd)
	return c
}

func applyOf(c object.Change, verb object.Verb, wanted cty.Value, prior *object.Actual) object.ApplyRequest {
	return object.ApplyRequest{Addr: at(), Verb: verb, Wanted: wanted, Planned: c.After, Prior: prior, Private: c.Private}
}

// create plans and applies a creation.
func create(t testing.TB, d object.Driver, wanted cty.Value) *object.Actual {
	t.Helper()
	c := plan(t, d, wanted, nil)
	if c.Verb != object.Create || c.Deferred != "" {
		t.Fatalf("planned %s %q, want create", c.Verb, c.Deferred)
	}
	res, dd := d.Apply(t.Context(), applyOf(c, object.Create, wanted, nil))
	fine(t, dd)
	return stored(t, d, res.Actual)
}

// stored sends an object through a state, as between two runs.
func stored(t testing.TB, d object.Driver, a *object.Actual) *object.Actual {
	t.Helper()
	st, err := d.Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	st.Addr = at()
	back, dd := d.Decode(t.Context(), st)
	fine(t, dd)
	if !back.Value.RawEquals(a.Value) || string(back.Private) != string(a.Private) || back.Tainted != a.Tainted {
		t.Fatalf("stored %#v\ncame back as %#v", a, back)
	}
	return back
}

func TestLifeOfAThing(t *testing.T) {
	for _, protocol := range []string{"5", "6"} {
		t.Run("protocol"+protocol, func(t *testing.T) {
			ledger := filepath.Join(t.TempDir(), "ledger")
			d := faulty(t, nil, "FAULTY_PROTOCOL="+protocol, "FAULTY_LEDGER="+ledger)
			a := create(t, d, thing(vals{"size": n(1)}))
			if got := a.Value.GetAttr("id"); !got.RawEquals(s("id-of-n")) || string(a.Private) != "applied" || a.Identity == cty.NilVal {
				t.Fatalf("created %#v", a)
			}
			if c := plan(t, d, thing(vals{"size": n(1)}), a); c.Verb != object.NoOp || !c.After.RawEquals(a.Value) {
				t.Fatalf("planned %s for what is as wanted", c.Verb)
			}
			c := plan(t, d, thing(vals{"size": n(2)}), a)
			if c.Verb != object.Update || c.After.GetAttr("serial").IsKnown() || !c.After.GetAttr("id").IsKnown() || c.Idempotent {
				t.Fatalf("planned %s %#v", c.Verb, c.After)
			}
			res, dd := d.Apply(t.Context(), applyOf(c, object.Update, thing(vals{"size": n(2)}), a))
			fine(t, dd)
			a = stored(t, d, res.Actual)
			c = plan(t, d, thing(vals{"name": s("m"), "size": n(2)}), a)
			if c.Verb != object.Replace || len(c.ReplacePaths) != 1 || c.After.GetAttr("id").IsKnown() || !c.Before.RawEquals(a.Value) {
				t.Fatalf("planned %s %v %#v", c.Verb, c.ReplacePaths, c.After)
			}
			res, dd = d.Apply(t.Context(), applyOf(c, object.Delete, cty.NilVal, a))
			fine(t, dd)
			if res.Actual != nil {
				t.Fatal("something is left")
			}
			res, dd = d.Apply(t.Context(), applyOf(c, object.Create, thing(vals{"name": s("m"), "size": n(2)}), nil))
			fine(t, dd)
			c = plan(t, d, cty.NilVal, res.Actual)
			if c.Verb != object.Delete || c.After != cty.NilVal || c.Idempotent {
				t.Fatalf("planned %s %#v", c.Verb, c.After)
			}
			res, dd = d.Apply(t.Context(), applyOf(c, object.Delete, cty.NilVal, res.Actual))
			fine(t, dd)
			text, err := os.ReadFile(ledger)
			if err != nil {
				t.Fatal(err)
			}
			var done []string
			for _, line := range strings.Split(string(text), "\n") {
				for _, verb := range []string{"create", "update", "delete"} {
					if strings.HasPrefix(line, verb) {
						done = append(done, line)
					}
				}
			}
			if got, want := strings.Join(done, ", "), "create n, update n, delete n, create m, delete m"; got != want {
				t.Errorf("done: %s, want %s", got, want)
			}
		})
	}
}

func TestUnknownAtPlan(t *testing.T) {
	d := faulty(t, nil)
	wanted := thing(vals{"size": cty.UnknownVal(cty.Number), "value": cty.DynamicVal})
	c := plan(t, d, wanted, nil)
	if c.After.GetAttr("size").IsKnown() {
		t.Fatalf("planned %#v", c.After)
	}
	final := thing(vals{"size": n(5), "value": cty.True})
	res, dd := d.Apply(t.Context(), applyOf(c, object.Create, final, nil))
	fine(t, dd)
	if got := res.Actual.Value; !got.GetAttr("size").RawEquals(n(5)) || !got.GetAttr("value").RawEquals(cty.True) {
		t.Errorf("made %#v", got)
	}
	_, dd = d.Apply(t.Context(), applyOf(c, object.Create, wanted, nil))
	expect(t, dd, "Configuration is not known at apply")
}

func TestFinalPlanMustAgree(t *testing.T) {
	d := faulty(t, nil)
	c := plan(t, d, thing(vals{"size": n(1), "value": cty.DynamicVal}), nil)
	_, dd := d.Apply(t.Context(), applyOf(c, object.Create, thing(vals{"size": n(2), "value": cty.True}), nil))
	expect(t, dd, "Provider produced inconsistent final plan", ".size: was cty.NumberIntVal(1), but is now cty.NumberIntVal(2)")
	a := create(t, d, thing(nil))
	c = plan(t, d, thing(vals{"size": n(1)}), a)
	_, dd = d.Apply(t.Context(), applyOf(c, object.Update, thing(vals{"name": s("other"), "size": n(1)}), a))
	expect(t, dd, "Provider produced inconsistent final plan", "now requires a replacement")
}

func TestFaultsAtPlan(t *testing.T) {
	for _, tc := range []struct{ fault, want string }{
		{"plan_error", "Cannot plan: The fault says so."},
		{"plan_changes_config", `Provider produced invalid plan: provider["tutti.test/test/faulty"] planned an invalid value for faulty_thing.x:`},
		{"plan_crash", "told to crash in plan"},
		{"plan_garbage", ""},
		{"plan_wrong_type", ""},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			d := faulty(t, nil)
			_, dd := d.Plan(t.Context(), object.PlanRequest{Addr: at(), Wanted: thing(vals{"fault": s(tc.fault)})})
			expect(t, dd, tc.want)
			for _, one := range dd {
				if one.Address != at().String() {
					t.Errorf("%s is about %q", one.Headline, one.Address)
				}
			}
		})
	}
	d := faulty(t, nil)
	if c := plan(t, d, thing(vals{"fault": s("legacy")}), nil); !c.After.GetAttr("size").RawEquals(n(0)) {
		t.Errorf("what an old provider plans is believed, but it is %#v", c.After)
	}
	if c := plan(t, d, thing(vals{"fault": s("defer")}), nil); c.Deferred == "" {
		t.Error("not deferred")
	}
}

func TestFaultsAtApply(t *testing.T) {
	for _, tc := range []struct {
		fault, want   string
		made, tainted bool
	}{
		{"apply_error", "Cannot apply", false, false},
		{"apply_error_partial", "The fault says so", true, true},
		{"apply_crash", "told to crash in apply", false, false},
		{"apply_unknown", "every value must be known", true, true},
		{"apply_wrong_value", "Provider produced inconsistent result after apply", true, true},
		{"apply_wrong_type", "", false, false},
		{"apply_null", "the object is null", false, false},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			d := faulty(t, nil)
			wanted := thing(vals{"fault": s(tc.fault)})
			res, dd := d.Apply(t.Context(), applyOf(plan(t, d, wanted, nil), object.Create, wanted, nil))
			expect(t, dd, tc.want)
			if made := res.Actual != nil; made != tc.made || made && res.Actual.Tainted != tc.tainted {
				t.Fatalf("left behind: %#v", res.Actual)
			}
			if res.Actual != nil {
				stored(t, d, res.Actual)
			}
		})
	}
}

func TestFailedUpdateKeepsWhatThereWas(t *testing.T) {
	d := faulty(t, nil)
	a := create(t, d, thing(nil))
	wanted := thing(vals{"fault": s("apply_null")})
	res, dd := d.Apply(t.Context(), applyOf(plan(t, d, wanted, a), object.Update, wanted, a))
	expect(t, dd, "the object is null")
	if res.Actual != a {
		t.Errorf("left %#v", res.Actual)
	}
}

func TestTaintedIsReplacedWithoutItsPrior(t *testing.T) {
	d := faulty(t, nil)
	a := create(t, d, thing(nil))
	a.Tainted = true
	c := plan(t, d, thing(nil), stored(t, d, a))
	if c.Verb != object.Replace || c.After.GetAttr("id").IsKnown() {
		t.Errorf("planned %s %#v", c.Verb, c.After)
	}
}

func TestReplaceOnRequest(t *testing.T) {
	d := faulty(t, nil)
	a := create(t, d, thing(nil))
	c, dd := d.Plan(t.Context(), object.PlanRequest{Addr: at(), Wanted: thing(nil), Prior: a, Replace: true})
	fine(t, dd)
	if c.Verb != object.Replace || c.After.GetAttr("id").IsKnown() || len(c.ReplacePaths) != 0 {
		t.Errorf("planned %s %#v", c.Verb, c.After)
	}
}

func TestSensitiveValues(t *testing.T) {
	d := faulty(t, nil)
	secret := thing(vals{"value": cty.ObjectVal(vals{"key": s("hush").Mark(object.Sensitive), "open": s("o")})})
	a := create(t, d, secret)
	if got := object.PathsMarked(a.Value, object.Sensitive); len(got) != 2 { // value.key, and the schema's own secret_wo
		t.Fatalf("marked at %v", got)
	}
	if c := plan(t, d, secret, a); c.Verb != object.NoOp {
		t.Errorf("planned %s for what is as wanted", c.Verb)
	}
	open := thing(vals{"value": cty.ObjectVal(vals{"key": s("hush"), "open": s("o")})})
	c := plan(t, d, open, a)
	if c.Verb != object.Update {
		t.Fatalf("planned %s for a value that is no longer sensitive", c.Verb)
	}
	res, dd := d.Apply(t.Context(), applyOf(c, object.Update, open, a))
	fine(t, dd)
	if got := res.Actual.Value; !got.GetAttr("serial").RawEquals(n(1)) || got.GetAttr("value").ContainsMarked() {
		t.Errorf("the provider was asked, or the mark is still there: %#v", got)
	}
	_, dd = d.Plan(t.Context(), object.PlanRequest{Addr: at(), Wanted: thing(vals{"name": s("hush").Mark(object.Sensitive), "fault": s("plan_changes_config")})})
	expect(t, dd, "sensitive attribute")
	if strings.Contains(dd.Err().Error(), "hush") {
		t.Error("the secret is in the message: " + dd.Err().Error())
	}
}

func TestWriteOnlyAndEphemeral(t *testing.T) {
	d := faulty(t, func(o *resource.Options) {
		o.RangeOf = func(cty.Path) *hcl.Range { return &hcl.Range{Filename: "main.tf"} }
	})
	eph := s("12345").Mark(object.Ephemeral)
	a := create(t, d, thing(vals{"secret_wo": eph}))
	if got := a.Value; !got.GetAttr("secret_length").RawEquals(n(5)) {
		t.Errorf("the provider saw %#v", got)
	}
	if v, _ := a.Value.UnmarkDeep(); !v.GetAttr("secret_wo").IsNull() || object.HasMark(a.Value, object.Ephemeral) {
		t.Error("the write-only value was kept")
	}
	c := plan(t, d, thing(vals{"secret_wo": eph, "size": n(1)}), a)
	if object.HasMark(c.After, object.Ephemeral) {
		t.Error("the plan is ephemeral")
	}
	_, dd := d.Plan(t.Context(), object.PlanRequest{Addr: at(), Wanted: thing(vals{"name": eph})})
	expect(t, dd, "main.tf", "Invalid use of ephemeral value", `"name"`)
	expect(t, d.Validate(t.Context(), thing(vals{"name": eph})), "Invalid use of ephemeral value")
}

func TestValidate(t *testing.T) {
	d := faulty(t, func(o *resource.Options) {
		o.RangeOf = func(p cty.Path) *hcl.Range { return &hcl.Range{Filename: schema.FormatPath(p)} }
	})
	fine(t, d.Validate(t.Context(), thing(vals{"size": cty.UnknownVal(cty.Number)})))
	dd := d.Validate(t.Context(), thing(vals{"fault": s("validate_error")}))
	expect(t, dd, "Bad name")
	if dd[0].Subject == nil || dd[0].Subject.Filename != "name" {
		t.Errorf("the place is %v", dd[0].Subject)
	}
}

func TestRead(t *testing.T) {
	d := faulty(t, nil)
	gone := create(t, d, thing(vals{"path": s(filepath.Join(t.TempDir(), "file"))}))
	path := gone.Value.GetAttr("path").AsString()
	if got, dd := d.Read(t.Context(), at(), gone); dd.HasErrors() || got == nil || !got.Value.RawEquals(gone.Value) {
		t.Fatal(got, dd.Err())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got, dd := d.Read(t.Context(), at(), gone); dd.HasErrors() || got != nil {
		t.Error(got, dd.Err())
	}
	drifted := create(t, d, thing(vals{"fault": s("read_drift"), "name": s("x").Mark(object.Sensitive)}))
	got, dd := d.Read(t.Context(), at(), drifted)
	fine(t, dd)
	if !got.Value.GetAttr("size").RawEquals(n(99)) || !got.Value.GetAttr("name").IsMarked() {
		t.Errorf("read %#v", got.Value)
	}
	failing := create(t, d, thing(vals{"fault": s("read_error")}))
	_, dd = d.Read(t.Context(), at(), failing)
	expect(t, dd, "Cannot read")
	later := create(t, d, thing(vals{"fault": cty.NullVal(cty.String)}))
	later.Value = thing(vals{"fault": s("defer"), "id": s("i"), "serial": n(1), "secret_length": n(0), "meta_seen": s(""), "label_seen": s("")})
	if got, dd := d.Read(t.Context(), at(), later); dd.HasErrors() || got != later {
		t.Error("what the provider puts off is as it was", got, dd.Err())
	}
}

func TestDecodeUpgrades(t *testing.T) {
	d := faulty(t, nil)
	for _, tc := range []struct {
		name string
		st   object.State
		want cty.Value
	}{
		{"version 0", object.State{Attributes: []byte(`{"id":"i","title":"old"}`)}, s("old")},
		{"version 0, flat", object.State{Flatmap: map[string]string{"id": "i", "title": "flat"}}, s("flat")},
		{"version 1", object.State{SchemaVersion: 1, Attributes: []byte(`{"id":"i","name":"one","size":"3"}`)}, s("one")},
		{"today's, with something that no longer exists", object.State{SchemaVersion: 2, Attributes: []byte(`{"id":"i","name":"two","removed":true}`)}, s("two")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.st.Addr, tc.st.Sensitive = at(), []cty.Path{cty.GetAttrPath("name")}
			a, dd := d.Decode(t.Context(), &tc.st)
			fine(t, dd)
			name, marks := a.Value.GetAttr("name").Unmark()
			if !name.RawEquals(tc.want) || len(marks) != 1 {
				t.Errorf("got %#v", a.Value)
			}
		})
	}
	_, dd := d.Decode(t.Context(), &object.State{Addr: at(), SchemaVersion: 3, Attributes: []byte(`{}`)})
	expect(t, dd, "managed by newer provider version", "faulty_thing.x", "schema version 3")
	old := &object.State{Addr: at(), SchemaVersion: 2, Attributes: []byte(`{"id":"i","name":"n"}`), Identity: []byte(`{"title":"who"}`)}
	a, dd := d.Decode(t.Context(), old)
	fine(t, dd)
	if got := a.Identity.GetAttr("name"); !got.RawEquals(s("who")) {
		t.Errorf("identity %#v", a.Identity)
	}
}

func TestImportAndMove(t *testing.T) {
	d := faulty(t, nil)
	a, dd := d.Import(t.Context(), at(), object.ImportID{ID: "known"})
	fine(t, dd)
	if got := a.Value.GetAttr("name"); !got.RawEquals(s("known")) {
		t.Errorf("imported %#v", a.Value)
	}
	a, dd = d.Import(t.Context(), at(), object.ImportID{Identity: cty.ObjectVal(vals{"name": s("who")})})
	fine(t, dd)
	if got := a.Value.GetAttr("name"); !got.RawEquals(s("who")) {
		t.Errorf("imported %#v", a.Value)
	}
	_, dd = d.Import(t.Context(), at(), object.ImportID{Identity: cty.ObjectVal(vals{"nam": s("who")})})
	expect(t, dd, "Invalid import identity", "name")
	if a, dd = d.Import(t.Context(), at(), object.ImportID{ID: "two"}); dd.HasErrors() || a == nil {
		t.Error("an import may give objects of other types as well", dd.Err())
	}
	st, err := d.Encode(create(t, d, thing(vals{"name": s("moving")})))
	if err != nil {
		t.Fatal(err)
	}
	st.Addr = at()
	p := d.Provider()
	moved, dd := driverOf(t, p, "faulty_moved", nil).Move(t.Context(), st)
	fine(t, dd)
	if got := moved.Value.GetAttr("name"); !got.RawEquals(s("moving")) {
		t.Errorf("moved %#v", moved.Value)
	}
	_, dd = driverOf(t, p, "faulty_moved", nil).Import(t.Context(), at(), object.ImportID{Identity: cty.ObjectVal(vals{"name": s("who")})})
	expect(t, dd, "Import by identity is not supported")
}

func TestIgnoreChanges(t *testing.T) {
	index := cty.GetAttrPath("value").IndexString("k")
	tags := func(pairs ...string) cty.Value {
		m := vals{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = s(pairs[i+1])
		}
		return cty.MapVal(m)
	}
	for _, tc := range []struct {
		name        string
		ignore      []cty.Path
		all         bool
		prior, now  vals
		verb        object.Verb
		attr        string
		want        cty.Value
		replacement bool
	}{
		{name: "one argument", ignore: []cty.Path{cty.GetAttrPath("size")}, prior: vals{"size": n(1)}, now: vals{"size": n(2)}, verb: object.NoOp, attr: "size", want: n(1)},
		{name: "another argument", ignore: []cty.Path{cty.GetAttrPath("size")}, prior: vals{"size": n(1)}, now: vals{"size": n(2), "delay": n(0)}, verb: object.Update, attr: "size", want: n(1)},
		{name: "all", all: true, prior: vals{"size": n(1)}, now: vals{"size": n(2), "name": s("new")}, verb: object.NoOp, attr: "name", want: s("n")},
		{name: "a key of a map", ignore: []cty.Path{index}, prior: vals{"value": tags("k", "1", "l", "1")}, now: vals{"value": tags("k", "2", "l", "2")}, verb: object.Update, attr: "value", want: tags("k", "1", "l", "2")},
		{name: "a new key of a map", ignore: []cty.Path{index}, prior: vals{"value": tags("l", "1")}, now: vals{"value": tags("k", "2", "l", "1")}, verb: object.NoOp, attr: "value", want: tags("l", "1")},
		{name: "a key that was removed", ignore: []cty.Path{index}, prior: vals{"value": tags("k", "1", "l", "1")}, now: vals{"value": tags("l", "1")}, verb: object.NoOp, attr: "value", want: tags("k", "1", "l", "1")},
		{name: "in a replacement", ignore: []cty.Path{cty.GetAttrPath("size")}, prior: vals{"size": n(1)}, now: vals{"size": n(2), "name": s("new")}, verb: object.Replace, attr: "size", want: n(2), replacement: true},
		{name: "an unknown value", ignore: []cty.Path{cty.GetAttrPath("size")}, prior: vals{"size": n(1)}, now: vals{"size": cty.UnknownVal(cty.Number)}, verb: object.NoOp, attr: "size", want: n(1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := faulty(t, func(o *resource.Options) { o.IgnoreChanges, o.IgnoreAll = tc.ignore, tc.all })
			a := create(t, d, thing(tc.prior))
			c := plan(t, d, thing(tc.now), a)
			if c.Verb != tc.verb || !c.After.GetAttr(tc.attr).RawEquals(tc.want) {
				t.Fatalf("planned %s %#v", c.Verb, c.After)
			}
			if !tc.replacement {
				return
			}
			res, dd := d.Apply(t.Context(), applyOf(c, object.Create, thing(tc.now), nil))
			fine(t, dd)
			if got := res.Actual.Value.GetAttr(tc.attr); !got.RawEquals(tc.want) {
				t.Errorf("made %#v", got)
			}
		})
	}
}

func TestProvisioners(t *testing.T) {
	var ran []string
	fail := ""
	hook := func(_ context.Context, when resource.Stage, self cty.Value, log func(string)) diag.List {
		name := map[resource.Stage]string{resource.AfterCreate: "create", resource.BeforeDelete: "delete"}[when]
		ran = append(ran, name+" "+self.GetAttr("id").AsString())
		log("ran")
		if fail == name {
			return diag.Errorf(nil, "Provisioner failed", "It was told to.")
		}
		return nil
	}
	d := data(t, func(o *resource.Options) { o.Provision = hook })
	c := plan(t, d, input(s("x")), nil)
	if c.Idempotent {
		t.Error("what runs provisioners may not be repeated")
	}
	fail = "create"
	lines := 0
	req := applyOf(c, object.Create, input(s("x")), nil)
	req.Log = func(string) { lines++ }
	res, dd := d.Apply(t.Context(), req)
	expect(t, dd, "Provisioner failed")
	if !res.Actual.Tainted || lines != 1 {
		t.Errorf("not tainted, or %d lines", lines)
	}
	tainted := res.Actual
	fail = ""
	a := create(t, d, input(s("x")))
	fail = "delete"
	res, dd = d.Apply(t.Context(), applyOf(plan(t, d, cty.NilVal, a), object.Delete, cty.NilVal, a))
	expect(t, dd, "Provisioner failed")
	if res.Actual != a {
		t.Error("it is still there, but the result says otherwise")
	}
	if _, dd = d.Apply(t.Context(), applyOf(plan(t, d, cty.NilVal, tainted), object.Delete, cty.NilVal, tainted)); dd.HasErrors() {
		t.Error("what was never completed runs no destroy provisioners", dd.Err())
	}
	if got, want := strings.Join(ran, ", "), "create id, create id, delete id"; got != want {
		t.Errorf("ran %s, want %s", got, want)
	}
	onlyDestroy := data(t, func(o *resource.Options) { o.Provision, o.Stages = hook, resource.BeforeDelete })
	if !plan(t, onlyDestroy, input(s("x")), nil).Idempotent || plan(t, onlyDestroy, cty.NilVal, a).Idempotent {
		t.Error("a stage without provisioners may be repeated, one with them may not")
	}
}

func TestBuiltinIsRepeatable(t *testing.T) {
	d := data(t, nil)
	c := plan(t, d, input(s("x")), nil)
	if !c.Idempotent {
		t.Error("the creation of a terraform_data may be repeated")
	}
	a := create(t, d, input(s("x")))
	if !a.Value.GetAttr("output").RawEquals(s("x")) {
		t.Errorf("created %#v", a.Value)
	}
	if !plan(t, d, cty.NilVal, a).Idempotent || !plan(t, d, input(s("y")), a).Idempotent {
		t.Error("all changes of a terraform_data may be repeated")
	}
}
