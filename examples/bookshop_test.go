// Package examples tests that the examples are what they say.
package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tutti/internal/ansible/connection/sshdtest"
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
	tutti := binary(t)
	cmd := exec.Command(filepath.Join("bookshop", "demo.sh"))
	cmd.Env = append(os.Environ(), "TUTTI="+tutti, "TUTTI_MIRROR="+providers(t), "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// TestBookshopHostsBySSH holds that the playbook configures hosts that are reached by
// SSH: Europe's on one address, Japan's on another, America's on this machine.
func TestBookshopHostsBySSH(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	tutti, mirror := binary(t), providers(t)
	server := sshdtest.Start(t, sshdtest.Options{Hosts: 2})
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("bookshop")); err != nil {
		t.Fatal(err)
	}
	host := func(n int) string {
		return `{ansible_host="` + sshdtest.Address(n) + `",ansible_user="root",ansible_port="` + strconv.Itoa(server.Port) +
			`",ansible_ssh_private_key_file="` + server.Key + `",ansible_ssh_common_args="-o UserKnownHostsFile=` + server.KnownHosts() + `"}`
	}
	hosts := "hosts={eu=" + host(1) + ",jp=" + host(2) + "}"
	run := func(want int, args ...string) string {
		t.Helper()
		cmd := exec.Command(tutti, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+server.Home, "SSH_AUTH_SOCK=", "TF_PLUGIN_CACHE_DIR=")
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Fatalf("tutti %s ended with %d, expected %d\n%s\n%s", args[0], code, want, out, server.Log())
		}
		return string(out)
	}
	run(0, "init", "-plugin-dir="+mirror)
	run(0, "apply", "-auto-approve", "-no-color", "-var", hosts, "-target=playbook.hosts")
	for _, branch := range []string{"eu", "jp", "us"} {
		conf, err := os.ReadFile(filepath.Join(dir, "run", branch, "etc", "shop.conf"))
		if err != nil || !strings.Contains(string(conf), "name = "+branch+"\n") {
			t.Errorf("the host of %s has these settings: %q, %v", branch, conf, err)
		}
	}
	// What somebody changed on the host is seen, and put right.
	conf := filepath.Join(dir, "run", "eu", "etc", "shop.conf")
	if err := os.WriteFile(conf, []byte("listen = nowhere\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	plan := run(2, "plan", "-no-color", "-detailed-exitcode", "-var", hosts, "-target=playbook.hosts")
	if !strings.Contains(plan, "- listen = nowhere") || !strings.Contains(plan, "check mode found changes") {
		t.Errorf("the plan does not show the line that differs on the host:\n%s", plan)
	}
	run(0, "destroy", "-auto-approve", "-no-color", "-var", hosts)
	if _, err := os.Stat(conf); err == nil {
		t.Error("the settings are still on the host")
	}
}

// binary is tutti's.
func binary(t *testing.T) string {
	t.Helper()
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
	return tutti
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
