package stack

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/tools/txtar"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/cliconfig"
)

func snapshot(text string) config.Snapshot {
	files := config.Snapshot{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		files[filepath.Clean(f.Name)] = f.Data
	}
	return files
}

// mixed is a stack of two languages that refer to each other, with a module that was
// installed.
const mixed = `
-- main.tf --
variable "shop" {}
locals { greeting = upper("hello ${var.shop}") }
resource "terraform_data" "a" { input = task.greet.stdout }
module "far" {
  source  = "example.com/some/module/any"
  version = "1.0.0"
}
output "far" { value = module.far.out }
-- deploy.tutti.hcl --
task "greet" {
  command = ["echo", local.greeting]
}
-- terraform.tfvars --
shop = "books"
-- .terraform/modules/modules.json --
{"Modules":[{"Key":"","Source":"","Dir":"."},
 {"Key":"far","Source":"example.com/some/module/any","Version":"1.0.0","Dir":"kept/far"}]}
-- kept/far/out.tf --
output "out" { value = "from afar" }
`

func openStack(t testing.TB, o Options) (*Stack, diag.List) {
	t.Helper()
	s, d := Open(t.Context(), o)
	t.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return s, d
}

// names gives the addresses of all objects.
func names(s *Stack) (out []string) {
	for _, o := range s.Objects() {
		out = append(out, o.Addr().String())
	}
	slices.Sort(out)
	return out
}

type noDrivers struct{ eval.Source }

func outputOf(t testing.TB, s *Stack, name string) cty.Value {
	t.Helper()
	v, d := eval.New(s, noDrivers{}).Value(t.Context(), addr.Object{Name: addr.Name{Kind: addr.Output, Name: name}})
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	return v
}

// TestOneNamespace: the objects of all languages see each other.
func TestOneNamespace(t *testing.T) {
	t.Parallel()
	s, d := openStack(t, Options{Files: snapshot(mixed)})
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	want := []string{"local.greeting", "module.far", "output.far", "task.greet", "terraform_data.a", "var.shop"}
	if got := names(s); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, o := range s.Objects() {
		if s.Lookup(o.Addr().Name) != o {
			t.Errorf("%s is not found by its name", o.Addr())
		}
	}
	if v := outputOf(t, s, "far"); !v.RawEquals(cty.StringVal("from afar")) {
		t.Errorf("the installed module gives %#v", v)
	}
}

// TestCarried: what a plan takes along opens as the same stack where none of the
// files is, without the values that may be secret.
func TestCarried(t *testing.T) {
	t.Parallel()
	s, d := openStack(t, Options{Files: snapshot(mixed)})
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	carried := s.Carried()
	for name := range carried {
		if strings.HasSuffix(name, ".tfvars") {
			t.Errorf("%s is carried", name)
		}
	}
	if _, ok := s.Sources()["terraform.tfvars"]; !ok {
		t.Errorf("messages cannot show terraform.tfvars: %v", slices.Sorted(maps.Keys(s.Sources())))
	}
	again, d := openStack(t, Options{Files: config.Snapshot(carried), Plain: s.Inputs, Purpose: Applying})
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	if got, want := names(again), names(s); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if v := outputOf(t, again, "far"); !v.RawEquals(cty.StringVal("from afar")) {
		t.Errorf("the carried module gives %#v", v)
	}
}

// TestMistakes are those that no language can see alone.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, replace, with string
		purpose             Purpose
		want                []string // headlines
		text                string   // somewhere in the details
	}{
		{"unknown to both", "task.greet.stdout", "task.great.stdout", Planning, []string{"Reference to undeclared object"}, "Did you mean \"task.greet\"?"},
		{"no value", `shop = "books"`, ``, Planning, []string{"No value for required variable"}, "TF_VAR_shop"},
		{"no value needed", `shop = "books"`, ``, Validating, nil, ""},
		{"damaged manifest", `{"Modules":[`, `{"Modules":`, Planning, []string{"List of installed modules cannot be read", "Module not installed"}, "modules.json"},
		{"another version", `"Version":"1.0.0"`, `"Version":"0.9.0"`, Planning, []string{"Module version requirements have changed"}, ""},
		{"not installed", `{"Key":"far"`, `{"Key":"near"`, Planning, []string{"Module not installed"}, "init"},
		{"broken file", `task "greet" {`, `task "greet" `, Planning, []string{"Invalid block definition", "Unexpected argument", "Nothing to do"}, ""},
	} {
		_, d := openStack(t, Options{Files: snapshot(strings.Replace(mixed, tc.replace, tc.with, 1)), Purpose: tc.purpose})
		var got []string
		details := ""
		for _, x := range d {
			got, details = append(got, x.Headline), details+x.Detail
		}
		if !slices.Equal(got, tc.want) || !strings.Contains(details, tc.text) {
			t.Errorf("%s: got %q, %s", tc.name, got, details)
		}
	}
}

// TestRequirements: the state's providers are required too, those that run already
// are not.
func TestRequirements(t *testing.T) {
	t.Parallel()
	const files = `
-- main.tf --
terraform {
  required_providers {
    one = {
      source  = "example.com/test/one"
      version = "~> 1.0"
    }
  }
}
`
	running, d := cliconfig.Load(cliconfig.Environment{Vars: map[string]string{"TF_REATTACH_PROVIDERS": `{"example.com/test/one":{"Protocol":"grpc","ProtocolVersion":6,"Pid":1,"Test":true,"Addr":{"Network":"unix","String":"/nowhere"}}}`}})
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	state := []string{`provider["example.com/test/one"]`, `provider["example.com/test/two"].alias`, `provider["terraform.io/builtin/terraform"]`, "nonsense"}
	for _, tc := range []struct {
		name   string
		config *cliconfig.Config
		want   []string
	}{
		{"files and state", nil, []string{"example.com/test/one", "example.com/test/two"}},
		{"one runs already", running, []string{"example.com/test/two"}},
	} {
		s, d := Load(Options{Files: snapshot(files), StateDrivers: state, Install: install.Options{Config: tc.config}})
		if d.HasErrors() {
			t.Fatal(d.Err())
		}
		var got []string
		for _, r := range s.Requirements() {
			got = append(got, r.Source.String())
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
	broken, d := cliconfig.Load(cliconfig.Environment{Vars: map[string]string{"TF_REATTACH_PROVIDERS": "{"}})
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	if _, d := Load(Options{Files: snapshot(files), Install: install.Options{Config: broken}}); len(d) != 1 || d[0].Headline != "Running providers cannot be joined" {
		t.Errorf("got %v", d.Err())
	}
}

// TestDriverOfRows: rows without a block go to the language that made them.
func TestDriverOfRows(t *testing.T) {
	t.Parallel()
	s, d := openStack(t, Options{Files: snapshot(mixed)})
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	for _, tc := range []struct{ row, driver, of string }{
		{"task.gone", "task", "*task."},
		{"terraform_data.gone", `provider["terraform.io/builtin/terraform"]`, "*resource."},
	} {
		a, err := addr.ParseInstance(tc.row)
		if err != nil {
			t.Fatal(err)
		}
		d := eval.New(s, noDrivers{}).With(t.Context(), addr.Module{}, func(ctx context.Context, sc object.Scope) diag.List {
			drv, d := s.DriverOf(ctx, sc, &object.State{Addr: a, Driver: tc.driver})
			if got := fmt.Sprintf("%T", drv); !strings.HasPrefix(got, tc.of) {
				t.Errorf("%s: got a %s, want one of %s", tc.row, got, tc.of)
			}
			return d
		})
		if d.HasErrors() {
			t.Errorf("%s: %v", tc.row, d.Err())
		}
	}
}
