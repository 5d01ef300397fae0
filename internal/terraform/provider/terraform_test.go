package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/terraform/provider/providertest"
)

// jsonBlock is a block in the output of `terraform providers schema -json`.
type jsonBlock struct {
	Attributes map[string]jsonAttribute `json:"attributes"`
	BlockTypes map[string]struct {
		NestingMode string    `json:"nesting_mode"`
		Block       jsonBlock `json:"block"`
	} `json:"block_types"`
}

type jsonAttribute struct {
	Type   json.RawMessage `json:"type"`
	Nested *struct {
		Attributes  map[string]jsonAttribute `json:"attributes"`
		NestingMode string                   `json:"nesting_mode"`
	} `json:"nested_type"`
}

type jsonSchema struct {
	Block jsonBlock `json:"block"`
}

// terraformSchemas asks the installed Terraform for a provider's types.
func terraformSchemas(t *testing.T, name string) map[string]cty.Type {
	t.Helper()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed, so that there is nothing to compare with")
	}
	dir := t.TempDir()
	rc := filepath.Join(dir, "rc")
	write(t, rc, fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", providertest.Mirror()))
	write(t, filepath.Join(dir, "main.tf"), fmt.Sprintf("terraform {\n  required_providers {\n    %s = { source = \"hashicorp/%s\" }\n  }\n}\n", name, name))
	run := func(args ...string) []byte {
		cmd := exec.Command(terraform, append([]string{"-chdir=" + dir}, args...)...)
		cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+rc, "CHECKPOINT_DISABLE=1")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("terraform %v: %v\n%s", args, err, out)
		}
		return out
	}
	run("init", "-no-color")
	var answer struct {
		Schemas map[string]struct {
			Provider  jsonSchema            `json:"provider"`
			Resources map[string]jsonSchema `json:"resource_schemas"`
			Data      map[string]jsonSchema `json:"data_source_schemas"`
			Ephemeral map[string]jsonSchema `json:"ephemeral_resource_schemas"`
		} `json:"provider_schemas"`
	}
	if err := json.Unmarshal(run("providers", "schema", "-json"), &answer); err != nil {
		t.Fatal(err)
	}
	out := map[string]cty.Type{}
	for _, s := range answer.Schemas {
		out["provider"] = s.Provider.Block.implied(t)
		for prefix, list := range map[string]map[string]jsonSchema{"resource ": s.Resources, "data ": s.Data, "ephemeral ": s.Ephemeral} {
			for n, schema := range list {
				out[prefix+n] = schema.Block.implied(t)
			}
		}
	}
	return out
}

func (b jsonBlock) implied(t *testing.T) cty.Type {
	attrs := map[string]cty.Type{}
	for name, a := range b.Attributes {
		attrs[name] = a.implied(t)
	}
	for name, n := range b.BlockTypes {
		attrs[name] = collect(t, n.NestingMode, n.Block.implied(t))
	}
	return cty.Object(attrs)
}

func (a jsonAttribute) implied(t *testing.T) cty.Type {
	if a.Nested == nil {
		return jsonType(t, a.Type)
	}
	attrs := map[string]cty.Type{}
	for name, inner := range a.Nested.Attributes {
		attrs[name] = inner.implied(t)
	}
	return collect(t, a.Nested.NestingMode, cty.Object(attrs))
}

func collect(t *testing.T, mode string, inner cty.Type) cty.Type {
	switch mode {
	case "single", "group":
		return inner
	case "list":
		return cty.List(inner)
	case "set":
		return cty.Set(inner)
	case "map":
		return cty.Map(inner)
	default:
		t.Fatalf("nesting mode %q", mode)
		return cty.NilType
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
