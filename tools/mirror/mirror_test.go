//go:build unix

package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const providersModule = "../providers"

// TestTableMatchesModule holds the table of versions to the tools that the module pins, both ways.
func TestTableMatchesModule(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = providersModule
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct{ Tool []struct{ Path string } }
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var pinned, listed []string
	for _, tool := range mod.Tool {
		pinned = append(pinned, tool.Path)
	}
	for _, p := range providers {
		listed = append(listed, p.pkg)
	}
	slices.Sort(pinned)
	slices.Sort(listed)
	if !slices.Equal(pinned, listed) {
		t.Errorf("the module pins %q and the table lists %q", pinned, listed)
	}
}

// fakeBinaries fills a mirror as build would, without the minute that building takes.
func fakeBinaries(t *testing.T, root string, tools toolchain) {
	t.Helper()
	for _, p := range providers {
		folder := filepath.Join(root, p.folder(terraformHost, tools))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, p.binary()), []byte(p.kind), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := link(root, p, tools); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUpToDate(t *testing.T) {
	root := filepath.Join(t.TempDir(), "mirror")
	tools := toolchain{GOVERSION: "go1.26.8", GOOS: "plan9", GOARCH: "mips"}
	key, err := buildKey(providersModule, tools)
	if err != nil {
		t.Fatal(err)
	}
	if upToDate(root, key, tools) {
		t.Error("an absent mirror is up to date")
	}
	fakeBinaries(t, root, tools)
	if upToDate(root, key, tools) {
		t.Error("a mirror without a key is up to date")
	}
	if err := writeFile(keyFile(root, tools), key); err != nil {
		t.Fatal(err)
	}
	if !upToDate(root, key, tools) {
		t.Error("a whole mirror with its key is not up to date")
	}
	if upToDate(root, key, toolchain{"go1.26.8", "plan9", "386"}) {
		t.Error("a mirror of another platform is up to date")
	}
	newer, err := buildKey(providersModule, toolchain{"go1.27", tools.GOOS, tools.GOARCH})
	if err != nil {
		t.Fatal(err)
	}
	if upToDate(root, newer, tools) {
		t.Error("a mirror built by another Go release is up to date")
	}
	if err := os.Remove(filepath.Join(root, providers[0].folder(terraformHost, tools), providers[0].binary())); err != nil {
		t.Fatal(err)
	}
	if upToDate(root, key, tools) {
		t.Error("a mirror that lacks a binary is up to date")
	}
}

// TestLink reads each package through OpenTofu's host, and links again where a link points elsewhere.
func TestLink(t *testing.T) {
	root := t.TempDir()
	tools := toolchain{GOOS: "plan9", GOARCH: "mips"}
	fakeBinaries(t, root, tools)
	p := providers[0]
	if err := os.Remove(filepath.Join(root, p.folder(opentofuHost, tools))); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(root, p.folder(opentofuHost, tools))); err != nil {
		t.Fatal(err)
	}
	if err := link(root, p, tools); err != nil {
		t.Fatal(err)
	}
	for _, p := range providers {
		content, err := os.ReadFile(filepath.Join(root, p.folder(opentofuHost, tools), p.binary()))
		if err != nil || string(content) != p.kind {
			t.Errorf("%s under %s: %q, %v", p.kind, opentofuHost, content, err)
		}
	}
}

// TestBuild brings the real mirror up to date (quick where it is) and looks at one binary: an executable that, not
// started by a host, says what it is.
func TestBuild(t *testing.T) {
	root, err := defaultDir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no mirror yet (make providers makes it): %v", err)
	}
	if err := build(context.Background(), providersModule, root); err != nil {
		t.Fatal(err)
	}
	tools, err := askToolchain(context.Background(), providersModule)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range providers {
		binary := filepath.Join(root, p.folder(terraformHost, tools), p.binary())
		out, err := exec.Command(binary).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "This binary is a plugin") {
			t.Errorf("%s: %v\n%s", binary, err, out)
		}
	}
}

func TestDefaultDir(t *testing.T) {
	for _, test := range []struct{ mirror, cache, xdg, home, want string }{
		{mirror: "/m", cache: "/c", xdg: "/x", home: "/h", want: "/m"},
		{cache: "/c", xdg: "/x", home: "/h", want: "/c/tutti/mirror"},
		{xdg: "/x", home: "/h", want: "/x/tutti/mirror"},
		{home: "/h", want: "/h/.cache/tutti/mirror"},
	} {
		t.Setenv("TUTTI_MIRROR", test.mirror)
		t.Setenv("TUTTI_CACHE", test.cache)
		t.Setenv("XDG_CACHE_HOME", test.xdg)
		t.Setenv("HOME", test.home)
		if got, err := defaultDir(); err != nil || got != test.want {
			t.Errorf("%+v: got %q, %v", test, got, err)
		}
	}
}
