package provider_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/providertest"
)

// launch gives a provider that is closed with the test; its cache is the test's own.
func launch(t testing.TB, opts provider.LaunchOptions) provider.Provider {
	t.Helper()
	if opts.CacheDir == "" {
		opts.CacheDir = t.TempDir()
	}
	p, err := provider.Launch(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func ok(t testing.TB, diags diag.List) {
	t.Helper()
	for _, d := range diags {
		t.Errorf("%s: %s", d.Severity, d.Error())
	}
	if len(diags) > 0 {
		t.FailNow()
	}
}

func schemaOf(t testing.TB, p provider.Provider) *provider.Schema {
	t.Helper()
	s, diags := p.Schema(t.Context())
	ok(t, diags)
	return s
}

// object makes a value of a block's type: what is not given is null.
func object(b *provider.Block, given map[string]cty.Value) cty.Value {
	attrs := map[string]cty.Value{}
	for name, ty := range b.ImpliedType().AttributeTypes() {
		attrs[name] = cty.NullVal(ty)
		if n := b.Blocks[name]; n != nil && n.Nesting == provider.NestingList {
			attrs[name] = cty.ListValEmpty(ty.ElementType())
		}
		if v, ok := given[name]; ok {
			attrs[name] = v
		}
	}
	return cty.ObjectVal(attrs)
}

// proposed fills what the provider computes with unknown values, for a create.
func proposed(b *provider.Block, config cty.Value) cty.Value {
	attrs := config.AsValueMap()
	for name, a := range b.Attributes {
		if a.Computed && attrs[name].IsNull() {
			attrs[name] = cty.UnknownVal(a.Type)
		}
	}
	return cty.ObjectVal(attrs)
}

func configure(t testing.TB, p provider.Provider) {
	t.Helper()
	config := object(schemaOf(t, p).Provider, nil)
	_, diags := p.ValidateConfig(t.Context(), config)
	ok(t, diags)
	ok(t, p.Configure(t.Context(), config))
}

// create takes a resource through validate, plan and apply.
func create(t testing.TB, p provider.Provider, typeName string, given map[string]cty.Value) provider.ApplyResponse {
	t.Helper()
	b := schemaOf(t, p).Types.Type(provider.Managed, typeName).Block
	config := object(b, given)
	ok(t, p.ValidateResource(t.Context(), provider.Managed, typeName, config))
	plan, diags := p.Plan(t.Context(), provider.PlanRequest{TypeName: typeName, Proposed: proposed(b, config), Config: config})
	ok(t, diags)
	if plan.Planned.IsWhollyKnown() {
		t.Errorf("the plan of a new %s knows everything: %#v", typeName, plan.Planned)
	}
	done, diags := p.Apply(t.Context(), provider.ApplyRequest{TypeName: typeName, Planned: plan.Planned, Config: config, Private: plan.Private})
	ok(t, diags)
	if !done.State.IsWhollyKnown() {
		t.Errorf("after apply %s has unknown values: %#v", typeName, done.State)
	}
	return done
}

func TestRealLocalFileLives(t *testing.T) {
	p := launch(t, provider.LaunchOptions{Path: providertest.Real(t, "local"), Name: "local"})
	configure(t, p)
	file := filepath.Join(t.TempDir(), "note.txt")
	done := create(t, p, "local_file", map[string]cty.Value{"filename": cty.StringVal(file), "content": cty.StringVal("good day\n")})
	if text, _ := os.ReadFile(file); string(text) != "good day\n" {
		t.Fatalf("the file holds %q", text)
	}
	block := schemaOf(t, p).Types.Type(provider.Managed, "local_file").Block

	stored, err := ctyjson.Marshal(done.State, block.ImpliedType())
	if err != nil {
		t.Fatal(err)
	}
	prior, diags := p.UpgradeState(t.Context(), provider.UpgradeStateRequest{TypeName: "local_file", JSON: stored})
	ok(t, diags)
	if !prior.RawEquals(done.State) {
		t.Errorf("stored and read back: %#v, want %#v", prior, done.State)
	}
	read, diags := p.Read(t.Context(), provider.ReadRequest{TypeName: "local_file", Prior: prior, Private: done.Private})
	ok(t, diags)
	if !read.State.RawEquals(prior) {
		t.Errorf("read %#v, want %#v", read.State, prior)
	}

	changed := object(block, map[string]cty.Value{"filename": cty.StringVal(file), "content": cty.StringVal("good night\n")})
	plan, diags := p.Plan(t.Context(), provider.PlanRequest{TypeName: "local_file", Prior: prior, Proposed: proposed(block, changed), Config: changed})
	ok(t, diags)
	if len(plan.RequiresReplace) != 1 || !plan.RequiresReplace[0].Equals(cty.GetAttrPath("content")) {
		t.Errorf("requires replacement because of %#v, want content", plan.RequiresReplace)
	}

	gone, diags := p.Plan(t.Context(), provider.PlanRequest{TypeName: "local_file", Prior: prior})
	ok(t, diags)
	if !gone.Planned.IsNull() {
		t.Errorf("plan of a destroy: %#v", gone.Planned)
	}
	end, diags := p.Apply(t.Context(), provider.ApplyRequest{TypeName: "local_file", Prior: prior, Private: gone.Private})
	ok(t, diags)
	if !end.State.IsNull() {
		t.Errorf("state after destroy: %#v", end.State)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
	read, diags = p.Read(t.Context(), provider.ReadRequest{TypeName: "local_file", Prior: prior})
	ok(t, diags)
	if !read.State.IsNull() {
		t.Errorf("read of what is gone: %#v", read.State)
	}
}

func TestRealProvidersCreate(t *testing.T) {
	tests := []struct {
		provider, typeName string
		given              map[string]cty.Value
		check              func(cty.Value) bool
	}{
		{"random", "random_pet", map[string]cty.Value{"length": cty.NumberIntVal(3)}, func(v cty.Value) bool {
			return strings.Count(v.GetAttr("id").AsString(), "-") == 2
		}},
		{"random", "random_password", map[string]cty.Value{"length": cty.NumberIntVal(24)}, func(v cty.Value) bool {
			return len(v.GetAttr("result").AsString()) == 24
		}},
		{"tls", "tls_private_key", map[string]cty.Value{"algorithm": cty.StringVal("ED25519")}, func(v cty.Value) bool {
			return strings.Contains(v.GetAttr("private_key_pem").AsString(), "PRIVATE KEY")
		}},
		{"time", "time_static", nil, func(v cty.Value) bool { return v.GetAttr("unix").AsBigFloat().Sign() > 0 }},
	}
	for _, test := range tests {
		t.Run(test.typeName, func(t *testing.T) {
			p := launch(t, provider.LaunchOptions{Path: providertest.Real(t, test.provider)})
			configure(t, p)
			if done := create(t, p, test.typeName, test.given); !test.check(done.State) {
				t.Errorf("not what was asked for: %#v", done.State)
			}
		})
	}
}

func TestRealRefusalNamesTheAttribute(t *testing.T) {
	p := launch(t, provider.LaunchOptions{Path: providertest.Real(t, "random")})
	b := schemaOf(t, p).Types.Type(provider.Managed, "random_password").Block
	diags := p.ValidateResource(t.Context(), provider.Managed, "random_password", object(b, map[string]cty.Value{"length": cty.NumberIntVal(0)}))
	if !diags.HasErrors() || !diags[0].Attribute.Equals(cty.GetAttrPath("length")) {
		t.Errorf("got %v at %#v, want an error at length", diags.Err(), diags)
	}
}

func TestRealImport(t *testing.T) {
	p := launch(t, provider.LaunchOptions{Path: providertest.Real(t, "random")})
	configure(t, p)
	got, diags := p.Import(t.Context(), provider.ImportRequest{TypeName: "random_password", ID: "hunter22"})
	ok(t, diags)
	if len(got.Imported) != 1 || got.Imported[0].TypeName != "random_password" {
		t.Fatalf("imported %#v", got)
	}
	if length := got.Imported[0].State.GetAttr("length"); !length.RawEquals(cty.NumberIntVal(8)) {
		t.Errorf("length %#v, want 8", length)
	}
}

func TestRealDataSource(t *testing.T) {
	p := launch(t, provider.LaunchOptions{Path: providertest.Real(t, "local")})
	configure(t, p)
	file := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(file, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := schemaOf(t, p).Types.Type(provider.Data, "local_file").Block
	config := object(b, map[string]cty.Value{"filename": cty.StringVal(file)})
	ok(t, p.ValidateResource(t.Context(), provider.Data, "local_file", config))
	got, diags := p.ReadData(t.Context(), provider.ReadDataRequest{TypeName: "local_file", Config: config})
	ok(t, diags)
	if text := got.State.GetAttr("content").AsString(); text != "abc" {
		t.Errorf("content %q", text)
	}
}

func TestRealFunctions(t *testing.T) {
	p := launch(t, provider.LaunchOptions{Path: providertest.Real(t, "local")})
	f := schemaOf(t, p).Functions["direxists"]
	if f == nil || !f.Return.Equals(cty.Bool) || len(f.Parameters) != 1 {
		t.Fatalf("signature of direxists: %#v", f)
	}
	got, err := p.CallFunction(t.Context(), "direxists", []cty.Value{cty.StringVal(t.TempDir())})
	if err != nil || !got.RawEquals(cty.True) {
		t.Errorf("got %#v, %v", got, err)
	}
	if _, err := p.CallFunction(t.Context(), "direxists", nil); err == nil || !strings.Contains(err.Error(), `"path"`) {
		t.Errorf("call without arguments: %v", err)
	}
}

func TestRealEphemeral(t *testing.T) {
	p := launch(t, provider.LaunchOptions{Path: providertest.Real(t, "random")})
	configure(t, p)
	ty := schemaOf(t, p).Types.Type(provider.Ephemeral, "random_password")
	if ty == nil {
		t.Fatal("this version of random has no ephemeral random_password")
	}
	config := object(ty.Block, map[string]cty.Value{"length": cty.NumberIntVal(12)})
	ok(t, p.ValidateResource(t.Context(), provider.Ephemeral, "random_password", config))
	got, diags := p.OpenEphemeral(t.Context(), "random_password", config)
	ok(t, diags)
	if n := len(got.Result.GetAttr("result").AsString()); n != 12 {
		t.Errorf("a password of %d letters", n)
	}
	ok(t, p.CloseEphemeral(t.Context(), "random_password", got.Private))
}

// TestSchemasMatchTerraform holds every schema of the real providers against
// what Terraform itself makes of them.
func TestSchemasMatchTerraform(t *testing.T) {
	for _, name := range []string{"local", "random", "time", "tls", "http"} {
		t.Run(name, func(t *testing.T) {
			path := providertest.Real(t, name)
			want := terraformSchemas(t, name)
			s := schemaOf(t, launch(t, provider.LaunchOptions{Path: path}))
			got := map[string]cty.Type{"provider": s.Provider.ImpliedType()}
			for kind, prefix := range map[provider.Kind]string{provider.Managed: "resource ", provider.Data: "data ", provider.Ephemeral: "ephemeral "} {
				for _, n := range s.Types.Names(kind) {
					got[prefix+n] = s.Types.Type(kind, n).Block.ImpliedType()
				}
			}
			for n, ty := range want {
				if !got[n].Equals(ty) {
					t.Errorf("%s: %#v, want %#v", n, got[n], ty)
				}
				delete(got, n)
			}
			for n := range got {
				t.Errorf("Terraform knows no %s", n)
			}
		})
	}
}

func jsonType(t testing.TB, raw json.RawMessage) cty.Type {
	ty, err := ctyjson.UnmarshalType(raw)
	if err != nil {
		t.Fatal(err)
	}
	return ty
}
