package dump

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
)

// recorded is what a filter of ansible-core 2.19.14 wrote; testdata/record.py records it.
type recorded struct {
	Filter    string
	Arguments map[string]any
	Text      string
	Written   string
}

func (r recorded) options() Options {
	var o Options
	if r.Filter == "to_nice_yaml" {
		o.Indent, o.Flow = 4, FlowNever
	}
	for name, v := range r.Arguments {
		switch name {
		case "indent":
			o.Indent = int(v.(float64))
		case "width":
			o.Width = int(v.(float64))
		case "sort_keys":
			o.Unsorted = !v.(bool)
		case "default_flow_style":
			if o.Flow = FlowNever; v.(bool) {
				o.Flow = FlowAlways
			}
		case "explicit_start":
			o.ExplicitStart = v.(bool)
		case "explicit_end":
			o.ExplicitEnd = v.(bool)
		case "default_style":
			o.Style = v.(string)[0]
		default:
			panic("unknown argument " + name)
		}
	}
	return o
}

// share makes one list or dict of those that are written by aliases, as PyYAML reads them.
func share(n *document.Node, made map[*document.Node]any) any {
	if v, ok := made[n]; ok {
		return v
	}
	switch n.Kind {
	case document.List:
		l := &value.List{}
		made[n] = l
		for _, item := range n.Items {
			l.Items = append(l.Items, share(item, made))
		}
		return l
	case document.Dict:
		d := &value.Dict{}
		made[n] = d
		for i, k := range n.Keys {
			d.Set(k.Scalar, share(n.Items[i], made))
		}
		return d
	}
	return n.Scalar
}

func TestRecorded(t *testing.T) {
	raw, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []recorded
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, c := range cases {
		n, diags := document.Parse([]byte(c.Text), "f", document.Options{Untrusted: true, YAMLOnly: true})
		if diags.HasErrors() {
			t.Fatalf("%s: %v", c.Text, diags.Err())
		}
		got, err := YAML(share(n, map[*document.Node]any{}), c.options())
		if err != nil || got != c.Written {
			if failed++; failed < 30 {
				t.Errorf("%s %v of %s:\n got %q (%v)\nwant %q", c.Filter, c.Arguments, c.Text, got, err, c.Written)
			}
		}
	}
	t.Logf("%d of %d differ", failed, len(cases))
}

func TestRefused(t *testing.T) {
	circle := value.NewList()
	circle.Items = append(circle.Items, circle)
	if text, err := YAML(circle, Options{}); err != nil || !strings.Contains(text, "*id001") {
		t.Errorf("a circle gives %q, %v", text, err)
	}
	deep := any("x")
	for range MaxDepth + 1 {
		deep = value.NewList(deep)
	}
	for _, v := range []any{deep, &value.Undefined{Hint: "'x' is undefined"}, &value.Unknown{}} {
		if _, err := YAML(v, Options{}); err == nil {
			t.Errorf("%T is written", v)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, s := range []string{"a", "a: b", "x\ny ", " ", "-", "é\u2028", "'\""} {
		f.Add(s, 4, 20)
	}
	f.Fuzz(func(t *testing.T, s string, indent, width int) {
		if strings.ToValidUTF8(s, "") != s {
			return
		}
		v := value.NewDict(s, value.NewList(s, value.NewDict("k", s)))
		for _, flow := range []FlowStyle{FlowLeaves, FlowNever, FlowAlways} {
			text, err := YAML(v, Options{Indent: indent, Width: width, Flow: flow})
			if err != nil {
				t.Fatal(err)
			}
			back, diags := document.Value([]byte(text), "f", document.Options{Untrusted: true, YAMLOnly: true})
			if diags.HasErrors() || !value.Equal(back, v) {
				t.Fatalf("%q is written as %q and read as %v (%v)", s, text, value.Repr(back), diags.Err())
			}
		}
	})
}
