package install

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/terraform/install/source"
)

// BenchmarkLocate is what every plan pays: ten providers of 20 MB each, whose
// checksums are remembered, and for comparison are not.
func BenchmarkLocate(b *testing.B) {
	mirror, dir := b.TempDir(), b.TempDir()
	var reqs []Requirement
	program := make([]byte, 20<<20)
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		p := tfaddr.MustParseProviderSource("acme/" + name)
		file := filepath.Join(mirror, "registry.terraform.io", "acme", name, "1.0.0", source.Current().String(), "terraform-provider-"+name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(file, program, 0o600); err != nil {
			b.Fatal(err)
		}
		if err := os.Chtimes(file, old, old); err != nil {
			b.Fatal(err)
		}
		reqs = append(reqs, Requirement{Source: p})
	}
	cache := b.TempDir()
	if list := Providers(b.Context(), reqs, Options{Dir: dir, PluginDirs: []string{mirror}, CacheDir: cache}); list.HasErrors() {
		b.Fatal(list.Err())
	}
	for name, cacheDir := range map[string]string{"remembered": cache, "anew": "/proc/nonexistent"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				located, list := Locate(b.Context(), reqs, Options{Dir: dir, CacheDir: cacheDir})
				if list.HasErrors() || len(located) != len(reqs) {
					b.Fatal(list.Err())
				}
			}
		})
	}
}
