package terraform

import (
	"errors"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
)

// regions has three provider configurations, each used by several things.
const regions = `
variable "region" { default = "north" }
provider "fake" { region = var.region }
provider "fake" {
  alias  = "far"
  region = "south"
}
provider "fake" {
  alias    = "each"
  for_each = toset(["e", "w"])
  region   = each.key
}
resource "fake_thing" "near" {
  count = 3
  name  = "near"
}
resource "fake_thing" "far" {
  provider = fake.far
  for_each = toset(["a", "b"])
  name     = each.key
}
resource "fake_thing" "each" {
  for_each = toset(["e", "w"])
  provider = fake.each[each.key]
  name     = each.key
}
`

// regionsOf tells what the providers of a world were configured with.
func regionsOf(w *world) map[string]int {
	out := map[string]int{}
	for _, f := range w.used() {
		for _, c := range f.configured {
			out[c.GetAttr("region").AsString()]++
		}
	}
	return out
}

// TestSessionShares: one process for each configuration, however many use it and
// however often the files are opened.
func TestSessionShares(t *testing.T) {
	t.Parallel()
	w := &world{}
	s := NewSession(w)
	for range 2 {
		if d := evaluated(t, open(t, w, s, regions, nil)).Diags(); len(d) > 0 {
			t.Fatal(d.Err())
		}
	}
	want := map[string]int{"north": 1, "south": 1, "e": 1, "w": 1}
	got := regionsOf(w)
	for region, n := range want {
		if got[region] != n {
			t.Errorf("%s was configured %d times, want %d", region, got[region], n)
		}
	}
	if len(w.used()) != 4 || len(got) != 4 {
		t.Errorf("%d providers were configured with %v", len(w.used()), got)
	}
	// Another configuration at the same place needs another process.
	other := map[string]cty.Value{"region": cty.StringVal("pole")}
	if d := evaluated(t, open(t, w, s, regions, other)).Diags(); len(d) > 0 {
		t.Fatal(d.Err())
	}
	if got := regionsOf(w); got["pole"] != 1 || got["south"] != 1 {
		t.Errorf("configured %v", got)
	}
	w.launched[0].closeErr = errStuck
	if err := s.Close(t.Context()); !errors.Is(err, errStuck) {
		t.Errorf("closing gives %v", err)
	}
	for i, f := range w.launched {
		if f.closed != 1 {
			t.Errorf("provider %d was closed %d times", i, f.closed)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("closing once more gives %v", err)
	}
}

// TestSessionFailures: what is wrong with a provider is told where it is used.
func TestSessionFailures(t *testing.T) {
	t.Parallel()
	w := &world{}
	d := evaluated(t, open(t, w, nil, regions, map[string]cty.Value{"region": cty.StringVal("nowhere")})).Diags()
	if len(d) != 3 {
		t.Fatalf("got %d: %v", len(d), d.Err())
	}
	for i, x := range d {
		if x.Headline != "No such region" || !strings.HasPrefix(x.Address, "fake_thing.near[") {
			t.Errorf("%d is %+v", i, x)
		}
	}
	if len(w.used()) != 3 {
		t.Errorf("%d providers were configured", len(w.used()))
	}
	w = &world{refuse: diag.Errorf(nil, "Provider not installed", "It is not there.")}
	for _, x := range evaluated(t, open(t, w, nil, regions, nil)).Diags() {
		if x.Headline != "Provider not installed" || x.Subject == nil {
			t.Errorf("got %+v", x)
		}
	}
}

// TestUnknownConfiguration: what uses a provider whose configuration is not known
// waits, and no process is configured.
func TestUnknownConfiguration(t *testing.T) {
	t.Parallel()
	w := &world{}
	e := evaluated(t, open(t, w, nil, `
provider "fake" { region = "north" }
provider "fake" {
  alias  = "later"
  region = fake_thing.a.id
}
resource "fake_thing" "a" { name = "a" }
resource "fake_thing" "b" {
  provider = fake.later
  name     = "b"
}
output "name" { value = fake_thing.b.name }
`, nil))
	if d := e.Diags(); len(d) > 0 {
		t.Fatal(d.Err())
	}
	if got := outputOf(t, e, "name"); got != "cty.DynamicVal" {
		t.Errorf("got %s", got)
	}
	if got := regionsOf(w); len(got) != 1 || got["north"] != 1 {
		t.Errorf("configured %v", got)
	}
}
