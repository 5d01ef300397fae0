package function_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/object"
	"tutti/internal/terraform/function"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

var update = flag.Bool("update", false, "ask the installed tools again and rewrite the expected results")

// unknownName is what UNKNOWN in expressions.txt becomes: an attribute of a
// resource that nothing has made yet.
const unknownName = "terraform_data.u.output"

// functions is a table as the package makes it.
type functions = map[string]ctyfunction.Function

// expression is one line of expressions.txt.
type expression struct {
	text      string
	isUnknown bool
}

// source is the expression as the tools are to read it.
func (e expression) source() string { return strings.ReplaceAll(e.text, "UNKNOWN", unknownName) }

// tool is a program whose console evaluates the language.
type tool struct {
	name     string // as in its version line, without the patch number
	path     string // "" when it is not installed here, or in another version
	expected string
}

// findTools gives the peers with where they are on this machine; no path when
// they are not there.
func findTools() []tool {
	cache, _ := os.UserCacheDir()
	tofu, err := exec.LookPath("tofu")
	if err != nil {
		if built := filepath.Join(cache, "tutti", "bin", "tofu"); exists(built) {
			tofu = built
		}
	}
	terraform, _ := exec.LookPath("terraform")
	tools := []tool{
		{"OpenTofu 1.12", tofu, "testdata/expected_opentofu.txt"},
		{"Terraform 1.11", terraform, "testdata/expected_terraform.txt"},
	}
	for i, tl := range tools {
		if out, err := exec.Command(tl.path, "version").Output(); err != nil || !strings.Contains(string(out), strings.Replace(tl.name, " ", " v", 1)+".") {
			tools[i].path = ""
		}
	}
	return tools
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestExpressions holds our results against those of OpenTofu and Terraform: the
// recorded ones always, and the installed tools where they are.
func TestExpressions(t *testing.T) {
	expressions := readExpressions(t)
	dir := workspace(t)
	ours := make([]string, len(expressions))
	table := function.Table(function.Options{BaseDir: dir, Console: true})
	for i, e := range expressions {
		ours[i] = evaluate(table, e)
	}
	for _, tl := range findTools() {
		t.Run(tl.name, func(t *testing.T) {
			if testing.Short() {
				t.Log("only recorded results are compared in a short run")
			} else if tl.path != "" {
				live := askTool(t, tl, dir, expressions)
				if *update {
					record(t, tl.expected, expressions, live)
				}
				t.Run("live", func(t *testing.T) { compare(t, tl, expressions, ours, live) })
			} else {
				t.Logf("%s is not installed here: only its recorded results are compared", tl.name)
			}
			t.Run("recorded", func(t *testing.T) { compare(t, tl, expressions, ours, recorded(t, tl.expected, expressions)) })
		})
	}
}

// compare wants equal results but for the differences that are listed with their
// reasons, and each of those to be really there.
func compare(t *testing.T, tl tool, expressions []expression, ours, theirs []string) {
	t.Helper()
	reasons := readDifferences(t, tl.name)
	for i, e := range expressions {
		_, listed := reasons[e.text]
		delete(reasons, e.text)
		switch {
		case ours[i] != theirs[i] && !listed:
			t.Errorf("%s\n  ours:   %s\n  theirs: %s", e.text, ours[i], theirs[i])
		case ours[i] == theirs[i] && listed:
			t.Errorf("%s\n  is listed in differences.txt for %s, but the results are the same: %s", e.text, tl.name, ours[i])
		}
	}
	for text := range reasons {
		t.Errorf("%s\n  is listed in differences.txt but not in expressions.txt", text)
	}
}

// evaluate gives one of ours in the notation of the expected results: the type,
// the value as JSON, and whether it is sensitive.
func evaluate(table functions, e expression) string {
	v, err := eval(table, e.source())
	if err != nil {
		return "error"
	}
	sensitive := ""
	if v.IsKnown() && v.HasMark(object.Sensitive) {
		sensitive = " sensitive"
	}
	bare, _ := v.UnmarkDeep()
	ty := bare.Type()
	if !bare.IsWhollyKnown() && !e.isUnknown {
		ty = cty.DynamicPseudoType
	}
	value, err := asJSON(bare)
	if err != nil { // infinity, which the consoles cannot write either
		return "error"
	}
	return oneLine(function.TypeName(ty)) + " " + value + sensitive
}

func eval(table functions, src string) (cty.Value, error) {
	expr, diags := hclsyntax.ParseExpression([]byte(src), "test", hcl.Pos{Line: 1, Column: 1})
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	v, diags := expr.Value(&hcl.EvalContext{
		Functions: table,
		Variables: map[string]cty.Value{
			"terraform_data": cty.ObjectVal(map[string]cty.Value{"u": cty.DynamicVal}),
			"local":          cty.ObjectVal(map[string]cty.Value{"greeting": cty.StringVal(greeting), "value": cty.StringVal(value)}),
		},
	})
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return v, nil
}

func asJSON(v cty.Value) (string, error) {
	if !v.IsWhollyKnown() {
		return "unknown", nil
	}
	raw, err := ctyjson.Marshal(v, v.Type())
	return string(raw), err
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
