package addr

import (
	"sort"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"
)

var (
	someIdent = rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z_][a-zA-Z0-9_-]{0,8}`),
		rapid.SampledFrom([]string{"data", "module", "var", "resource", "task", "größe", "名前"}),
	)
	someKey = rapid.Custom(func(t *rapid.T) Key {
		switch rapid.IntRange(0, 2).Draw(t, "key kind") {
		case 0:
			return NoKey
		case 1:
			return IntKey(rapid.IntRange(0, 1<<40).Draw(t, "n"))
		default:
			return StringKey(rapid.OneOf(rapid.String(), rapid.StringMatching(`[\[\]."\\$%{}\n\t\x00 a]*`)).Draw(t, "s"))
		}
	})
	someModule = rapid.Custom(func(t *rapid.T) Module {
		m := Module{}
		for range rapid.IntRange(0, 3).Draw(t, "depth") {
			m = m.Child(someIdent.Draw(t, "call"), someKey.Draw(t, "call key"))
		}
		return m
	})
	someName = rapid.Custom(func(t *rapid.T) Name {
		kinds := make([]Kind, 0, kindEnd)
		for k := Resource; k < kindEnd; k++ {
			kinds = append(kinds, k)
		}
		n := Name{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Name: someIdent.Draw(t, "name")}
		if n.Kind.Typed() || n.Kind == Provider {
			n.Type = someIdent.Draw(t, "type")
		}
		if n.Kind == Provider && rapid.Bool().Draw(t, "default") {
			n.Name = ""
		}
		return n
	})
	someInstance = rapid.Custom(func(t *rapid.T) Instance {
		return Object{someModule.Draw(t, "module"), someName.Draw(t, "object")}.Instance(someKey.Draw(t, "key"))
	})
)

// TestRoundTrip writes every kind of address and reads it back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := someInstance.Draw(t, "instance")
		got, err := ParseInstance(i.String())
		if err != nil || got != i {
			t.Fatalf("instance %s: got %#v, %v", i, got, err)
		}
		o, err := ParseObject(i.Object.String())
		if err != nil || o != i.Object {
			t.Fatalf("object %s: got %#v, %v", i.Object, o, err)
		}
		m, err := ParseModule(i.Module.String())
		if err != nil || m != i.Module {
			t.Fatalf("module %s: got %#v, %v", i.Module, m, err)
		}
		c, err := ParseConfig(i.Object.Config().String())
		if err != nil || c != i.Object.Config() {
			t.Fatalf("config %s: got %#v, %v", i.Object.Config(), c, err)
		}
		target, err := ParseTarget(i.String())
		if err != nil || target.String() != i.String() || i.Kind != ModuleCall && !target.Covers(i) { // a call reads as its module
			t.Fatalf("target %s: got %#v, %v", i, target, err)
		}
	})
}

// TestModuleParts takes modules apart and puts them together again.
func TestModuleParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := someModule.Draw(t, "module")
		again, path := Module{}, ModulePath{}
		for _, s := range m.Steps() {
			if !again.Contains(m) || !path.Contains(m.Config()) {
				t.Fatalf("%s does not contain %s", again, m)
			}
			again, path = again.Child(s.Name, s.Key), path.Child(s.Name)
		}
		if again != m || path != m.Config() {
			t.Fatalf("%s becomes %s and %s", m, again, path)
		}
		if !m.IsRoot() {
			parent, step := m.Call()
			if parent.Child(step.Name, step.Key) != m || m.Contains(parent) {
				t.Fatalf("%s was called in %s by %v", m, parent, step)
			}
		}
	})
}

// TestKeys: a key means the same as a value of an expression.
func TestKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := someKey.Draw(t, "key")
		if k.IsNone() {
			return
		}
		got, err := KeyOf(k.Value())
		if err != nil || got != k {
			t.Fatalf("%s as a value is %#v, and back %s, %v", k, k.Value(), got, err)
		}
	})
	for _, v := range []cty.Value{
		cty.NilVal, cty.True, cty.NullVal(cty.String), cty.UnknownVal(cty.Number), cty.NumberFloatVal(1.5), cty.NumberIntVal(-1),
		cty.StringVal("x").Mark("secret"), cty.EmptyObjectVal, cty.MustParseNumberVal("1e30"),
	} {
		if k, err := KeyOf(v); err == nil {
			t.Errorf("%#v makes the key %s", v, k)
		}
	}
}

// TestCompare is a total order that agrees with equality.
func TestCompare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(someInstance, 3, 3).Draw(t, "instances")
		a, b, c := list[0], list[1], list[2]
		if sign(a.Compare(b)) != -sign(b.Compare(a)) || (a.Compare(b) == 0) != (a == b) {
			t.Fatalf("%s and %s: %d, %d", a, b, a.Compare(b), b.Compare(a))
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatalf("%s <= %s <= %s, but not the first and the last", a, b, c)
		}
	})
	want := []string{
		`a_b.c`, `a_b.x[2]`, `a_b.x[10]`, `a_b.x["1"]`, `data.a_b.c`, `task.t`,
		`module.m.a_b.c`, `module.m[2].a_b.c`, `module.m[10].a_b.c`, `module.m["x"].a_b.c`, `module.m["x"].module.n.a_b.c`,
	}
	var list []Instance
	for i := range want {
		list = append(list, mustInstance(t, want[len(want)-1-i]))
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Compare(list[j]) < 0 })
	for i, got := range list {
		if got.String() != want[i] {
			t.Errorf("place %d: got %s, want %s", i, got, want[i])
		}
	}
}

func sign(n int) int { return min(max(n, -1), 1) }

func mustInstance(t *testing.T, s string) Instance {
	t.Helper()
	i, err := ParseInstance(s)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestParseForms reads what people write beside the canonical form.
func TestParseForms(t *testing.T) {
	for in, want := range map[string]string{
		`local_file.x[eu]`:             `local_file.x["eu"]`, // the shell took the quotes
		`module.m[eu].local_file.x`:    `module.m["eu"].local_file.x`,
		`resource.local_file.x`:        `local_file.x`,
		`resource.data.x`:              `resource.data.x`, // a type that is a reserved word
		`a.b["\u00e9"]`:                "a.b[\"\u00e9\"]",
		`a.b["e` + "\u0301" + `"]`:     `a.b["é"]`, // normalised as cty does
		`a.b["\U0001F600"]`:            `a.b["😀"]`,
		`a.b["$${x}%%{y}$"]`:           `a.b["$${x}%%{y}$"]`,
		`a.b["x].y"]`:                  `a.b["x].y"]`,
		`provider.aws`:                 `provider.aws`,
		`provider.aws.west["k"]`:       `provider.aws.west["k"]`,
		`module.a[0].module.b.task.t`:  `module.a[0].module.b.task.t`,
		`ephemeral.vault_token.t[0]`:   `ephemeral.vault_token.t[0]`,
		`check.health`:                 `check.health`,
		`module.a.module.b[0]`:         `module.a.module.b[0]`,
		`module.a.data.http.x["a\"b"]`: `module.a.data.http.x["a\"b"]`,
	} {
		got, err := ParseInstance(in)
		if err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
}

// TestParseErrors: what cannot be read is named.
func TestParseErrors(t *testing.T) {
	instance := func(s string) error { _, err := ParseInstance(s); return err }
	object := func(s string) error { _, err := ParseObject(s); return err }
	module := func(s string) error { _, err := ParseModule(s); return err }
	static := func(s string) error { _, err := ParseConfig(s); return err }
	target := func(s string) error { _, err := ParseTarget(s); return err }
	for _, tt := range []struct {
		parse    func(string) error
		in, want string
	}{
		{instance, ``, `"" is not a name`},
		{instance, `local_file`, `TYPE.NAME`},
		{instance, `local_file.`, `"" is not a name`},
		{instance, `data.http`, `TYPE.NAME`},
		{instance, `a.b.c`, `".c" is left over`},
		{instance, `a.b[0].c`, `".c" is left over`},
		{instance, `a.b[0`, `expected ]`},
		{instance, `a.b["x"`, `expected ]`},
		{instance, `a.b["x`, `no closing quote`},
		{instance, `a.b["x\`, `backslash at the end`},
		{instance, `a.b["\q"]`, `unknown sequence \q`},
		{instance, `a.b["\u12"]`, `sequence`},
		{instance, `a.b["\ud800"]`, `invalid \u`},
		{instance, `a.b["${x}"]`, `may not hold a template`},
		{instance, "a.b[\"\xff\"]", `not valid UTF-8`},
		{instance, `a.b[]`, `neither a whole number nor a quoted string`},
		{instance, `a.b[-1]`, `neither a whole number`},
		{instance, `a.b[01]`, `neither a whole number`},
		{instance, `a.b[1.5]`, `neither a whole number`},
		{instance, `a.b[99999999999999999999]`, `neither a whole number`},
		{instance, `1a.b`, `"1a" is not a name`},
		{instance, `a b.c`, `"a b" is not a name`},
		{instance, `module.m.`, `missing after the last dot`},
		{module, `module.m[0].`, `missing after the last dot`},
		{instance, `resource.x`, `TYPE.NAME`},
		{instance, `module.m[0]x.a.b`, `expected a dot`},
		{instance, `module..a.b`, `"" is not a name`},
		{object, `a.b[0]`, `the key [0] names one instance`},
		{module, `a.b`, `"a.b" is not a module`},
		{module, `module.a.b.c`, `"b.c" is not a module`},
		{static, `module.a["x"].b.c`, `the key ["x"]`},
		{static, `b.c[1]`, `the key [1]`},
		{target, ``, `is not a name`},
		{target, `module.`, `is not a name`},
		{module, "module.a[\"\xff\"]", `not valid UTF-8`},
		{target, `nothing`, `TYPE.NAME`},
	} {
		err := tt.parse(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %s", tt.in, err, tt.want)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		target string
		in     []string
		out    []string
	}{
		{`a.b`, []string{`a.b`, `a.b[0]`, `a.b["x"]`}, []string{`a.c`, `data.a.b`, `module.m.a.b`}},
		{`a.b[0]`, []string{`a.b[0]`}, []string{`a.b`, `a.b[1]`, `a.b["0"]`}},
		{`module.m`, []string{`module.m.a.b`, `module.m[0].a.b`, `module.m["x"].module.n.a.b[1]`}, []string{`a.b`, `module.mm.a.b`, `module.n.module.m.a.b`}},
		{`module.m["x"]`, []string{`module.m["x"].a.b`, `module.m["x"].module.n[0].a.b`}, []string{`module.m.a.b`, `module.m["y"].a.b`, `module.m[0].a.b`}},
		{`module.m.module.n[0]`, []string{`module.m["x"].module.n[0].a.b`}, []string{`module.m["x"].module.n[1].a.b`, `module.m.a.b`}},
		{`module.m.a.b`, []string{`module.m.a.b`, `module.m[1].a.b["k"]`}, []string{`module.m.module.n.a.b`, `a.b`, `module.m.a.c`}},
		{`module.m[1].a.b`, []string{`module.m[1].a.b["k"]`}, []string{`module.m[2].a.b`, `module.m.a.b`}},
		{`task.build`, []string{`task.build`}, []string{`build.task`, `service.build`}},
	} {
		target, err := ParseTarget(tt.target)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range tt.in {
			if !target.Covers(mustInstance(t, s)) {
				t.Errorf("%s does not cover %s", tt.target, s)
			}
		}
		for _, s := range tt.out {
			if target.Covers(mustInstance(t, s)) {
				t.Errorf("%s covers %s", tt.target, s)
			}
		}
	}
	if !(Target{}).Covers(mustInstance(t, `module.m[0].a.b["x"]`)) {
		t.Error("the root module does not cover what is in it")
	}
}

// TestCoversAgrees holds Covers against a naive reading of the rule.
func TestCoversAgrees(t *testing.T) {
	few := rapid.SampledFrom([]string{
		`module.a`, `module.a[0]`, `module.a["k"].module.b`, `module.a.x.y`, `module.a[0].x.y[1]`, `x.y`, `x.y["k"]`, `module.a.module.b[0].x.y`, `module.b`,
	})
	insts := rapid.SampledFrom([]string{
		`x.y`, `x.y["k"]`, `module.a.x.y`, `module.a[0].x.y[1]`, `module.a["k"].module.b.x.y`, `module.a[0].module.b[0].x.y`, `module.b["k"].x.z`, `module.a.x.z`,
	})
	rapid.Check(t, func(t *rapid.T) {
		target, err := ParseTarget(few.Draw(t, "target"))
		if err != nil {
			t.Fatal(err)
		}
		i, err := ParseInstance(insts.Draw(t, "instance"))
		if err != nil {
			t.Fatal(err)
		}
		want := true
		ws, hs := target.Module.Steps(), i.Module.Steps()
		for n, w := range ws {
			want = want && n < len(hs) && hs[n].Name == w.Name && (w.Key.IsNone() || w.Key == hs[n].Key)
		}
		if (target.Name != Name{}) {
			want = want && len(ws) == len(hs) && target.Name == i.Name && (target.Key.IsNone() || target.Key == i.Key)
		}
		if got := target.Covers(i); got != want {
			t.Fatalf("%s covers %s: %v, want %v", target, i, got, want)
		}
	})
}

func TestKinds(t *testing.T) {
	for k := Resource; k < kindEnd; k++ {
		root, ok := Root(k.String())
		if k == Resource {
			if ok {
				t.Error("managed resources have a root word")
			}
			continue
		}
		if !ok || root != k || strings.Contains(k.String(), "invalid") {
			t.Errorf("kind %d has the word %q, which stands for %d", k, k, root)
		}
	}
	if s := Kind(0).String(); !strings.Contains(s, "invalid") {
		t.Errorf("the zero kind is called %q", s)
	}
	if !Data.Typed() || Task.Typed() || !Variable.IsValue() || Task.IsValue() {
		t.Error("kinds are sorted wrongly")
	}
}

func TestReferencePath(t *testing.T) {
	ref := Reference{Remaining: hcl.Traversal{
		hcl.TraverseIndex{Key: cty.NumberIntVal(0)}, hcl.TraverseAttr{Name: "tags"}, hcl.TraverseIndex{Key: cty.StringVal("k")}, hcl.TraverseSplat{}, hcl.TraverseAttr{Name: "x"},
	}}
	want := cty.IndexIntPath(0).GetAttr("tags").IndexString("k")
	if got := ref.Path(); !got.Equals(want) {
		t.Errorf("got %#v", got)
	}
	if got := ref.Attribute(); got != "tags" {
		t.Errorf("the edge is called %q", got)
	}
	if got := (Reference{}).Attribute(); got != "" {
		t.Errorf("an edge to the whole is called %q", got)
	}
}

func TestPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"negative key":  func() { IntKey(-1) },
		"call of root":  func() { Module{}.Call() },
		"broken module": func() { Module{"module."}.Steps() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// FuzzParseInstance: whatever is read, is written in a form that reads the same.
func FuzzParseInstance(f *testing.F) {
	for _, s := range []string{
		`a.b`, `data.a.b[0]`, `module.m["a\"b"].task.x`, `a.b["$${x}"]`, `a.b["\u00e9\U0001F600\n"]`, `provider.aws.west`, `a.b[x]`, "a.b[\"\xff\"]", `resource.data.x`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := ParseInstance(s)
		if err != nil {
			return
		}
		again, err := ParseInstance(i.String())
		if err != nil || again != i {
			t.Fatalf("%q is read as %#v, written as %q, and that is read as %#v, %v", s, i, i, again, err)
		}
		if i.Compare(again) != 0 {
			t.Fatalf("%q differs from itself", s)
		}
	})
}
