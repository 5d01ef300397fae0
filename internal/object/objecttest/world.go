package objecttest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// World is what drivers act on: things with IDs, which hold the IDs of others in
// their text. It notes what was done in a wrong order. It is safe for concurrent use.
type World struct {
	mu     sync.Mutex
	things map[string]Thing
	made   map[string]int
	log    []string
	wrong  []string
	// Fail are the addresses at which nothing can be created, changed or read.
	Fail map[string]bool
}

// Thing is what exists.
type Thing struct{ ID, Text, Force string }

// New is an empty world.
func New() *World {
	return &World{things: map[string]Thing{}, made: map[string]int{}, Fail: map[string]bool{}}
}

var idInText = regexp.MustCompile(`<[^<>]*>`)

// users gives the IDs of the things that hold the ID.
func (w *World) users(id string) []string {
	var out []string
	for _, t := range w.things {
		if slices.Contains(idInText.FindAllString(t.Text, -1), "<"+id+">") {
			out = append(out, t.ID)
		}
	}
	slices.Sort(out)
	return out
}

// Log gives what was done since the last call, one deed each.
func (w *World) Log() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.log
	w.log = nil
	return out
}

// Wrong gives what was done in a wrong order since the last call: something made
// that holds the ID of nothing, or unmade that others hold still, or twice.
func (w *World) Wrong() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.wrong
	w.wrong = nil
	return out
}

// Things gives what exists, sorted.
func (w *World) Things() []Thing {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Thing
	for _, t := range w.things {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Thing) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Put makes or changes a thing behind everybody's back; Remove unmakes one.
func (w *World) Put(t Thing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.things[t.ID] = t
}

// Remove unmakes a thing behind everybody's back.
func (w *World) Remove(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.things, id)
}

func (w *World) check(what, text string) {
	for _, ref := range idInText.FindAllString(text, -1) {
		id := strings.Trim(ref, "<>")
		if _, ok := w.things[id]; !ok && !strings.HasPrefix(id, "data:") {
			w.wrong = append(w.wrong, fmt.Sprintf("%s holds %s, which does not exist", what, ref))
		}
	}
}

var valueType = cty.Object(map[string]cty.Type{"id": cty.String, "text": cty.String, "force": cty.String})

func (t Thing) value() cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(t.ID), "text": cty.StringVal(t.Text), "force": cty.StringVal(t.Force)})
}

func with(v cty.Value, id cty.Value) cty.Value {
	attrs := v.AsValueMap()
	attrs["id"] = id
	return cty.ObjectVal(attrs)
}

// Driver makes things. A data source's only computes.
type Driver struct {
	World *World
	Data  bool
	// Provider is stored in the rows: whose configuration the driver has.
	Provider string
}

var _ object.Driver = (*Driver)(nil)

// Plan implements object.Driver.
func (d *Driver) Plan(_ context.Context, req object.PlanRequest) (object.Change, diag.List) {
	c := object.Change{Before: cty.NilVal, After: cty.NilVal}
	if req.Prior != nil {
		c.Before = req.Prior.Value
	}
	if req.Wanted != cty.NilVal {
		c.After = with(req.Wanted, cty.UnknownVal(cty.String))
	}
	switch {
	case d.Data && (req.Pending || !req.Wanted.GetAttr("text").IsKnown()):
		c.Verb, c.Idempotent = object.Read, true
	case d.Data:
		c.Verb, c.After = object.NoOp, dataValue(req.Wanted)
	case req.Wanted == cty.NilVal:
		c.Verb = object.Delete
	case req.Prior == nil:
		c.Verb = object.Create
	case req.Replace:
		c.Verb = object.Replace
	case !req.Wanted.GetAttr("force").RawEquals(req.Prior.Value.GetAttr("force")):
		c.Verb, c.ReplacePaths = object.Replace, []cty.Path{cty.GetAttrPath("force")}
	default:
		c.After = with(req.Wanted, req.Prior.Value.GetAttr("id"))
		if c.Verb = object.Update; c.After.RawEquals(c.Before) {
			c.Verb = object.NoOp
		}
	}
	return c, nil
}

func dataValue(v cty.Value) cty.Value {
	return with(v, cty.StringVal("data:"+strings.NewReplacer("<", "", ">", "").Replace(v.GetAttr("text").AsString())))
}

// Apply implements object.Driver.
func (d *Driver) Apply(_ context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	w := d.World
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, req.Verb.String()+" "+req.Addr.String())
	if w.Fail[req.Addr.String()] {
		return object.Result{}, diag.Errorf(nil, "The world refused", "%s cannot be done.", req.Addr)
	}
	var t Thing
	switch req.Verb {
	case object.Delete:
		t.ID = req.Prior.Value.GetAttr("id").AsString()
		if _, ok := w.things[t.ID]; !ok {
			w.wrong = append(w.wrong, fmt.Sprintf("%s: %s does not exist any more", req.Addr, t.ID))
		}
		for _, u := range w.users(t.ID) {
			w.wrong = append(w.wrong, fmt.Sprintf("%s ends while %s holds it", t.ID, u))
		}
		delete(w.things, t.ID)
		return object.Result{}, nil
	case object.Create:
		w.made[req.Addr.String()]++
		t.ID = fmt.Sprintf("%s#%d", req.Addr, w.made[req.Addr.String()])
	case object.Update:
		t.ID = req.Prior.Value.GetAttr("id").AsString()
	case object.Read:
		w.check(req.Addr.String(), req.Wanted.GetAttr("text").AsString())
		return object.Result{Actual: &object.Actual{Value: dataValue(req.Wanted)}}, nil
	default:
		panic("objecttest: no such verb: " + req.Verb.String())
	}
	t.Text, t.Force = req.Wanted.GetAttr("text").AsString(), req.Wanted.GetAttr("force").AsString()
	w.check(req.Addr.String(), t.Text)
	w.things[t.ID] = t
	return object.Result{Actual: &object.Actual{Value: t.value()}}, nil
}

// Read implements object.Driver.
func (d *Driver) Read(_ context.Context, _ addr.Instance, known *object.Actual) (*object.Actual, diag.List) {
	w := d.World
	w.mu.Lock()
	defer w.mu.Unlock()
	t, ok := w.things[known.Value.GetAttr("id").AsString()]
	if !ok {
		return nil, nil
	}
	return &object.Actual{Value: t.value(), Tainted: known.Tainted}, nil
}

// Import implements object.Importer.
func (d *Driver) Import(_ context.Context, _ addr.Instance, id object.ImportID) (*object.Actual, diag.List) {
	w := d.World
	w.mu.Lock()
	defer w.mu.Unlock()
	t, ok := w.things[id.ID]
	if !ok {
		return nil, nil
	}
	return &object.Actual{Value: t.value()}, nil
}

// Decode implements object.Driver.
func (d *Driver) Decode(_ context.Context, s *object.State) (*object.Actual, diag.List) {
	v, err := ctyjson.Unmarshal(s.Attributes, valueType)
	return &object.Actual{Value: v, Tainted: s.Tainted}, diag.FromError("Row cannot be read", err)
}

// Encode implements object.Driver.
func (d *Driver) Encode(a *object.Actual) (*object.State, error) {
	b, err := ctyjson.Marshal(a.Value, valueType)
	return &object.State{Attributes: b, Driver: d.Provider, Tainted: a.Tainted}, err
}

// ThingOf reads the row of a thing.
func ThingOf(s *object.State) (Thing, error) {
	var t Thing
	err := json.Unmarshal(s.Attributes, &t)
	return t, err
}

// RowOf makes the row of a thing.
func RowOf(a addr.Instance, t Thing) *object.State {
	row, err := (&Driver{}).Encode(&object.Actual{Value: t.value()})
	if err != nil {
		panic("objecttest: a thing has no row: " + err.Error())
	}
	row.Addr = a
	return row
}
