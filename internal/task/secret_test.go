package task

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"tutti/internal/block"
	"tutti/internal/object"
)

const secretTask = `task "a" {
  script      = "echo token-of-$KEY; echo $KEY >&2; echo '{\"a\": 1}'"
  environment = { KEY = var.key, HOST = "h" }
  stdin       = "key: ${var.key}"
}`

func TestSensitiveInputs(t *testing.T) {
	s := newStand(t, secretTask)
	s.values["var.key"] = secretText("hunter22")
	if c := s.plan(); !c.After.GetAttr("stdout").HasMark(object.Sensitive) || c.After.GetAttr("exit_code").IsMarked() {
		t.Errorf("planned %#v", c.After)
	}
	s.must(object.Run)
	v := s.prior().Value
	if out := v.GetAttr("stdout"); !out.HasMark(object.Sensitive) || !strings.HasPrefix(s.output("stdout"), "token-of-hunter22\n") {
		t.Errorf("stdout is %#v", out)
	}
	if log := joined(s.log); strings.Contains(log, "hunter22") || !strings.Contains(log, "token-of-(sensitive value)") {
		t.Errorf("the log is %q", log)
	}
	for _, name := range []string{"environment", "stdin", "script"} {
		bare, _ := v.GetAttr(name).UnmarkDeep()
		if strings.Contains(bare.GoString(), "hunter22") {
			t.Errorf("%s holds the secret: %#v", name, bare)
		}
	}
	if v.GetAttr("environment").GetAttr("HOST").IsMarked() {
		t.Error("an input that is no secret is hidden")
	}
	s.must(object.NoOp)
	s.values["var.key"] = secretText("hunter23")
	if c := s.plan(); c.Note != "environment changed, stdin changed" {
		t.Errorf("the note is %q", c.Note)
	}
}

func TestSensitiveFalseMasksOutputs(t *testing.T) {
	s := newStand(t, strings.Replace(secretTask, "{\n", "{\n  sensitive = false\n", 1))
	s.values["var.key"] = secretText("hunter22")
	s.must(object.Run)
	v := s.prior().Value
	if out := v.GetAttr("stdout"); out.IsMarked() || out.AsString() != "token-of-(sensitive value)\n{\"a\": 1}" {
		t.Errorf("stdout is %#v", out)
	}
	if out := v.GetAttr("stderr"); out.IsMarked() || out.AsString() != "(sensitive value)" {
		t.Errorf("stderr is %#v", out)
	}
	if strings.Contains(string(s.row.Attributes)+string(s.row.Private), "hunter22") {
		t.Error("the row holds the secret")
	}
	s.edit(strings.Replace(secretTask, "{\n", "{\n  sensitive = true\n", 1))
	s.must(object.Update)
	if !s.prior().Value.GetAttr("stdout").HasMark(object.Sensitive) {
		t.Error("sensitive = true did not hide what is stored")
	}
}

func TestSensitiveTrueKeepsOutputFromLog(t *testing.T) {
	s := newStand(t, `task "a" {
  sensitive = true
  script    = "echo a new token; echo more; exit 1"
}`)
	_, d := s.apply()
	if got := joined(s.log); got != "(the output is not shown, because the task has sensitive = true)" {
		t.Errorf("the log is %q", got)
	}
	if !d.HasErrors() || strings.Contains(d[0].Detail, "token") {
		t.Errorf("said %v", d.Err())
	}
	if len(s.row.Sensitive) == 0 || s.output("stdout") != "a new token\nmore" {
		t.Errorf("stored %#v", s.prior().Value)
	}
}

func TestSensitiveTriggersHideNothing(t *testing.T) {
	s := newStand(t, `task "a" {
  command  = ["echo", "hi"]
  triggers = var.key
}`)
	s.values["var.key"] = cty.ObjectVal(map[string]cty.Value{"a": secretText("hunter22")})
	s.must(object.Run)
	if s.prior().Value.GetAttr("stdout").IsMarked() {
		t.Error("a trigger made the outputs sensitive")
	}
	s.must(object.NoOp)
	s.values["var.key"] = cty.ObjectVal(map[string]cty.Value{"a": secretText("hunter23")})
	s.must(object.Run)
}

// An object with a secret in it is used, but not the secret: only the log, which
// nobody computes with, is masked.
func TestSecretsNearby(t *testing.T) {
	s := newStand(t, `task "a" {
  command = ["echo", var.user.name, "hunter22"]
}`)
	s.values["var.user"] = cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("ann"), "key": secretText("hunter22")})
	s.must(object.Run)
	if out := s.prior().Value.GetAttr("stdout"); out.IsMarked() || out.AsString() != "ann hunter22" {
		t.Errorf("stdout is %#v", out)
	}
	if got := joined(s.log); got != "ann (sensitive value)" {
		t.Errorf("the log is %q", got)
	}
}

func TestEphemeralInputs(t *testing.T) {
	s := newStand(t, `task "a" {
  script      = "echo $KEY"
  environment = { KEY = var.key }
}`)
	s.values["var.key"] = cty.StringVal("first-secret").Mark(object.Ephemeral)
	if c := s.plan(); object.HasMark(c.After, object.Ephemeral) {
		t.Error("the plan holds an ephemeral value")
	}
	s.must(object.Run)
	if strings.Contains(string(s.row.Private), "first-secret") || s.output("stdout") != "first-secret" || !s.prior().Value.GetAttr("stdout").IsMarked() {
		t.Errorf("stored %s", s.row.Attributes)
	}
	s.values["var.key"] = cty.StringVal("second-secret").Mark(object.Ephemeral)
	s.must(object.NoOp)
}

// TestConcealedInputs: whatever the inputs are, no sensitive text is left in the
// concealed form, equal inputs are equal, and what is stored is read as it was.
func TestConcealedInputs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := value(3).Draw(t, "value")
		c := block.Concealer{Salt: []byte("0123456789abcdef0123456789abcdef")}
		got := c.Conceal(v)
		if again := c.Conceal(v); !again.RawEquals(got) {
			t.Fatalf("equal inputs differ: %#v and %#v", got, again)
		}
		bare, _ := got.UnmarkDeep()
		if strings.Contains(bare.GoString(), "SECRET") {
			t.Fatalf("%#v shows a secret of %#v", bare, v)
		}
		if !v.IsWhollyKnown() {
			return
		}
		in := map[string]cty.Value{"triggers": got}
		for _, name := range append(append([]string{}, runInputs...), otherInputs...) {
			if name != "triggers" {
				in[name] = cty.NullVal(cty.DynamicPseudoType)
			}
		}
		a := &object.Actual{Value: block.Join(in, noOutputs())}
		row, err := (&driver{}).Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		back, d := (&driver{}).Decode(t.Context(), row)
		if d.HasErrors() || !back.Value.RawEquals(a.Value) {
			t.Fatalf("read back as %#v, was %#v, %v", back.Value, a.Value, d.Err())
		}
	})
}

// value draws values of every kind that an expression can give.
func value(depth int) *rapid.Generator[cty.Value] {
	leaf := rapid.OneOf(
		rapid.Map(rapid.StringMatching(`[a-z"\\é]{0,4}`), cty.StringVal),
		rapid.Map(rapid.StringMatching(`SECRET[a-z]{0,4}`), func(s string) cty.Value { return cty.StringVal(s).Mark(object.Sensitive) }),
		rapid.Map(rapid.Int64(), cty.NumberIntVal),
		rapid.Map(rapid.Float64Range(-1e9, 1e9), cty.NumberFloatVal),
		rapid.Map(rapid.Bool(), cty.BoolVal),
		rapid.Just(cty.NullVal(cty.String)), rapid.Just(cty.NullVal(cty.DynamicPseudoType)),
		rapid.Just(cty.NullVal(cty.String).Mark(object.Sensitive)), rapid.Just(cty.UnknownVal(cty.String)),
		rapid.Just(cty.SetVal([]cty.Value{cty.StringVal("SECRET").Mark(object.Sensitive)})),
		rapid.Just(cty.ListValEmpty(cty.String)), rapid.Just(cty.MapValEmpty(cty.Number)),
	)
	if depth == 0 {
		return leaf
	}
	inner := value(depth - 1)
	return rapid.OneOf(leaf,
		rapid.Map(rapid.SliceOfN(inner, 0, 3), cty.TupleVal),
		rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-z]{1,2}`), inner, 0, 3), cty.ObjectVal),
		rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-z]{1,2}`), inner, 0, 3), func(m map[string]cty.Value) cty.Value {
			return cty.ObjectVal(m).Mark(object.Sensitive)
		}))
}
