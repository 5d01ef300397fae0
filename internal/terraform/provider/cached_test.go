package provider_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/providertest"
)

// TestCachedSchemaStartsNothing: with a cached schema even a provider that can
// no longer start gives it; and a damaged cache is made anew.
func TestCachedSchemaStartsNothing(t *testing.T) {
	bothProtocols(t, func(t *testing.T, env string) {
		dir := t.TempDir()
		book, lines := ledger(t)
		open := func(env ...string) provider.Provider {
			return launch(t, provider.LaunchOptions{Path: providertest.Faulty(t), CacheDir: dir, Env: append(env, book)})
		}
		asked := func() int { return len(slices.DeleteFunc(lines(), func(l string) bool { return l != "schema" })) }
		first := thingBlock(t, open(env))
		before := asked()
		p := open(env, "FAULTY_START=exit")
		if second := thingBlock(t, p); !second.ImpliedType().Equals(first.ImpliedType()) {
			t.Errorf("from the cache %#v", second.ImpliedType())
		}
		if got := asked(); got != before {
			t.Errorf("asked %d times, then %d", before, got)
		}
		damageCache(t, dir)
		if again := thingBlock(t, open(env)); !again.ImpliedType().Equals(first.ImpliedType()) {
			t.Errorf("after damage %#v", again.ImpliedType())
		}
		if asked() == before {
			t.Error("the damaged cache was used")
		}
	})
}

func TestSchemaCallIsSkippedWhereOptional(t *testing.T) {
	for capabilities, want := range map[string]int{"schema_optional": 1, "": 2} {
		dir := t.TempDir()
		book, lines := ledger(t)
		for range 2 {
			p := launch(t, provider.LaunchOptions{Path: providertest.Faulty(t), CacheDir: dir, Env: []string{book, "FAULTY_CAPABILITIES=" + capabilities}})
			configure(t, p)
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(slices.DeleteFunc(lines(), func(l string) bool { return l != "schema" })); got != want {
			t.Errorf("capabilities %q: asked %d times in two lives, want %d", capabilities, got, want)
		}
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(file, "below"), provider.NoCache} {
		p := launch(t, provider.LaunchOptions{Path: providertest.Faulty(t), CacheDir: dir})
		if thingBlock(t, p) == nil {
			t.Errorf("no schema with cache %s", dir)
		}
	}
}

// damageCache overwrites the middle of each cached schema, behind the index.
func damageCache(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			continue // the folder of digests
		}
		for i := len(raw) / 3; i < len(raw); i++ {
			raw[i] ^= 0xff
		}
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
