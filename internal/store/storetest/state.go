package storetest

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"tutti/internal/addr"
	"tutti/internal/object"
	"tutti/internal/store"
)

func stateTests() map[string]func(*testing.T, Open) {
	return map[string]func(*testing.T, Open){
		"state/empty":           stateEmpty,
		"state/rows":            stateRows,
		"state/write":           stateWrite,
		"state/all or none":     stateAllOrNone,
		"state/rekey":           stateRekey,
		"state/changed":         stateChanged,
		"state/outputs":         stateOutputs,
		"state/adopt":           stateAdopt,
		"state/edit is a run":   stateEdit,
		"state/isolation":       stateIsolation,
		"state/two handles":     stateTwoHandles,
		"state/ended context":   stateEndedContext,
		"state/naive twin":      stateTwin,
		"state/misuse panics":   stateMisuse,
		"state/rows are values": stateValues,
	}
}

func stateEmpty(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	snap, err := s.Snapshot(context.Background())
	check(t, err)
	if len(snap.Rows) != 0 || len(snap.Outputs) != 0 || snap.Serial != 0 || snap.Lineage == "" {
		t.Errorf("a new store has %d rows, %d outputs, serial %d, lineage %q", len(snap.Rows), len(snap.Outputs), snap.Serial, snap.Lineage)
	}
	check(t, s.Close())
	s = open(t, dir)
	defer s.Close()
	again, err := s.Snapshot(context.Background())
	check(t, err)
	if again.Lineage != snap.Lineage {
		t.Errorf("the lineage was %s and is %s", snap.Lineage, again.Lineage)
	}
}

// drawState draws a row with anything in it that a row can have.
func drawState(t *rapid.T) *object.State {
	text := rapid.StringMatching(`[a-z"\\$%{}\n€é]{0,8}`)
	name := rapid.StringMatching(`[a-z][a-z0-9_-]{0,5}`)
	mod := addr.Module{}
	for range rapid.IntRange(0, 2).Draw(t, "depth") {
		mod = mod.Child(name.Draw(t, "call"), drawKey(t, text))
	}
	n := addr.Name{Kind: rapid.SampledFrom([]addr.Kind{addr.Resource, addr.Data, addr.Task, addr.Playbook}).Draw(t, "kind"), Name: name.Draw(t, "name")}
	if n.Kind.Typed() {
		n.Type = name.Filter(func(s string) bool { _, reserved := addr.Root(s); return !reserved && s != "module" }).Draw(t, "type")
	}
	bytesOf := rapid.SliceOf(rapid.Byte())
	r := &object.State{
		Addr:    addr.Object{Module: mod, Name: n}.Instance(drawKey(t, text)),
		Deposed: rapid.SampledFrom([]string{"", "", "0123abcd"}).Draw(t, "deposed"), Driver: text.Draw(t, "driver"),
		SchemaVersion: rapid.Int64Range(0, 9).Draw(t, "schema"), Private: bytesOf.Draw(t, "private"),
		IdentityVersion: rapid.Int64Range(0, 3).Draw(t, "iv"), Tainted: rapid.Bool().Draw(t, "tainted"),
		CreateBeforeDestroy: rapid.Bool().Draw(t, "cbd"), Forget: rapid.Bool().Draw(t, "forget"),
	}
	if rapid.Bool().Draw(t, "flat") {
		r.Flatmap = rapid.MapOf(text, text).Draw(t, "flatmap")
	} else {
		r.Attributes = fmt.Appendf(nil, `{"v":%q}`, text.Draw(t, "attributes"))
	}
	if rapid.Bool().Draw(t, "identified") {
		r.Identity = []byte(`{"id":1}`)
	}
	if rapid.Bool().Draw(t, "sensitive") {
		r.Sensitive = []cty.Path{cty.GetAttrPath("v"), cty.GetAttrPath("l").IndexInt(3).GetAttr("x"), cty.GetAttrPath("m").IndexString("k")}
	}
	for range rapid.IntRange(0, 3).Draw(t, "needs") {
		r.Needs = append(r.Needs, addr.Object{Module: mod, Name: n}.Instance(drawKey(t, text)))
	}
	return r
}

func drawKey(t *rapid.T, text *rapid.Generator[string]) addr.Key {
	switch rapid.IntRange(0, 2).Draw(t, "key kind") {
	case 0:
		return addr.NoKey
	case 1:
		return addr.IntKey(rapid.IntRange(0, 1000).Draw(t, "index"))
	default:
		return addr.StringKey(text.Draw(t, "each"))
	}
}

func stateRows(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		want := drawState(rt)
		if err := s.Write(ctx, "put", []store.Write{{Put: want}}); err != nil {
			rt.Fatal(err)
		}
		snap, err := s.Snapshot(ctx)
		if err != nil {
			rt.Fatal(err)
		}
		expected := *want
		expected.Serial = snap.Serial
		for _, got := range snap.Rows {
			if got.Key() != want.Key() {
				continue
			}
			if diff := cmp.Diff(&expected, got, options()); diff != "" {
				rt.Fatalf("a row came back changed (-want +got):\n%s", diff)
			}
			return
		}
		rt.Fatalf("%s is not there", want.Addr)
	})
}

func stateWrite(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	check(t, s.Write(ctx, "a", []store.Write{put(t, "a.x", "1"), put(t, "a.y[0]", "2"), put(t, `module.m["k"].a.z["q"]`, "3")}))
	expectValues(t, s, map[string]string{"a.x": "1", "a.y[0]": "2", `module.m["k"].a.z["q"]`: "3"})
	check(t, s.Write(ctx, "b", []store.Write{put(t, "a.x", "4"), remove(t, "a.y[0]"), remove(t, "a.never")}))
	want := map[string]string{"a.x": "4", `module.m["k"].a.z["q"]`: "3"}
	expectValues(t, s, want)
	check(t, s.Close())
	s = open(t, dir)
	defer s.Close()
	expectValues(t, s, want)
}

func stateAllOrNone(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	bad := store.Write{Rekey: &store.Rekey{From: key(t, "a.missing"), To: key(t, "a.other")}}
	if err := s.Write(ctx, "half", []store.Write{put(t, "a.x", "1"), bad}); err == nil {
		t.Fatal("a row that is not there was moved")
	}
	expectValues(t, s, map[string]string{})
	runs, err := s.List(ctx, 0)
	check(t, err)
	if len(runs) != 0 {
		t.Errorf("the failed write left %d records", len(runs))
	}
}

func stateRekey(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	secret := row(t, "a.x", "1")
	secret.Sensitive = []cty.Path{cty.GetAttrPath("value")}
	check(t, s.Write(ctx, "put", []store.Write{{Put: secret}, put(t, "a.y", "2")}))
	deposed := object.RowKey{Addr: instance(t, "a.y"), Deposed: "00000001"}
	check(t, s.Write(ctx, "move", []store.Write{
		{Rekey: &store.Rekey{From: key(t, "a.x"), To: key(t, "module.m.a.x[1]")}},
		{Rekey: &store.Rekey{From: key(t, "a.y"), To: deposed}},
		put(t, "a.y", "3"),
	}))
	expectValues(t, s, map[string]string{"module.m.a.x[1]": "1", "a.y 00000001": "2", "a.y": "3"})
	err := s.Write(ctx, "move", []store.Write{{Rekey: &store.Rekey{From: key(t, "a.y"), To: key(t, "module.m.a.x[1]")}}})
	if err == nil {
		t.Error("a row was moved over another")
	}
}

func keyTexts(keys []object.RowKey) []string {
	out := make([]string, 0, len(keys))
	for _, k := range keys {
		out = append(out, k.Addr.String()+k.Deposed)
	}
	sort.Strings(out)
	return out
}

func stateChanged(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	check(t, s.Write(ctx, "1", []store.Write{put(t, "a.x", "1"), put(t, "a.y", "1"), put(t, "a.z", "1")}))
	before, err := s.Snapshot(ctx)
	check(t, err)
	check(t, s.Write(ctx, "2", []store.Write{put(t, "a.x", "2")}))
	check(t, s.Write(ctx, "3", []store.Write{remove(t, "a.y")}))
	middle, err := s.Snapshot(ctx)
	check(t, err)
	check(t, s.Write(ctx, "4", []store.Write{put(t, "a.y", "3"), {Rekey: &store.Rekey{From: key(t, "a.z"), To: key(t, "a.w")}}}))
	after, err := s.Snapshot(ctx)
	check(t, err)
	if before.Serial >= middle.Serial || middle.Serial >= after.Serial {
		t.Errorf("the serials do not grow: %d, %d, %d", before.Serial, middle.Serial, after.Serial)
	}
	for _, tt := range []struct {
		after int64
		want  []string
	}{
		{0, []string{"a.w", "a.x", "a.y", "a.z"}}, {before.Serial, []string{"a.w", "a.x", "a.y", "a.z"}},
		{middle.Serial, []string{"a.w", "a.y", "a.z"}}, {after.Serial, []string{}},
	} {
		got, err := s.Changed(ctx, tt.after)
		check(t, err)
		if diff := cmp.Diff(tt.want, keyTexts(got)); diff != "" {
			t.Errorf("changed after %d (-want +got):\n%s", tt.after, diff)
		}
	}
}

func stateOutputs(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	plain := &object.OutputState{Name: "url", Value: []byte(`"http://x"`), Type: []byte(`"string"`)}
	hidden := &object.OutputState{Name: "password", Value: []byte(`"hunter2"`), Type: []byte(`"string"`), Sensitive: true}
	check(t, s.Write(ctx, "1", []store.Write{{PutOutput: plain}, {PutOutput: hidden}, {PutOutput: &object.OutputState{Name: "old"}}}))
	check(t, s.Write(ctx, "2", []store.Write{{DeleteOutput: "old"}}))
	snap, err := s.Snapshot(ctx)
	check(t, err)
	sort.Slice(snap.Outputs, func(i, j int) bool { return snap.Outputs[i].Name < snap.Outputs[j].Name })
	for _, o := range snap.Outputs {
		if o.Serial == 0 {
			t.Errorf("output %s has no serial", o.Name)
		}
		o.Serial = 0
	}
	if diff := cmp.Diff([]*object.OutputState{hidden, plain}, snap.Outputs, options()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func stateAdopt(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	check(t, s.Write(ctx, "adopt", []store.Write{{Adopt: &store.Adopt{Lineage: "L", Serial: 40}}, put(t, "a.x", "1")}))
	snap, err := s.Snapshot(ctx)
	check(t, err)
	if snap.Lineage != "L" || snap.Serial <= 40 {
		t.Errorf("lineage %q, serial %d", snap.Lineage, snap.Serial)
	}
	check(t, s.Write(ctx, "adopt an older one", []store.Write{{Adopt: &store.Adopt{Lineage: "M", Serial: 1}}}))
	again, err := s.Snapshot(ctx)
	check(t, err)
	if again.Lineage != "M" || again.Serial <= snap.Serial {
		t.Errorf("lineage %q, serial %d after %d", again.Lineage, again.Serial, snap.Serial)
	}
}

func stateEdit(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	check(t, s.Write(ctx, "state push", []store.Write{put(t, "a.x", "1")}))
	check(t, s.Write(ctx, "state rm a.x", []store.Write{remove(t, "a.x")}))
	runs, err := s.List(ctx, 1)
	check(t, err)
	if len(runs) != 1 || runs[0].Command != "state rm a.x" || runs[0].Machine != store.MachineEdit || runs[0].Status != store.Succeeded {
		t.Fatalf("the record is %+v", runs)
	}
	pre, err := s.Preimages(ctx, runs[0].ID)
	check(t, err)
	if len(pre) != 1 || pre[0].Row == nil || string(pre[0].Row.Attributes) != `{"value":"1"}` {
		t.Errorf("the pre-images are %+v", pre)
	}
}

// stateIsolation reads while another writes two rows together: they never differ.
func stateIsolation(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			v := fmt.Sprint(i)
			if err := s.Write(ctx, "both", []store.Write{put(t, "a.x", v), put(t, "a.y", v)}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 100 {
		if got := values(t, s); got["a.x"] != got["a.y"] {
			t.Errorf("half a write was seen: %v", got)
		}
	}
	close(stop)
	wg.Wait()
}

func stateTwoHandles(t *testing.T, open Open) {
	dir := t.TempDir()
	ctx := context.Background()
	handles := []store.Store{open(t, dir), open(t, dir)}
	var wg sync.WaitGroup
	const each = 50
	for h, s := range handles {
		for w := range 2 {
			wg.Go(func() {
				for i := range each {
					if err := s.Write(ctx, "w", []store.Write{put(t, fmt.Sprintf("a.h%d_w%d[%d]", h, w, i), "v")}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	for _, s := range handles {
		if n := len(values(t, s)); n != 4*each {
			t.Errorf("%d rows of %d", n, 4*each)
		}
		check(t, s.Close())
	}
}

func stateEndedContext(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Write(ctx, "late", []store.Write{put(t, "a.x", "1")}); !errors.Is(err, context.Canceled) {
		t.Errorf("written with an ended context: %v", err)
	}
	expectValues(t, s, map[string]string{})
}

// stateTwin makes random writes in the store and in a map.
func stateTwin(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t, t.TempDir())
		defer s.Close()
		twin := map[string]string{}
		names := []string{"a.x", "a.y[0]", "module.m.a.x", `b.z["k"]`}
		for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			name := rapid.SampledFrom(names).Draw(rt, "name")
			other := rapid.SampledFrom(names).Draw(rt, "other")
			var w store.Write
			ok := true
			switch rapid.IntRange(0, 2).Draw(rt, "what") {
			case 0:
				w = put(t, name, fmt.Sprint(i))
				twin[name] = fmt.Sprint(i)
			case 1:
				w = remove(t, name)
				delete(twin, name)
			default:
				w.Rekey = &store.Rekey{From: key(t, name), To: key(t, other)}
				_, there := twin[name]
				_, taken := twin[other]
				if ok = there && !taken; ok {
					twin[other] = twin[name]
					delete(twin, name)
				}
			}
			if err := s.Write(context.Background(), "w", []store.Write{w}); (err == nil) != ok {
				rt.Fatalf("step %d: %v", i, err)
			}
		}
		if diff := cmp.Diff(twin, values(t, s)); diff != "" {
			rt.Fatalf("(-twin +store):\n%s", diff)
		}
	})
}

func stateMisuse(t *testing.T, open Open) {
	s := fresh(t, open)
	for _, w := range []store.Write{{}, {DeleteOutput: "x", Put: row(t, "a.x", "1")}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was taken", w)
				}
			}()
			_ = s.Write(context.Background(), "misuse", []store.Write{w})
		}()
	}
}

// stateValues changes what a store gave out: the next reader must not see it.
func stateValues(t *testing.T, open Open) {
	s := fresh(t, open)
	check(t, s.Write(context.Background(), "1", []store.Write{put(t, "a.x", "1")}))
	snap, err := s.Snapshot(context.Background())
	check(t, err)
	snap.Rows[0].Driver = "changed"
	again, err := s.Snapshot(context.Background())
	check(t, err)
	if again.Rows[0].Driver != "test" {
		t.Error("a reader changed what another one sees")
	}
}
