package execution

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/expression"
)

// Limits of a map run.
const (
	// DefaultMapConcurrency is how many child executions go on at once where
	// MaxConcurrency is 0 or missing: what the service does at most.
	DefaultMapConcurrency = 10_000
	// readPage is how many items are read at once, and writePart how many results are
	// written as one file; writesAtOnce bounds the parts on their way.
	readPage     = 1_000
	writePart    = 10_000
	writesAtOnce = 2
	// maxLost is how many failed items are kept so that they can be redriven.
	maxLost = 10_000
)

// mapRun is what a map run has under way. Items are held from when they are read
// until their child execution ends, results until they are written.
type mapRun struct {
	start   *MapRunStart
	context *data.Object
	// waiting are items that were read and have not begun; next is the index of the
	// first of them.
	waiting []source
	next    int64
	cursor  string
	eof     bool
	reading flow.ID
	writing int
	parts   map[string]int   // by status: how many were begun
	results map[string][]any // by status: what is not written yet
	files   map[string][]any // by status: what is
	// inline are the results of a run without a ResultWriter, by index.
	inline []result
	// running are the child executions, in the order in which they began.
	running map[int64]*scope
	counts  MapRunCounts
	bounds  MapRunBounds
	// manifest is set once the manifest is on its way.
	manifest bool
	broken   *failure
	// lost are the items that failed or were given up, kept for a redrive up to maxLost;
	// tooMany says that there were more. The first reviving of them are to go on.
	lost     []*scope
	tooMany  bool
	reviving int
	// pumping: items are being begun, and one that fails at once must not begin others
	// inside that.
	pumping bool
}

// source is one item of a map run.
type source struct {
	key   *string
	value any
}

type result struct {
	there bool
	value any
}

// MapRunCounts is how far a map run is, as DescribeMapRun shows it. Items counts
// what child executions work on; with an ItemBatcher, Executions are fewer.
type MapRunCounts struct {
	Total, Pending, Running, Succeeded, Failed, Aborted, ResultsWritten int64
}

// MapRun tells how far the run is, and its bounds; ok is false for a machine that is
// no map run.
func (m *Machine) MapRun() (counts MapRunCounts, bounds MapRunBounds, ok bool) {
	if m.root == nil || m.root.frame == nil || !m.root.frame.isMapRun() {
		return MapRunCounts{}, MapRunBounds{}, false
	}
	r := m.root.frame.group.run
	return r.counts, r.bounds, true
}

// beginMapRun sets up the run and begins reading.
func (m *Machine) beginMapRun() {
	start := m.start.MapRun
	state, ok := m.def.Find(start.State)
	if !ok || state.Map == nil {
		m.over(flow.Failure{Kind: flow.Terminal, Code: Runtime, Message: fmt.Sprintf("there is no Map state %q", start.State)})
		return
	}
	r := &mapRun{start: start, bounds: start.Bounds, running: map[int64]*scope{}, parts: map[string]int{}, results: map[string][]any{},
		files: map[string][]any{}}
	context, _ := decode(start.Context)
	r.context, _ = context.(*data.Object)
	input, err := decode(start.StateInput)
	if err != nil {
		m.over(flow.Failure{Kind: flow.Terminal, Code: Runtime, Message: "the input of the map run is " + err.Error()})
		return
	}
	m.root = &scope{body: m.def, variables: &variables{}, who: &identity{arn: start.ARN}, history: &history{}}
	m.root.variables.take(start.Variables)
	f := &frame{scope: m.root, state: state, input: input, effective: input, entered: m.now, group: &group{run: r}}
	m.root.frame = f
	if start.Read == nil {
		r.takeItems(start.Items)
	}
	m.pumpItems(f)
}

// takeItems takes items that were given, not read.
func (r *mapRun) takeItems(raw json.RawMessage) {
	r.eof = true
	v, err := decode(raw)
	if err != nil {
		r.broken = &failure{name: Runtime, cause: "the items are " + err.Error()}
		return
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			r.waiting = append(r.waiting, source{value: item})
		}
	case *data.Object:
		for _, member := range v.Members() {
			r.waiting = append(r.waiting, source{key: &member.Key, value: member.Value})
		}
	}
	r.counts.Total = int64(len(r.waiting))
}

// pumpItems begins what there is room for, reads on, and ends the run when all is
// done.
func (m *Machine) pumpItems(f *frame) {
	r := f.group.run
	if r.pumping {
		return
	}
	limit := int64(DefaultMapConcurrency)
	if n := r.bounds.MaxConcurrency; n != nil && *n > 0 {
		limit = *n
	}
	r.pumping = true
	for r.broken == nil && m.end == nil && int64(len(r.running)) < limit && r.writing <= writesAtOnce {
		if r.reviving > 0 {
			m.reviveItem(r)
			continue
		}
		if len(r.waiting) == 0 || !r.batchReady() {
			break
		}
		m.beginItem(f)
	}
	r.pumping = false
	r.counts.Pending = int64(len(r.waiting))
	r.counts.Running = int64(len(r.running))
	switch {
	case r.broken == nil && !r.eof && r.reading == 0 && (len(r.waiting) == 0 || !r.batchReady()):
		call := *r.start.Read
		call.Cursor, call.Count = r.cursor, readPage
		r.reading = m.do(f, ActivityRead, call, true, pageRead)
	case len(r.running) == 0 && r.reading == 0 && (r.broken != nil || r.eof && len(r.waiting)+r.reviving == 0):
		m.endMapRun(f)
	}
}

// batchReady: a batch is begun when it is full or nothing more comes.
func (r *mapRun) batchReady() bool {
	b := r.start.Batch
	return b == nil || r.eof || b.MaxItems > 0 && int64(len(r.waiting)) >= b.MaxItems || b.MaxItems == 0 && len(r.waiting) >= readPage
}

// itemsRead takes a page of items.
func (m *Machine) itemsRead(f *frame, a answer) {
	r := f.group.run
	r.reading = 0
	var page ReadResult
	if a.failure != nil {
		why := taskFailure(a.failure)
		if !strings.HasPrefix(why.name, "States.") || why.name == TaskFailed {
			why.name = ItemReaderFailed
		}
		m.breakMapRun(f, why)
		return
	}
	if err := json.Unmarshal(a.output, &page); err != nil {
		m.breakMapRun(f, failure{name: ItemReaderFailed, cause: "what was read is " + err.Error()})
		return
	}
	for i, raw := range page.Items {
		if r.start.MaxItems > 0 && r.counts.Total >= r.start.MaxItems {
			page.Next = ""
			break
		}
		v, err := data.Decode(raw)
		if err != nil {
			m.breakMapRun(f, failure{name: ItemReaderFailed, cause: fmt.Sprintf("item %d is %v", r.counts.Total, err)})
			return
		}
		item := source{value: v}
		if i < len(page.Keys) {
			item.key = &page.Keys[i]
		}
		r.waiting = append(r.waiting, item)
		r.counts.Total++
	}
	r.cursor, r.eof = page.Next, page.Next == ""
	m.pumpItems(f)
}

// beginItem begins the child execution of the next item, or of the next batch.
func (m *Machine) beginItem(f *frame) {
	r := f.group.run
	index := r.next
	input, err := m.nextInput(f)
	name := m.random.uuid()
	s := &scope{body: f.state.Map.Processor, owner: f, index: int(index), variables: &variables{}, who: m.childIdentity(f, name, input), history: &history{}}
	r.running[index] = s
	m.noteStarted(s, input)
	if err != nil {
		why := asFailure(err)
		s.unborn = &why
		m.itemFailed(s, why)
		return
	}
	m.to(s, s.body.StartAt, input)
}

// nextInput takes off what the next child execution works on.
func (m *Machine) nextInput(f *frame) (any, error) {
	r := f.group.run
	b := r.start.Batch
	if b == nil {
		return m.takeItem(f)
	}
	var items []any
	size := 0
	for len(r.waiting) > 0 && (b.MaxItems == 0 || int64(len(items)) < b.MaxItems) {
		item, err := m.takeItem(f)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		if size += data.Size(item, 1<<30); b.MaxBytes > 0 && len(r.waiting) > 0 && int64(size+data.Size(r.waiting[0].value, 1<<30)) > b.MaxBytes {
			break
		}
	}
	o := data.NewObject(2)
	if len(b.Input) > 0 {
		input, err := data.Decode(b.Input)
		if err != nil {
			return nil, &expression.Error{Name: Runtime, Cause: "the BatchInput is " + err.Error()}
		}
		o.Set("BatchInput", input)
	}
	o.Set("Items", items)
	return o, nil
}

// takeItem takes one item off and applies ItemSelector.
func (m *Machine) takeItem(f *frame) (any, error) {
	r := f.group.run
	src := r.waiting[0]
	r.waiting[0] = source{}
	r.waiting = r.waiting[1:]
	it := item{index: r.next, key: src.key, value: src.value, source: "STATE_DATA"}
	if r.start.Read != nil {
		it.source = r.start.Read.Resource
	}
	r.next++
	if f.state.Map.Selector == nil {
		if src.key != nil {
			return data.ObjectOf(data.Member{Key: "Key", Value: *src.key}, data.Member{Key: "Value", Value: src.value}), nil
		}
		return src.value, nil
	}
	sc := m.scopeOf(f, f.effective)
	sc.Context = r.context.With("Map", it.context())
	return f.state.Map.Selector.Eval(sc)
}

// childIdentity names a child execution as the service does.
func (m *Machine) childIdentity(f *frame, name string, input any) *identity {
	run := f.group.run.start.ARN
	base, _, _ := cutLast(strings.Replace(run, ":mapRun:", ":execution:", 1))
	who := m.identity(input)
	who.arn = base + ":" + name
	o := data.NewObject(who.execution.Len())
	for _, member := range who.execution.Members() {
		o.Set(member.Key, member.Value)
	}
	o.Set("Id", who.arn)
	o.Set("Name", name)
	o.Set("StartTime", instant(m.now))
	who.execution = o
	return who
}

// open gives the child executions that go on, in the order of their items.
func (r *mapRun) open() []*scope {
	open := make([]*scope, 0, len(r.running))
	for _, i := range slices.Sorted(maps.Keys(r.running)) {
		open = append(open, r.running[i])
	}
	return open
}

func (m *Machine) itemSucceeded(s *scope, output any) {
	f := s.owner
	r := f.group.run
	m.note(s, "ExecutionSucceeded", func() *data.Object { return payload("output", output) })
	r.counts.Succeeded++
	m.itemOver(f, s, "SUCCEEDED", output, failure{})
}

func (m *Machine) itemFailed(s *scope, why failure) {
	f := s.owner
	r := f.group.run
	s.dropped = true
	r.lose(s)
	m.note(s, "ExecutionFailed", failed(why.name, why.cause))
	r.counts.Failed++
	if r.intolerable() {
		r.broken = &failure{name: ExceedToleratedFailure, cause: "The specified tolerated failure threshold was exceeded"}
	}
	m.itemOver(f, s, "FAILED", nil, why)
	if r.broken != nil {
		m.abortItems(f)
	}
}

// lose keeps an item for a redrive.
func (r *mapRun) lose(s *scope) {
	if len(r.lost) >= maxLost {
		r.lost, r.tooMany, r.reviving = nil, true, 0
	}
	if !r.tooMany {
		r.lost = append(r.lost, s)
	}
}

// intolerable reports whether more items have failed than the bounds allow. While
// the total is not known, a percentage is of what was read so far.
func (r *mapRun) intolerable() bool {
	count, percentage := r.bounds.ToleratedFailureCount, r.bounds.ToleratedFailurePercentage
	if count != nil && (*count > 0 || percentage == nil) && r.counts.Failed > *count {
		return true
	}
	if percentage != nil && (*percentage > 0 || count == nil) {
		return r.eof && float64(r.counts.Failed)*100 > *percentage*float64(r.counts.Total)
	}
	return count == nil
}

// itemOver notes a child execution's result and goes on.
func (m *Machine) itemOver(f *frame, s *scope, status string, output any, why failure) {
	r := f.group.run
	delete(r.running, int64(s.index))
	switch {
	case r.start.Write != nil:
		r.results[status] = append(r.results[status], m.record(s, status, output, why))
		if len(r.results[status]) >= writePart {
			m.writePart(f, status)
		}
	case status == "SUCCEEDED":
		for len(r.inline) <= s.index {
			r.inline = append(r.inline, result{})
		}
		r.inline[s.index] = result{there: true, value: output}
	}
	m.pumpItems(f)
}

// record is one result as ResultWriter writes it.
func (m *Machine) record(s *scope, status string, output any, why failure) any {
	t := s.owner.group.run.start.WriterTransformation
	if status == "SUCCEEDED" && (t == "COMPACT" || t == "FLATTEN") {
		return output
	}
	input, _ := s.who.execution.Get("Input")
	start, _ := s.who.execution.Get("StartTime")
	name, _ := s.who.execution.Get("Name")
	o := data.ObjectOf(data.Member{Key: "ExecutionArn", Value: s.who.arn}, data.Member{Key: "Input", Value: string(data.Encode(input))},
		data.Member{Key: "InputDetails", Value: data.ObjectOf(data.Member{Key: "Included", Value: true})}, data.Member{Key: "Name", Value: name})
	if status == "SUCCEEDED" {
		o.Set("Output", string(data.Encode(output)))
		o.Set("OutputDetails", data.ObjectOf(data.Member{Key: "Included", Value: true}))
	} else {
		o.Set("Error", why.name)
		o.Set("Cause", why.cause)
	}
	o.Set("RedriveCount", 0.0)
	o.Set("RedriveStatus", "NOT_REDRIVABLE")
	o.Set("StartDate", start)
	o.Set("StateMachineArn", m.start.StateMachine.ID)
	o.Set("Status", status)
	o.Set("StopDate", instant(m.now))
	return o
}

// writePart has the results of one status written.
func (m *Machine) writePart(f *frame, status string) {
	r := f.group.run
	list := r.results[status]
	r.results[status] = nil
	call := *r.start.Write
	ending := "json"
	if call.OutputType == "JSONL" {
		ending = "jsonl"
	}
	call.Name = fmt.Sprintf("%s_%d.%s", status, r.parts[status], ending)
	r.parts[status]++
	r.writing++
	for _, v := range list {
		if inner, ok := v.([]any); ok && r.start.WriterTransformation == "FLATTEN" {
			for _, v := range inner {
				call.Items = append(call.Items, data.Encode(v))
			}
			continue
		}
		call.Items = append(call.Items, data.Encode(v))
	}
	id := m.do(f, ActivityWrite, call, true, partOver)
	w := m.waits[id]
	w.part = part{Status: status, Results: int64(len(list))}
	m.waits[id] = w
}

// part is one file of results on its way.
type part struct {
	Status  string
	Results int64
}

func (m *Machine) partWritten(f *frame, p part, a answer) {
	r := f.group.run
	r.writing--
	if a.failure != nil {
		m.breakMapRun(f, failure{name: ResultWriterFailed, cause: a.failure.Message})
		return
	}
	var w WriteResult
	if err := json.Unmarshal(a.output, &w); err != nil {
		m.breakMapRun(f, failure{name: ResultWriterFailed, cause: "the answer of the writer is " + err.Error()})
		return
	}
	r.counts.ResultsWritten += p.Results
	r.files[p.Status] = append(r.files[p.Status], data.ObjectOf(data.Member{Key: "Key", Value: w.Key}, data.Member{Key: "Size", Value: float64(w.Size)}))
	m.pumpItems(f)
}

// breakMapRun fails the run.
func (m *Machine) breakMapRun(f *frame, why failure) {
	r := f.group.run
	if r.broken == nil || why.name == ResultWriterFailed {
		r.broken = &why
	}
	m.abortItems(f)
	m.pumpItems(f)
}

// abortItems gives up all child executions, in the order of their items.
func (m *Machine) abortItems(f *frame) {
	r := f.group.run
	for _, s := range r.open() {
		m.abort(s, r.broken.name)
		m.noteAborted(s, "", "")
		r.counts.Aborted++
		r.lose(s)
		delete(r.running, int64(s.index))
	}
	m.pumpItems(f)
}

// endMapRun writes what is left, then the manifest, and ends the machine.
func (m *Machine) endMapRun(f *frame) {
	r := f.group.run
	if m.end != nil {
		return
	}
	if r.broken == nil && r.counts.Failed > 0 && r.intolerable() {
		// Only now is it known how many items there are in all.
		r.broken = &failure{name: ExceedToleratedFailure, cause: "The specified tolerated failure threshold was exceeded"}
	}
	writerFailed := r.broken != nil && r.broken.name == ResultWriterFailed
	if r.start.Write != nil && !writerFailed {
		for _, status := range []string{"FAILED", "SUCCEEDED"} {
			if len(r.results[status]) > 0 {
				m.writePart(f, status)
			}
		}
		if r.writing > 0 {
			return
		}
		if !r.manifest {
			r.manifest = true
			m.writeManifest(f)
			return
		}
	}
	if r.broken != nil {
		m.over(terminal(*r.broken))
		return
	}
	m.end = completed(r.output())
}

// output is the result of a run without a ResultWriter: the outputs of the items
// that succeeded, in the order of the items.
func (r *mapRun) output() any {
	list := []any{}
	for _, v := range r.inline {
		if inner, ok := v.value.([]any); ok && r.start.WriterTransformation == "FLATTEN" {
			list = append(list, inner...)
		} else if v.there {
			list = append(list, v.value)
		}
	}
	return list
}

func (m *Machine) writeManifest(f *frame) {
	r := f.group.run
	files := data.NewObject(3)
	for _, status := range []string{"FAILED", "PENDING", "SUCCEEDED"} {
		files.Set(status, append([]any{}, r.files[status]...))
	}
	var arguments struct{ Bucket string }
	_ = json.Unmarshal(r.start.Write.Arguments, &arguments) // a local folder has none
	manifest := data.ObjectOf(data.Member{Key: "DestinationBucket", Value: arguments.Bucket}, data.Member{Key: "MapRunArn", Value: r.start.ARN},
		data.Member{Key: "ResultFiles", Value: files})
	call := *r.start.Write
	call.Name, call.Document = "manifest.json", data.Encode(manifest)
	m.do(f, ActivityWrite, call, true, manifestOver)
}

// manifestWritten ends the run.
func (m *Machine) manifestWritten(f *frame, a answer) {
	r := f.group.run
	var w WriteResult
	if a.failure != nil || json.Unmarshal(a.output, &w) != nil {
		m.over(flow.Failure{Kind: flow.Terminal, Code: ResultWriterFailed, Message: "the manifest could not be written"})
		return
	}
	if r.broken != nil {
		m.over(terminal(*r.broken))
		return
	}
	m.end = completed(data.ObjectOf(data.Member{Key: "MapRunArn", Value: r.start.ARN},
		data.Member{Key: "ResultWriterDetails", Value: data.ObjectOf(data.Member{Key: "Bucket", Value: w.Bucket}, data.Member{Key: "Key", Value: w.Key})}))
}

// rebound changes the bounds of a running map run.
func (m *Machine) rebound(b MapRunBounds) {
	if m.root == nil || m.root.frame == nil {
		return
	}
	f := m.root.frame
	r := f.group.run
	if b.MaxConcurrency != nil {
		r.bounds.MaxConcurrency = b.MaxConcurrency
	}
	if b.ToleratedFailureCount != nil {
		r.bounds.ToleratedFailureCount = b.ToleratedFailureCount
	}
	if b.ToleratedFailurePercentage != nil {
		r.bounds.ToleratedFailurePercentage = b.ToleratedFailurePercentage
	}
	m.pumpItems(f)
}
