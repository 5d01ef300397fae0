package resource_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/providertest"
	"tutti/internal/terraform/resource"
)

func settle(t *testing.T, d *resource.Driver, req object.ApplyRequest, wantDone bool, wantErr string) object.Result {
	t.Helper()
	res, done, err := d.Settle(t.Context(), req)
	switch {
	case wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)):
		t.Errorf("got %v, want %q", err, wantErr)
	case wantErr == "" && err != nil:
		t.Error(err)
	case done != wantDone:
		t.Errorf("done is %t", done)
	}
	return res
}

func TestSettle(t *testing.T) {
	d := faulty(t, nil)
	file := s(filepath.Join(t.TempDir(), "file"))
	wanted := thing(vals{"path": file})
	settle(t, d, applyOf(plan(t, d, wanted, nil), object.Create, wanted, nil), false, "the answer that held it was lost")
	a := create(t, d, wanted)
	del := applyOf(plan(t, d, cty.NilVal, a), object.Delete, cty.NilVal, a)
	settle(t, d, del, false, "")
	if err := os.Remove(file.AsString()); err != nil {
		t.Fatal(err)
	}
	settle(t, d, del, true, "")
	up := applyOf(plan(t, d, thing(vals{"path": file, "size": n(1)}), a), object.Update, thing(vals{"path": file, "size": n(1)}), a)
	settle(t, d, up, false, "is gone")
}

func TestSettleOfAnUpdateReadsBack(t *testing.T) {
	d := faulty(t, nil)
	// Reads of this thing find size 99.
	a := create(t, d, thing(vals{"fault": s("read_drift"), "size": n(1)}))
	for _, tc := range []struct {
		name   string
		before cty.Value
		to     int64
		done   bool
		err    string
	}{
		{"as planned", n(1), 99, true, ""},
		{"as before, with write-only arguments", n(99), 5, false, "cannot be read back"},
		{"neither", n(1), 5, false, "neither as it was nor as it was planned"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := *a
			v := a.Value.AsValueMap()
			v["size"] = tc.before
			before.Value = cty.ObjectVal(v)
			wanted := thing(vals{"fault": s("read_drift"), "size": n(tc.to)})
			res := settle(t, d, applyOf(plan(t, d, wanted, &before), object.Update, wanted, &before), tc.done, tc.err)
			if tc.done && !res.Actual.Value.GetAttr("size").RawEquals(n(99)) {
				t.Errorf("settled as %#v", res.Actual.Value)
			}
		})
	}
}

func TestSettleOfRealUpdate(t *testing.T) {
	p := launch(t, providertest.Real(t, "time"))
	d := driverOf(t, p, "time_static", nil)
	config := func(trigger string) cty.Value {
		v := emptyOf(t, p, "time_static")
		v["triggers"] = cty.MapVal(vals{"t": s(trigger)})
		v["rfc3339"] = s("2020-02-12T06:36:13Z")
		return cty.ObjectVal(v)
	}
	a := create(t, d, config("1"))
	if c := plan(t, d, config("1"), a); c.Verb != object.NoOp {
		t.Fatalf("planned %s", c.Verb)
	}
	c := plan(t, d, config("2"), a)
	if c.Verb != object.Replace {
		t.Fatalf("planned %s", c.Verb)
	}
	// What reads as before was not done.
	settle(t, d, object.ApplyRequest{Addr: at(), Verb: object.Update, Wanted: config("2"), Planned: c.After, Prior: a, Private: c.Private}, false, "")
}

func TestSettleWithDestroyProvisioners(t *testing.T) {
	d := faulty(t, func(o *resource.Options) { o.Provision = noProvision })
	a := create(t, d, thing(nil))
	settle(t, d, applyOf(plan(t, d, cty.NilVal, a), object.Delete, cty.NilVal, a), false, "whether its destroy provisioners ran")
}

func TestSettleOfWhatMayBeRepeated(t *testing.T) {
	d := data(t, nil)
	settle(t, d, applyOf(plan(t, d, input(s("x")), nil), object.Create, input(s("x")), nil), false, "")
	echo := driverOf(t, launch(t, providertest.Faulty(t)), "faulty_echo", func(o *resource.Options) { o.Kind = provider.Data })
	settle(t, echo, object.ApplyRequest{Addr: at(), Verb: object.Read}, false, "")
}
