package document_test

import (
	"fmt"
	"strings"
	"testing"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/document"
)

func read(t *testing.T, name, text string, given map[string]string) *document.File {
	t.Helper()
	f, diags := document.Read(name, []byte(text), given)
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	return f
}

// JSON and YAML with the same content come to the same value.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"a.json", `{"b": [1.0, -0, 1e3, true, null, "x\u00e9\n"], "a": {}}`, `{"b":[1.0,-0,1e3,true,null,"xé\n"],"a":{}}`},
		{"a.yaml", "b: [1.0, 1e3, true, null, ~, 'x', \"\\n\"]\na: {}", `{"b":[1.0,1e3,true,null,null,"x","\n"],"a":{}}`},
		{"a.yml", "hex: 0x1F\nbig: 1_000\noctal: 0o17\nyes: yes\nday: 2024-02-29\nat: 2024-02-29T00:00:00Z\ntext: |\n  a\n  b\n", `{"hex":31,"big":1000,"octal":15,"yes":"yes","day":"2024-02-29","at":"2024-02-29T00:00:00Z","text":"a\nb\n"}`},
		{"a.yaml", "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {<<: [*x, {c: 4}]}\nw: *x", `{"x":{"a":1,"b":2},"y":{"b":3,"a":1},"z":{"a":1,"b":2,"c":4},"w":{"a":1,"b":2}}`},
		{"a.asl", "a: 1", `{"a":1}`}, {"a.asl", ` {"a": 1}`, `{"a":1}`}, {"a.asl", `"text"`, `"text"`}, {"a.json", "5", "5"},
		{"a.json", `{"a": ${n}, "b": "${s}-${n}", "c": ${o}}`, `{"a":3,"b":"x\"y-3","c":{"k":[1]}}`},
		{"a.yaml", "a: ${n}\nb: \"${n}\"\nc: x${s}", `{"a":3,"b":"3","c":"xx\"y"}`},
	} {
		f := read(t, c.name, c.text, map[string]string{"n": "3", "s": `x"y`, "o": `{"k":[1]}`})
		if got := string(data.Encode(f.Root.Data())); got != c.want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", c.name, c.text, got, c.want)
		}
	}
}

// Every node's range holds its own text.
func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text string }{
		{"a.json", "{\n  \"alpha\": [1, \"zwei\"],\n  \"é\": {\"x\": null}\n}"},
		{"a.yaml", "alpha:\n  - 1\n  - \"zwei\"\né: {x: null}\n"},
	} {
		f := read(t, c.name, c.text, nil)
		two := f.Root.Get("alpha").Inner[1]
		if r := f.Whole(two); c.text[r.Start.Byte:r.End.Byte] != `"zwei"` || two.Pointer() != "/alpha[1]" {
			t.Errorf("%s: %v %s", c.name, r, two.Pointer())
		}
		if r := f.Inside(two, 1, 3); c.text[r.Start.Byte:r.End.Byte] != "we" {
			t.Errorf("%s: %v", c.name, r)
		}
		x := f.Root.Get("é").Get("x")
		if r := f.NameOf(x); !strings.Contains(c.text[r.Start.Byte:r.End.Byte], "x") || x.Pointer() != "/é/x" || !x.Null() || r.Start.Line != strings.Count(c.text[:strings.Index(c.text, "x")], "\n")+1 {
			t.Errorf("%s: %v %s", c.name, r, x.Pointer())
		}
		if r := f.NameOf(f.Root.Get("é")); r.End.Column-r.Start.Column != len([]rune(c.text[r.Start.Byte:r.End.Byte])) {
			t.Errorf("%s: columns are not characters: %v", c.name, r)
		}
	}
}

func TestInsideFollowsEscapes(t *testing.T) {
	t.Parallel()
	text := `["a\n\u00e9\ud83d\ude00\"b"]`
	f := read(t, "a.json", text, nil)
	n := f.Root.Inner[0]
	value, _ := n.Text()
	var got []string
	for i, c := range value {
		r := f.Inside(n, i, i+len(string(c)))
		got = append(got, text[r.Start.Byte:r.End.Byte])
	}
	if s := strings.Join(got, " "); s != `a \n \u00e9 \ud83d\ude00 \" b` {
		t.Error(s)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"a.json", "", "a.json:1: Empty file: The file is empty."},
		{"a.json", "{\"a\": 01}", "a.json:1: Invalid JSON: The file cannot be read: \"01\" is no value of JSON."},
		{"a.json", "{\n\"a\" 1}", "a.json:2: Invalid JSON: The file cannot be read: expected a colon after the key."},
		{"a.json", "[1 2]", "a.json:1: Invalid JSON: The file cannot be read: expected a comma or the end of the list."},
		{"a.json", "[\"\xff\"]", "a.json:1: Invalid JSON: The file cannot be read: the text is not UTF-8."},
		{"a.yaml", "a: &x [*x]", "a.yaml:1: Invalid YAML: The file cannot be read: values lie too deep in each other."},
		{"a.yaml", "? [a]\n: b", "a.yaml:1: Invalid YAML: The file cannot be read: a key must be a string."},
		{"a.yaml", "a: {<<: 1}", "a.yaml:1: Invalid YAML: The file cannot be read: << takes an object or a list of objects."},
		{"a.yaml", "a: !!binary aGk=", "a.yaml:1: Invalid YAML: The file cannot be read: the tag !!binary is not known here; values are those of JSON only."},
		{"a.json", "{\"a\": ${x}}", "a.json:1: Missing substitution: The file has ${x}, and nothing is given for it among its substitutions. Given are: n."},
		{"a.json", strings.Repeat("[", document.MaxDepth+1), "a.json:1: Invalid JSON: The file cannot be read: values lie too deep in each other."},
		{"a.yaml", aliases(), "a.yaml:1: Invalid YAML: The file cannot be read: the file has too many values."},
	} {
		_, diags := document.Read(c.name, []byte(c.text), map[string]string{"n": "1"})
		if got := fmt.Sprint(diags.Err()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// aliases is a small text that stands for millions of values.
func aliases() string {
	text := "a: &a [" + strings.Repeat("1,", 100) + "]\n"
	for _, c := range "bcdefg" {
		text += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 100))
	}
	return text
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	f := read(t, "a.json", `{"a": 1, "a": {"b": 1, "b": 2}, "free": {"x": 1, "x": 2}}`, nil)
	diags := f.Duplicates(f.Root, func(n *document.Node) bool { return n.Key == "free" })
	if len(diags) != 2 || diags[0].Subject.Start.Column != 10 || diags.HasErrors() {
		t.Error(diags)
	}
	if v := f.Root.Get("a"); v.Kind != document.Object {
		t.Error("of equal keys the last one counts")
	}
}
