package execution

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/expression"
)

// startMapRun begins the map run of a distributed Map: a child machine with its own
// journal.
func (m *Machine) startMapRun(f *frame) {
	f.group = &group{arn: m.mapRunARN(f)}
	start, why := m.mapRunStart(f)
	if why != nil {
		f.group = nil
		m.fail(f, *why)
		return
	}
	m.note(f.scope, "MapStateStarted", func() *data.Object { return data.ObjectOf(data.Member{Key: "length", Value: 0.0}) })
	m.noteMapRun(f, "MapRunStarted", nil)
	id := m.id()
	f.group.mapRun = id
	whole := Start{Execution: m.start.Execution, StateMachine: m.start.StateMachine, Token: m.start.Token, Limits: m.start.Limits, MapRun: start}
	child := flow.StartChild{ID: id, Machine: MachineMapRun, Input: encode(whole)}
	f.group.child = &child
	m.waits[id] = wait{id: id, frame: f, what: mapRunOver, child: &child}
	m.out = append(m.out, child)
}

// mapRunARN names the run as the service does.
func (m *Machine) mapRunARN(f *frame) string {
	label := f.state.Map.Label
	if label == "" {
		label = f.state.Name
	}
	base, _, _ := cutLast(m.start.Execution.ID)
	return strings.Replace(base, ":execution:", ":mapRun:", 1) + "/" + label + ":" + m.random.uuid()
}

// mapRunStart evaluates what a map run needs.
func (m *Machine) mapRunStart(f *frame) (*MapRunStart, *failure) {
	d := f.state.Map
	s := &MapRunStart{ARN: f.group.arn, Parent: f.scope.who.arn, State: f.state.Name, Context: data.Encode(m.contextOf(f)),
		StateInput: data.Encode(m.scopeOf(f, f.effective).Input), Variables: data.Encode(f.scope.variables.all())}
	e := fieldReader{m: m, f: f}
	if d.Reader != nil {
		s.Read = e.reader(d.Reader)
		s.MaxItems = e.whole(d.Reader.MaxItems, "MaxItems")
	} else {
		s.Items = e.items(d.Items)
	}
	if d.MaxConcurrency != nil {
		n := e.whole(d.MaxConcurrency, "MaxConcurrency")
		s.Bounds.MaxConcurrency = &n
	}
	if d.ToleratedFailureCount != nil {
		n := e.whole(d.ToleratedFailureCount, "ToleratedFailureCount")
		s.Bounds.ToleratedFailureCount = &n
	}
	if d.ToleratedFailurePercentage != nil {
		p := e.percentage(d.ToleratedFailurePercentage)
		s.Bounds.ToleratedFailurePercentage = &p
	}
	if b := d.Batcher; b != nil {
		s.Batch = &Batch{MaxItems: e.whole(b.MaxItems, "MaxItemsPerBatch"), MaxBytes: e.whole(b.MaxBytes, "MaxInputBytesPerBatch"),
			Input: e.value(b.BatchInput)}
	}
	if w := d.Writer; w != nil {
		s.WriterTransformation = w.Transformation
		if w.Resource != "" {
			s.Write = &WriteCall{Resource: w.Resource, Arguments: e.value(w.Arguments), OutputType: w.OutputType, MapRun: s.ARN}
		}
	}
	return s, e.why
}

// fieldReader evaluates the fields of a distributed Map and keeps the first failure.
type fieldReader struct {
	m   *Machine
	f   *frame
	why *failure
}

func (e *fieldReader) eval(x expression.Expr) any {
	if x == nil || e.why != nil {
		return nil
	}
	v, err := x.Eval(e.m.scopeOf(e.f, e.f.effective))
	if err != nil {
		why := asFailure(err)
		e.why = &why
	}
	return v
}

func (e *fieldReader) value(x expression.Expr) json.RawMessage {
	if x == nil {
		return nil
	}
	return data.Encode(e.eval(x))
}

func (e *fieldReader) whole(x expression.Expr, field string) int64 {
	if x == nil || e.why != nil {
		return 0
	}
	n, why := e.m.whole(e.f, x, field, 0)
	e.why = why
	return n
}

func (e *fieldReader) percentage(x expression.Expr) float64 {
	v := e.eval(x)
	p, ok := data.Float(v)
	if e.why == nil && (!ok || p < 0 || p > 100) {
		e.why = &failure{name: e.f.typeError(), cause: fmt.Sprintf("The ToleratedFailurePercentage of the state '%s' must be a number from 0 to 100, and is: %s",
			e.f.state.Name, data.Encode(v))}
	}
	return p
}

func (e *fieldReader) items(x expression.Expr) json.RawMessage {
	v := e.f.effective
	if x != nil {
		v = e.eval(x)
	}
	switch v.(type) {
	case []any, *data.Object:
	default:
		if e.why == nil {
			e.why = &failure{name: e.f.typeError(), cause: fmt.Sprintf("The items of the Map state '%s' must be an array or an object, and are of type %s",
				e.f.state.Name, data.Kind(v))}
		}
	}
	return data.Encode(v)
}

func (e *fieldReader) reader(r *definition.Reader) *ReadCall {
	return &ReadCall{Resource: r.Resource, Arguments: e.value(r.Arguments), InputType: r.InputType, Transformation: r.Transformation,
		CSVHeaderLocation: r.CSVHeaderLocation, CSVHeaders: r.CSVHeaders, CSVDelimiter: r.CSVDelimiter, ManifestType: r.ManifestType,
		ItemsPointer: r.ItemsPointer}
}

// mapRunEnded takes what the map run came to.
func (m *Machine) mapRunEnded(f *frame, a answer) {
	if a.failure != nil {
		m.noteMapRun(f, "MapRunFailed", a.failure)
		m.note(f.scope, "MapStateFailed", nil)
		m.fail(f, taskFailure(a.failure))
		return
	}
	result, err := decode(a.output)
	if err != nil {
		m.fail(f, failure{name: Runtime, cause: "the result of the map run is " + err.Error()})
		return
	}
	m.noteMapRun(f, "MapRunSucceeded", nil)
	f.group = nil
	m.note(f.scope, "MapStateSucceeded", nil)
	m.leave(f, outcome{result: result}, f.state.Next, f.state.Assign)
}

// cancelMapRun ends a map run for good, when the state has one. One that a pause has
// stopped goes on for that: it has jobs to stop. The execution's end waits for it.
func (m *Machine) cancelMapRun(f *frame) {
	id := f.group.mapRun
	f.group.mapRun = 0
	w, out := m.waits[id]
	i := slices.IndexFunc(m.cut, func(w wait) bool { return w.child != nil && w.id == id })
	switch {
	case out:
		delete(m.waits, id)
		m.endMapRunFor(*w.child)
	case id != 0 && i >= 0:
		child := *m.cut[i].child
		m.cut = slices.Delete(m.cut, i, i+1)
		m.wakeMapRun(child)
	default:
		return
	}
	m.noteMapRun(f, "MapRunAborted", nil)
}

// wakeMapRun has a map run that a pause has stopped go on, to be ended for good.
func (m *Machine) wakeMapRun(child flow.StartChild) {
	child.Continues, child.ID = child.Number(), m.id()
	m.out = append(m.out, child)
	m.endMapRunFor(child)
}

func (m *Machine) endMapRunFor(child flow.StartChild) {
	m.obligations[child.ID] = obligation{Child: &child}
	m.out = append(m.out, flow.CancelChild{ID: child.ID, Reason: string(encode(stopReason{Cause: "its execution gave it up"}))})
}
