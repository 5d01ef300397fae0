package planfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"tutti/internal/addr"
	"tutti/internal/object"
	"tutti/internal/secret"
)

func box() *secret.Box {
	return secret.NewBox(secret.NewRing("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""))
}

func drawName(t *rapid.T) addr.Name {
	kind := rapid.SampledFrom([]addr.Kind{addr.Resource, addr.Data, addr.Task}).Draw(t, "kind")
	n := addr.Name{Kind: kind, Name: rapid.SampledFrom([]string{"a", "b", "long_name"}).Draw(t, "name")}
	if kind.Typed() {
		n.Type = "t"
	}
	return n
}

func drawKey(t *rapid.T) addr.Key {
	switch rapid.IntRange(0, 2).Draw(t, "key") {
	case 0:
		return addr.NoKey
	case 1:
		return addr.IntKey(rapid.IntRange(0, 99).Draw(t, "index"))
	default:
		return addr.StringKey(rapid.String().Draw(t, "text key"))
	}
}

func drawInstance(t *rapid.T) addr.Instance {
	m := addr.Module{}
	for range rapid.IntRange(0, 2).Draw(t, "depth") {
		m = m.Child("m", drawKey(t))
	}
	return addr.Object{Module: m, Name: drawName(t)}.Instance(drawKey(t))
}

func drawInstances(t *rapid.T) []addr.Instance {
	var out []addr.Instance
	for range rapid.IntRange(0, 2).Draw(t, "instances") {
		out = append(out, drawInstance(t))
	}
	return out
}

// drawValue gives values of every shape, known or not, some of them marked.
func drawValue(t *rapid.T, depth int) cty.Value {
	top := 10
	if depth == 0 {
		top = 6
	}
	var v cty.Value
	switch rapid.IntRange(0, top).Draw(t, "value") {
	case 0:
		v = cty.StringVal(rapid.String().Draw(t, "text"))
	case 1:
		v = cty.NumberIntVal(rapid.Int64().Draw(t, "number"))
	case 2:
		v = cty.BoolVal(rapid.Bool().Draw(t, "bool"))
	case 3:
		v = cty.NullVal(rapid.SampledFrom([]cty.Type{cty.String, cty.List(cty.Number), cty.EmptyObject}).Draw(t, "null"))
	case 4:
		v = cty.UnknownVal(rapid.SampledFrom([]cty.Type{cty.String, cty.Map(cty.Bool), cty.DynamicPseudoType}).Draw(t, "unknown"))
	case 5:
		v = cty.UnknownVal(cty.String).RefineNotNull()
	case 6:
		v = cty.ListValEmpty(cty.String)
	case 7:
		v = cty.ObjectVal(map[string]cty.Value{"x": drawValue(t, depth-1), "y z": drawValue(t, depth-1)})
	case 8:
		v = cty.TupleVal([]cty.Value{drawValue(t, depth-1), drawValue(t, depth-1)})
	case 9:
		v = cty.ListVal([]cty.Value{cty.StringVal("a"), cty.StringVal("b").Mark(object.Sensitive)})
	default:
		v = cty.MapVal(map[string]cty.Value{rapid.StringN(1, 3, -1).Draw(t, "map key"): cty.StringVal("v").Mark(object.Sensitive)})
	}
	if rapid.IntRange(0, 3).Draw(t, "sensitive") == 0 {
		v = v.Mark(object.Sensitive)
	}
	return v
}

func drawState(t *rapid.T) *object.State {
	if rapid.Bool().Draw(t, "no state") {
		return nil
	}
	s := &object.State{Addr: drawInstance(t), Deposed: rapid.SampledFrom([]string{"", "00000001"}).Draw(t, "deposed"), Driver: rapid.String().Draw(t, "driver"),
		SchemaVersion: rapid.Int64().Draw(t, "schema"), Attributes: []byte(`{"a":1}`), Private: rapid.SampledFrom([][]byte{nil, {0, 1}}).Draw(t, "private"),
		Tainted: rapid.Bool().Draw(t, "tainted"), CreateBeforeDestroy: rapid.Bool().Draw(t, "cbd"), Forget: rapid.Bool().Draw(t, "forget"),
		Needs: drawInstances(t), Serial: rapid.Int64().Draw(t, "serial"), IdentityVersion: rapid.Int64().Draw(t, "identity version")}
	if rapid.Bool().Draw(t, "secret") {
		s.Sensitive = []cty.Path{cty.GetAttrPath("a").IndexString("k").IndexInt(3)}
	}
	if rapid.Bool().Draw(t, "identity") {
		s.Identity = []byte(`{}`)
	}
	return s
}

func drawChange(t *rapid.T) object.PlannedChange {
	c := object.PlannedChange{Addr: drawInstance(t), Driver: "d", Reason: object.ReplaceTainted, ReasonDetail: rapid.String().Draw(t, "detail"),
		CreateFirst: rapid.Bool().Draw(t, "first"), Forget: rapid.Bool().Draw(t, "forget"), Needs: drawInstances(t), Prior: drawState(t), Imported: rapid.String().Draw(t, "imported")}
	c.Change = object.Change{Verb: object.Verb(rapid.IntRange(1, int(object.Set)).Draw(t, "verb")), Before: drawValue(t, 2), After: drawValue(t, 2),
		Identity: cty.NilVal, Idempotent: rapid.Bool().Draw(t, "idempotent"), Note: rapid.String().Draw(t, "note")}
	c.Wanted = cty.NilVal
	if rapid.Bool().Draw(t, "extras") {
		c.ReplacePaths = []cty.Path{cty.GetAttrPath("x").IndexInt(1)}
		c.Parts = []object.Part{{Name: "n", Before: "b", After: "a", Known: true}}
		from := drawInstance(t)
		c.MovedFrom = &from
		c.Before, c.Identity, c.Wanted = cty.NilVal, drawValue(t, 1), drawValue(t, 1)
	}
	return c
}

func drawFile(t *rapid.T) *File {
	p := &object.Plan{Mode: object.Mode(rapid.IntRange(0, 3).Draw(t, "mode")), Serial: rapid.Int64().Draw(t, "serial"), Objects: rapid.IntRange(0, 9).Draw(t, "objects"),
		Time: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "time"), 5).UTC(), Targeted: rapid.Bool().Draw(t, "targeted"), Notes: rapid.SliceOfN(rapid.String(), 1, 2).Draw(t, "notes")}
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		p.Changes = append(p.Changes, drawChange(t))
		p.Actions = append(p.Actions, object.Action{Verb: object.Create, Addr: p.Changes[len(p.Changes)-1].Addr, Change: len(p.Changes) - 1})
	}
	for range rapid.IntRange(0, 1).Draw(t, "others") {
		p.Drift = append(p.Drift, drawChange(t))
		p.Reads = append(p.Reads, drawInstance(t).Object)
		at := drawInstance(t)
		p.Deferred = append(p.Deferred, object.Deferred{Addr: at.Object, Key: at.Key, Reason: "r", On: drawInstances(t)})
		p.Outputs = append(p.Outputs, object.OutputChange{Name: "o", Before: cty.NilVal, After: drawValue(t, 2), Sensitive: true, Verb: object.Create})
		p.Data = append(p.Data, object.DataValue{Addr: drawInstance(t), Value: drawValue(t, 2)})
		p.Variables = map[string]cty.Value{"v": drawValue(t, 2)}
	}
	return &File{Plan: p, Sources: map[string][]byte{"a.tf": []byte(rapid.String().Draw(t, "source"))}, Workspace: "w", Dir: "d", DataDir: "x", Lineage: "l", Tutti: "1", Command: "plan"}
}

// same compares two files; values by what they are, lists by what they hold.
func same(a, b *File) string {
	x, y := *a, *b
	px, py := *x.Plan, *y.Plan
	values := func(p *object.Plan) []cty.Value {
		var out []cty.Value
		for _, list := range [][]object.PlannedChange{p.Changes, p.Drift} {
			for i := range list {
				c := &list[i]
				out = append(out, c.Before, c.After, c.Identity, c.Wanted)
			}
		}
		for i := range p.Outputs {
			out = append(out, p.Outputs[i].Before, p.Outputs[i].After)
		}
		for i := range p.Data {
			out = append(out, p.Data[i].Value)
		}
		return append(out, p.Variables["v"])
	}
	vx, vy := values(&px), values(&py)
	if len(vx) != len(vy) {
		return fmt.Sprintf("%d values, want %d", len(vy), len(vx))
	}
	for i := range vx {
		if (vx[i] == cty.NilVal) != (vy[i] == cty.NilVal) || vx[i] != cty.NilVal && !vx[i].RawEquals(vy[i]) {
			return fmt.Sprintf("value %d is %#v, want %#v", i, vy[i], vx[i])
		}
	}
	if tx, ty := plain(&x), plain(&y); tx != ty {
		return ty + "\nwant\n" + tx
	}
	return ""
}

// plain writes all but the values.
func plain(f *File) string {
	p := *f.Plan
	var b strings.Builder
	fmt.Fprintln(&b, p.Mode, p.Serial, p.Reads, p.Targeted, p.Time.UnixNano(), p.Objects, p.Notes, object.Print(p.Actions), len(p.Variables))
	for _, list := range [][]object.PlannedChange{p.Changes, p.Drift} {
		for _, c := range list {
			fmt.Fprintln(&b, c.Addr, c.Deposed, c.Driver, c.Reason, c.ReasonDetail, c.Imported, c.CreateFirst, c.Forget, c.Needs, c.Verb, c.Idempotent, c.Note, c.Parts,
				c.Private, fmt.Sprintf("%#v", c.ReplacePaths))
			if c.MovedFrom != nil {
				fmt.Fprintln(&b, *c.MovedFrom)
			}
			if s := c.Prior; s != nil {
				fmt.Fprintln(&b, s.Addr, s.Deposed, s.Driver, s.SchemaVersion, s.Attributes, s.Private, s.Tainted, s.CreateBeforeDestroy, s.Forget, s.Needs, s.Serial,
					s.IdentityVersion, s.Identity, fmt.Sprintf("%#v", s.Sensitive))
			}
		}
	}
	for _, d := range p.Deferred {
		fmt.Fprintln(&b, d.Addr, d.Key, d.Reason, d.On)
	}
	for _, o := range p.Outputs {
		fmt.Fprintln(&b, o.Name, o.Sensitive, o.Verb)
	}
	for _, d := range p.Data {
		fmt.Fprintln(&b, d.Addr)
	}
	fmt.Fprintln(&b, f.Sources, f.Workspace, f.Dir, f.DataDir, f.Lineage, f.Tutti, f.Command)
	return b.String()
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFile(t)
		b, err := Encode(f, box())
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b, box())
		if err != nil {
			t.Fatal(err)
		}
		if diff := same(f, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestEveryFieldIsWritten fails when a field comes to a type and nobody thought of
// the plan file.
func TestEveryFieldIsWritten(t *testing.T) {
	for _, tc := range []struct {
		of   any
		want int
	}{{object.Plan{}, 14}, {object.PlannedChange{}, 13}, {object.Change{}, 10}, {object.State{}, 15}, {File{}, 8}} {
		ty := reflect.TypeOf(tc.of)
		if ty.NumField() != tc.want {
			t.Errorf("%s has %d fields, and this package was written for %d: write and read the new one, and draw it above", ty, ty.NumField(), tc.want)
		}
	}
}

func oneChange(c object.Change) *File {
	at := addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "t", Name: "a"}}.Instance(addr.NoKey)
	return &File{Plan: &object.Plan{Changes: []object.PlannedChange{{Addr: at, Change: c}}}}
}

// TestSealed: whatever is sensitive, or nobody can tell, lies under the key.
func TestSealed(t *testing.T) {
	const word = "a-word-that-would-be-seen"
	secretly := cty.StringVal(word).Mark(object.Sensitive)
	for name, tc := range map[string]struct {
		f      *File
		sealed bool
	}{
		"plain":        {oneChange(object.Change{Verb: object.Create, After: cty.StringVal("x")}), false},
		"in a change":  {oneChange(object.Change{Verb: object.Create, After: secretly}), true},
		"deep":         {oneChange(object.Change{Verb: object.Create, After: cty.ObjectVal(map[string]cty.Value{"a": cty.ListVal([]cty.Value{secretly})})}), true},
		"private data": {oneChange(object.Change{Verb: object.Create, After: cty.True, Private: []byte(word)}), true},
		"a variable":   {&File{Plan: &object.Plan{Variables: map[string]cty.Value{"v": secretly}}}, true},
		"a row": {&File{Plan: &object.Plan{Changes: []object.PlannedChange{{Change: object.Change{Verb: object.Delete},
			Prior: &object.State{Attributes: []byte(word), Sensitive: []cty.Path{cty.GetAttrPath("a")}}}}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Encode(tc.f, box())
			if err != nil {
				t.Fatal(err)
			}
			if got := bytes.HasPrefix(b, []byte(magicSealed)); got != tc.sealed || bytes.Contains(b, []byte(word)) {
				t.Errorf("sealed is %v, want %v", got, tc.sealed)
			}
			if !tc.sealed {
				return
			}
			other := secret.NewBox(secret.NewRing("HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""))
			if _, err := Decode(b, other); err == nil {
				t.Error("another key opens it")
			}
		})
	}
}

func TestEphemeralIsRefused(t *testing.T) {
	if _, err := Encode(oneChange(object.Change{Verb: object.Create, After: cty.StringVal("x").Mark(object.Ephemeral)}), box()); err == nil {
		t.Error("an ephemeral value was written")
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole, err := Encode(oneChange(object.Change{Verb: object.Create, After: cty.StringVal("x")}), box())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := Encode(oneChange(object.Change{Verb: object.Create, After: cty.StringVal("x").Mark(object.Sensitive)}), box())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		b    []byte
		want error
	}{
		{"nothing", nil, ErrNotPlan}, {"something else", []byte("PK\x03\x04"), ErrNotPlan}, {"newer", []byte("tutti plan 2\nxxx"), ErrNewer},
		{"newer and sealed", []byte("tutti plan 2 sealed\nxxx"), ErrNewer}, {"only the head", []byte(magicOpen), nil}, {"only the sealed head", []byte(magicSealed), nil},
	} {
		if _, err := Decode(tc.b, box()); err == nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
	for _, b := range [][]byte{whole, sealed} {
		for n := range len(b) {
			if _, err := Decode(b[:n], box()); err == nil {
				t.Fatalf("%d bytes of %d are read as a plan", n, len(b))
			}
		}
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := Decode(bad, box()); err == nil {
			t.Fatalf("a sealed plan whose byte %d was changed is read", i)
		}
	}
}

// pack makes a plan file of a body, as seal does.
func pack(t testing.TB, body []byte) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte(magicOpen), enc.EncodeAll(body, nil)...)
}

// FuzzDecode gives it bodies: what is read is written and read again alike.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{}`, `{"Changes":[null]}`, `{"Actions":"#1 create t.a\n"}`, `{"Actions":"#1 set output.x\n"}`, `{"Types":["string"],"Variables":{"v":{"t":0,"d":"oWE=","s":[[{}]]}}}`,
		`{"Types":[["object",{"a":"string"}]],"Changes":[{"addr":"t.a","verb":"create","after":{"t":0,"d":"gaFhoWI=","s":[[{"a":"a"}]]},"prior":{}}],"Actions":"#1 create t.a change=0\n"}`,
		`{"Outputs":[{"Name":"x","Verb":"create","After":{"t":-1}}]}`, `{"Deferred":[{"Addr":""}]}`, `{"Reads":["x"],"Time":"2026-01-01T00:00:00Z"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := Decode(pack(t, body), box())
		if err != nil {
			return
		}
		b, err := Encode(got, box())
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(b, box())
		if err != nil {
			t.Fatal(err)
		}
		if x, y := plain(got), plain(again); x != y && json.Valid(body) {
			t.Fatalf("got\n%s\nwant\n%s", y, x)
		}
	})
}
