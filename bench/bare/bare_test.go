package bare

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/providertest"
)

// TestTypes holds what the client knows beforehand to the providers' schemas.
func TestTypes(t *testing.T) {
	for _, test := range []struct {
		provider, typeName string
		known              cty.Type
	}{{"random", "random_id", randomType()}, {"local", "local_file", fileType()}} {
		p, err := provider.Launch(t.Context(), provider.LaunchOptions{Path: providertest.Real(t, test.provider), CacheDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		s, diags := p.Schema(t.Context())
		if diags.HasErrors() {
			t.Fatal(diags.Err())
		}
		if got := s.Types.Type(provider.Managed, test.typeName).Block.ImpliedType(); !got.Equals(test.known) {
			t.Errorf("%s is\n%#v, and known as\n%#v", test.typeName, got, test.known)
		}
	}
}

// TestLife makes files, finds nothing to do, and finds out when one is gone.
func TestLife(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, way := range []struct {
		reference, announce bool
		plans               int64
	}{{false, false, 50}, {true, false, 50}, {true, true, 75}} {
		t.Run(fmt.Sprintf("%+v", way), func(t *testing.T) {
			o := Options{Random: providertest.Real(t, "random"), Local: providertest.Real(t, "local"), Count: 25,
				Reference: way.reference, Announce: way.announce, State: "state"}
			if err := os.RemoveAll("out"); err != nil {
				t.Fatal(err)
			}
			calls, err := Apply(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			if want := (Calls{Validate: 50, Plan: way.plans, Apply: 50}); calls != want {
				t.Errorf("apply made %s, want %s", calls, want)
			}
			for i := range o.Count {
				expectContent(t, i, way.reference)
			}
			if calls, err = Plan(context.Background(), o); err != nil {
				t.Fatal(err)
			}
			if want := (Calls{Plan: 50, Read: 50}); calls != want {
				t.Errorf("plan made %s, want %s", calls, want)
			}
			if err := os.Remove(filepath.Join("out", "7.txt")); err != nil {
				t.Fatal(err)
			}
			if _, err := Plan(context.Background(), o); err == nil || !strings.Contains(err.Error(), "plan local_file") {
				t.Errorf("a file that is gone gives %v", err)
			}
		})
	}
}

func expectContent(t *testing.T, i int, reference bool) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("out", fmt.Sprintf("%d.txt", i)))
	if err != nil {
		t.Fatal(err)
	}
	if reference && len(text) != 16 || !reference && string(text) != fmt.Sprint("content of ", i) {
		t.Errorf("file %d holds %q", i, text)
	}
}

func TestNoSuchProvider(t *testing.T) {
	_, err := Apply(context.Background(), Options{Random: "/no/such/provider", Local: "/no/such/provider", Count: 1, State: filepath.Join(t.TempDir(), "state")})
	if err == nil {
		t.Error("a provider that does not exist is no error")
	}
}
