package sqlite

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"tutti/internal/object"
	"tutti/internal/secret"
)

func TestSecretPartsInverse(t *testing.T) {
	part := rapid.SliceOf(rapid.Byte())
	rapid.Check(t, func(t *rapid.T) {
		in := secretParts{part.Draw(t, "a"), part.Draw(t, "b"), part.Draw(t, "c"), part.Draw(t, "d")}
		packed := in.pack()
		var out secretParts
		if err := out.unpack(packed); err != nil {
			t.Fatal(err)
		}
		for i, p := range in.all() {
			if !bytes.Equal(*p, *out.all()[i]) {
				t.Fatalf("part %d came back as %q", i, *out.all()[i])
			}
		}
		for n := range packed {
			var cut secretParts
			if err := cut.unpack(packed[:n]); err == nil {
				t.Fatalf("cut to %d of %d bytes and read all the same", n, len(packed))
			}
		}
	})
}

// FuzzRow decodes columns with anything in them: a row or an error, and a row is
// stored again as the same.
func FuzzRow(f *testing.F) {
	f.Add(`module.m["k"]`, "resource", "a", "x", `["k"]`, "", "a.b[1]\ndata.c.d", []byte(`{"tainted":true}`), []byte(`{"v":1}`))
	f.Add("", "data", "a", "x", "[3]", "0a1b2c3d", "", []byte(nil), []byte(nil))
	f.Add("", "task", "", "x", "", "", "[0]", []byte(`{"sensitive":[[{"type":"get_attr","value":"v"}]]}`), []byte(`{"v":1}`))
	s := &Store{box: secret.NewBox(secret.NewRing(testKey, "")), path: "fuzz"}
	f.Fuzz(func(t *testing.T, module, kind, typ, name, key, deposed, needs string, detail, attributes []byte) {
		rowKey, err := newKeyReader().read(&keyColumns{module, kind, typ, name, key, deposed})
		if err != nil {
			return
		}
		b := &body{attributes: attributes, needs: needs}
		if len(detail) > 0 {
			b.detail = detail
		}
		row, err := s.decode(rowKey, 1, b, &needsReader{})
		if err != nil {
			return
		}
		again, err := s.encode(row)
		if err != nil {
			t.Fatalf("a row that was read cannot be stored: %v", err)
		}
		twice, err := s.decode(rowKey, 1, again, &needsReader{})
		if err != nil {
			t.Fatalf("a row that was stored cannot be read: %v", err)
		}
		if !sameRow(row, twice) {
			t.Fatalf("%+v became %+v", row, twice)
		}
	})
}

func sameRow(a, b *object.State) bool {
	return a.Key() == b.Key() && a.Tainted == b.Tainted && len(a.Needs) == len(b.Needs) && len(a.Sensitive) == len(b.Sensitive) &&
		bytes.Equal(a.Attributes, b.Attributes) && bytes.Equal(a.Private, b.Private)
}
