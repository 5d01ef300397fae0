// Package providertest finds and builds the providers that tests run: real ones
// from the filesystem mirror, and tutti's own test provider, which misbehaves on
// demand (tools/testprovider says how). It knows where they lie and how they are
// built; it must not know what is tested with them. For tests only.
package providertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"testing"
)

// MirrorVariable names the filesystem mirror; by default it is tutti's cache.
const MirrorVariable = "TUTTI_MIRROR"

// Mirror gives the root of the filesystem mirror, which may not exist.
func Mirror() string {
	if dir := os.Getenv(MirrorVariable); dir != "" {
		return dir
	}
	return filepath.Join(cacheDir(), "mirror")
}

func cacheDir() string {
	if dir := os.Getenv("TUTTI_CACHE"); dir != "" {
		return filepath.Join(dir, "tutti")
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "tutti")
	}
	return filepath.Join(dir, "tutti")
}

// Real gives the executable of a provider of the mirror, by its type: "local".
// The test is skipped, with the reason, when the mirror lacks it.
func Real(t testing.TB, name string) string {
	t.Helper()
	pattern := filepath.Join(Mirror(), "registry.terraform.io", "hashicorp", name, "*",
		runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-"+name+"_*")
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Skipf("the mirror has no provider %s (%s): run `make providers`", name, pattern)
	}
	sort.Strings(found)
	return found[len(found)-1]
}

// Faulty gives the executable of tutti's own test provider. It is built at most
// once for each version of its source.
func Faulty(t testing.TB) string {
	t.Helper()
	dir := sourceDir(t)
	out := filepath.Join(cacheDir(), "testprovider", sourceDigest(t, dir), "terraform-provider-faulty")
	if _, err := os.Stat(out); err == nil {
		return out
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		t.Fatal(err)
	}
	// Several test binaries may build at once: each into a name of its own.
	fresh := fmt.Sprintf("%s.%d", out, os.Getpid())
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", fresh, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the test provider: %v\n%s", err, text)
	}
	if err := os.Rename(fresh, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// sourceDir finds tools/testprovider above the folder that the test runs in.
func sourceDir(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		candidate := filepath.Join(dir, "tools", "testprovider")
		if _, err := os.Stat(filepath.Join(candidate, "go.mod")); err == nil {
			return candidate
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("tools/testprovider is not above the folder of the test")
		}
		dir = parent
	}
}

func sourceDigest(t testing.TB, dir string) string {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(name), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
