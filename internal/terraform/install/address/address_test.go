package address

import "testing"

func TestWhetherTheHostIsImplied(t *testing.T) {
	for in, want := range map[string]string{
		"random":                       "registry.terraform.io/hashicorp/random true",
		"acme/rocket":                  "registry.terraform.io/acme/rocket true",
		"registry.terraform.io/acme/x": "registry.terraform.io/acme/x false",
		"Registry.OpenTofu.org/acme/x": "registry.opentofu.org/acme/x false",
		"localhost:8443/acme/x":        "localhost:8443/acme/x false",
	} {
		p, implied, err := Provider(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got := p.String() + " false"
		if implied {
			got = p.String() + " true"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if m, implied, err := Module("a/b/c//d"); err != nil || !implied || m.String() != "registry.terraform.io/a/b/c//d" {
		t.Errorf("%v, %t, %v", m, implied, err)
	}
	if m, implied, err := Module("example.com/a/b/c"); err != nil || implied || m.String() != "example.com/a/b/c" {
		t.Errorf("%v, %t, %v", m, implied, err)
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("xn--a.example/a/b")
	f.Add("bücher.example/a/b/c")
	f.Fuzz(func(t *testing.T, s string) {
		if p, _, err := Provider(s); err == nil {
			_ = p.String()
		}
		if m, _, err := Module(s); err == nil {
			_ = m.String()
		}
		if h, err := Host(s); err == nil {
			_ = h.ForDisplay()
		}
	})
}
