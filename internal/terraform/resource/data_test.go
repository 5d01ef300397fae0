package resource_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/providertest"
	"tutti/internal/terraform/resource"
	"tutti/internal/terraform/schema"
)

func noProvision(context.Context, resource.Stage, cty.Value, func(string)) diag.List { return nil }

// emptyOf gives the attributes of a configuration that sets nothing.
func emptyOf(t testing.TB, p provider.Provider, typeName string) vals {
	t.Helper()
	all, d := p.Schema(t.Context())
	fine(t, d)
	return schema.New(all.Types.Type(provider.Managed, typeName).Block).Empty().AsValueMap()
}

func echoed(v cty.Value, fault string) cty.Value {
	f := cty.NullVal(cty.String)
	if fault != "" {
		f = s(fault)
	}
	return cty.ObjectVal(vals{"input": v, "output": cty.NullVal(cty.DynamicPseudoType), "fault": f})
}

func TestData(t *testing.T) {
	d := driverOf(t, launch(t, providertest.Faulty(t)), "faulty_echo", func(o *resource.Options) { o.Kind = provider.Data })
	secret := s("hush").Mark(object.Sensitive)
	c := plan(t, d, echoed(secret, ""), nil)
	if c.Verb != object.NoOp || !c.After.GetAttr("input").RawEquals(secret) || !c.Idempotent {
		t.Fatalf("planned %s %#v", c.Verb, c.After)
	}
	if got := c.After.GetAttr("output"); !got.RawEquals(s("hush")) {
		t.Errorf("read %#v", got)
	}
	for name, req := range map[string]object.PlanRequest{
		"unknown": {Wanted: echoed(cty.DynamicVal, "")},
		"pending": {Wanted: echoed(s("x"), ""), Pending: true},
	} {
		req.Addr = at()
		c, dd := d.Plan(t.Context(), req)
		fine(t, dd)
		if c.Verb != object.Read || c.After.GetAttr("output").IsKnown() {
			t.Errorf("%s: planned %s %#v", name, c.Verb, c.After)
		}
		res, dd := d.Apply(t.Context(), applyOf(c, object.Read, echoed(s("x"), ""), nil))
		fine(t, dd)
		if got := stored(t, d, res.Actual).Value.GetAttr("output"); !got.RawEquals(s("x")) {
			t.Errorf("%s: read %#v", name, got)
		}
	}
	_, dd := d.Plan(t.Context(), object.PlanRequest{Addr: at(), Wanted: echoed(s("x"), "read_error")})
	expect(t, dd, "The fault says so")
	if c := plan(t, d, echoed(s("x"), "defer"), nil); c.Deferred == "" {
		t.Error("not deferred")
	}
	_, dd = d.Apply(t.Context(), object.ApplyRequest{Addr: at(), Verb: object.Read, Wanted: echoed(cty.DynamicVal, "")})
	expect(t, dd, "Configuration is not known at apply")
	a, dd := d.Decode(t.Context(), &object.State{Addr: at(), Attributes: []byte(`{"other":1}`)})
	if a != nil || dd.HasErrors() {
		t.Error("data of another shape is forgotten", a, dd.Err())
	}
	if _, dd = d.Import(t.Context(), at(), object.ImportID{ID: "x"}); !dd.HasErrors() {
		t.Error("a data source was imported")
	}
}

func TestEphemeralResource(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "ledger")
	p := launch(t, providertest.Faulty(t), "FAULTY_LEDGER="+ledger)
	all, d := p.Schema(t.Context())
	fine(t, d)
	o := resource.Options{Provider: p, Name: "faulty", Kind: provider.Ephemeral, TypeName: "faulty_lease",
		Schema: schema.NewType(all.Types.Type(provider.Ephemeral, "faulty_lease"))}
	lease := func(name cty.Value, renew int64, fault string) cty.Value {
		v := vals{"name": name, "renew_after": cty.NullVal(cty.Number), "fault": cty.NullVal(cty.String), "token": cty.NullVal(cty.String)}
		if renew > 0 {
			v["renew_after"] = n(renew)
		}
		if fault != "" {
			v["fault"] = s(fault)
		}
		return cty.ObjectVal(v)
	}
	opened, d := resource.OpenEphemeral(t.Context(), o, lease(s("a"), 0, ""))
	fine(t, d)
	if v, _ := opened.Value.UnmarkDeep(); !object.HasMark(opened.Value, object.Ephemeral) || !object.HasMark(opened.Value, object.Sensitive) || v.GetAttr("token").IsNull() {
		t.Errorf("opened %#v", opened.Value)
	}
	fine(t, opened.Close(t.Context()))
	if got := read(t, ledger); strings.Count(got, "open a") != 1 || strings.Count(got, "close a") != 1 {
		t.Errorf("the ledger says %q", got)
	}
	if opened, d = resource.OpenEphemeral(t.Context(), o, lease(cty.UnknownVal(cty.String), 0, "")); opened != nil || d.HasErrors() {
		t.Error("opened without knowing what")
	}
	_, d = resource.OpenEphemeral(t.Context(), o, lease(s("b"), 0, "open_error"))
	expect(t, d, "The fault says so")
	opened, d = resource.OpenEphemeral(t.Context(), o, lease(s("c"), 0, "close_error"))
	fine(t, d)
	expect(t, opened.Close(t.Context()), "The fault says so")
}

// renewing is a provider whose ephemeral resource is due for renewal at once, and
// which fails at the third renewal.
type renewing struct {
	provider.Provider
	renewed chan string // the private data that a renewal was given
	closed  string
}

func (p *renewing) OpenEphemeral(context.Context, string, cty.Value) (provider.EphemeralResponse, diag.List) {
	return provider.EphemeralResponse{Result: cty.EmptyObjectVal, Private: []byte("0"), RenewAt: 1}, nil
}

func (p *renewing) RenewEphemeral(_ context.Context, _ string, private []byte) (provider.EphemeralResponse, diag.List) {
	defer func() { p.renewed <- string(private) }()
	if string(private) == "2" {
		return provider.EphemeralResponse{}, diag.Errorf(nil, "Too late", "The third renewal fails.")
	}
	return provider.EphemeralResponse{Private: []byte{private[0] + 1}, RenewAt: 1}, nil
}

func (p *renewing) CloseEphemeral(_ context.Context, _ string, private []byte) diag.List {
	p.closed = string(private)
	return nil
}

func TestEphemeralResourceIsRenewed(t *testing.T) {
	p := &renewing{renewed: make(chan string)}
	o := resource.Options{Provider: p, Kind: provider.Ephemeral, Schema: schema.NewType(&provider.Type{Block: &provider.Block{}})}
	opened, d := resource.OpenEphemeral(t.Context(), o, cty.EmptyObjectVal)
	fine(t, d)
	if got := <-p.renewed + <-p.renewed + <-p.renewed; got != "012" {
		t.Errorf("renewed with %s", got)
	}
	expect(t, opened.Close(t.Context()), "Too late")
	if p.closed != "2" {
		t.Errorf("closed with the private data %q", p.closed)
	}
}

func TestClosingEndsRenewals(t *testing.T) {
	p := &never{}
	o := resource.Options{Provider: p, Kind: provider.Ephemeral, Schema: schema.NewType(&provider.Type{Block: &provider.Block{}})}
	opened, d := resource.OpenEphemeral(t.Context(), o, cty.EmptyObjectVal)
	fine(t, d)
	fine(t, opened.Close(t.Context()))
}

// never is due for renewal in the year 2200.
type never struct{ renewing }

func (p *never) OpenEphemeral(context.Context, string, cty.Value) (provider.EphemeralResponse, diag.List) {
	return provider.EphemeralResponse{Result: cty.EmptyObjectVal, RenewAt: 7258118400e9}, nil
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRealProviders(t *testing.T) {
	dir := t.TempDir()
	t.Run("local", func(t *testing.T) {
		p := launch(t, providertest.Real(t, "local"))
		d := driverOf(t, p, "local_file", nil)
		file := func(content cty.Value) cty.Value {
			v := emptyOf(t, p, "local_file")
			v["filename"], v["content"] = s(filepath.Join(dir, "f")), content
			return cty.ObjectVal(v)
		}
		c := plan(t, d, file(cty.UnknownVal(cty.String)), nil)
		res, dd := d.Apply(t.Context(), applyOf(c, object.Create, file(s("one")), nil))
		fine(t, dd)
		a := stored(t, d, res.Actual)
		if got := read(t, filepath.Join(dir, "f")); got != "one" {
			t.Errorf("the file holds %q", got)
		}
		if c := plan(t, d, file(s("one")), a); c.Verb != object.NoOp {
			t.Errorf("planned %s", c.Verb)
		}
		if c := plan(t, d, file(s("two")), a); c.Verb != object.Replace || len(c.ReplacePaths) == 0 {
			t.Errorf("planned %s %v", c.Verb, c.ReplacePaths)
		}
		settle(t, d, applyOf(plan(t, d, cty.NilVal, a), object.Delete, cty.NilVal, a), false, "")
		if _, dd := d.Apply(t.Context(), applyOf(plan(t, d, cty.NilVal, a), object.Delete, cty.NilVal, a)); dd.HasErrors() {
			t.Error(dd.Err())
		}
		settle(t, d, applyOf(plan(t, d, cty.NilVal, a), object.Delete, cty.NilVal, a), true, "")
	})
	t.Run("random", func(t *testing.T) {
		p := launch(t, providertest.Real(t, "random"))
		d := driverOf(t, p, "random_password", nil)
		v := emptyOf(t, p, "random_password")
		v["length"] = n(12)
		a := create(t, d, cty.ObjectVal(v))
		if result, marks := a.Value.GetAttr("result").Unmark(); len(result.AsString()) != 12 || len(marks) != 1 {
			t.Error("the password is not sensitive, or has another length")
		}
		if c := plan(t, d, cty.ObjectVal(v), a); c.Verb != object.NoOp {
			t.Errorf("planned %s", c.Verb)
		}
	})
	t.Run("tls", func(t *testing.T) {
		p := launch(t, providertest.Real(t, "tls"))
		key := driverOf(t, p, "tls_private_key", nil)
		v := emptyOf(t, p, "tls_private_key")
		v["algorithm"] = s("ED25519")
		made := create(t, key, cty.ObjectVal(v))
		cert := driverOf(t, p, "tls_self_signed_cert", nil)
		w := emptyOf(t, p, "tls_self_signed_cert")
		w["private_key_pem"], w["validity_period_hours"] = made.Value.GetAttr("private_key_pem"), n(1)
		w["allowed_uses"] = cty.ListVal([]cty.Value{s("server_auth")})
		all, dd := p.Schema(t.Context())
		fine(t, dd)
		subject := all.Types.Type(provider.Managed, "tls_self_signed_cert").Block.Blocks["subject"]
		inner := schema.New(subject.Block).Empty().AsValueMap()
		inner["common_name"] = s("shop")
		w["subject"] = cty.ListVal([]cty.Value{cty.ObjectVal(inner)})
		a := create(t, cert, cty.ObjectVal(w))
		if c := plan(t, cert, cty.ObjectVal(w), a); c.Verb != object.NoOp {
			t.Errorf("planned %s: %#v\n%#v", c.Verb, c.Before, c.After)
		}
	})
}
