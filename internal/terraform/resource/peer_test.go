package resource_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"tutti/internal/object"
	"tutti/internal/terraform/provider/builtin"
	"tutti/internal/terraform/provider/providertest"
	"tutti/internal/terraform/resource"
)

// peerConfig uses no references, so that each block can be looked at by itself.
const peerConfig = `
resource "terraform_data" "a" {
  input            = { list = [1, "two", null], deep = { t = true } }
  triggers_replace = "x"
}
resource "local_file" "b" {
  filename = "out/b"
  content  = "text"
}
resource "local_sensitive_file" "c" {
  filename = "out/c"
  content  = "hush"
}
resource "random_password" "d" {
  length = 9
}
resource "tls_self_signed_cert" "e" {
  private_key_pem       = file("key.pem")
  validity_period_hours = 1
  allowed_uses          = ["server_auth"]
  subject {
    common_name = "shop"
  }
}
resource "time_static" "f" {
  triggers = { a = 1 }
}
`

type peerState struct {
	Resources []struct {
		Type, Provider string
		Instances      []struct {
			SchemaVersion int64           `json:"schema_version"`
			Attributes    json.RawMessage `json:"attributes"`
			Private       []byte          `json:"private"`
		}
	}
}

// What Terraform wrote is understood, and needs no change by our plan of the same
// configuration.
func TestStatesOfThePeerNeedNoChange(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed: nothing to compare with")
	}
	for _, name := range []string{"local", "random", "tls", "time"} {
		providertest.Real(t, name)
	}
	dir := t.TempDir()
	key := privateKey(t)
	for name, text := range map[string]string{"main.tf": peerConfig, "key.pem": key,
		"rc": fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", providertest.Mirror())} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init"}, {"apply", "-auto-approve"}} {
		cmd := exec.CommandContext(t.Context(), terraform, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "rc"), "CHECKPOINT_DISABLE=1", "TF_PLUGIN_CACHE_DIR=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
	}
	t.Chdir(dir)
	var state peerState
	if err := json.Unmarshal([]byte(read(t, "terraform.tfstate")), &state); err != nil {
		t.Fatal(err)
	}
	wanted := peerBodies(t)
	if len(state.Resources) != len(wanted) {
		t.Fatalf("%d resources in the state, want %d", len(state.Resources), len(wanted))
	}
	for _, r := range state.Resources {
		t.Run(r.Type, func(t *testing.T) {
			var o resource.Options
			d := peerDriver(t, r.Type, &o)
			bound, dd := o.Schema.Block.Bind(wanted[r.Type])
			fine(t, dd)
			config, dd := bound.Decode(&hcl.EvalContext{Functions: map[string]function.Function{"file": fileFunction(key)}})
			fine(t, dd)
			st := &object.State{Addr: at(), SchemaVersion: r.Instances[0].SchemaVersion, Attributes: r.Instances[0].Attributes, Private: r.Instances[0].Private}
			a, dd := d.Decode(t.Context(), st)
			fine(t, dd)
			back, err := d.Encode(a)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := normal(t, back.Attributes), normal(t, st.Attributes); got != want {
				t.Errorf("stored as %s, the peer has %s", got, want)
			}
			a, dd = d.Read(t.Context(), at(), a)
			fine(t, dd)
			if c := plan(t, d, config, a); c.Verb != object.NoOp {
				t.Errorf("planned %s\nbefore %#v\nafter  %#v", c.Verb, c.Before, c.After)
			}
		})
	}
}

func peerBodies(t *testing.T) map[string]hcl.Body {
	t.Helper()
	f, bad := hclsyntax.ParseConfig([]byte(peerConfig), "main.tf", hcl.InitialPos)
	if bad.HasErrors() {
		t.Fatal(bad)
	}
	out := map[string]hcl.Body{}
	for _, b := range f.Body.(*hclsyntax.Body).Blocks {
		out[b.Labels[0]] = b.Body
	}
	return out
}

func peerDriver(t *testing.T, typeName string, o *resource.Options) *resource.Driver {
	t.Helper()
	keep := func(got *resource.Options) { *o = *got }
	p := builtin.New(builtin.Options{})
	switch typeName {
	case "terraform_data":
	case "local_file", "local_sensitive_file":
		p = launch(t, providertest.Real(t, "local"))
	case "random_password":
		p = launch(t, providertest.Real(t, "random"))
	case "tls_self_signed_cert":
		p = launch(t, providertest.Real(t, "tls"))
	case "time_static":
		p = launch(t, providertest.Real(t, "time"))
	default:
		t.Fatalf("no provider for %s", typeName)
	}
	return driverOf(t, p, typeName, keep)
}

// fileFunction stands for file(): there is one file.
func fileFunction(text string) function.Function {
	return function.New(&function.Spec{Params: []function.Parameter{{Name: "path", Type: cty.String}}, Type: function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) { return cty.StringVal(text), nil }})
}

func privateKey(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// normal writes JSON in one way.
func normal(t *testing.T, src []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(src, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
