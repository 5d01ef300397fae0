package task

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/block"
	"tutti/internal/object"
)

// FuzzDecode holds that any row is either refused or read, that what was read is
// stored and read again alike, and that it can be planned against.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"stdout":"x","exit_code":0,"command":["a"],"json":{"a":[1,null,{"b":1.5e3}]}}`), []byte(`{"salt":"AAAA","ran":true}`))
	f.Add([]byte(`{"environment":{"A":"hmac-sha256:00"},"unknown":1}`), []byte(`{"ran":true,"on_destroy":{"command":["x"],"retry":{"attempts":1}}}`))
	f.Add([]byte(`{"json":1e999999999}`), []byte(`null`))
	f.Add([]byte(`[]`), []byte(`{`))
	file, d := block.Load(map[string][]byte{"a.tutti.hcl": []byte(`task "a" { command = ["a"] }`)}, Kinds())
	if d.HasErrors() {
		f.Fatal(d.Err())
	}
	wanted, d := objects(file, testEnv("."))[0].Wanted(f.Context(), scope{}, object.Instance{})
	if d.HasErrors() {
		f.Fatal(d.Err())
	}
	f.Fuzz(func(t *testing.T, attributes, private []byte) {
		drv := &driver{root: "."}
		sensitive := []cty.Path{cty.GetAttrPath("environment").GetAttr("A"), cty.GetAttrPath("stdout")}
		a, d := drv.Decode(t.Context(), &object.State{Attributes: attributes, Private: private, Sensitive: sensitive})
		if d.HasErrors() {
			return
		}
		row, err := drv.Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		again, d := drv.Decode(t.Context(), row)
		if d.HasErrors() || !again.Value.RawEquals(a.Value) {
			t.Fatalf("read %#v, stored %s, read again %#v, %v", a.Value, row.Attributes, again, d.Err())
		}
		if _, d = drv.Plan(t.Context(), object.PlanRequest{Wanted: wanted, Prior: a}); d.HasErrors() {
			return
		}
		if _, d = drv.Plan(t.Context(), object.PlanRequest{Wanted: cty.NilVal, Prior: a}); d.HasErrors() {
			t.Error(d.Err())
		}
	})
}
