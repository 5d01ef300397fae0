package function_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"tutti/internal/terraform/function"

	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"
)

// TestSignatures holds names, parameters, their types and who may be null against
// what the tools list with "metadata functions -json".
func TestSignatures(t *testing.T) {
	ours := map[string]string{}
	for name, f := range function.Table(function.Options{}) {
		ours[name] = signature(t, f)
	}
	for _, tl := range findTools() {
		t.Run(tl.name, func(t *testing.T) {
			path := strings.Replace(tl.expected, "expected_", "signatures_", 1)
			if tl.path == "" {
				t.Logf("%s is not installed here: only its recorded signatures are compared", tl.name)
			} else if live := listFunctions(t, tl); *update {
				writeSignatures(t, path, live)
			} else {
				compareSignatures(t, tl, ours, live)
			}
			compareSignatures(t, tl, ours, readSignatures(t, path))
		})
	}
}

// knownSignatures are those that differ on purpose, by tool and name.
var knownSignatures = map[string]string{
	"OpenTofu 1.12 templatestring":  "its first parameter is named as Terraform names it, which says more in an error",
	"OpenTofu 1.12 contains":        "null can be looked for",
	"Terraform 1.11 contains":       "null can be looked for",
	"Terraform 1.11 format":         "the type of the result is known beforehand",
	"Terraform 1.11 formatlist":     "the type of the result is known beforehand",
	"Terraform 1.11 templatestring": "the result need not be a string",
}

func compareSignatures(t *testing.T, tl tool, ours, theirs map[string]string) {
	t.Helper()
	if len(theirs) < 200 {
		t.Fatalf("only %d functions to compare with", len(theirs))
	}
	for name, want := range theirs {
		reason := knownSignatures[tl.name+" "+strings.TrimPrefix(name, function.Namespace)]
		if got, ok := ours[name]; !ok {
			t.Errorf("%s%s is missing", name, want)
		} else if (got == want) == (reason != "") {
			t.Errorf("%s has another signature (known: %q)\n  ours:   %s\n  theirs: %s", name, reason, got, want)
		}
	}
}

// TestDescriptions wants one sentence for every function and none for others.
func TestDescriptions(t *testing.T) {
	table := function.Table(function.Options{Console: true})
	raw, err := os.ReadFile("descriptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if table[name].Description() != text || text == "" {
			t.Errorf("the description of %s does not arrive", name)
		}
		described[name] = true
	}
	for name := range table {
		if !strings.HasPrefix(name, function.Namespace) && !described[name] {
			t.Errorf("%s has no description", name)
		}
	}
	if want := 2 * len(described); len(table) != want {
		t.Errorf("the table has %d names; want %d, each also in the core namespace", len(table), want)
	}
}

// listing is the part of the tools' JSON that counts here.
type listing struct {
	Signatures map[string]struct {
		Return     json.RawMessage   `json:"return_type"`
		Parameters []listedParameter `json:"parameters"`
		Variadic   *listedParameter  `json:"variadic_parameter"`
	} `json:"function_signatures"`
}

type listedParameter struct {
	Name     string          `json:"name"`
	Nullable bool            `json:"is_nullable"`
	Type     json.RawMessage `json:"type"`
}

func (p listedParameter) String() string {
	out := p.Name + " " + string(p.Type)
	if p.Nullable {
		out += " or null"
	}
	return out
}

func listFunctions(t *testing.T, tl tool) map[string]string {
	t.Helper()
	var l listing
	if err := json.Unmarshal([]byte(mustRun(t, tl, t.TempDir(), "", "metadata", "functions", "-json")), &l); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, s := range l.Signatures {
		out[name] = writeSignature(s.Parameters, s.Variadic, s.Return)
	}
	return out
}

func signature(t *testing.T, f ctyfunction.Function) string {
	t.Helper()
	var fixed []listedParameter
	unknown := []cty.Value{}
	for _, p := range f.Params() {
		fixed = append(fixed, listed(t, p))
		unknown = append(unknown, cty.UnknownVal(p.Type))
	}
	var variadic *listedParameter
	if p := f.VarParam(); p != nil {
		v := listed(t, *p)
		variadic = &v
		unknown = append(unknown, cty.UnknownVal(p.Type))
	}
	ty, err := f.ReturnTypeForValues(unknown)
	if err != nil { // as for a function that needs one more argument
		ty = cty.DynamicPseudoType
	}
	return writeSignature(fixed, variadic, typeJSON(t, ty))
}

func listed(t *testing.T, p ctyfunction.Parameter) listedParameter {
	t.Helper()
	if p.Type.IsCapsuleType() { // an expression, for which JSON has no type
		p.Type = cty.DynamicPseudoType
	}
	return listedParameter{Name: p.Name, Nullable: p.AllowNull, Type: typeJSON(t, p.Type)}
}

func typeJSON(t *testing.T, ty cty.Type) json.RawMessage {
	t.Helper()
	raw, err := ty.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func writeSignature(fixed []listedParameter, variadic *listedParameter, returns json.RawMessage) string {
	var parts []string
	for _, p := range fixed {
		parts = append(parts, p.String())
	}
	if variadic != nil {
		parts = append(parts, variadic.String()+" ...")
	}
	return fmt.Sprintf("(%s) %s", strings.Join(parts, ", "), returns)
}

func writeSignatures(t *testing.T, path string, signatures map[string]string) {
	t.Helper()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(signatures)) {
		b.WriteString(name + signatures[name] + "\n")
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readSignatures(t *testing.T, path string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, line := range dataLines(t, path) {
		at := strings.Index(line, "(")
		out[line[:at]] = line[at:]
	}
	return out
}
