package engine_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/terraform/provider/providertest"
)

const faultySource = `
terraform {
  required_providers {
    faulty = {
      source = "tutti.test/tutti/faulty"
    }
  }
}
`

// alone gives tutti in an empty folder.
func (w *workshop) alone(t *testing.T) *actor {
	t.Helper()
	return &actor{t: t, program: w.tutti, dir: t.TempDir(), tutti: true, env: append(os.Environ(),
		"TF_CLI_CONFIG_FILE="+os.DevNull, "TUTTI_KEY=a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", "NO_COLOR=1", "CI=1")}
}

func (a *actor) expect(code int, texts []string, args ...string) {
	a.t.Helper()
	got := a.run(args...)
	all := strings.Join(strings.Fields(strings.NewReplacer("│", " ").Replace(a.out+a.err)), " ")
	if got != code {
		a.t.Fatalf("%v: exit %d, not %d\n%s%s", args, got, code, a.out, a.err)
	}
	for _, text := range texts {
		if !strings.Contains(all, text) {
			a.t.Errorf("%v did not print %q:\n%s%s", args, text, a.out, a.err)
		}
	}
}

// A provider that crashes after it has made something leaves that in doubt: the run
// says so, does all the rest, and resuming asks again.
func TestCrashLeavesDoubt(t *testing.T) {
	w := newWorkshop(t)
	a := w.alone(t)
	a.write("main.tf", []byte(faultySource+`
resource "faulty_thing" "a" {
  name  = "a"
  path  = "a.txt"
  fault = "apply_crash_after"
}

resource "terraform_data" "needs" {
  input = faulty_thing.a.id
}

resource "terraform_data" "free" {}
`))
	a.must("init", "-plugin-dir="+w.mirror)
	a.expect(1, []string{"In doubt", "faulty_thing.a (create)", "Provider crashed", "told to crash after apply", "-in-doubt=retry", "1 added"}, "apply", "-auto-approve")
	if _, err := os.Stat(filepath.Join(a.dir, "a.txt")); err != nil {
		t.Fatal("the provider was to make the file before it crashed")
	}
	a.expect(0, []string{"in-doubt"}, "runs")
	a.expect(1, []string{"faulty_thing.a", "cannot be told"}, "resume")
	a.expect(0, []string{"terraform_data.free"}, "state", "list")
	if strings.Contains(a.out, "faulty_thing.a") || strings.Contains(a.out, "needs") {
		t.Errorf("what is in doubt, or needs it, is not in the state:\n%s", a.out)
	}
}

// An update that a crash cut off is in doubt too, and the state stays as it was.
func TestCrashInAnUpdate(t *testing.T) {
	w := newWorkshop(t)
	a := w.alone(t)
	config := func(fault string) {
		a.write("main.tf", []byte(faultySource+`
resource "faulty_thing" "a" {
  name  = "a"
  path  = "a.txt"
  size  = 1
  `+fault+`
}
`))
	}
	config("")
	a.must("init", "-plugin-dir="+w.mirror)
	a.must("apply", "-auto-approve")
	config(`fault = "apply_crash_after"`)
	a.expect(1, []string{"In doubt", "faulty_thing.a (update)"}, "apply", "-auto-approve")
	a.expect(0, nil, "cancel", "2")
	a.expect(0, []string{"\"faulty_thing\" \"a\"", "serial = 1"}, "state", "show", "faulty_thing.a")
}

// The outputs of a stack whose state tutti keeps are read from there.
func TestRemoteStateOfAStack(t *testing.T) {
	w := newWorkshop(t)
	a, b := w.alone(t), w.alone(t)
	a.write("main.tf", []byte(`output "port" { value = 8443 }
output "key" {
  value     = "secret key"
  sensitive = true
}
`))
	a.must("apply", "-auto-approve")
	b.write("main.tf", []byte(`data "terraform_remote_state" "a" {
  backend = "local"
  config  = { path = "`+filepath.ToSlash(filepath.Join(a.dir, "terraform.tfstate"))+`" }
}

output "port" { value = data.terraform_remote_state.a.outputs.port + 1 }
`))
	a.expect(0, nil, "plan", "-detailed-exitcode")
	b.must("apply", "-auto-approve")
	if got := strings.TrimSpace(b.must("output", "-raw", "port")); got != "8444" {
		t.Errorf("port %s", got)
	}
	b.write("main.tf", []byte(`data "terraform_remote_state" "a" {
  backend = "local"
  config  = { path = "`+filepath.ToSlash(filepath.Join(a.dir, "terraform.tfstate"))+`" }
}

output "key" { value = data.terraform_remote_state.a.outputs.key }
`))
	a.expect(0, nil, "plan")
	b.expect(1, []string{"Output refers to sensitive values"}, "plan")
}

// A provider that runs already is joined; it need not be installed.
func TestReattach(t *testing.T) {
	w := newWorkshop(t)
	cmd := exec.Command(providertest.Faulty(t), "-debug")
	cmd.Env = append(os.Environ(), "FAULTY_DEBUG=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var how json.RawMessage
	if err := json.NewDecoder(out).Decode(&how); err != nil {
		t.Fatal(err)
	}
	a := w.alone(t)
	a.env = append(a.env, `TF_REATTACH_PROVIDERS={"tutti.test/tutti/faulty":`+string(how)+`}`)
	a.write("main.tf", []byte(faultySource+`
resource "faulty_thing" "a" {
  name = "a"
}
`))
	a.must("init", "-plugin-dir="+t.TempDir())
	a.must("apply", "-auto-approve")
	a.expect(0, nil, "plan", "-detailed-exitcode")
	a.env = append(a.env, `TF_REATTACH_PROVIDERS={"tutti.test/tutti/faulty":{}}`)
	a.expect(1, []string{"Running providers cannot be joined"}, "plan")
}

// A stack that OpenTofu made stays one, also where its lock file was not kept.
func TestStackOfOpenTofu(t *testing.T) {
	w := newWorkshop(t)
	if w.programs["tofu"] == "" {
		t.Skip("OpenTofu is not here")
	}
	a := w.alone(t)
	tofu := &actor{t: t, program: w.programs["tofu"], dir: a.dir, env: a.env}
	a.write("main.tf", []byte(`resource "random_pet" "a" {}

resource "random_pet" "gone" {
  count = 2
}
`))
	tofu.must("init", "-plugin-dir="+w.mirror)
	tofu.must("apply", "-auto-approve")
	a.expect(0, []string{"No changes", "Took over 3 objects"}, "plan", "-detailed-exitcode")
	for _, name := range []string{".terraform.lock.hcl", ".terraform", ".tutti"} {
		if err := os.RemoveAll(filepath.Join(a.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	a.must("init", "-plugin-dir="+w.mirror)
	a.expect(0, []string{"No changes"}, "plan", "-detailed-exitcode")
	a.write("main.tf", []byte(`resource "random_pet" "a" {}
`))
	a.must("apply", "-auto-approve")
	if state := a.must("state", "pull"); strings.Contains(state, "registry.terraform.io") || strings.Contains(state, "gone") {
		t.Errorf("the state is no longer OpenTofu's:\n%s", state)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "terraform.tfstate"), []byte(a.out), 0o644); err != nil {
		t.Fatal(err)
	}
	if code := tofu.run("plan", "-detailed-exitcode"); code != 0 {
		t.Errorf("OpenTofu finds something to do:\n%s%s", tofu.out, tofu.err)
	}
}

// An ephemeral variable is in no plan, and so is given again; a sensitive one is in
// the plan, which is sealed.
func TestEphemeralVariableIsGivenAgain(t *testing.T) {
	a := newWorkshop(t).alone(t)
	a.write("main.tf", []byte(`variable "token" {
  type      = string
  ephemeral = true
}

variable "password" {
  type      = string
  sensitive = true
}

resource "terraform_data" "a" {
  input = ephemeralasnull(var.token)
}
`))
	a.write("terraform.tfvars", []byte("password = \"correct horse\"\n"))
	a.must("plan", "-var=token=battery staple", "-out=p")
	plan, err := os.ReadFile(filepath.Join(a.dir, "p"))
	if err != nil || !strings.HasPrefix(string(plan), "tutti plan 1 sealed") {
		t.Errorf("the plan is not sealed: %.40q, %v", plan, err)
	}
	a.expect(1, []string{"No value for ephemeral variable", "var.token"}, "apply", "p")
	a.expect(0, nil, "apply", "-var=token=battery staple", "p")
	a.expect(0, nil, "runs")
	if strings.Contains(a.out, "horse") || strings.Contains(a.out, "staple") {
		t.Errorf("the list of runs holds a secret:\n%s", a.out)
	}
}

// A plan takes its modules along, those from elsewhere too: it is carried out where
// they are gone, and their places are found as they were.
func TestPlanTakesModulesAlong(t *testing.T) {
	a := newWorkshop(t).alone(t)
	repo := t.TempDir()
	module := &actor{t: t, program: "git", dir: repo, env: a.env}
	module.write("main.tf", []byte(`variable "x" {}

module "sub" {
  source = "./sub"
}

output "o" {
  value = "${var.x}-${module.sub.s}"
}
`))
	module.write("sub/main.tf", []byte(`output "s" { value = "sub" }
`))
	module.must("init", "--quiet")
	module.must("add", ".")
	module.must("-c", "user.name=a", "-c", "user.email=a@example.test", "commit", "--quiet", "-m", "m")
	source := "git::file://" + filepath.ToSlash(repo)
	config := func(source string) {
		a.write("main.tf", []byte(`module "g" {
  source = "`+source+`"
  x      = "v"
}

output "o" { value = module.g.o }
`))
	}
	config(source)
	a.expect(1, []string{"Module not installed", "tutti init"}, "plan")
	a.must("init")
	a.must("plan", "-out=p")
	if err := os.RemoveAll(filepath.Join(a.dir, ".terraform")); err != nil {
		t.Fatal(err)
	}
	a.must("apply", "p")
	if got := strings.TrimSpace(a.must("output", "-raw", "o")); got != "v-sub" {
		t.Errorf("output %q", got)
	}
	a.must("init")
	config(source + "?ref=other")
	a.expect(1, []string{"Module source has changed"}, "plan")
}
