// Package examples tests that the examples are what they say.
package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBookshopServer builds and tests the shop's server with nothing but Go: it may
// need no module that would have to be fetched.
func TestBookshopServer(t *testing.T) {
	cmd := exec.Command("go", "test", "./...")
	cmd.Dir = filepath.Join("bookshop", "server")
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestBookshopIsTerraform holds that the .tf files are Terraform's, but for the one
// that refers to tasks.
func TestBookshopIsTerraform(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed")
	}
	mirror := providers(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("bookshop")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "after.tf")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-input=false", "-no-color", "-plugin-dir=" + mirror},
		{"validate", "-no-color"},
		{"fmt", "-check", "-recursive", "-no-color"},
	} {
		cmd := exec.Command(terraform, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_DATA_DIR="+filepath.Join(dir, ".terraform"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
	}
}

// TestBookshopDemo takes the bookshop through its whole life, kill -9 included.
func TestBookshopDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	tutti := os.Getenv("TUTTI")
	if tutti == "" {
		tutti = filepath.Join("..", "bin", "tutti")
	}
	tutti, err := filepath.Abs(tutti)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tutti); err != nil {
		t.Skipf("no tutti binary: %v (make build makes it, or set TUTTI)", err)
	}
	cmd := exec.Command(filepath.Join("bookshop", "demo.sh"))
	cmd.Env = append(os.Environ(), "TUTTI="+tutti, "TUTTI_MIRROR="+providers(t), "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func providers(t *testing.T) string {
	t.Helper()
	mirror := os.Getenv("TUTTI_MIRROR")
	if mirror == "" {
		t.Skip("TUTTI_MIRROR is not set: make providers builds the providers, and make test says where they are")
	}
	if _, err := os.Stat(mirror); err != nil {
		t.Skipf("no providers: %v (make providers)", err)
	}
	return mirror
}
