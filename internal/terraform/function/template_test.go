package function_test

import (
	"strings"
	"testing"

	"tutti/internal/terraform/function"

	"github.com/zclconf/go-cty/cty"
)

func mustEval(t testing.TB, table functions, src string) cty.Value {
	t.Helper()
	v, err := eval(table, src)
	if err != nil {
		t.Fatalf("%s: %s", src, messages(err))
	}
	return v
}

// TestEndlessTemplates reaches the limit of templates in templates, by both
// functions and their names in the core namespace. One that grew with a power of
// the depth, or a stack that overflowed, would not come back.
func TestEndlessTemplates(t *testing.T) {
	world := &shelf{files: map[string]string{
		"loop": `${templatefile("loop", {})}`,
		"core": `${core::templatefile("core", {})}`,
	}}
	table := function.Table(function.Options{Files: world})
	for _, src := range []string{
		`templatefile("loop", {})`,
		`templatefile("core", {})`,
		`templatestring(t, {t = t})`,
	} {
		t.Run(src, func(t *testing.T) {
			src := strings.ReplaceAll(src, "t, {t = t}", `"$${templatestring(t, {t = t})}", {t = "$${templatestring(t, {t = t})}"}`)
			_, err := eval(table, src)
			if err == nil || !strings.Contains(messages(err), "to a depth of more than 1024") {
				t.Fatalf("got %.300v", err)
			}
			if len(messages(err)) > 1000 {
				t.Errorf("the message has %d bytes", len(messages(err)))
			}
		})
	}
}

// TestTemplateStops: both sides of a condition are evaluated, so a template that
// stops itself by one still goes down to the limit, but only the side that is
// taken counts.
func TestTemplateStops(t *testing.T) {
	world := &shelf{files: map[string]string{"choice": `${n <= 0 ? "end" : templatefile("choice", {n = n - 1})}`}}
	table := function.Table(function.Options{Files: world})
	if got := mustEval(t, table, `templatefile("choice", {n = 2})`); got.AsString() != "end" {
		t.Errorf("got %#v", got)
	}
}

// TestTemplateChanges: a file that changes between two calls is read again.
func TestTemplateChanges(t *testing.T) {
	world := &shelf{files: map[string]string{"f": "old ${x}"}}
	table := function.Table(function.Options{Files: world})
	for _, want := range []string{"old 1", "new 1", "new 1"} {
		world.files["f"] = strings.Replace(want, "1", "${x}", 1)
		if got := mustEval(t, table, `templatefile("f", {x = 1})`); got.AsString() != want {
			t.Errorf("got %#v; want %q", got, want)
		}
	}
}

// TestTemplateTypes looks at what is known of a result before its variables are.
func TestTemplateTypes(t *testing.T) {
	world := &shelf{files: map[string]string{"text": "a ${x}", "whole": "${x}", "bad": "${"}}
	table := function.Table(function.Options{Files: world})
	for path, want := range map[string]cty.Type{"text": cty.String, "whole": cty.DynamicPseudoType} {
		got, err := table["templatefile"].Call([]cty.Value{cty.StringVal(path), cty.DynamicVal})
		if err != nil || got.IsKnown() || got.Type() != want {
			t.Errorf("%s: %#v, %v; want an unknown %#v", path, got, err, want)
		}
	}
	for _, path := range []string{"bad", "nope"} {
		if _, err := table["templatefile"].Call([]cty.Value{cty.StringVal(path), cty.DynamicVal}); err == nil {
			t.Errorf("%s: no error before the variables are known", path)
		}
	}
	got := mustEval(t, table, `templatefile("text", {x = terraform_data.u.output})`)
	if r := got.Range(); r.StringPrefix() != "a " || r.CouldBeNull() {
		t.Errorf("what is known of %#v is not what the template says", got)
	}
}

// TestTemplateMistakes wants all mistakes, with their places.
func TestTemplateMistakes(t *testing.T) {
	world := &shelf{files: map[string]string{
		"two":  "line\n${upper(1, 2)} ${nope()}\n",
		"near": "hello ${nam}",
	}}
	table := function.Table(function.Options{Files: world})
	for src, wants := range map[string][]string{
		`templatefile("two", {})`:            {"two:2,", "Too many function arguments", `no function named "nope"`},
		`templatefile("near", {name = "x"})`: {`"nam"`, "near:1,9-12", `did you mean "name"?`},
	} {
		_, err := eval(table, src)
		if err == nil {
			t.Errorf("%s has no error", src)
			continue
		}
		for _, want := range wants {
			if got := messages(err); !strings.Contains(got, want) {
				t.Errorf("%s\n  got:  %s\n  want: %s", src, got, want)
			}
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"a ${x}", "%{ for i in [1] }${i}%{ endfor }", "${templatestring(x, {x = x})}", "%{ if x == 1 ~} y %{ else }z%{ endif }", "$${", "${\"${x}\"}"} {
		f.Add(seed)
	}
	table := function.Table(function.Options{Files: &shelf{}})
	f.Fuzz(func(t *testing.T, src string) {
		args := []cty.Value{cty.StringVal(src), cty.ObjectVal(map[string]cty.Value{"x": cty.StringVal("v")})}
		v, err := table["templatestring"].Call(args)
		unknown, unknownErr := table["templatestring"].Call([]cty.Value{args[0], cty.UnknownVal(args[1].Type())})
		if err != nil {
			return
		}
		if unknownErr != nil {
			t.Fatalf("%q: an error only while x is unknown: %v", src, unknownErr)
		}
		if unknown.Type() != cty.DynamicPseudoType && !unknown.Type().Equals(v.Type()) {
			t.Fatalf("%q: foreseen to be %#v, but it is %#v", src, unknown, v)
		}
	})
}
