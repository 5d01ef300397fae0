package terraform

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
)

// TestProviderMeta: every instance is planned with the module's provider_meta, waits
// for what that refers to, and tells what is wrong with it.
func TestProviderMeta(t *testing.T) {
	t.Parallel()
	const rest = `
locals { team = "ops" }
resource "fake_thing" "a" {
  count = 3
  name  = "a"
}
`
	for _, tc := range []struct {
		name, team string
		metas      int
		edges      int // of how many instances to the local value
		diags      []string
	}{
		{"none", ``, 0, 0, nil},
		{"constant", `terraform {
		   provider_meta "fake" { team = "ops" }
		 }`, 3, 0, nil},
		{"reference", `terraform {
		   provider_meta "fake" { team = local.team }
		 }`, 3, 3, nil},
		{"wrong", `terraform {
		   provider_meta "fake" { tame = "ops" }
		 }`, 0, 0, []string{"fake_thing.a[0]", "fake_thing.a[1]", "fake_thing.a[2]"}},
	} {
		w := &world{}
		e := evaluated(t, open(t, w, nil, tc.team+rest, nil))
		var at []string
		for _, d := range e.Diags() {
			at = append(at, d.Address)
		}
		if !slices.Equal(at, tc.diags) {
			t.Errorf("%s: told at %v, want %v: %v", tc.name, at, tc.diags, e.Diags().Err())
		}
		metas := 0
		for _, f := range w.launched {
			for _, m := range f.metas {
				if !m.IsNull() && m.GetAttr("team").RawEquals(cty.StringVal("ops")) {
					metas++
				}
			}
		}
		edges := 0
		e.Nodes(func(n *eval.Node) {
			if n.Kind == eval.Instance && n.Addr.Kind == addr.Resource && slices.ContainsFunc(n.Deps, func(d *eval.Node) bool { return d.Addr.Kind == addr.Local }) {
				edges++
			}
		})
		if metas != tc.metas || edges != tc.edges {
			t.Errorf("%s: %d plans had it, want %d; %d edges, want %d", tc.name, metas, tc.metas, edges, tc.edges)
		}
	}
}

// TestDriverOf finds the driver of objects whose blocks are gone.
func TestDriverOf(t *testing.T) {
	t.Parallel()
	const name = `provider["example.com/test/fake"]`
	for _, tc := range []struct {
		row, driver string
		want        string // the headline, "" for a driver
	}{
		{"fake_thing.old", name, ""},
		{"fake_thing.old", name + ".far", ""},
		{"fake_thing.old", name + `.each["e"]`, ""},
		{"fake_thing.old", name + `.each["gone"]`, "Provider instance not present"},
		{"fake_thing.old", name + ".gone", "Provider configuration not present"},
		{"module.gone.fake_thing.old", "module.gone." + name, "Provider configuration not present"},
		{"fake_thong.old", name, "No schema for the type of an object in the state"},
		{"fake_thing.old", "nonsense", "Invalid provider address in the state"},
		{"fake_thing.old", `provider["a/b/c/d/e"]`, "Invalid provider address in the state"},
		{"fake_thing.old", `provider["example.com/test/other"]`, ""}, // only the state names it
	} {
		w := &world{}
		r := open(t, w, nil, regions, nil)
		at, err := addr.ParseInstance(tc.row)
		if err != nil {
			t.Fatal(err)
		}
		e := eval.New(r.Namespace(), planning{})
		var drv object.Driver
		d := e.With(t.Context(), at.Module, func(ctx context.Context, s object.Scope) (d diag.List) {
			drv, d = r.DriverOf(ctx, s, &object.State{Addr: at, Driver: tc.driver})
			return d
		})
		got := ""
		if len(d) > 0 {
			got = d[0].Headline
		}
		if got != tc.want || (got == "") != (drv != nil) {
			t.Errorf("%s of %s: got %q (%v), a driver: %t", tc.row, tc.driver, got, d.Err(), drv != nil)
		}
	}
}

// TestConditions holds what conditions say, and what they keep to themselves.
func TestConditions(t *testing.T) {
	t.Parallel()
	const sensitive = "The condition is not met. Its error message holds a sensitive value and is not shown."
	for _, tc := range []struct{ condition, message, want string }{
		{`fake_thing.other.name == "other"`, `"No."`, ""},
		{`var.key == "other"`, `"No."`, "No."},
		{`fake_thing.other.name == "x"`, `"It is ${var.key}."`, sensitive},
		{`fake_thing.other.id == "x"`, `"No."`, ""}, // not known yet
		{`fake_thing.other.name == "x"`, `fake_thing.other.id`, "The condition is not met, and its error message is not a known string."},
		{`fake_thing.other.name == "x"`, `tonumber("x")`, `The condition is not met, and its error message could not be evaluated: Invalid value for "v" parameter: cannot convert "x" to number; the string must hold a decimal number.`},
		{`fake_thing.other.name`, `"No."`, "A condition must be true or false: a bool is required."},
	} {
		e := evaluated(t, open(t, &world{}, nil, `
variable "key" {
  default   = "hush"
  sensitive = true
}
resource "fake_thing" "other" { name = "other" }
resource "fake_thing" "a" {
  name = "a"
  lifecycle {
    precondition {
      condition     = `+tc.condition+`
      error_message = `+tc.message+`
    }
  }
}
`, nil))
		got := ""
		for _, d := range e.Diags() {
			got += d.Detail
			if d.Address != "fake_thing.a" {
				t.Errorf("%s: told of %s", tc.condition, d.Address)
			}
		}
		if got != tc.want {
			t.Errorf("%s, %s: got %q, want %q", tc.condition, tc.message, got, tc.want)
		}
	}
}

// TestProvidedFunction calls a provider's function with what it can get.
func TestProvidedFunction(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ call, want string }{
		{`provider::fake::shout("x")`, `cty.StringVal("X")`},
		{`provider::fake::shout(fake_thing.a.id)`, `cty.UnknownVal(cty.String)`},
		{`provider::fake::shout("")`, "an empty text has nothing to shout"},
		{`provider::fake::shot("x")`, `has no function "shot". Did you mean "shout"?`},
	} {
		e := evaluated(t, open(t, &world{}, nil, `
resource "fake_thing" "a" { name = "a" }
output "o" { value = `+tc.call+` }
`, nil))
		if got := outputOf(t, e, "o"); !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %s, want %s", tc.call, got, tc.want)
		}
	}
}
