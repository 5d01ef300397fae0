package inventory

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tutti/internal/ansible/value"
)

// build makes an inventory of lines "group: host host @child".
func build(t *testing.T, o Options, lines ...string) *Inventory {
	t.Helper()
	inv := New(o)
	for _, line := range lines {
		group, members, _ := strings.Cut(line, ":")
		if _, err := inv.AddGroup(group); err != nil {
			t.Fatal(err)
		}
		for _, m := range strings.Fields(members) {
			child, isGroup := strings.CutPrefix(m, "@")
			var err error
			if isGroup {
				if _, err = inv.AddGroup(child); err == nil {
					err = inv.AddChild(group, child)
				}
			} else {
				_, err = inv.AddHost(m, group, 0)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	inv.Reconcile()
	return inv
}

func selected(t *testing.T, inv *Inventory, s Selection) string {
	t.Helper()
	hosts, _, err := inv.Select(s)
	if err != nil {
		return "error: " + err.Error()
	}
	return strings.Join(names(hosts), " ")
}

// The hosts of all come group by group: first what is directly in it (which add_host does),
// then the groups below it, nearest first.
func TestSelect(t *testing.T) {
	inv := build(t, Options{}, "web: w1 w2 w3", "db: d1 d2", "eu: w2 d1", "top: @web @db")
	for _, c := range []struct {
		patterns, limit, order, want string
	}{
		{"all", "", "", "w2 d1 w1 w3 d2"},
		{"*", "", "", "w2 d1 w1 w3 d2"},
		{"top", "", "", "w1 w2 w3 d1 d2"},
		{"web:db", "", "", "w1 w2 w3 d1 d2"},
		{"db,web", "", "", "d1 d2 w1 w2 w3"},
		{"web:&eu", "", "", "w2"},
		{"all:!web:&eu", "", "", "d1"},
		{"!web", "", "", "d1 d2"},
		{"&eu", "", "", "w2 d1"},
		{"w1:w1:web", "", "", "w1 w2 w3"},
		{"web[0]", "", "", "w1"},
		{"web[-1]", "", "", "w3"},
		{"web[-4]", "", "", "error: No hosts matched the subscripted pattern 'web[-4]'"},
		{"web[1:]", "", "", "w2 w3"},
		{"web[0:1]", "", "", "w1 w2"},
		{"web[2:0]", "", "", "w3"},
		{"web[5:9]", "", "", ""},
		{"web[99999999999999999999]", "", "", "error: No hosts matched the subscripted pattern 'web[99999999999999999999]'"},
		{"~w[12]", "", "", "w1 w2"},
		{"~(?!w).*\\d", "", "", "d1 d2"},
		{"~(", "", "", "error: Invalid host list pattern: ~("},
		{"[dw]2", "", "", "w2 d2"},
		{"[!w]1", "", "", "d1"},
		{"?1", "", "", "w1 d1"},
		{"w[a", "", "", ""},
		{"all", "w*:!w2", "", "w1 w3"},
		{"all", "nothing", "", ""},
		{"all", "", "sorted", "d1 d2 w1 w2 w3"},
		{"all", "", "reverse_sorted", "w3 w2 w1 d2 d1"},
		{"all", "", "reverse_inventory", "d2 w3 w1 d1 w2"},
		{"all", "", "odd", "error: Invalid 'order' specified for inventory hosts: odd"},
		{"localhost", "", "", "localhost"},
		{"all:localhost", "", "", "w2 d1 w1 w3 d2 localhost"},
		{"", "", "", "w2 d1 w1 w3 d2"},
	} {
		s := Selection{Patterns: []string{c.patterns}, Order: c.order}
		if c.limit != "" {
			s.Limit = SplitPattern(c.limit)
		}
		if got := selected(t, inv, s); got != c.want {
			t.Errorf("%q limit %q %s: got %q, want %q", c.patterns, c.limit, c.order, got, c.want)
		}
	}
}

func TestALimitNeverWidens(t *testing.T) {
	inv := build(t, Options{}, "web: w1 w2")
	if got := selected(t, inv, Selection{Patterns: []string{"all"}, Limit: []string{"nobody"}}); got != "" {
		t.Errorf("a limit that matches nothing gives %q", got)
	}
	if _, _, err := inv.Targets("all", []string{"nobody"}); err != ErrNoTargets {
		t.Errorf("got %v", err)
	}
}

func TestShuffle(t *testing.T) {
	inv := build(t, Options{}, "g: a b c d e f g h")
	first := selected(t, inv, Selection{Patterns: []string{"all"}, Order: "shuffle", Seed: 1})
	if again := selected(t, inv, Selection{Patterns: []string{"all"}, Order: "shuffle", Seed: 1}); again != first {
		t.Errorf("one seed gives %q and %q", first, again)
	}
	if other := selected(t, inv, Selection{Patterns: []string{"all"}, Order: "shuffle", Seed: 2}); other == first {
		t.Errorf("another seed gives %q too", other)
	}
}

func TestMismatch(t *testing.T) {
	for mode, want := range map[Mismatch]string{
		MismatchWarning: "1 warnings, <nil>",
		MismatchError:   "0 warnings, Could not match supplied host pattern, ignoring: nope",
		MismatchIgnore:  "0 warnings, <nil>",
	} {
		_, diags, err := build(t, Options{Mismatch: mode}, "g: a").Select(Selection{Patterns: []string{"nope"}})
		if got := fmt.Sprintf("%d warnings, %v", len(diags), err); got != want {
			t.Errorf("mode %d: got %s, want %s", mode, got, want)
		}
	}
}

func TestExpand(t *testing.T) {
	for in, want := range map[string]string{
		"a":                       "a :0",
		"a:22":                    "a :22",
		"web[1:3]":                "web1 web2 web3 :0",
		"web[01:03].x:80":         "web01.x web02.x web03.x :80",
		"[a:c]":                   "a b c :0",
		"x[1:5:2]y[a:b]":          "x1ya x1yb x3ya x3yb x5ya x5yb :0",
		"[:2]":                    "0 1 2 :0",
		"[2001:db8::1]:22":        "2001:db8::1 :22",
		"2001:db8::1":             "2001:db8::1 :0",
		"10.0.0.[1:2]":            "10.0.0.1 10.0.0.2 :0",
		"a[1:]":                   "error: host range must specify end value",
		"a[1:2:3:4]":              "error: host range must be begin:end or begin:end:step",
		"a[01:100]":               "error: host range must specify equal-length begin and end formats",
		"a[c:a]":                  "error: host range must have begin <= end",
		"a[1:x]":                  "error: the host range [1:x] must be of whole numbers or of letters",
		"a[1:2:0]":                "error: the step of the host range [1:2:0] must be a whole number above 0",
		"a[1:2":                   `error: the host range in "a[1:2" has no end: write name[first:last]`,
		"a[1:9999999]":            "error: the host range [1:9999999] stands for more than 250000 hosts",
		"a[1:9999]b[1:9999]":      `error: the host ranges in "a26b[1:9999]" stand for more than 250000 hosts`,
		"a[3:1]":                  " :0",
		"under_score.example.com": "under_score.example.com :0",
	} {
		hosts, port, err := Expand(in)
		got := fmt.Sprintf("%s :%d", strings.Join(hosts, " "), port)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestDynamic(t *testing.T) {
	inv := build(t, Options{}, "web: a", "db: b")
	step := func(what string, wantChanged bool, changed bool, err error) {
		t.Helper()
		if err != nil || changed != wantChanged {
			t.Errorf("%s: changed %t, %v", what, changed, err)
		}
	}
	n := NewHost{Name: "new", Groups: []string{"web", "fresh"}, Vars: value.NewDict("x", int64(1))}
	changed, err := inv.Add(n)
	step("a new host", true, changed, err)
	changed, err = inv.Add(n)
	step("the same again", false, changed, err)
	n.Vars = value.NewDict("x", int64(2))
	changed, err = inv.Add(n)
	step("another value", true, changed, err)
	changed, err = inv.Sort("a", "os_debian", []string{"os"})
	step("a new group", true, changed, err)
	changed, err = inv.Sort("a", "os_debian", []string{"os"})
	step("the same group", false, changed, err)
	if _, err := inv.Sort("nobody", "g", nil); err == nil {
		t.Error("a host that is not there is put into a group")
	}
	if got := strings.Join(inv.HostsOf("os"), " "); got != "a" {
		t.Errorf("os has %q", got)
	}
	if got := strings.Join(inv.GroupNames("new"), " "); got != "fresh web" {
		t.Errorf("new is in %q", got)
	}
	if got := strings.Join(inv.HostsOf("ungrouped"), " "); got != "" {
		t.Errorf("ungrouped are %q", got)
	}
	if got := selected(t, inv, Selection{Patterns: []string{"all"}}); got != "new a b" {
		t.Errorf("all are %q", got)
	}
}

func TestPrecedence(t *testing.T) {
	inv := build(t, Options{}, "parent: @child", "child: h", "other: h")
	set := func(entity, k string, v any) {
		t.Helper()
		if err := inv.SetVariable(entity, k, v); err != nil {
			t.Fatal(err)
		}
	}
	set("all", "v", "all")
	set("other", "v", "other")
	set("parent", "v", "parent")
	set("child", "v", "child")
	h := inv.Host("h")
	play := &Vars{Groups: map[string]Entry{"all.yml": {Vars: value.NewDict("p", "play all", "v2", "play all")}, "bad": {Err: "broken file"}},
		Hosts: map[string]Entry{"h": {Vars: value.NewDict("p2", "play host")}}}
	inv.SetBeside(&Vars{Groups: map[string]Entry{"child": {Vars: value.NewDict("v2", "file child")}}})
	get := func(k string) any {
		t.Helper()
		vars, err := inv.HostVars(h, play)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := vars.Get(k)
		return v
	}
	for k, want := range map[string]any{"v": "child", "v2": "file child", "p": "play all", "p2": "play host", "inventory_hostname": "h"} {
		if got := get(k); got != want {
			t.Errorf("%s is %v, want %v", k, got, want)
		}
	}
	set("other", "ansible_group_priority", "10")
	set("child", "ansible_group_priority", int64(1))
	if got := get("v"); got != "child" {
		t.Errorf("priority counts between groups of one depth only: got %v", got)
	}
	if err := inv.SetVariable("other", "ansible_group_priority", "high"); err == nil {
		t.Error("a priority that is no number is taken")
	}
	changed, err := inv.Sort("h", "bad", nil)
	if err != nil || !changed {
		t.Fatal(err)
	}
	if _, err := inv.HostVars(h, play); err == nil || err.Error() != "broken file" {
		t.Errorf("a broken file of a host's group: %v", err)
	}
}

func TestMergeHashes(t *testing.T) {
	a := value.NewDict("d", value.NewDict("x", int64(1), "y", value.NewList()), "s", "a")
	b := value.NewDict("d", value.NewDict("x", int64(2), "z", int64(3)), "s", "b")
	for merge, want := range map[bool]string{
		true:  "{'d': {'x': 2, 'y': [], 'z': 3}, 's': 'b'}",
		false: "{'d': {'x': 2, 'z': 3}, 's': 'b'}",
	} {
		if got := value.Repr(Combine(a, b, merge)); got != want {
			t.Errorf("merge %t: got %s, want %s", merge, got, want)
		}
	}
	if value.Repr(a) != "{'d': {'x': 1, 'y': []}, 's': 'a'}" {
		t.Errorf("a was changed: %s", value.Repr(a))
	}
}

func TestGroupNames(t *testing.T) {
	for mode, want := range map[Sanitize]string{SanitizeNever: "a-b 1 warnings", SanitizeAlways: "a_b 1 warnings", SanitizeSilently: "a_b 0 warnings", SanitizeIgnore: "a-b 0 warnings"} {
		inv := New(Options{Sanitize: mode})
		name, err := inv.AddGroup("a-b")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := inv.AddGroup("c-d"); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s %d warnings", name, len(inv.TakeWarnings())); got != want {
			t.Errorf("mode %d: got %s, want %s", mode, got, want)
		}
	}
	for in, want := range map[string]string{"1a": "_a", "a.b c": "a_b_c", "ok_1": "ok_1", "é": "é"} {
		if got := SafeGroupName(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	inv := build(t, Options{}, "a: @b", "b: @c h")
	for what, err := range map[string]error{
		"a circle":        inv.AddChild("c", "a"),
		"itself":          inv.AddChild("a", "a"),
		"no such group":   inv.AddChild("x", "a"),
		"no such child":   inv.AddChild("a", "x"),
		"no such entity":  inv.SetVariable("x", "k", 1),
		"no name of host": func() error { _, err := inv.AddHost("", "", 0); return err }(),
		"no name":         func() error { _, err := inv.AddGroup(""); return err }(),
		"unknown group":   func() error { _, err := inv.AddHost("h2", "x", 0); return err }(),
	} {
		if err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestJournal(t *testing.T) {
	inv := build(t, Options{MergeHashes: true}, "web: a b", "top: @web", "solo: localhost")
	if err := inv.SetVariable("a", "t", &value.Template{Text: "{{ x }}", Origin: value.Origin{File: "f", Line: 3}}); err != nil {
		t.Fatal(err)
	}
	inv.SetBeside(&Vars{Groups: map[string]Entry{"web": {Vars: value.NewDict("s", &value.Vaulted{Text: "v"})}, "bad": {Err: "no"}}})
	raw, err := json.Marshal(inv)
	if err != nil {
		t.Fatal(err)
	}
	back := &Inventory{}
	if err := json.Unmarshal(raw, back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(raw) {
		t.Fatalf("written again it is\n%s\nand was\n%s", again, raw)
	}
	v, _ := back.Host("a").Vars.Get("t")
	if tpl, ok := v.(*value.Template); !ok || tpl.Origin.Line != 3 {
		t.Errorf("a template came back as %#v", v)
	}
	if back.Host("localhost").Implicit || !New(Options{}).Host("localhost").Implicit {
		t.Error("which localhost is implicit is forgotten")
	}
	if changed, err := back.Add(NewHost{Name: "n", Groups: []string{"web"}}); err != nil || !changed || strings.Join(back.HostsOf("top"), " ") != "a b n" {
		t.Errorf("after that: %v %v", back.HostsOf("top"), err)
	}
	for _, text := range []string{`{`, `{"Groups":[{"Name":"g","Hosts":[3]}]}`, `{"Groups":[{"Name":"g","Children":[3]}]}`, `{"Hosts":[{"Name":"h","Groups":[1]}]}`, `{"Hosts":[{"Name":"h","Vars":[1]}]}`} {
		if err := json.Unmarshal([]byte(text), &Inventory{}); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

// Each host that is added must cost the same, however many there are.
func BenchmarkSelect(b *testing.B) {
	inv := New(Options{})
	if _, err := inv.AddGroup("web"); err != nil {
		b.Fatal(err)
	}
	for i := range 10000 {
		if _, err := inv.AddHost(fmt.Sprintf("web%05d.example.com", i), "web", 0); err != nil {
			b.Fatal(err)
		}
	}
	inv.Reconcile()
	for b.Loop() {
		if _, _, err := inv.Select(Selection{Patterns: []string{"web*:!web0001*"}}); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, p := range []string{"web[0:1]:&db,!x*", "~a+", "[!a-z]*", "a[", "@", "2001:db8::1", "[x:y]"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		inv := New(Options{})
		for _, h := range []string{"a", "b1", "web01"} {
			if _, err := inv.AddHost(h, Ungrouped, 0); err != nil {
				t.Fatal(err)
			}
		}
		if len(pattern) > 40 || strings.Contains(pattern, "~") && strings.ContainsAny(pattern, "*+{") {
			return // regular expressions have limits of their own
		}
		hosts, _, err := inv.Select(Selection{Patterns: []string{pattern}})
		if err == nil && len(hosts) > 4 {
			t.Fatalf("%q gives %v", pattern, names(hosts))
		}
		_, _, _ = Expand(pattern)
	})
}
