package provider_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/providertest"
)

const thing = "faulty_thing"

// faulty launches the test provider with additional environment.
func faulty(t testing.TB, env ...string) provider.Provider {
	return launch(t, provider.LaunchOptions{Path: providertest.Faulty(t), Name: "faulty", Env: env, StopGrace: 200 * time.Millisecond})
}

// bothProtocols runs a test against the provider as it speaks 5 and 6.
func bothProtocols(t *testing.T, test func(t *testing.T, env string)) {
	for _, v := range []string{"5", "6"} {
		t.Run("protocol"+v, func(t *testing.T) { test(t, "FAULTY_PROTOCOL="+v) })
	}
}

func thingBlock(t testing.TB, p provider.Provider) *provider.Block {
	return schemaOf(t, p).Types.Type(provider.Managed, thing).Block
}

func s(text string) cty.Value { return cty.StringVal(text) }

func n(number int64) cty.Value { return cty.NumberIntVal(number) }

// plan plans a create of a thing with the given arguments.
func plan(t testing.TB, p provider.Provider, given map[string]cty.Value) (provider.PlanResponse, cty.Value, diag.List) {
	t.Helper()
	b := thingBlock(t, p)
	config := object(b, given)
	got, diags := p.Plan(t.Context(), provider.PlanRequest{TypeName: thing, Proposed: proposed(b, config), Config: config})
	return got, config, diags
}

// apply plans and applies a create.
func apply(ctx context.Context, t testing.TB, p provider.Provider, given map[string]cty.Value) (provider.ApplyResponse, diag.List) {
	t.Helper()
	planned, config, diags := plan(t, p, given)
	ok(t, diags)
	return p.Apply(ctx, provider.ApplyRequest{TypeName: thing, Planned: planned.Planned, Config: config, Private: planned.Private, Identity: planned.Identity})
}

func wantError(t testing.TB, diags diag.List, headline string, details ...string) {
	t.Helper()
	for _, d := range diags {
		if d.Severity != diag.Error || d.Headline != headline {
			continue
		}
		for _, part := range details {
			if !strings.Contains(d.Detail, part) {
				t.Errorf("%q lacks %q", d.Detail, part)
			}
		}
		return
	}
	t.Errorf("got %v, want %q", diags.Err(), headline)
}

func ledger(t testing.TB) (env string, read func() []string) {
	file := filepath.Join(t.TempDir(), "ledger")
	return "FAULTY_LEDGER=" + file, func() []string {
		text, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}

func TestThingLives(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		p := faulty(t, env)
		config := cty.ObjectVal(map[string]cty.Value{"label": s("L"), "fault": cty.NullVal(cty.String)})
		prepared, diags := p.ValidateConfig(t.Context(), config)
		ok(t, diags)
		if !prepared.RawEquals(config) {
			t.Errorf("prepared %#v", prepared)
		}
		ok(t, p.Configure(t.Context(), config))
		b := thingBlock(t, p)
		c := object(b, map[string]cty.Value{"name": s("a"), "size": n(3), "secret_wo": s("12345"), "value": cty.TupleVal([]cty.Value{n(1), s("x")})})
		ok(t, p.ValidateResource(t.Context(), provider.Managed, thing, c))
		meta := cty.ObjectVal(map[string]cty.Value{"module_name": s("M")})
		planned, diags := p.Plan(t.Context(), provider.PlanRequest{TypeName: thing, Proposed: proposed(b, c), Config: c, ProviderMeta: meta})
		ok(t, diags)
		if string(planned.Private) != "planned:" || !planned.Identity.GetAttr("name").RawEquals(s("a")) {
			t.Errorf("private %q, identity %#v", planned.Private, planned.Identity)
		}
		done, diags := p.Apply(t.Context(), provider.ApplyRequest{TypeName: thing, Planned: planned.Planned, Config: c, Private: planned.Private, ProviderMeta: meta, Identity: planned.Identity})
		ok(t, diags)
		want := object(b, map[string]cty.Value{
			"name": s("a"), "size": n(3), "value": cty.TupleVal([]cty.Value{n(1), s("x")}), "id": s("id-of-a"), "serial": n(1),
			"secret_length": n(5), "meta_seen": s("M"), "label_seen": s("L"),
		})
		if !done.State.RawEquals(want) || string(done.Private) != "applied" || !done.Identity.GetAttr("name").RawEquals(s("a")) {
			t.Errorf("applied %#v, private %q, identity %#v", done.State, done.Private, done.Identity)
		}
		read, diags := p.Read(t.Context(), provider.ReadRequest{TypeName: thing, Prior: done.State, Private: done.Private, Identity: done.Identity})
		ok(t, diags)
		if !read.State.RawEquals(done.State) || string(read.Private) != "applied" || !read.Identity.RawEquals(done.Identity) {
			t.Errorf("read %#v", read)
		}
	})
}

func TestNestedAttributesAndBlocks(t *testing.T) {
	p := faulty(t)
	b := schemaOf(t, p).Types.Type(provider.Managed, "faulty_nested").Block
	leaf := cty.ObjectVal(map[string]cty.Value{"a": s("x"), "b": cty.NullVal(cty.Number)})
	list, set, m := cty.ListVal([]cty.Value{leaf, leaf}), cty.SetVal([]cty.Value{leaf}), cty.MapVal(map[string]cty.Value{"k": leaf})
	config := object(b, map[string]cty.Value{
		"one": leaf, "list": list, "set": set, "map": m,
		"single_block": leaf, "group_block": leaf, "list_block": list, "set_block": set, "map_block": m,
	})
	ok(t, p.ValidateResource(t.Context(), provider.Managed, "faulty_nested", config))
	planned, diags := p.Plan(t.Context(), provider.PlanRequest{TypeName: "faulty_nested", Proposed: proposed(b, config), Config: config})
	ok(t, diags)
	done, diags := p.Apply(t.Context(), provider.ApplyRequest{TypeName: "faulty_nested", Planned: planned.Planned, Config: config})
	ok(t, diags)
	for name, v := range config.AsValueMap() {
		if name != "id" && !done.State.GetAttr(name).RawEquals(v) {
			t.Errorf("%s: %#v, want %#v", name, done.State.GetAttr(name), v)
		}
	}
}

func TestUpgrades(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		p := faulty(t, env)
		tests := []struct {
			name string
			req  provider.UpgradeStateRequest
			size cty.Value
		}{
			{"version 0 as JSON", provider.UpgradeStateRequest{Version: 0, JSON: []byte(`{"title":"a","id":"i"}`)}, cty.NullVal(cty.Number)},
			{"version 0 flat", provider.UpgradeStateRequest{Version: 0, Flatmap: map[string]string{"title": "a", "size": "7"}}, n(7)},
			{"version 1", provider.UpgradeStateRequest{Version: 1, JSON: []byte(`{"name":"a","size":"8"}`)}, n(8)},
			{"version 2 with an attribute of old", provider.UpgradeStateRequest{Version: 2, JSON: []byte(`{"name":"a","size":9,"gone":true}`)}, n(9)},
		}
		for _, test := range tests {
			test.req.TypeName = thing
			got, diags := p.UpgradeState(t.Context(), test.req)
			ok(t, diags)
			if !got.GetAttr("name").RawEquals(s("a")) || !got.GetAttr("size").RawEquals(test.size) {
				t.Errorf("%s: %#v", test.name, got)
			}
		}
		_, diags := p.UpgradeState(t.Context(), provider.UpgradeStateRequest{TypeName: thing, Version: 2, JSON: []byte(`{"name":`)})
		if !diags.HasErrors() {
			t.Error("broken JSON was accepted")
		}
		id, diags := p.UpgradeIdentity(t.Context(), thing, 0, []byte(`{"title":"old"}`))
		ok(t, diags)
		if !id.GetAttr("name").RawEquals(s("old")) {
			t.Errorf("identity %#v", id)
		}
		ty := schemaOf(t, p).Types.Type(provider.Managed, thing)
		if ty.Version != 2 || ty.IdentityVersion != 1 || !ty.Identity.Attributes["name"].RequiredForImport {
			t.Errorf("type %+v", ty)
		}
	})
}

func TestImportAndMove(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		p := faulty(t, env)
		got, diags := p.Import(t.Context(), provider.ImportRequest{TypeName: thing, ID: "two"})
		ok(t, diags)
		if len(got.Imported) != 2 || got.Imported[1].TypeName != "faulty_moved" || string(got.Imported[0].Private) != "imported" {
			t.Fatalf("imported %#v", got)
		}
		byIdentity, diags := p.Import(t.Context(), provider.ImportRequest{TypeName: thing, Identity: got.Imported[0].Identity})
		ok(t, diags)
		if !byIdentity.Imported[0].State.RawEquals(got.Imported[0].State) {
			t.Errorf("by identity %#v", byIdentity.Imported[0].State)
		}
		none, diags := p.Import(t.Context(), provider.ImportRequest{TypeName: thing, ID: "none"})
		ok(t, diags)
		if len(none.Imported) != 0 {
			t.Errorf("none gave %#v", none)
		}
		moved, diags := p.Move(t.Context(), provider.MoveRequest{SourceProvider: "x/y/z", SourceType: thing, SourceVersion: 2,
			SourceJSON: []byte(`{"name":"a","id":"i"}`), SourcePrivate: []byte("mine"), TargetType: "faulty_moved"})
		ok(t, diags)
		if !moved.State.GetAttr("id").RawEquals(s("i")) || string(moved.Private) != "mine" {
			t.Errorf("moved %#v", moved)
		}
	})
	p := faulty(t, "FAULTY_CAPABILITIES=plan_destroy")
	_, diags := p.Move(t.Context(), provider.MoveRequest{SourceType: thing, TargetType: "faulty_moved", SourceJSON: []byte(`{}`)})
	wantError(t, diags, "Move between resource types not supported", thing, "faulty_moved")
}

func TestEphemeral(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		book, lines := ledger(t)
		p := faulty(t, env, book)
		b := schemaOf(t, p).Types.Type(provider.Ephemeral, "faulty_lease").Block
		got, diags := p.OpenEphemeral(t.Context(), "faulty_lease", object(b, map[string]cty.Value{"name": s("a"), "renew_after": n(60000)}))
		ok(t, diags)
		if !got.Result.GetAttr("token").RawEquals(s("token-of-a")) || got.RenewAt == 0 {
			t.Errorf("opened %#v", got)
		}
		again, diags := p.RenewEphemeral(t.Context(), "faulty_lease", got.Private)
		ok(t, diags)
		if again.RenewAt < got.RenewAt {
			t.Errorf("renewal at %d, then at %d", got.RenewAt, again.RenewAt)
		}
		ok(t, p.CloseEphemeral(t.Context(), "faulty_lease", again.Private))
		if got := strings.Join(lines(), ", "); !strings.HasSuffix(got, "schema, open a, renew a, close a") {
			t.Errorf("done: %s", got)
		}
		_, diags = p.OpenEphemeral(t.Context(), "faulty_lease", object(b, map[string]cty.Value{"name": s("a"), "fault": s("open_error")}))
		wantError(t, diags, "Cannot open")
	})
}

func TestFunctions(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		p := faulty(t, env)
		got, err := p.CallFunction(t.Context(), "join_all", []cty.Value{s("-"), s("a"), s("b"), s("c")})
		if err != nil || !got.RawEquals(s("a-b-c")) {
			t.Errorf("join_all: %#v, %v", got, err)
		}
		var blamed *provider.FunctionError
		_, err = p.CallFunction(t.Context(), "blame", []cty.Value{n(1), s("x"), n(2)})
		if !errors.As(err, &blamed) || blamed.Argument != 1 || blamed.Text != "this one is wrong" {
			t.Errorf("blame: %#v", err)
		}
		_, err = p.CallFunction(t.Context(), "blame", []cty.Value{n(17)})
		if !errors.As(err, &blamed) || blamed.Argument != -1 {
			t.Errorf("blame of an argument that is not there: %#v", err)
		}
		if _, err = p.CallFunction(t.Context(), "wrong_type", nil); err == nil || !strings.Contains(err.Error(), "wrong_type") {
			t.Errorf("wrong_type: %v", err)
		}
		if _, err = p.CallFunction(t.Context(), "crash", nil); err == nil || !strings.Contains(err.Error(), "told to crash in a function") {
			t.Errorf("crash: %v", err)
		}
	})
}

func TestDeferral(t *testing.T) {
	given := map[string]cty.Value{"name": s("a"), "fault": s("defer")}
	p := launch(t, provider.LaunchOptions{Path: providertest.Faulty(t), AllowDeferral: true})
	got, _, diags := plan(t, p, given)
	ok(t, diags)
	if got.Deferred != provider.DeferredResourceConfigUnknown {
		t.Errorf("deferred %q", got.Deferred)
	}
	got, _, diags = plan(t, faulty(t), given)
	ok(t, diags)
	if got.Deferred != "" {
		t.Errorf("deferred %q though nobody allowed it", got.Deferred)
	}
}

func TestPlanDestroyAsksOnlyThoseWhoExpectIt(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		p := faulty(t, env, "FAULTY_CAPABILITIES=")
		prior := object(thingBlock(t, p), map[string]cty.Value{"name": s("a"), "fault": s("plan_crash")})
		got, diags := p.Plan(t.Context(), provider.PlanRequest{TypeName: thing, Prior: prior, Private: []byte("kept")})
		ok(t, diags)
		if !got.Planned.IsNull() || string(got.Private) != "kept" {
			t.Errorf("planned %#v", got)
		}
	})
}

func TestAnswersThatAreWrong(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		p := faulty(t, env)
		for _, fault := range []string{"plan_wrong_type", "plan_garbage"} {
			got, _, diags := plan(t, p, map[string]cty.Value{"name": s("a"), "fault": s(fault)})
			wantError(t, diags, "Invalid value from provider", "faulty", thing)
			if got.Planned != cty.NilVal {
				t.Errorf("%s: planned %#v", fault, got.Planned)
			}
		}
		_, diags := apply(t.Context(), t, p, map[string]cty.Value{"name": s("a"), "fault": s("apply_wrong_type")})
		wantError(t, diags, "Invalid value from provider", thing)

		got, _, diags := plan(t, p, map[string]cty.Value{"name": s("a"), "fault": s("legacy")})
		ok(t, diags)
		if !got.LegacyTypes {
			t.Error("the old SDK's mark is lost")
		}
	})
}

func TestErrorsAndPartialState(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		p := faulty(t, env)
		diags := p.ValidateResource(t.Context(), provider.Managed, thing, object(thingBlock(t, p), map[string]cty.Value{"name": s("a"), "fault": s("validate_error")}))
		wantError(t, diags, "Bad name")
		if !diags[0].Attribute.Equals(cty.GetAttrPath("name")) {
			t.Errorf("blames %#v", diags[0].Attribute)
		}
		_, _, diags = plan(t, p, map[string]cty.Value{"name": s("a"), "fault": s("plan_error")})
		wantError(t, diags, "Cannot plan")
		planned, _, diags := plan(t, p, map[string]cty.Value{"name": s("a"), "fault": s("plan_warning")})
		if diags.HasErrors() || len(diags) != 1 || planned.Planned == cty.NilVal {
			t.Errorf("a warning gave %v, %#v", diags, planned)
		}
		done, diags := apply(t.Context(), t, p, map[string]cty.Value{"name": s("a"), "fault": s("apply_error_partial")})
		wantError(t, diags, "Half done")
		if done.State == cty.NilVal || !done.State.GetAttr("id").RawEquals(s("id-of-a")) {
			t.Errorf("partial state %#v", done.State)
		}
		done, diags = apply(t.Context(), t, p, map[string]cty.Value{"name": s("a"), "fault": s("apply_error")})
		wantError(t, diags, "Cannot apply")
		if done.State == cty.NilVal || !done.State.IsNull() {
			t.Errorf("state after nothing was made %#v", done.State)
		}
	})
}

func TestUnknownTypeSuggests(t *testing.T) {
	p := faulty(t)
	diags := p.ValidateResource(t.Context(), provider.Managed, "faulty_thingy", cty.EmptyObjectVal)
	wantError(t, diags, "Unknown resource type", `Did you mean "faulty_thing"?`)
	diags = p.ValidateResource(t.Context(), provider.Managed, thing, cty.ObjectVal(map[string]cty.Value{"name": n(1)}))
	wantError(t, diags, "Value does not fit the schema", thing)
}
