package install

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/terraform/install/cliconfig"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/install/source"
)

// realMirror is a folder with real providers, as `make` builds it.
func realMirror(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("TUTTI_MIRROR")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Skip(err)
		}
		dir = filepath.Join(home, ".cache", "tutti", "mirror")
	}
	if _, err := os.Stat(filepath.Join(dir, "registry.terraform.io", "hashicorp", "random")); err != nil {
		t.Skipf("there is no mirror of providers: %v", err)
	}
	return dir
}

// peer runs the terraform that is installed here.
func peer(t *testing.T, dir, config string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed")
	}
	cmd := exec.Command(program, append([]string{"-chdir=" + dir}, args...)...)
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+config, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_DATA_DIR=", "TF_PLUGIN_CACHE_DIR=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

const realStack = `
terraform {
  required_providers {
    random = {
      source  = "hashicorp/random"
      version = ">= 1.0, != 2.0"
    }
    local = {
      source = "hashicorp/local"
    }
  }
}
resource "random_pet" "x" {}
resource "local_file" "x" {
  filename = "x"
  content  = random_pet.x.id
}
`

var realRequirements = []Requirement{
	{Source: tfaddr.MustParseProviderSource("hashicorp/random"), HostImplied: true, Constraints: ">= 1.0, != 2.0"},
	{Source: tfaddr.MustParseProviderSource("hashicorp/local"), HostImplied: true},
}

// stackWith makes a stack's folder and a CLI configuration with one mirror.
func stackWith(t *testing.T, text, mirror string) (dir, config string, o Options) {
	t.Helper()
	dir = t.TempDir()
	config = filepath.Join(t.TempDir(), "rc")
	rc := "provider_installation {\n  filesystem_mirror {\n    path = \"" + mirror + "\"\n  }\n}\n"
	for path, text := range map[string]string{filepath.Join(dir, "main.tf"): text, config: rc} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, list := cliconfig.Load(cliconfig.Environment{Vars: map[string]string{"TF_CLI_CONFIG_FILE": config}})
	if len(list) != 0 {
		t.Fatal(list.Err())
	}
	return dir, config, Options{Dir: dir, Config: c, CacheDir: t.TempDir()}
}

// Either tool writes the same lock file, and takes over what the other installed.
func TestSameAsTerraform(t *testing.T) {
	mirror := realMirror(t)
	theirs, config, theirOptions := stackWith(t, realStack, mirror)
	ours, ourConfig, ourOptions := stackWith(t, realStack, mirror)
	peer(t, theirs, config, "init", "-input=false")
	if list := Providers(t.Context(), realRequirements, ourOptions); len(list) != 0 {
		t.Fatal(list)
	}
	want, got := read(t, filepath.Join(theirs, lockfile.Name)), read(t, filepath.Join(ours, lockfile.Name))
	if got != want {
		t.Errorf("our lock file\n%s\ntheirs\n%s", got, want)
	}

	// Terraform plans with what we installed, without init of its own.
	if out := peer(t, ours, ourConfig, "plan", "-input=false", "-no-color"); !strings.Contains(out, "2 to add") {
		t.Errorf("terraform's plan on our installation:\n%s", out)
	}
	peer(t, ours, ourConfig, "init", "-input=false", "-lockfile=readonly")
	// We find what Terraform installed, and have nothing to do there.
	located, list := Locate(t.Context(), realRequirements, theirOptions)
	if len(list) != 0 || len(located) != 2 {
		t.Fatalf("located %v, %v", located, list)
	}
	var events []Event
	theirOptions.Report = collect(&events)
	if list := Providers(t.Context(), realRequirements, theirOptions); len(list) != 0 {
		t.Fatal(list)
	}
	for _, e := range events {
		if e.Kind != Reusing && e.Kind != Present {
			t.Errorf("did %+v", e)
		}
	}
	if got := read(t, filepath.Join(theirs, lockfile.Name)); got != want {
		t.Errorf("their lock file was changed to\n%s", got)
	}
}

// The constraints of the table in package constraint, through both tools, with
// packages that are never launched.
func TestSameChoiceAsTerraform(t *testing.T) {
	if testing.Short() {
		t.Skip("starts terraform many times")
	}
	mirror := t.TempDir()
	for _, v := range []string{"1.0.0", "1.2.0", "1.2.3", "2.0.0", "2.1.0-beta1", "2.1.0"} {
		program := filepath.Join(mirror, "registry.terraform.io/hashicorp/alpha", v, source.Current().String(), "terraform-provider-alpha_v"+v)
		put(t, program, "#!/bin/sh\necho "+v+"\n")
	}
	for _, c := range []string{"~> 1", "~> 1.2.0", "= 1.0", "2.1.0-beta1", ">=2.1.0-beta1", "< 2, > 1.0, >= 1.0, != 1.0.0",
		"=1.2.3,~>1.2, >=1.2, >=1.2", ">= 1.2.0, <= 1.2.0, =1.2.0, != 1.3.0, ~>1.2.0", "!= 2.1.0"} {
		t.Run(c, func(t *testing.T) {
			text := "terraform {\n  required_providers {\n    alpha = {\n      source = \"hashicorp/alpha\"\n      version = \"" + c + "\"\n    }\n  }\n}\n"
			theirs, config, _ := stackWith(t, text, mirror)
			ours, _, o := stackWith(t, text, mirror)
			peer(t, theirs, config, "init", "-input=false")
			reqs := []Requirement{{Source: tfaddr.MustParseProviderSource("hashicorp/alpha"), Constraints: c}}
			if list := Providers(t.Context(), reqs, o); len(list) != 0 {
				t.Fatal(list)
			}
			if want, got := read(t, filepath.Join(theirs, lockfile.Name)), read(t, filepath.Join(ours, lockfile.Name)); got != want {
				t.Errorf("our lock file\n%s\ntheirs\n%s", got, want)
			}
		})
	}
}

// From a registry, both tools record the same signed checksums, and each takes
// over what the other installed.
func TestSameFromRegistryAsTerraform(t *testing.T) {
	r := newRegistry(t)
	text := "terraform {\n  required_providers {\n    rocket = {\n      source  = \"" + r.host + "/acme/rocket\"\n      version = \"~> 1.0, < 1.1\"\n    }\n  }\n}\n"
	theirs, ours := t.TempDir(), r.options(t, nil, "")
	cert := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw})
	for path, text := range map[string]string{filepath.Join(theirs, "main.tf"): text, filepath.Join(ours.Dir, "main.tf"): text, cert: string(block), cert + ".rc": ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SSL_CERT_FILE", cert)
	fine(t, Providers(t.Context(), r.require("~> 1.0, < 1.1"), ours))
	peer(t, theirs, cert+".rc", "init", "-input=false")
	if want, got := read(t, filepath.Join(theirs, lockfile.Name)), read(t, filepath.Join(ours.Dir, lockfile.Name)); got != want {
		t.Errorf("our lock file\n%s\ntheirs\n%s", got, want)
	}
	before := r.count("/files/" + zipName("1.0.0", source.Current().String()))
	peer(t, ours.Dir, cert+".rc", "init", "-input=false", "-lockfile=readonly")
	if after := r.count("/files/" + zipName("1.0.0", source.Current().String())); after != before {
		t.Error("terraform downloaded what we had installed")
	}
	theirOptions := ours
	theirOptions.Dir = theirs
	if _, list := Locate(t.Context(), r.require("~> 1.0"), theirOptions); len(list) != 0 {
		t.Error(list)
	}
}
