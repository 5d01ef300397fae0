package install

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/install/source"
)

func version(t *testing.T, s string) constraint.Version {
	t.Helper()
	v, err := constraint.ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// noMux is a server that has nothing but discovery.
func noMux(r *registry) *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("/.well-known/terraform.json", r.discovery)
	return m
}

// mirrorServer serves a folder over HTTPS.
func mirrorServer(t *testing.T, folder string) *registry {
	t.Helper()
	r := &registry{t: t, server: httptest.NewTLSServer(http.FileServer(http.Dir(folder)))}
	t.Cleanup(r.server.Close)
	r.host = strings.TrimPrefix(r.server.URL, "https://")
	return r
}

// mirrorOf makes a folder with one version of each address.
func mirrorOf(t *testing.T, addresses ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, a := range addresses {
		p := tfaddr.MustParseProviderSource(a)
		put(t, filepath.Join(packageDir(dir, p, version(t, "1.0.0"), source.Current()), "terraform-provider-"+p.Type), "#!/bin/sh\necho "+a+"\n")
	}
	return dir
}

func TestSourcesWithoutHostInAStackOfOpenTofu(t *testing.T) {
	random := Requirement{Source: tfaddr.MustParseProviderSource("hashicorp/random"), HostImplied: true,
		Ranges: []hcl.Range{{Filename: "main.tf", Start: hcl.Pos{Line: 3}}, {Filename: "sub/main.tf", Start: hcl.Pos{Line: 7}}}}
	const address = "registry.opentofu.org/hashicorp/random"
	mirror := mirrorOf(t, address)
	stack := func() Options { return Options{Dir: t.TempDir(), PluginDirs: []string{mirror}, CacheDir: t.TempDir()} }

	// Without a lock file the address is Terraform's, and the error says what to do.
	o := stack()
	list := Providers(t.Context(), []Requirement{random}, o)
	says(t, list, "Provider not found", `source = "`+address+`"`, "no lock file of OpenTofu", "sub/main.tf:7")
	if list[0].Subject == nil || list[0].Subject.Filename != "main.tf" {
		t.Errorf("blames %v", list[0].Subject)
	}
	// A network mirror is asked for the other address, too.
	folder := t.TempDir()
	put(t, filepath.Join(folder, address, "index.json"), `{"versions":{"1.0.0":{}}}`)
	web := mirrorServer(t, folder)
	o = web.options(t, nil, "provider_installation {\n  network_mirror {\n    url = \""+web.server.URL+"\"\n  }\n}\n")
	says(t, Providers(t.Context(), []Requirement{random}, o), "Provider not found", `source = "`+address+`"`)
	// With OpenTofu's lock file it is OpenTofu's.
	o = stack()
	put(t, filepath.Join(o.Dir, lockfile.Name), "# This file is maintained automatically by \"tofu init\".\n# Manual edits may be lost in future updates.\n\nprovider \""+address+"\" {\n  version = \"1.0.0\"\n}\n")
	fine(t, Providers(t.Context(), []Requirement{random}, o))
	located, list := Locate(t.Context(), []Requirement{random}, o)
	fine(t, list)
	l, ok := located[random.Source]
	if !ok || l.Source.String() != address || run(t, l) != address {
		t.Errorf("located %+v", located)
	}
	if text := read(t, filepath.Join(o.Dir, lockfile.Name)); !strings.HasPrefix(text, "# This file is maintained automatically by \"tofu init\".") {
		t.Errorf("the lock file became\n%s", text)
	}
}

func TestImpliedMirrors(t *testing.T) {
	r := newRegistry(t)
	o := r.options(t, nil, "")
	// In one of the usual folders, 1.0.0 hides the registry's 1.1.0.
	local := packageDir(filepath.Join(o.Dir, "terraform.d", "plugins"), r.rocket(), version(t, "1.0.0"), source.Current())
	put(t, filepath.Join(local, "terraform-provider-rocket"), "#!/bin/sh\necho local\n")
	fine(t, Providers(t.Context(), r.require(""), o))
	located, list := Locate(t.Context(), r.require(""), o)
	fine(t, list)
	if got := run(t, located[r.rocket()]); got != "local" {
		t.Errorf("installed %q", got)
	}
	if r.count("/v1/acme/rocket/versions") != 0 {
		t.Error("the registry was asked")
	}
}

func TestSeveralMethods(t *testing.T) {
	r := newRegistry(t)
	// The mirror has 1.0.0 only, the registry 1.1.0 too; with both, 1.1.0 comes
	// from the registry and 1.0.0 from the mirror, which stands first.
	mirror := mirrorOf(t, r.host+"/acme/rocket")
	rc := "provider_installation {\n  filesystem_mirror {\n    path = \"" + mirror + "\"\n  }\n  direct {\n    exclude = [\"hashicorp/*\"]\n  }\n}\n"
	for constraints, want := range map[string]string{"< 2.0.0": "rocket 1.1.0 " + source.Current().String(), "1.0.0": r.host + "/acme/rocket"} {
		o := r.options(t, nil, rc)
		fine(t, Providers(t.Context(), r.require(constraints), o))
		located, list := Locate(t.Context(), r.require(constraints), o)
		fine(t, list)
		if got := run(t, located[r.rocket()]); got != want {
			t.Errorf("%s: installed %q, want %q", constraints, got, want)
		}
	}
	none := []Requirement{{Source: tfaddr.MustParseProviderSource("hashicorp/null")}}
	says(t, Providers(t.Context(), none, r.options(t, nil, rc)), "Provider not found", "the folder "+mirror, "required_providers")
}

func TestDevOverrides(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "terraform-provider-rocket"), "#!/bin/sh\necho mine\n")
	r := newRegistry(t)
	o := r.options(t, nil, "provider_installation {\n  dev_overrides {\n    \""+r.host+"/acme/rocket\" = \""+dir+"\"\n  }\n  direct {}\n}\n")
	var events []Event
	o.Report = collect(&events)
	fine(t, Providers(t.Context(), r.require("> 7.0"), o))
	if len(events) != 1 || events[0].Kind != Overridden {
		t.Errorf("events %+v", events)
	}
	located, list := Locate(t.Context(), r.require("> 7.0"), o)
	fine(t, list)
	if l := located[r.rocket()]; !l.DevOverride || run(t, l) != "mine" {
		t.Errorf("located %+v", l)
	}
	if err := os.Remove(filepath.Join(dir, "terraform-provider-rocket")); err != nil {
		t.Fatal(err)
	}
	_, list = Locate(t.Context(), r.require(""), o)
	says(t, list, "Development override without a program", dir)
}

func TestPackageWithoutProgram(t *testing.T) {
	mirror := t.TempDir()
	p := tfaddr.MustParseProviderSource("acme/rocket")
	put(t, filepath.Join(packageDir(mirror, p, version(t, "1.0.0"), source.Current()), "README"), "no program")
	o := Options{Dir: t.TempDir(), PluginDirs: []string{mirror}, CacheDir: t.TempDir()}
	says(t, Providers(t.Context(), []Requirement{{Source: p}}, o), "no program named terraform-provider-rocket")
}

func TestBuiltInProviderNeedsNothing(t *testing.T) {
	o := Options{Dir: t.TempDir(), PluginDirs: []string{t.TempDir()}, CacheDir: t.TempDir()}
	reqs := []Requirement{{Source: tfaddr.MustParseProviderSource("terraform.io/builtin/terraform"), HostImplied: true}}
	fine(t, Providers(t.Context(), reqs, o))
	if located, list := Locate(t.Context(), reqs, o); len(located) != 0 || len(list) != 0 {
		t.Errorf("located %v, %v", located, list)
	}
}

func TestMistakesInRequirements(t *testing.T) {
	o := Options{Dir: t.TempDir(), PluginDirs: []string{t.TempDir()}, CacheDir: t.TempDir()}
	reqs := []Requirement{{Source: tfaddr.MustParseProviderSource("a/b"), Constraints: "=> 1", Ranges: []hcl.Range{{Filename: "main.tf"}}}}
	list := Providers(t.Context(), reqs, o)
	says(t, list, "Invalid version constraint", "=> 1")
	if list[0].Subject == nil || list[0].Subject.Filename != "main.tf" {
		t.Errorf("blames %v", list[0].Subject)
	}
}

// The checksum of an unpacked package is remembered, and a changed file noticed.
func TestRememberedChecksums(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "terraform-provider-x")
	put(t, file, "one")
	long := fileTime(t, file, -10)
	h := newHasher(cache)
	first, err := h.h1(dir)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadDir(filepath.Join(cache, "hashes")); err != nil || len(kept) != 1 {
		t.Fatalf("remembered %v, %v", kept, err)
	}
	// With the same size and time, the memory is believed: that is what makes it
	// cheap. (The content is changed here to see that it is not read.)
	put(t, file, "two")
	if err := os.Chtimes(file, long, long); err != nil {
		t.Fatal(err)
	}
	if again, err := h.h1(dir); err != nil || again != first {
		t.Errorf("read again: %s, %v", again, err)
	}
	fileTime(t, file, -5)
	second, err := h.h1(dir)
	if err != nil || second == first {
		t.Errorf("the change went unnoticed: %s, %v", second, err)
	}
	put(t, filepath.Join(dir, "LICENSE"), "more")
	if third, err := h.h1(dir); err != nil || third == second {
		t.Errorf("the new file went unnoticed: %s, %v", third, err)
	}
	if plain, err := newHasher("/proc/nonexistent").h1(dir); err != nil || plain == "" {
		t.Errorf("without a place to remember: %v", err)
	}
}
