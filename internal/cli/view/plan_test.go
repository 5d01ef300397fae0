package view

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"tutti/internal/addr"
	"tutti/internal/object"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata")

// planText is a plan as the files in testdata write it.
type planText struct {
	Mode     string        `hcl:"mode,optional"`
	Changes  []changeText  `hcl:"change,block"`
	Drift    []changeText  `hcl:"drift,block"`
	Outputs  []outputText  `hcl:"output,block"`
	Deferred []delayedText `hcl:"deferred,block"`
	Blocks   []string      `hcl:"blocks,optional"`
}

type changeText struct {
	Addr        string    `hcl:"addr,label"`
	Verb        string    `hcl:"verb"`
	Before      cty.Value `hcl:"before,optional"`
	After       cty.Value `hcl:"after,optional"`
	Reason      string    `hcl:"reason,optional"`
	Forces      []string  `hcl:"forces,optional"`
	From        string    `hcl:"moved_from,optional"`
	Imported    string    `hcl:"imported,optional"`
	Note        string    `hcl:"note,optional"`
	Deposed     string    `hcl:"deposed,optional"`
	CreateFirst bool      `hcl:"create_first,optional"`
	Parts       []string  `hcl:"parts,optional"`
}

type outputText struct {
	Name      string    `hcl:"name,label"`
	Before    cty.Value `hcl:"before,optional"`
	After     cty.Value `hcl:"after,optional"`
	Sensitive bool      `hcl:"sensitive,optional"`
}

type delayedText struct {
	Addr   string   `hcl:"addr,label"`
	Reason string   `hcl:"reason"`
	On     []string `hcl:"on,optional"`
}

func markFunc(m object.Mark) function.Function {
	return function.New(&function.Spec{Params: []function.Parameter{{Name: "v", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowMarked: true, AllowDynamicType: true}},
		Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0].Mark(m), nil }})
}

func convertFunc(to func(cty.Type) cty.Type) function.Function {
	return function.New(&function.Spec{Params: []function.Parameter{{Name: "v", Type: cty.DynamicPseudoType, AllowUnknown: true}},
		Type: func([]cty.Value) (cty.Type, error) { return cty.DynamicPseudoType, nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return convert.Convert(args[0], to(cty.DynamicPseudoType))
		}})
}

func planContext() *hcl.EvalContext {
	return &hcl.EvalContext{
		Variables: map[string]cty.Value{"unknown": cty.UnknownVal(cty.String), "unknown_any": cty.DynamicVal},
		Functions: map[string]function.Function{"sensitive": markFunc(object.Sensitive), "ephemeral": markFunc(object.Ephemeral),
			"map": convertFunc(cty.Map), "list": convertFunc(cty.List), "set": convertFunc(cty.Set), "jsonencode": stdlib.JSONEncodeFunc},
	}
}

func readPlan(t *testing.T, name string, src []byte) (*object.Plan, Blocks) {
	t.Helper()
	f, d := hclparse.NewParser().ParseHCL(src, name)
	if d.HasErrors() {
		t.Fatal(d)
	}
	var in planText
	if d := gohcl.DecodeBody(f.Body, planContext(), &in); d.HasErrors() {
		t.Fatal(d)
	}
	p := &object.Plan{Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	p.Mode = map[string]object.Mode{"": object.Normal, "destroy": object.Destroy, "refresh-only": object.RefreshOnly}[in.Mode]
	for _, c := range in.Changes {
		p.Changes = append(p.Changes, c.change(t))
		p.Actions = append(p.Actions, object.Action{Verb: object.Update, Change: len(p.Changes) - 1})
	}
	for _, c := range in.Drift {
		p.Drift = append(p.Drift, c.change(t))
	}
	for _, o := range in.Outputs {
		p.Outputs = append(p.Outputs, object.OutputChange{Name: o.Name, Before: some(o.Before), After: some(o.After), Sensitive: o.Sensitive, Verb: object.Update})
	}
	for _, d := range in.Deferred {
		x := object.Deferred{Addr: at(t, d.Addr).Object, Key: at(t, d.Addr).Key, Reason: d.Reason}
		for _, on := range d.On {
			x.On = append(x.On, at(t, on))
		}
		p.Deferred = append(p.Deferred, x)
	}
	blocks := Blocks{}
	for _, b := range in.Blocks {
		under := blocks
		for _, n := range strings.Split(b, ".") {
			if under[n] == nil {
				under[n] = Blocks{}
			}
			under = under[n]
		}
	}
	return p, blocks
}

// some turns the null of an attribute that is not given into nothing.
func some(v cty.Value) cty.Value {
	if v == cty.NilVal || v.Type() == cty.DynamicPseudoType && v.IsNull() {
		return cty.NilVal
	}
	return v
}

func at(t *testing.T, s string) addr.Instance {
	t.Helper()
	i, err := addr.ParseInstance(s)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (c changeText) change(t *testing.T) object.PlannedChange {
	t.Helper()
	verb, err := object.ParseVerb(c.Verb)
	if err != nil {
		t.Fatal(err)
	}
	out := object.PlannedChange{Addr: at(t, c.Addr), Driver: `provider["registry.terraform.io/hashicorp/test"]`, Deposed: c.Deposed, Reason: object.Reason(c.Reason),
		Imported: c.Imported, CreateFirst: c.CreateFirst, Change: object.Change{Verb: verb, Before: some(c.Before), After: some(c.After), Note: c.Note}}
	if c.From != "" {
		from := at(t, c.From)
		out.MovedFrom = &from
	}
	for _, f := range c.Forces {
		path := cty.Path{}
		for _, step := range strings.Split(f, ".") {
			var n int64
			if _, err := fmt.Sscanf(step, "%d", &n); err == nil {
				path = path.Index(cty.NumberIntVal(n))
			} else {
				path = path.GetAttr(step)
			}
		}
		out.ReplacePaths = append(out.ReplacePaths, path)
	}
	for _, p := range c.Parts {
		fields := strings.Split(p, "|")
		out.Parts = append(out.Parts, object.Part{Name: fields[0], Before: fields[1], After: fields[2], Known: fields[1]+fields[2] != ""})
	}
	return out
}

// TestPlan holds each plan in testdata/plan against its golden parts: plain, color,
// json (the form of show -json) and stream (the messages of plan -json).
func TestPlan(t *testing.T) {
	files, err := filepath.Glob("testdata/plan/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no plans in testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, blocks := readPlan(t, file, ar.Files[0].Data)
			golden(t, file, ar, func(name string) string { return render(t, name, p, blocks) })
		})
	}
}

func render(t *testing.T, name string, p *object.Plan, blocks Blocks) string {
	t.Helper()
	var b bytes.Buffer
	s := Style{Color: name == "color", Blocks: func(string, addr.Name) Blocks { return blocks }}
	switch name {
	case "plain", "color":
		s.Plan(&b, p)
	case "json":
		if err := JSONPlan(&b, PlanInput{Plan: p, Version: "0.1.0"}); err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, b.Bytes(), "", " "); err != nil {
			t.Fatal(err)
		}
		return pretty.String()
	case "stream":
		st := NewStream(&b, func() time.Time { return p.Time })
		st.Version("0.1.0")
		st.Plan(p)
	default:
		t.Fatalf("unknown golden part %q", name)
	}
	return b.String()
}

// golden compares, or rewrites with -update, the parts of an archive after the first.
func golden(t *testing.T, file string, ar *txtar.Archive, want func(name string) string) {
	t.Helper()
	if len(ar.Files) == 1 {
		ar.Files = append(ar.Files, txtar.File{Name: "plain"})
	}
	for i := 1; i < len(ar.Files); i++ {
		got := strings.ReplaceAll(want(ar.Files[i].Name), "\x1b", "␛")
		if *update {
			ar.Files[i].Data = []byte(got)
		} else if d := cmp.Diff(string(ar.Files[i].Data), got); d != "" {
			t.Errorf("%s differs (- wanted, + got); -update rewrites it:\n%s", ar.Files[i].Name, d)
		}
	}
	if *update {
		writeArchive(t, file, ar)
	}
}

func BenchmarkPlan10000(b *testing.B) {
	p := bigPlan(10_000)
	for b.Loop() {
		Style{}.Plan(io.Discard, p)
	}
}

func bigPlan(n int) *object.Plan {
	p := &object.Plan{}
	for i := range n {
		before := cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal("x"), "content": cty.StringVal(fmt.Sprint(i)), "filename": cty.StringVal("f"),
			"tags": cty.MapVal(map[string]cty.Value{"a": cty.StringVal("b")}), "mode": cty.StringVal("0777")})
		after := cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "content": cty.StringVal(fmt.Sprint(i + 1)), "filename": cty.StringVal("f"),
			"tags": cty.MapVal(map[string]cty.Value{"a": cty.StringVal("c")}), "mode": cty.StringVal("0777")})
		p.Changes = append(p.Changes, object.PlannedChange{Addr: addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "local_file", Name: "f"}}.Instance(addr.IntKey(i)),
			Change: object.Change{Verb: object.Update, Before: before, After: after}})
		p.Actions = append(p.Actions, object.Action{Verb: object.Update, Change: i})
	}
	return p
}

func writeArchive(t *testing.T, file string, ar *txtar.Archive) {
	t.Helper()
	if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}
