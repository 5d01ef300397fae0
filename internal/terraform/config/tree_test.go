package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
)

func load(t *testing.T, opts Options) *Config {
	t.Helper()
	c, diags := Load(opts)
	if diags.HasErrors() {
		t.Fatal(text(diags))
	}
	return c
}

func resource(typeName, name string) addr.Name {
	return addr.Name{Kind: addr.Resource, Type: typeName, Name: name}
}

func literal(t *testing.T, e hcl.Expression) cty.Value {
	t.Helper()
	v, hd := e.Value(nil)
	if hd.HasErrors() {
		t.Fatal(hd)
	}
	return v
}

// TestOverride looks at what the override files of the good configuration did.
func TestOverride(t *testing.T) {
	c := load(t, Options{Files: archive(t, "testdata/good/override.txtar")})
	m := c.Module
	r := m.Resources[resource("local_file", "f")]
	attrs, hd := r.Body.JustAttributes()
	if hd.HasErrors() {
		t.Fatal(hd)
	}
	for what, ok := range map[string]bool{
		"backend replaced":          m.Settings.Backend.Type == "s3",
		"default converted":         m.Variables["port"].Default.RawEquals(cty.NumberIntVal(2)),
		"local replaced":            literal(t, m.Locals["b"].Expr).RawEquals(cty.NumberIntVal(3)),
		"other local kept":          literal(t, m.Locals["a"].Expr).RawEquals(cty.NumberIntVal(1)),
		"attribute replaced":        literal(t, attrs["content"].Expr).RawEquals(cty.StringVal("over")),
		"attribute kept":            literal(t, attrs["filename"].Expr).RawEquals(cty.StringVal("base")),
		"meta-arguments not in it":  attrs["count"] == nil,
		"count replaced":            literal(t, r.Repetition.Count).RawEquals(cty.NumberIntVal(2)),
		"lifecycle argument kept":   r.Lifecycle.CreateBeforeDestroy != nil && *r.Lifecycle.CreateBeforeDestroy,
		"lifecycle argument merged": r.Lifecycle.IgnoreAll,
		"output replaced":           literal(t, m.Outputs["o"].Expr).RawEquals(cty.NumberIntVal(2)),
		"description kept":          m.Outputs["o"].Description == "base",
		"default provider added":    m.Providers[addr.Name{Kind: addr.Provider, Type: "local"}] != nil,
	} {
		if !ok {
			t.Errorf("not so: %s", what)
		}
	}
}

// TestOverrideBlocks checks that nested blocks replace all those of their type,
// also those that dynamic blocks make.
func TestOverrideBlocks(t *testing.T) {
	c := load(t, Options{Files: Snapshot{
		"main.tf": []byte(`
resource "x_y" "z" {
  a {
    n = 1
  }
  a {
    n = 2
  }
  dynamic "b" {
    for_each = [1, 2]
    content {}
  }
  c {}
}`),
		"override.tf": []byte(`
resource "x_y" "z" {
  a {
    n = 3
  }
  b {}
}`),
	}})
	schema := &hcl.BodySchema{Blocks: append(blocks("a", "b", "c"), hcl.BlockHeaderSchema{Type: "dynamic", LabelNames: []string{"type"}})}
	content, hd := c.Module.Resources[resource("x_y", "z")].Body.Content(schema)
	if hd.HasErrors() {
		t.Fatal(hd)
	}
	var got []string
	for _, b := range content.Blocks {
		got = append(got, b.Type)
	}
	if s := strings.Join(got, " "); s != "c a b" {
		t.Errorf("got blocks %s, want c a b", s)
	}
}

// TestProviderFor follows configurations through two levels of modules.
func TestProviderFor(t *testing.T) {
	c := load(t, Options{Files: Snapshot{
		"main.tf": []byte(`
terraform {
  required_providers {
    cloud = { source = "example.com/acme/cloud" }
  }
}
provider "cloud" {
  alias = "west"
}
provider "random" {}
provider "local" {
  alias    = "each"
  for_each = toset(["a"])
}
resource "cloud_x" "default" {}
resource "cloud_x" "west" { provider = cloud.west }
resource "other" "o" { provider = cloud }
resource "terraform_data" "t" {}
module "m" {
  source    = "./m"
  for_each  = toset(["a"])
  providers = {
    acme     = cloud.west
    acme.two = cloud
    local    = local.each[each.key]
  }
}
module "inherits" { source = "./n" }
`),
		"m/main.tf": []byte(`
terraform {
  required_providers {
    acme = {
      source                = "example.com/acme/cloud"
      configuration_aliases = [acme.two]
    }
  }
}
resource "acme_x" "a" {}
resource "acme_x" "b" { provider = acme.two }
resource "local_file" "f" {}
module "deep" {
  source    = "../n"
  providers = { cloud = acme.two, random = random, local = local }
}
`),
		"n/main.tf": []byte(`
terraform {
  required_providers {
    cloud = { source = "example.com/acme/cloud" }
  }
}
resource "cloud_x" "c" {}
resource "random_id" "r" {}
resource "local_file" "f" {}
`),
	}})
	for _, tt := range []struct{ module, name, want string }{
		{"", "cloud_x.default", "example.com/acme/cloud provider.cloud"},
		{"", "cloud_x.west", "example.com/acme/cloud provider.cloud.west block"},
		{"", "other.o", "example.com/acme/cloud provider.cloud"},
		{"", "terraform_data.t", "terraform.io/builtin/terraform provider.terraform"},
		{"m", "acme_x.a", "example.com/acme/cloud provider.cloud.west block"},
		{"m", "acme_x.b", "example.com/acme/cloud provider.cloud"},
		{"m", "local_file.f", "registry.terraform.io/hashicorp/local provider.local.each block key in root"},
		{"m.deep", "cloud_x.c", "example.com/acme/cloud provider.cloud"},
		{"m.deep", "random_id.r", "registry.terraform.io/hashicorp/random provider.random block"},
		{"m.deep", "local_file.f", "registry.terraform.io/hashicorp/local provider.local.each block key in root"},
		{"inherits", "cloud_x.c", "example.com/acme/cloud provider.cloud"},
		{"inherits", "random_id.r", "registry.terraform.io/hashicorp/random provider.random block"},
	} {
		at := c
		for _, step := range strings.Split(tt.module, ".") {
			if step != "" {
				at = at.Children[step]
			}
		}
		typeName, name, _ := strings.Cut(tt.name, ".")
		use := at.ProviderFor(at.Module.Resources[resource(typeName, name)])
		got := use.Source.String() + " " + addr.Config{Module: use.Module, Name: use.Name}.String()
		if use.Config != nil {
			got += " block"
		}
		if use.Key != nil {
			got += " key in " + map[bool]string{true: "root", false: "child"}[use.KeyModule == addr.ModulePath{}]
		}
		if got != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.module, tt.name, got, tt.want)
		}
	}
}

// TestNeeds merges what a tree asks of its providers.
func TestNeeds(t *testing.T) {
	c := load(t, Options{Files: Snapshot{
		"main.tf": []byte(`
terraform {
  required_providers {
    local = { source = "hashicorp/local", version = ">= 2.0" }
    random = ">= 3.0"
  }
}
resource "tls_key" "a" {}
resource "tls_key" "b" {}
module "m" { source = "./m" }
`),
		"m/main.tf": []byte(`
terraform {
  required_providers {
    file = { source = "hashicorp/local", version = "~> 2.4" }
    random = ">= 3.0"
  }
}
provider "random" { version = "< 4.0" }
`),
	}})
	var got []string
	for _, n := range c.Needs() {
		got = append(got, fmt.Sprintf("%s %q", n.Source.ForDisplay(), n.Constraints))
	}
	want := `hashicorp/local ">= 2.0, ~> 2.4"; hashicorp/random ">= 3.0, < 4.0"; hashicorp/tls ""`
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// TestStaticSources finds modules by variables, locals and functions.
func TestStaticSources(t *testing.T) {
	files := Snapshot{
		"main.tf": []byte(`
variable "kind" { default = "a" }
locals { dir = "./${lower(var.kind)}" }
module "m" {
  source = local.dir
  next   = "../${terraform.workspace}"
}
module "far" {
  source  = "acme/far/cloud"
  version = "~> ${local.major}.0"
}
locals { major = 3 }
`),
		"b/main.tf": []byte(`
variable "next" {}
module "inner" { source = var.next }
`),
		"prod/main.tf":  []byte(`output "x" { value = path.module }`),
		"cache/main.tf": []byte(``),
	}
	var asked ModuleRequest
	c := load(t, Options{
		Files: files, Workspace: "prod",
		Variables: map[string]cty.Value{"kind": cty.StringVal("B")},
		Functions: func(string) map[string]function.Function {
			return map[string]function.Function{"lower": stdlib.LowerFunc}
		},
		ModuleDir: func(r ModuleRequest) (string, diag.List) {
			asked = r
			return "cache", nil
		},
	})
	inner := c.Children["m"].Children["inner"]
	if inner == nil || inner.Module.Dir != "prod" || inner.Source != "../prod" {
		t.Errorf("the inner module is %+v", inner)
	}
	if asked.Source != "acme/far/cloud" || asked.Version != "~> 3.0" || asked.Path.String() != "module.far" {
		t.Errorf("asked for %+v", asked)
	}
	if got := len(c.Sources()); got != 4 {
		t.Errorf("got %d sources, want 4", got)
	}
	if d := c.Descendant(addr.ModulePath{}.Child("m").Child("inner")); d != inner {
		t.Error("Descendant does not find the inner module")
	}
}

// TestTreeErrors are mistakes that only show in a tree, or without the peer.
func TestTreeErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		files Snapshot
		want  string
	}{
		"calls itself": {Snapshot{"main.tf": []byte(`module "m" { source = "./m" }`), "m/main.tf": []byte(`module "n" { source = "../m" }`)},
			"Module calls itself"},
		"not installed":     {Snapshot{"main.tf": []byte(`module "m" { source = "acme/x/y" }`)}, `Run "tutti init"`},
		"no folder":         {Snapshot{"main.tf": []byte(`module "m" { source = "./m" }`)}, "does not exist"},
		"bare name":         {Snapshot{"main.tf": []byte(`module "m" { source = "m" }`), "m/a.tf": nil}, `write "./m"`},
		"dynamic source":    {Snapshot{"main.tf": []byte("module \"m\" { source = terraform_data.x.id }\nresource \"terraform_data\" \"x\" {}")}, "must be known before anything is planned"},
		"circular source":   {Snapshot{"main.tf": []byte("module \"m\" { source = local.a }\nlocals {\n a = local.b\n b = local.a\n}")}, "refers back to itself"},
		"needed value":      {Snapshot{"main.tf": []byte("module \"m\" { source = var.a }\nvariable \"a\" {}")}, "must be known to find the modules"},
		"repeated provider": {Snapshot{"main.tf": []byte("module \"m\" {\n source = \"./m\"\n count = 2\n}"), "m/a.tf": []byte("provider \"local\" {\n x = 1\n}")}, "configures a provider"},
		"provider given twice": {Snapshot{"main.tf": []byte("module \"m\" {\n source = \"./m\"\n providers = { local = local }\n}"),
			"m/a.tf": []byte("provider \"local\" {\n x = 1\n}")}, "Cannot override provider configuration"},
		"key needed":   {Snapshot{"main.tf": []byte("provider \"l\" {\n alias = \"a\"\n for_each = {}\n}\nresource \"l_x\" \"y\" { provider = l.a }")}, "Provider instance key required"},
		"key too many": {Snapshot{"main.tf": []byte("provider \"l\" {\n alias = \"a\"\n}\nresource \"l_x\" \"y\" { provider = l.a[\"k\"] }")}, "Unexpected provider instance key"},
		"other type": {Snapshot{"main.tf": []byte("module \"m\" {\n source = \"./m\"\n providers = { a = b }\n}"), "m/a.tf": []byte("resource \"a_x\" \"y\" {}")},
			"Provider type mismatch"},
		"sensitive source":        {Snapshot{"main.tf": []byte("variable \"s\" {\n default = \"./hunter2\"\n sensitive = true\n}\nmodule \"m\" { source = var.s }")}, "must not come from a sensitive variable"},
		"sensitive error":         {Snapshot{"main.tf": []byte("variable \"s\" {\n default = \"hunter2\"\n sensitive = true\n}\nmodule \"m\" { source = -var.s }")}, "Invalid operand"},
		"wrong file":              {Snapshot{"main.tf": []byte(`task "x" {}`)}, ".tutti.hcl"},
		"self in body":            {Snapshot{"main.tf": []byte(`resource "x_y" "z" { a = self.id }`)}, `Invalid "self" reference`},
		"function of no provider": {Snapshot{"main.tf": []byte(`output "x" { value = provider::local::exists("x") }`)}, "Unknown function provider"},
		"backend on resource":     {Snapshot{"main.tf": []byte("terraform {\n backend \"local\" {\n  path = x_y.z.id\n }\n}\nresource \"x_y\" \"z\" {}")}, "must be known before anything is planned"},
		"bad local name":          {Snapshot{"main.tf": []byte(`resource "_x" "z" {}`)}, "Invalid provider local name"},
		"escaped twice":           {Snapshot{"main.tf": []byte("resource \"x_y\" \"z\" {\n a = 1\n _ {\n  a = 2\n }\n}")}, "Duplicate argument"},
		"no files":                {Snapshot{"main.tf": []byte(`module "m" { source = "./m" }`), "m/readme.md": nil}, "Module folder holds no configuration"},
	} {
		_, diags := Load(Options{Files: tt.files})
		if !diags.HasErrors() || !strings.Contains(text(diags), tt.want) {
			t.Errorf("%s: got\n%swant %q", name, text(diags), tt.want)
		}
		for _, d := range diags {
			if s := fmt.Sprint(d, d.Values); strings.Contains(s, "hunter2") {
				t.Errorf("%s: the secret is shown: %s", name, s)
			}
		}
	}
}

// TestModuleFiles picks the files of a folder.
func TestModuleFiles(t *testing.T) {
	got := moduleFiles([]string{
		"z.tf", "a.tf", "a.tofu", "b.tf.json", "b.tofu.json", "c.tf.json", "c.tofu", "override.tf", "x_override.tofu", "x_override.tf",
		".hidden.tf", "back.tf~", "#edit.tf#", "deploy.tutti.hcl", "t.tftest.hcl", "t.tofutest.hcl", "v.tfvars", "README.md", "tf",
	})
	want := "a.tofu b.tofu.json c.tf.json c.tofu z.tf override.tf x_override.tofu"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// TestOrder keeps the order of the text.
func TestOrder(t *testing.T) {
	c := load(t, Options{Files: Snapshot{
		"b.tf": []byte("locals {\n z = 1\n a = 2\n}\nvariable \"v\" { default = 1 }"),
		"a.tf": []byte("output \"o\" { value = 1 }\ncheck \"c\" {\n data \"x_y\" \"d\" {}\n assert {\n  condition = data.x_y.d.ok\n  error_message = \"\"\n }\n}\nresource \"x_y\" \"r\" {}"),
	}})
	var got []string
	for _, n := range c.Module.Order {
		got = append(got, n.String())
	}
	want := "output.o check.c data.x_y.d x_y.r local.z local.a var.v"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// TestDisk reads from the disk what the snapshot holds.
func TestDisk(t *testing.T) {
	dir := t.TempDir()
	files := archive(t, "testdata/good/blocks.txtar")
	for name, src := range files {
		write(t, filepath.Join(dir, name), src)
	}
	c := load(t, Options{Dir: dir})
	if c.Children["branch"].Module.Dir != filepath.Join(dir, "branch") {
		t.Errorf("the module lies in %s", c.Children["branch"].Module.Dir)
	}
	root, _ := LoadDir(nil, dir)
	if c := load(t, Options{Dir: dir, Root: root}); c.Module != root || c.Children["branch"] == nil {
		t.Error("the root that was read already is not used")
	}
	again := load(t, Options{Files: Snapshot(c.Sources()), Dir: dir})
	if len(again.Module.Order) != len(c.Module.Order) {
		t.Error("the snapshot of what was read gives another module")
	}
	if _, diags := Load(Options{Dir: filepath.Join(dir, "none")}); !strings.Contains(text(diags), "does not exist") {
		t.Errorf("got %s", text(diags))
	}
}

// TestOnce: the mistakes of a module that is called twice are told once.
func TestOnce(t *testing.T) {
	_, diags := Load(Options{Files: Snapshot{
		"main.tf":   []byte("module \"a\" { source = \"./m\" }\nmodule \"b\" { source = \"./m\" }"),
		"m/main.tf": []byte("output \"x\" { value = var.y }\nvariable \"z\" {}\nvariable \"w\" {}"),
	}})
	if n := len(diags); n != 5 {
		t.Errorf("got %d diagnostics, want one for the output and two for each call:\n%s", n, text(diags))
	}
}

// TestManyErrors stops at a bound.
func TestManyErrors(t *testing.T) {
	var src strings.Builder
	for i := range 10 * maxReferenceErrors {
		fmt.Fprintf(&src, "resource \"x_y\" \"r%d\" {\n  a = x_y.s%d.id\n}\n", i, i)
	}
	_, diags := Load(Options{Files: Snapshot{"main.tf": []byte(src.String())}})
	if len(diags) != maxReferenceErrors+1 {
		t.Errorf("got %d diagnostics", len(diags))
	}
	if got := diags[0].Address; got != "x_y.r0" {
		t.Errorf("the first is about %q", got)
	}
}

// TestEscape hands the content of an escaping block to the provider.
func TestEscape(t *testing.T) {
	c := load(t, Options{Files: Snapshot{"main.tf": []byte(`
variable "v" { default = 1 }
resource "x_y" "z" {
  plain = 1
  _ {
    count = var.v
    nested {
      a = var.v
    }
  }
}`)}})
	r := c.Module.Resources[resource("x_y", "z")]
	refs, _ := expr.BodyReferences(r.Body)
	content, hd := r.Body.Content(&hcl.BodySchema{Attributes: attrs("plain", "count"), Blocks: blocks("nested")})
	if hd.HasErrors() || len(content.Attributes) != 2 || len(content.Blocks) != 1 || len(refs.Objects) != 2 || r.Repetition.Count != nil {
		t.Errorf("got %v, %d arguments, %d blocks, %d references", hd, len(content.Attributes), len(content.Blocks), len(refs.Objects))
	}
}

// BenchmarkLoad shows that the time grows with the number of resources.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		var src strings.Builder
		for i := range n {
			fmt.Fprintf(&src, "resource \"terraform_data\" \"r%d\" {\n  count = 2\n  input = terraform_data.r%d[count.index].id\n}\n", i, (i+1)%n)
		}
		files := Snapshot{"main.tf": []byte(src.String())}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, diags := Load(Options{Files: files}); diags.HasErrors() {
					b.Fatal(diags.Err())
				}
			}
		})
	}
}

// FuzzLoad reads broken and good configurations in both syntaxes: no panic, and
// whatever loads can be asked for its references and providers.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.txtar", "testdata/broken/*.txtar"} {
		names, _ := filepath.Glob(pattern)
		for _, n := range names {
			for file, src := range archive(f, n) {
				f.Add(src, strings.HasSuffix(file, ".json"), strings.Contains(file, "override"))
			}
		}
	}
	base := []byte("variable \"a\" { default = 1 }\nresource \"terraform_data\" \"a\" {}\nmodule \"m\" { source = \"./m\" }")
	f.Fuzz(func(t *testing.T, src []byte, json, override bool) {
		name := "x"
		if override {
			name = "x_override"
		}
		if name += ".tf"; json {
			name += ".json"
		}
		files := Snapshot{name: src, "m/a.tf": []byte(`output "color" { value = 1 }`)}
		if override {
			files["main.tf"] = base
		}
		c, diags := Load(Options{Files: files})
		if c == nil {
			if !diags.HasErrors() {
				t.Fatal("neither a configuration nor an error")
			}
			return
		}
		for m := range c.All() {
			for _, n := range m.Module.Order {
				if r := m.Module.Resources[n]; r != nil {
					_, _ = r.References()
					m.ProviderFor(r)
				}
			}
		}
		c.Needs()
		if !json {
			once, fd := Format(src, name)
			if _, again := Format(once, name); !fd.HasErrors() && again.HasErrors() {
				t.Fatalf("formatted, %q does not parse any more: %q\n%s", src, once, text(again))
			}
		}
	})
}

// TestVersion: what a .tf file asks of Terraform's version is a warning, what a
// .tofu file asks is binding.
func TestVersion(t *testing.T) {
	const src = "terraform {\n  required_version = %q\n}\n"
	for _, tt := range []struct {
		file, constraint, want string
	}{
		{"a.tf", ">= 1.14", "Warning a.tf:2: Unsupported language version"},
		{"a.tf", "~> 1.9.0", "Warning a.tf:2: Unsupported language version"},
		{"a.tf", ">= 1.5, < 2.0", ""},
		{"a.tofu", "~> 1.12.0", ""},
		{"a.tofu", "~> 1.9.0", "Error a.tofu:2: Unsupported language version"},
		{"a.tf", "about one", "Error a.tf:2: Invalid version constraint"},
	} {
		_, diags := Load(Options{Files: Snapshot{tt.file: fmt.Appendf(nil, src, tt.constraint)}})
		if got := text(diags); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s, %s: got %q, want %q", tt.file, tt.constraint, got, tt.want)
		}
	}
}

// TestProviderSameForEach warns of what cannot be destroyed later.
func TestProviderSameForEach(t *testing.T) {
	_, diags := Load(Options{Files: Snapshot{"a.tf": []byte(`
variable "regions" { default = {} }
provider "x" {
  alias    = "r"
  for_each = var.regions
}
resource "x_y" "z" {
  for_each = var.regions
  provider = x.r[each.key]
}`)}})
	if got := text(diags); strings.Count(got, "Warning") != 1 || !strings.Contains(got, "a.tf:8") {
		t.Errorf("got %q", got)
	}
}
