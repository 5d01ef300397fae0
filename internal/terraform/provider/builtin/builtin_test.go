package builtin

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider"
)

var update = flag.Bool("update", false, "record the golden files from the installed terraform")

// evaluate reads an expression with the given values.
func evaluate(t *testing.T, text string, vars map[string]cty.Value) cty.Value {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(text), "test", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	v, diags := expr.Value(&hcl.EvalContext{Variables: vars, Functions: map[string]function.Function{
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
		"tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
	}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return v
}

func ok(t *testing.T, diags diag.List) {
	t.Helper()
	if len(diags) > 0 {
		t.Fatal(diags[0].Error())
	}
}

// terraform runs the installed one in a folder with the given configuration.
func terraform(t *testing.T, dir, config string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed, so that there is nothing to compare with")
	}
	write(t, filepath.Join(dir, "main.tf"), config)
	rc := filepath.Join(dir, "empty.tfrc")
	write(t, rc, "")
	cmd := exec.Command(path, append([]string{"-chdir=" + dir}, args...)...)
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+rc, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("terraform %v: %v\n%s%s", args, err, out, &stderr)
	}
	return out
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFunctionsAsTerraform compares each line of testdata/functions.txt with what
// Terraform gave for it, recorded in functions.golden by -update.
func TestFunctionsAsTerraform(t *testing.T) {
	text, err := os.ReadFile("testdata/functions.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if *update {
		recordFunctions(t, lines)
	}
	golden, err := os.ReadFile("testdata/functions.golden")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(golden)), "\n")
	if len(want) != len(lines) {
		t.Fatalf("%d lines and %d results: run with -update", len(lines), len(want))
	}
	p := New(Options{})
	for i, line := range lines {
		name, rest, _ := strings.Cut(line, "(")
		arg := evaluate(t, strings.TrimSuffix(rest, ")"), nil)
		got, err := p.CallFunction(t.Context(), name, []cty.Value{arg})
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		raw, err := ctyjson.Marshal(got, cty.DynamicPseudoType)
		if err != nil {
			t.Fatal(err)
		}
		if string(raw) != want[i] {
			t.Errorf("%s\ngot  %s\nwant %s", line, raw, want[i])
		}
	}
}

func recordFunctions(t *testing.T, lines []string) {
	dir := t.TempDir()
	config := "terraform {\n  required_providers {\n    terraform = { source = \"terraform.io/builtin/terraform\" }\n  }\n}\n"
	for i, line := range lines {
		config += fmt.Sprintf("output \"o%d\" {\n  value = provider::terraform::%s\n}\n", i, line)
	}
	terraform(t, dir, config, "init")
	terraform(t, dir, config, "apply", "-auto-approve")
	var outputs map[string]struct {
		Value json.RawMessage `json:"value"`
		Type  json.RawMessage `json:"type"`
	}
	if err := json.Unmarshal(terraform(t, dir, config, "output", "-json"), &outputs); err != nil {
		t.Fatal(err)
	}
	var golden strings.Builder
	for i := range lines {
		o := outputs[fmt.Sprintf("o%d", i)]
		ty, err := ctyjson.UnmarshalType(o.Type)
		if err != nil {
			t.Fatal(err)
		}
		v, err := ctyjson.Unmarshal(o.Value, ty)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := ctyjson.Marshal(v, cty.DynamicPseudoType)
		if err != nil {
			t.Fatal(err)
		}
		golden.Write(append(raw, '\n'))
	}
	write(t, "testdata/functions.golden", golden.String())
}

func TestFunctionRefusals(t *testing.T) {
	p := New(Options{})
	tests := []struct {
		name string
		arg  cty.Value
		want string
	}{
		{"encode_tfvars", cty.TupleVal([]cty.Value{cty.True}), "must be an object"},
		{"encode_tfvars", cty.ObjectVal(map[string]cty.Value{"not ok": cty.True}), `invalid variable name "not ok"`},
		{"encode_expr", cty.NullVal(cty.DynamicPseudoType), "must not be null"},
		{"decode_tfvars", cty.StringVal("a = var.x\n"), "Variables not allowed"},
		{"decode_tfvars", cty.StringVal("a {}\n"), "invalid tfvars content"},
		{"decode_tfvars", cty.StringVal("a = \n"), "invalid tfvars syntax"},
	}
	for _, test := range tests {
		_, err := p.CallFunction(t.Context(), test.name, []cty.Value{test.arg})
		var blamed *provider.FunctionError
		if !errors.As(err, &blamed) || blamed.Argument != 0 || !strings.Contains(blamed.Text, test.want) {
			t.Errorf("%s(%#v): %v, want %q", test.name, test.arg, err, test.want)
		}
	}
	unknown := cty.ObjectVal(map[string]cty.Value{"a": cty.UnknownVal(cty.String)})
	for _, name := range []string{"encode_tfvars", "encode_expr"} {
		if got, err := p.CallFunction(t.Context(), name, []cty.Value{unknown}); err != nil || got.IsKnown() {
			t.Errorf("%s of something unknown: %#v, %v", name, got, err)
		}
	}
}

// change is a terraform_data before and after: arguments as they are written.
type change struct{ name, before, after string }

// seed stands for terraform_data.seed.output, unknown in the second plan.
const seed = "terraform_data.seed.output"

func changes() []change {
	return []change{
		{"created", "", `input = "x"`},
		{"created_empty", "", ``},
		{"created_null", "", `input = null`},
		{"created_from_unknown", "", `input = ` + seed},
		{"created_object", "", `input = { a = [1, "x"], b = null }`},
		{"created_triggers", "", `triggers_replace = [1]`},
		{"kept", `input = { a = 1 }`, `input = { a = 1 }`},
		{"kept_triggers", `triggers_replace = ["a", 1]`, `triggers_replace = ["a", 1]`},
		{"input_changed", `input = "x"`, `input = "y"`},
		{"input_type_changed", `input = "1"`, `input = 1`},
		{"input_removed", `input = "1"`, ``},
		{"input_added", ``, `input = [true]`},
		{"input_becomes_unknown", `input = "x"`, `input = ` + seed},
		{"triggers_changed", `triggers_replace = [1]`, `triggers_replace = [2]`},
		{"triggers_removed", `triggers_replace = [1]`, ``},
		{"triggers_added", ``, `triggers_replace = "x"`},
		{"triggers_become_unknown", `triggers_replace = "x"`, `triggers_replace = ` + seed},
		{"both_changed", "input = 1\ntriggers_replace = 1", "input = 2\ntriggers_replace = 2"},
		{"list_to_tuple", `input = tolist(["a"])`, `input = ["a"]`},
	}
}

func changesConfig(of func(change) string, seeded string) string {
	config := fmt.Sprintf("resource \"terraform_data\" \"seed\" {\n  input = %q\n}\n", seeded)
	for _, c := range changes() {
		if body := of(c); body != "" || c.before != "" || strings.HasSuffix(c.name, "_added") {
			config += fmt.Sprintf("resource \"terraform_data\" %q {\n%s\n}\n", c.name, body)
		}
	}
	return config
}

// plannedChange is what both tools say of a change, in one comparable text.
func plannedChange(replace bool, known map[string]json.RawMessage, unknown map[string]bool) string {
	out := fmt.Sprintf("replace=%t", replace)
	for _, name := range []string{"input", "output", "triggers_replace", "id"} {
		switch {
		case unknown[name]:
			out += " " + name + "=?"
		case name == "id":
			out += " id=known"
		case len(known[name]) > 0 && string(known[name]) != "null":
			out += fmt.Sprintf(" %s=%s", name, known[name])
		}
	}
	return out
}

func TestPlansAsTerraform(t *testing.T) {
	dir := t.TempDir()
	first := changesConfig(func(c change) string { return c.before }, "one")
	for _, c := range changes() {
		if strings.HasPrefix(c.name, "created") {
			first = strings.ReplaceAll(first, fmt.Sprintf("resource \"terraform_data\" %q {\n\n}\n", c.name), "")
		}
	}
	terraform(t, dir, first, "init")
	terraform(t, dir, first, "apply", "-auto-approve")
	second := changesConfig(func(c change) string { return c.after }, "two")
	for _, name := range []string{"created_empty"} {
		second += fmt.Sprintf("resource \"terraform_data\" %q {}\n", name)
	}
	terraform(t, dir, second, "plan", "-out=p")
	want := terraformPlan(t, terraform(t, dir, second, "show", "-json", "p"))
	p := New(Options{})
	for _, c := range changes() {
		if got := ourPlan(t, p, c); got != want[c.name] {
			t.Errorf("%s\ngot  %s\nwant %s", c.name, got, want[c.name])
		}
	}
}

func terraformPlan(t *testing.T, raw []byte) map[string]string {
	var shown struct {
		Changes []struct {
			Name   string `json:"name"`
			Change struct {
				Actions      []string                   `json:"actions"`
				After        map[string]json.RawMessage `json:"after"`
				AfterUnknown map[string]json.RawMessage `json:"after_unknown"`
			} `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(raw, &shown); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range shown.Changes {
		unknown := map[string]bool{}
		for name, v := range c.Change.AfterUnknown {
			unknown[name] = string(v) == "true"
		}
		out[c.Name] = plannedChange(len(c.Change.Actions) == 2, c.Change.After, unknown)
	}
	return out
}

// arguments reads a body such as "input = 1".
func arguments(t *testing.T, body string, vars map[string]cty.Value) map[string]cty.Value {
	t.Helper()
	out := map[string]cty.Value{"input": cty.NullVal(cty.DynamicPseudoType), "triggers_replace": cty.NullVal(cty.DynamicPseudoType)}
	for line := range strings.Lines(body) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " = ")
		if inner, found := strings.CutPrefix(text, "tolist("); found {
			v := evaluate(t, strings.TrimSuffix(inner, ")"), vars)
			out[name] = cty.ListVal(v.AsValueSlice())
			continue
		}
		out[name] = evaluate(t, text, vars)
	}
	return out
}

func ourPlan(t *testing.T, p provider.Provider, c change) string {
	t.Helper()
	vars := map[string]cty.Value{"terraform_data": cty.ObjectVal(map[string]cty.Value{"seed": cty.ObjectVal(map[string]cty.Value{"output": cty.UnknownVal(cty.String)})})}
	var prior cty.Value
	id, output := cty.UnknownVal(cty.String), cty.DynamicVal
	if !strings.HasPrefix(c.name, "created") {
		first := arguments(t, c.before, vars)
		first["id"], first["output"] = cty.UnknownVal(cty.String), cty.DynamicVal
		planned, diags := p.Plan(t.Context(), provider.PlanRequest{TypeName: dataType, Proposed: cty.ObjectVal(first)})
		ok(t, diags)
		done, diags := p.Apply(t.Context(), provider.ApplyRequest{TypeName: dataType, Planned: planned.Planned})
		ok(t, diags)
		prior = done.State
		id, output = prior.GetAttr("id"), prior.GetAttr("output")
	}
	proposed := arguments(t, c.after, vars)
	proposed["id"], proposed["output"] = id, output
	planned, diags := p.Plan(t.Context(), provider.PlanRequest{TypeName: dataType, Prior: prior, Proposed: cty.ObjectVal(proposed)})
	ok(t, diags)
	known, unknown := map[string]json.RawMessage{}, map[string]bool{}
	for name, v := range planned.Planned.AsValueMap() {
		if unknown[name] = !v.IsKnown(); !unknown[name] {
			raw, err := ctyjson.Marshal(v, v.Type())
			if err != nil {
				t.Fatal(err)
			}
			known[name] = raw
		}
	}
	return plannedChange(len(planned.RequiresReplace) > 0, known, unknown)
}

func TestStateImportMove(t *testing.T) {
	p := New(Options{NewID: func() string { return "fixed" }})
	v, diags := p.UpgradeState(t.Context(), provider.UpgradeStateRequest{TypeName: dataType,
		JSON: []byte(`{"id":"i","input":{"value":"x","type":"string"},"output":{"value":"x","type":"string"},"triggers_replace":null}`)})
	ok(t, diags)
	if !v.GetAttr("output").RawEquals(cty.StringVal("x")) {
		t.Errorf("state %#v", v)
	}
	got, diags := p.Import(t.Context(), provider.ImportRequest{TypeName: dataType, ID: "mine"})
	ok(t, diags)
	if !got.Imported[0].State.GetAttr("id").RawEquals(cty.StringVal("mine")) {
		t.Errorf("imported %#v", got)
	}
	moved, diags := p.Move(t.Context(), provider.MoveRequest{TargetType: dataType, SourceProvider: "registry.terraform.io/hashicorp/null",
		SourceType: "null_resource", SourceJSON: []byte(`{"id":"7","triggers":{"a":"b"}}`)})
	ok(t, diags)
	want := cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("b")})
	if !moved.State.GetAttr("triggers_replace").RawEquals(want) || !moved.State.GetAttr("id").RawEquals(cty.StringVal("7")) {
		t.Errorf("moved %#v", moved.State)
	}
	if _, diags = p.Move(t.Context(), provider.MoveRequest{TargetType: dataType, SourceType: "other", SourceJSON: []byte(`{}`)}); !diags.HasErrors() {
		t.Error("anything can be moved")
	}
}

func BenchmarkPlanApply(b *testing.B) {
	p := New(Options{})
	null := cty.NullVal(cty.DynamicPseudoType)
	proposed := cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "input": cty.StringVal("x"), "output": cty.DynamicVal, "triggers_replace": null})
	b.ReportAllocs()
	for b.Loop() {
		planned, _ := p.Plan(b.Context(), provider.PlanRequest{TypeName: dataType, Proposed: proposed})
		if done, diags := p.Apply(b.Context(), provider.ApplyRequest{TypeName: dataType, Planned: planned.Planned}); len(diags) > 0 || !done.State.IsKnown() {
			b.Fatal(diags)
		}
	}
}

func BenchmarkPlanNothing(b *testing.B) {
	p := New(Options{})
	v := data(cty.StringVal("i"), cty.StringVal("x"), cty.StringVal("x"), cty.NullVal(cty.DynamicPseudoType))
	b.ReportAllocs()
	for b.Loop() {
		if got, _ := p.Plan(b.Context(), provider.PlanRequest{TypeName: dataType, Prior: v, Proposed: v}); got.RequiresReplace != nil {
			b.Fatal("a replacement")
		}
	}
}
