package config

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

const valueModule = `
variable "list" { type = list(string) }
variable "text" {}
variable "number" { type = number }
variable "any" { type = any }
variable "object" {
  type = object({ a = optional(number, 3), b = optional(object({ c = optional(bool, true) }), {}) })
  default = {}
}
variable "strict" {
  default  = 5
  nullable = false
}
variable "must" {
  nullable = false
  type     = string
  default  = "x"
}
`

func values(t *testing.T, files Snapshot, opts ValueOptions) (Values, string) {
	t.Helper()
	files["main.tf"] = []byte(valueModule)
	m, diags := LoadDir(files, ".")
	if diags.HasErrors() {
		t.Fatal(text(diags))
	}
	opts.Files = files
	vals, diags := VariableValues(m, opts)
	return vals, text(diags)
}

// TestPrecedence sets one variable in every place, from the weakest to the
// strongest; each time the last place wins.
func TestPrecedence(t *testing.T) {
	places := []struct {
		name string
		add  func(Snapshot, *ValueOptions)
	}{
		{"env", func(_ Snapshot, o *ValueOptions) { o.Env = []string{"TF_VAR_text=env", "PATH=x"} }},
		{"tfvars", func(f Snapshot, _ *ValueOptions) { f["terraform.tfvars"] = []byte(`text = "tfvars"`) }},
		{"json", func(f Snapshot, _ *ValueOptions) { f["terraform.tfvars.json"] = []byte(`{"text": "json"}`) }},
		{"auto a", func(f Snapshot, _ *ValueOptions) { f["a.auto.tfvars"] = []byte(`text = "auto a"`) }},
		{"auto b", func(f Snapshot, _ *ValueOptions) { f["b.auto.tfvars.json"] = []byte(`{"text": "auto b"}`) }},
		{"auto c", func(f Snapshot, _ *ValueOptions) { f["c.auto.tfvars"] = []byte(`text = "auto c"`) }},
		{"var", func(_ Snapshot, o *ValueOptions) { o.Args = append(o.Args, Argument{Name: "text", Text: "var"}) }},
		{"file", func(f Snapshot, o *ValueOptions) {
			f["x/prod.tfvars"] = []byte(`text = "file"`)
			o.Args = append(o.Args, Argument{File: "x/prod.tfvars"})
		}},
		{"var again", func(_ Snapshot, o *ValueOptions) {
			o.Args = append(o.Args, Argument{Name: "text", Text: "var again"})
		}},
	}
	files, opts := Snapshot{"other.tfvars": []byte(`text = "never read"`)}, ValueOptions{}
	for _, p := range places {
		p.add(files, &opts)
		vals, msg := values(t, files, opts)
		if got := vals.Set["text"].Value; msg != "" || !got.RawEquals(cty.StringVal(p.name)) {
			t.Errorf("%s: got %#v %s", p.name, got, msg)
		}
	}
}

func TestValueTypes(t *testing.T) {
	obj := func(a, b cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"a": a, "b": cty.ObjectVal(map[string]cty.Value{"c": b})})
	}
	for _, tt := range []struct {
		name, text string
		want       cty.Value // NilVal when an error is wanted
		msg        string
	}{
		{"list", `["a", 1]`, cty.ListVal([]cty.Value{cty.StringVal("a"), cty.StringVal("1")}), ""},
		{"list", `["a"`, cty.NilVal, "Unterminated tuple"},
		{"list", `x`, cty.NilVal, "Variables not allowed"},
		{"list", `{}`, cty.NilVal, "the option -var list gives to var.list does not fit"},
		{"text", `[1]`, cty.StringVal("[1]"), ""},
		{"text", ``, cty.StringVal(""), ""},
		{"number", `3`, cty.NumberIntVal(3), ""},
		{"number", `"3"`, cty.NilVal, "a number is required"},
		{"any", `{x = 1}`, cty.ObjectVal(map[string]cty.Value{"x": cty.NumberIntVal(1)}), ""},
		{"any", `xx`, cty.NilVal, "Variables not allowed"},
		{"object", `{a = null}`, obj(cty.NumberIntVal(3), cty.True), ""},
		{"object", `{b = {c = false}}`, obj(cty.NumberIntVal(3), cty.False), ""},
		{"object", `null`, cty.NullVal(cty.Object(map[string]cty.Type{"a": cty.Number, "b": cty.Object(map[string]cty.Type{"c": cty.Bool})})), ""},
		{"object", `{a = "x"}`, cty.NilVal, "a: a number is required"},
		{"strict", `null`, cty.StringVal("null"), ""}, // without a type the text is the value
		{"nothing", `1`, cty.NilVal, "The root module has no variable \"nothing\""},
		{"txt", `1`, cty.NilVal, `Did you mean "text"?`},
	} {
		vals, msg := values(t, Snapshot{}, ValueOptions{Args: []Argument{{Name: tt.name, Text: tt.text}}})
		got := vals.Set[tt.name].Value
		switch {
		case tt.want == cty.NilVal:
			if !strings.Contains(msg, tt.msg) || !strings.Contains(msg, "Error") {
				t.Errorf("%s=%s: got %q, want an error with %q", tt.name, tt.text, msg, tt.msg)
			}
		case msg != "" || !got.RawEquals(tt.want):
			t.Errorf("%s=%s: got %#v %s", tt.name, tt.text, got, msg)
		}
	}
	vals, msg := values(t, Snapshot{"terraform.tfvars": []byte("strict = null\nmust = null\n")}, ValueOptions{})
	if got := vals.Set["strict"].Value; !got.RawEquals(cty.NumberIntVal(5)) {
		t.Errorf("null for what is not nullable: got %#v %s, want the default", got, msg)
	}
	if len(vals.Missing) != 4 {
		t.Errorf("got %d missing variables, want list, text, number and any", len(vals.Missing))
	}
	if got := len(vals.MissingErrors()); got != 4 {
		t.Errorf("got %d errors about missing variables", got)
	}
}

func TestUndeclaredValues(t *testing.T) {
	files := Snapshot{"a.auto.tfvars": []byte("a = 1\nb = 2\nc = 3\nd = 4\n")}
	_, msg := values(t, files, ValueOptions{Env: []string{"TF_VAR_zz=1"}})
	if n := strings.Count(msg, "Warning"); n != 3 || strings.Contains(msg, "Error") {
		t.Errorf("want two warnings and a sum, got\n%s", msg)
	}
	if !strings.Contains(msg, "2 more variables") {
		t.Errorf("the sum is wrong:\n%s", msg)
	}
	_, msg = values(t, Snapshot{}, ValueOptions{Args: []Argument{{File: "none.tfvars"}}})
	if !strings.Contains(msg, "there is no such file") {
		t.Errorf("got %q", msg)
	}
}

// TestSecretValues proves that a value which does not parse or fit is not shown.
func TestSecretValues(t *testing.T) {
	for _, name := range []string{"number", "list"} {
		_, msg := values(t, Snapshot{}, ValueOptions{Env: []string{"TF_VAR_" + name + "=hunter2"}})
		if !strings.Contains(msg, "Error") || strings.Contains(msg, "hunter2") {
			t.Errorf("%s: got %q", name, msg)
		}
	}
}
