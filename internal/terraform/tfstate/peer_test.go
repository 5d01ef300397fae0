package tfstate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// peers gives the commands that are here: Terraform from the path, OpenTofu from
// where make puts it.
func peers(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	if path, err := exec.LookPath("terraform"); err == nil {
		out["terraform"] = path
	}
	if path := os.Getenv("TUTTI_TOFU"); path != "" {
		if _, err := os.Stat(path); err == nil {
			out["tofu"] = path
		}
	}
	if len(out) == 0 {
		t.Skip("neither terraform in the path nor TUTTI_TOFU: there is nobody to compare with")
	}
	return out
}

// peer runs a peer in a folder, without the network and the user's settings.
type peer struct {
	t         *testing.T
	path, dir string
}

func (p peer) run(args ...string) (string, int) {
	p.t.Helper()
	cmd := exec.Command(p.path, args...)
	cmd.Dir = p.dir
	empty := filepath.Join(p.dir, "none.tfrc")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		p.t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+empty, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func (p peer) must(args ...string) string {
	p.t.Helper()
	out, code := p.run(args...)
	if code != 0 {
		p.t.Fatalf("%v: exit %d\n%s", args, code, out)
	}
	return out
}

// expectNoChanges lets the peer plan: the state must be what it wants.
func (p peer) expectNoChanges() {
	p.t.Helper()
	if out, code := p.run("plan", "-detailed-exitcode", "-input=false", "-no-color"); code != 0 {
		p.t.Errorf("the plan has exit code %d\n%s", code, out)
	}
}

func (p peer) state() string { return filepath.Join(p.dir, "terraform.tfstate") }

// TestPeerState lets the peer make a state: it comes back from us as it was, and
// the peer goes on with it.
func TestPeerState(t *testing.T) {
	for name, path := range peers(t) {
		t.Run(name, func(t *testing.T) {
			p := peer{t, path, t.TempDir()}
			if err := os.CopyFS(p.dir, os.DirFS("testdata/stack")); err != nil {
				t.Fatal(err)
			}
			p.must("init", "-no-color")
			p.must("apply", "-auto-approve", "-no-color")
			before := p.must("show", "-json")
			src, err := os.ReadFile(p.state())
			if err != nil {
				t.Fatal(err)
			}
			f := mustRead(t, src, p.state())
			if len(f.Rows) != 1+1+12+2*4 || len(f.Outputs) != 2 {
				t.Errorf("%d rows, %d outputs", len(f.Rows), len(f.Outputs))
			}
			ours := text(t, f)
			expectSame(t, src, ours)
			if err := os.WriteFile(p.state(), []byte(ours), 0o600); err != nil {
				t.Fatal(err)
			}
			if after := p.must("show", "-json"); after != before {
				t.Errorf("the peer sees another state than before")
			}
			p.expectNoChanges()
		})
	}
}

const builtin = `provider["terraform.io/builtin/terraform"]`

// data makes the row of a terraform_data resource.
func data(name string, key addr.Key, id, input string, needs ...addr.Instance) *object.State {
	o := addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "terraform_data", Name: name}}
	value := fmt.Sprintf(`{"value":%s,"type":"string"}`, input)
	return &object.State{
		Addr: o.Instance(key), Driver: builtin, Needs: needs,
		Attributes: fmt.Appendf(nil, `{"id":%q,"input":%s,"output":%s,"triggers_replace":null}`, id, value, value),
	}
}

// TestPeerTakesOurState writes a state from nothing, as after an apply of ours.
func TestPeerTakesOurState(t *testing.T) {
	const config = `
variable "secret" {
  default   = "hunter2"
  sensitive = true
}
resource "terraform_data" "a" {
  count = 3
  input = "a${count.index}"
}
resource "terraform_data" "b" {
  for_each = toset(["x", "y z", "\"q\" $${x}"])
  input    = each.key == "x" ? terraform_data.a[1].output : each.key
}
resource "terraform_data" "s" {
  input = var.secret
}
output "o" {
  value     = terraform_data.s.output
  sensitive = true
}
`
	one := data("a", addr.IntKey(1), "id-a1", `"a1"`)
	secret := data("s", addr.NoKey, "id-s", `"hunter2"`)
	secret.Sensitive = []cty.Path{cty.GetAttrPath("input")}
	deposed := data("s", addr.NoKey, "id-old", `"old"`)
	deposed.Deposed = "0a1b2c3d"
	task := addr.Object{Name: addr.Name{Kind: addr.Task, Name: "build"}}.Instance(addr.NoKey)
	f := &File{
		Serial: 3, Lineage: "6d5a2f3c-5d5e-4c0e-8a53-1f0d4f1f0a11",
		Rows: []*object.State{
			secret, one, {Addr: task, Driver: "task", Attributes: []byte(`{}`)},
			data("b", addr.StringKey("x"), "id-bx", `"a1"`, one.Addr, one.Addr, task),
			data("b", addr.StringKey(`"q" ${x}`), "id-bq", `"\"q\" ${x}"`, one.Addr),
			data("b", addr.StringKey("y z"), "id-by", `"y z"`, one.Addr),
			data("a", addr.IntKey(0), "id-a0", `"a0"`), data("a", addr.IntKey(2), "id-a2", `"a2"`),
		},
		Outputs: []*object.OutputState{{Name: "o", Value: []byte(`"hunter2"`), Type: []byte(`"string"`), Sensitive: true}},
	}
	for name, path := range peers(t) {
		t.Run(name, func(t *testing.T) {
			p := peer{t, path, t.TempDir()}
			if err := os.WriteFile(filepath.Join(p.dir, "main.tf"), []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			writeState(t, p, f)
			p.must("init", "-no-color")
			expectShown(t, p)
			p.expectNoChanges()

			// A deposed object is deleted, and a tainted one replaced.
			tainted := *secret
			tainted.Tainted = true
			g := *f
			g.Rows = append(append([]*object.State{}, f.Rows[1:]...), &tainted, deposed)
			writeState(t, p, &g)
			out := p.must("plan", "-input=false", "-no-color")
			if !bytes.Contains([]byte(out), []byte("1 to add, 0 to change, 2 to destroy")) {
				t.Errorf("the plan with a tainted and a deposed object:\n%s", out)
			}
		})
	}
}

func writeState(t *testing.T, p peer, f *File) {
	t.Helper()
	if err := os.WriteFile(p.state(), []byte(text(t, f)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// expectShown looks at the state through the peer's eyes.
func expectShown(t *testing.T, p peer) {
	t.Helper()
	var shown struct {
		Values struct {
			Outputs    map[string]struct{ Sensitive bool }
			RootModule struct {
				Resources []struct {
					Address   string
					DependsOn []string                   `json:"depends_on"`
					Sensitive map[string]json.RawMessage `json:"sensitive_values"`
				}
			} `json:"root_module"`
		}
	}
	if err := json.Unmarshal([]byte(p.must("show", "-json")), &shown); err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, r := range shown.Values.RootModule.Resources {
		got += fmt.Sprintf("%s %v %s\n", r.Address, r.DependsOn, r.Sensitive["input"])
	}
	const want = `terraform_data.a[0] [] 
terraform_data.a[1] [] 
terraform_data.a[2] [] 
terraform_data.b["\"q\" $${x}"] [terraform_data.a] 
terraform_data.b["x"] [terraform_data.a] 
terraform_data.b["y z"] [terraform_data.a] 
terraform_data.s [] true
`
	if got != want {
		t.Errorf("the peer shows:\n%swant:\n%s", got, want)
	}
	if !shown.Values.Outputs["o"].Sensitive {
		t.Error("the output is not sensitive")
	}
}
