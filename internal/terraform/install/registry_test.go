package install

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/install/source"
)

// says checks for one error with all the words in it.
func says(t *testing.T, list diag.List, words ...string) {
	t.Helper()
	if !list.HasErrors() {
		t.Fatalf("no error, but %v", list)
	}
	text := list.Err().Error()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the error does not say %q: %s", w, text)
		}
	}
}

func fine(t *testing.T, list diag.List) {
	t.Helper()
	if list.HasErrors() {
		t.Fatal(list.Err())
	}
}

// run launches the located program, which prints what package it is of.
func run(t *testing.T, l Located) string {
	t.Helper()
	out, err := exec.Command(l.Program).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestInstallFromRegistry(t *testing.T) {
	r := newRegistry(t)
	r.token = "secret"
	o := r.options(t, nil, "credentials \""+r.host+"\" {\n  token = \"secret\"\n}\n")
	var events []Event
	o.Report = collect(&events)
	list := Providers(t.Context(), r.require("~> 1.0"), o)
	fine(t, list)
	if len(list) != 1 || !strings.Contains(list[0].Detail, "rockets are dangerous") {
		t.Errorf("warnings: %v", list)
	}
	if last := events[len(events)-1]; last.Kind != Installed || !strings.HasPrefix(last.Detail, "signed, key ID ") {
		t.Errorf("last event %+v", last)
	}
	located, list := Locate(t.Context(), r.require("~> 1.0"), o)
	fine(t, list)
	if got, want := run(t, located[r.rocket()]), "rocket 1.1.0 "+source.Current().String(); got != want {
		t.Errorf("installed %q, want %q", got, want)
	}
	lockPath := filepath.Join(o.Dir, lockfile.Name)
	lock := read(t, lockPath)
	zh := "zh:" + sha(packageZip(t, "rocket", "1.1.0", source.Current().String()))
	for _, want := range []string{`version     = "1.1.0"`, `constraints = "~> 1.0"`, zh, located[r.rocket()].H1} {
		if !strings.Contains(lock, want) {
			t.Errorf("the lock file lacks %s:\n%s", want, lock)
		}
	}
	if _, err := os.Stat(filepath.Join(o.Dir, ".terraform", ".tutti-staging")); err == nil {
		t.Error("the staging folder is left over")
	}
	// Again: nothing to do, nobody asked.
	before := r.count("/v1/acme/rocket/versions")
	fine(t, Providers(t.Context(), r.require("~> 1.0"), o))
	if r.count("/v1/acme/rocket/versions") != before {
		t.Error("asked the registry although all is locked and installed")
	}
	if read(t, lockPath) != lock {
		t.Error("the second run changed the lock file")
	}
}

func TestRegistryFaults(t *testing.T) {
	tests := []struct {
		name        string
		fault       func(*registry)
		constraints string
		says        []string
	}{
		{"signed by a stranger", func(r *registry) { r.signWith = newKey(r.t, false) }, "1.1.0", []string{"not signed by any key"}},
		{"not signed", func(r *registry) { r.noKeys = true }, "1.1.0", []string{"not signed", "no key"}},
		{"sum differs from the signed list", func(r *registry) { r.badSum = true }, "1.1.0", []string{"0000000", "signed list"}},
		{"another package", func(r *registry) { r.otherZip = true }, "1.1.0",
			[]string{"Provider checksum mismatch", sha(packageZip(t, "rocket", "1.1.0", source.Current().String())), "damaged or tampered"}},
		{"the package of another platform", func(r *registry) { r.swapZip = true }, "1.0.0", []string{"Provider checksum mismatch", "the registry's signed list"}},
		{"no such platform", func(*registry) {}, "2.0.0", []string{"not available for this platform", "it has plan9_mips"}},
		{"old protocol", func(r *registry) { r.speaks["1.1.0"] = []string{"4.0"} }, "1.1.0", []string{"protocol 4.0", "1.0.0 to 2.0.0"}},
		{"no such version", func(*registry) {}, "~> 3.0", []string{"No fitting provider version", "2.0.0, 1.1.0, 1.0.0"}},
		{"no such provider", func(r *registry) { r.versions = nil; r.mux = noMux(r) }, "1.1.0", []string{"Provider not found", "the registry"}},
		{"no such service", func(r *registry) { r.noService = true }, "1.1.0", []string{"does not offer the service providers.v1"}},
		{"no token", func(r *registry) { r.token = "x" }, "1.1.0", []string{"refused access", "TF_TOKEN_"}},
		{"server down", func(r *registry) { r.failFirst = 100 }, "1.1.0", []string{"503"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRegistry(t)
			tt.fault(r)
			o := r.options(t, nil, "")
			says(t, Providers(t.Context(), r.require(tt.constraints), o), tt.says...)
			if _, err := os.Stat(filepath.Join(o.Dir, lockfile.Name)); err == nil {
				t.Error("a lock file was written")
			}
			if left, _ := filepath.Glob(filepath.Join(o.Dir, ".terraform", "*", "*")); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

func TestExpiredKeyStillProvesWhatItSigned(t *testing.T) {
	r := newRegistry(t)
	r.key = newKey(t, true)
	fine(t, Providers(t.Context(), r.require("1.1.0"), r.options(t, nil, "")))
}

func TestTriesAgain(t *testing.T) {
	r := newRegistry(t)
	r.failFirst = 2
	fine(t, Providers(t.Context(), r.require("1.1.0"), r.options(t, map[string]string{"TF_REGISTRY_DISCOVERY_RETRY": "2"}, "")))
	r = newRegistry(t)
	r.failFirst = 1
	says(t, Providers(t.Context(), r.require("1.1.0"), r.options(t, map[string]string{"TF_REGISTRY_DISCOVERY_RETRY": "0"}, "")), "503")
}

func TestServicesFromConfigurationReplaceDiscovery(t *testing.T) {
	r := newRegistry(t)
	r.noService = true
	rc := "host \"" + r.host + "\" {\n  services = {\n    \"providers.v1\" = \"" + r.server.URL + "/v1/\"\n  }\n}\n"
	fine(t, Providers(t.Context(), r.require("1.1.0"), r.options(t, nil, rc)))
	if r.count("/.well-known/terraform.json") != 0 {
		t.Error("the host was asked for its services")
	}
}

func TestLockedVersionStaysUntilUpgrade(t *testing.T) {
	r := newRegistry(t)
	o := r.options(t, nil, "")
	fine(t, Providers(t.Context(), r.require("1.0.0"), o))
	fine(t, Providers(t.Context(), r.require("~> 1.0"), o))
	if l, _ := Locate(t.Context(), r.require(""), o); l[r.rocket()].Version != "1.0.0" {
		t.Errorf("located %+v", l)
	}
	says(t, Providers(t.Context(), r.require("> 1.0.0, < 2.0.0"), o), "locked at version 1.0.0", "-upgrade")
	_, list := Locate(t.Context(), r.require("> 1.0.0"), o)
	says(t, list, "locked at version 1.0.0", "-upgrade")

	o.Upgrade, o.ReadOnlyLock = true, true
	says(t, Providers(t.Context(), r.require("~> 1.0"), o), "Dependency lock file would change", r.rocket().String())
	o.ReadOnlyLock = false
	fine(t, Providers(t.Context(), r.require("~> 1.0"), o))
	if l, _ := Locate(t.Context(), r.require(""), o); l[r.rocket()].Version != "1.1.0" {
		t.Errorf("located %+v", l)
	}
	// What is not required any more leaves the lock file.
	fine(t, Providers(t.Context(), nil, o))
	if text := read(t, filepath.Join(o.Dir, lockfile.Name)); strings.Contains(text, "rocket") {
		t.Errorf("still locked:\n%s", text)
	}
}

func TestChangedPackageIsNoticed(t *testing.T) {
	r := newRegistry(t)
	o := r.options(t, nil, "")
	reqs := r.require("1.1.0")
	fine(t, Providers(t.Context(), reqs, o))
	located, list := Locate(t.Context(), reqs, o)
	fine(t, list)
	program := located[r.rocket()].Program
	put(t, program, "#!/bin/sh\necho something else\n")
	_, list = Locate(t.Context(), reqs, o)
	says(t, list, "Provider checksum mismatch", "tutti init")
	if list[0].Subject == nil || filepath.Base(list[0].Subject.Filename) != lockfile.Name {
		t.Errorf("blames %v", list[0].Subject)
	}
	fine(t, Providers(t.Context(), reqs, o)) // init puts it right
	_, list = Locate(t.Context(), reqs, o)
	fine(t, list)

	if err := os.RemoveAll(filepath.Join(o.Dir, ".terraform", "providers")); err != nil {
		t.Fatal(err)
	}
	_, list = Locate(t.Context(), reqs, o)
	says(t, list, "Provider not installed", "tutti init")
	_, list = Locate(t.Context(), append(reqs, Requirement{Source: tfaddr.MustParseProviderSource("a/b")}), o)
	says(t, list, "registry.terraform.io/a/b", "no version")
}

func TestRegistryMayNotChangeALockedPackage(t *testing.T) {
	r := newRegistry(t)
	o := r.options(t, nil, "")
	fine(t, Providers(t.Context(), r.require("1.1.0"), o))
	lock := filepath.Join(o.Dir, lockfile.Name)
	text := read(t, lock)
	for _, e := range []string{"h1:", "zh:"} {
		i := strings.Index(text, e) + 3
		text = text[:i] + strings.Repeat("0", 8) + text[i+8:]
	}
	put(t, lock, text)
	if err := os.RemoveAll(o.DataDir); err != nil {
		t.Fatal(err)
	}
	says(t, Providers(t.Context(), r.require("1.1.0"), o), "Provider checksum mismatch", "the lock file knows only", "h1:00000000")
	if read(t, lock) != text {
		t.Error("the lock file was changed")
	}
}

func TestPackageCache(t *testing.T) {
	r := newRegistry(t)
	cache := t.TempDir()
	vars := map[string]string{"TF_PLUGIN_CACHE_DIR": cache}
	packageURL := "/files/" + zipName("1.1.0", source.Current().String())
	first := r.options(t, vars, "")
	fine(t, Providers(t.Context(), r.require("1.1.0"), first))
	path := packageDir(filepath.Join(first.Dir, ".terraform", "providers"), r.rocket(), version(t, "1.1.0"), source.Current())
	if target, err := os.Readlink(path); err != nil || !strings.HasPrefix(target, cache) {
		t.Errorf("linked to %q, %v", target, err)
	}
	// A stack whose lock file knows the package takes it from the cache.
	second := r.options(t, vars, "")
	put(t, filepath.Join(second.Dir, lockfile.Name), read(t, filepath.Join(first.Dir, lockfile.Name)))
	fine(t, Providers(t.Context(), r.require("1.1.0"), second))
	if n := r.count(packageURL); n != 1 {
		t.Errorf("downloaded %d times", n)
	}
	located, list := Locate(t.Context(), r.require(""), second)
	fine(t, list)
	run(t, located[r.rocket()])
	// One without a lock file asks the registry, to know all checksums...
	third := r.options(t, vars, "")
	fine(t, Providers(t.Context(), r.require("1.1.0"), third))
	if n := r.count(packageURL); n != 2 {
		t.Errorf("downloaded %d times", n)
	}
	// ...unless its user does not mind.
	vars["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] = "1"
	fine(t, Providers(t.Context(), r.require("1.1.0"), r.options(t, vars, "")))
	if n := r.count(packageURL); n != 2 {
		t.Errorf("downloaded %d times", n)
	}
	// A damaged package in the cache is replaced.
	put(t, located[r.rocket()].Program, "damaged")
	fine(t, Providers(t.Context(), r.require("1.1.0"), second))
	run(t, located[r.rocket()])
}

// Many stacks at once on one cache: each gets a whole package.
func TestConcurrentInstallations(t *testing.T) {
	r := newRegistry(t)
	vars := map[string]string{"TF_PLUGIN_CACHE_DIR": t.TempDir()}
	var wg sync.WaitGroup
	shared := r.options(t, vars, "")
	for i := range 12 {
		o := shared
		if i%2 == 0 {
			o = r.options(t, vars, "")
		}
		wg.Go(func() {
			if list := Providers(t.Context(), r.require("1.1.0"), o); list.HasErrors() {
				t.Error(list.Err())
				return
			}
			located, list := Locate(t.Context(), r.require("1.1.0"), o)
			if list.HasErrors() {
				t.Error(list.Err())
				return
			}
			if out, err := exec.Command(located[r.rocket()].Program).Output(); err != nil || !strings.Contains(string(out), "1.1.0") {
				t.Errorf("%s, %v", out, err)
			}
		})
	}
	wg.Wait()
}

func TestCancelledInstallationLeavesNothing(t *testing.T) {
	r := newRegistry(t)
	o := r.options(t, nil, "")
	ctx, cancel := context.WithCancel(t.Context())
	o.Report = func(e Event) {
		if e.Kind == Installing {
			cancel()
		}
	}
	says(t, Providers(ctx, r.require("1.1.0"), o), "context canceled")
	if left, _ := filepath.Glob(filepath.Join(o.Dir, ".terraform", "*", "*")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestLockForSeveralPlatforms(t *testing.T) {
	r := newRegistry(t)
	o := r.options(t, nil, "")
	plan9 := source.Platform{OS: "plan9", Arch: "mips"}
	fine(t, Lock(t.Context(), r.require("1.0.0"), []source.Platform{plan9, source.Current()}, o))
	lock := read(t, filepath.Join(o.Dir, lockfile.Name))
	if n := strings.Count(lock, "\"h1:"); n != 2 {
		t.Errorf("%d h1 checksums:\n%s", n, lock)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, ".terraform", "providers")); err == nil {
		t.Error("something was installed")
	}
	fine(t, Providers(t.Context(), r.require("1.0.0"), o))
	if got := read(t, filepath.Join(o.Dir, lockfile.Name)); got != lock {
		t.Errorf("installing changed the lock file to\n%s", got)
	}
	says(t, Lock(t.Context(), r.require("1.1.0"), []source.Platform{plan9}, o), "locked at version 1.0.0")
}

// A mirror that Mirror wrote serves as a folder and, over HTTPS, as a network
// mirror; for both the lock file's checksums hold.
func TestMirrorServesBothWays(t *testing.T) {
	r := newRegistry(t)
	o := r.options(t, nil, "")
	fine(t, Providers(t.Context(), r.require("1.0.0"), o))
	lock := read(t, filepath.Join(o.Dir, lockfile.Name))
	folder := t.TempDir()
	fine(t, Mirror(t.Context(), r.require("1.0.0"), []source.Platform{source.Current(), {OS: "plan9", Arch: "mips"}}, folder, o))
	files, _ := filepath.Glob(filepath.Join(folder, "*", "acme", "rocket", "*"))
	for i, f := range files {
		files[i] = filepath.Base(f)
	}
	if want := []string{"1.0.0.json", "index.json", zipName("1.0.0", source.Current().String()), zipName("1.0.0", "plan9_mips")}; !slices.Equal(files, want) {
		t.Errorf("the mirror holds %v, want %v", files, want)
	}
	web := mirrorServer(t, folder)
	for kind, rc := range map[string]string{
		"folder":  "filesystem_mirror {\n    path = \"" + folder + "\"\n  }",
		"network": "network_mirror {\n    url = \"" + web.server.URL + "\"\n  }",
	} {
		t.Run(kind, func(t *testing.T) {
			o := web.options(t, nil, "provider_installation {\n  "+rc+"\n}\n")
			put(t, filepath.Join(o.Dir, lockfile.Name), lock)
			fine(t, Providers(t.Context(), r.require("1.0.0"), o))
			located, list := Locate(t.Context(), r.require("1.0.0"), o)
			fine(t, list)
			run(t, located[r.rocket()])
			if got := read(t, filepath.Join(o.Dir, lockfile.Name)); got != lock {
				t.Errorf("the lock file became\n%s", got)
			}
			// Without it, only what was seen here is recorded: nobody signed for more.
			o = web.options(t, nil, "provider_installation {\n  "+rc+"\n}\n")
			fine(t, Providers(t.Context(), r.require(""), o))
			if text := read(t, filepath.Join(o.Dir, lockfile.Name)); strings.Contains(text, "zh:") || strings.Count(text, "h1:") != 1 {
				t.Errorf("locked\n%s", text)
			}
			says(t, Providers(t.Context(), r.require("1.1.0"), web.options(t, nil, "provider_installation {\n  "+rc+"\n}\n")), "No fitting provider version")
		})
	}
}
