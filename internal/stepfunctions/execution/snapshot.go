package execution

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
)

// snapshotVersion is of the form below. A machine refuses any other, and is then
// brought back from its whole journal.
const snapshotVersion = 1

// snapshot is the whole state of a machine. Scopes are numbered from the root, each
// after the one that it is in; a frame goes by its scope's number, -1 is none.
type snapshot struct {
	Version     int
	Start       Start
	Began       time.Time
	Random      uint64
	LastID      flow.ID
	Yield       flow.ID
	Timeout     flow.ID
	Calls       map[string]int64
	Gone        map[string]bool
	End         string // the command's text form
	Ended       bool
	Obligations map[flow.ID]obligation
	Owed        []flow.Do
	Redrives    int64
	Redriven    time.Time
	Scopes      []scopeState
	Ready       []int
	Waits       []waitState
	Tokens      map[string]int
	Pause       pauseState
}

type pauseState struct {
	Pausing, Paused bool
	Reason          string
	Late, Cut       []waitState
	Doubts          map[flow.ID]bool
}

type waitState struct {
	ID    flow.ID
	Scope int
	What  awaited
	Part  part
	// Do and Child are commands in their text form; "" is none.
	Do, Child string
	CalledOff bool
}

type scopeState struct {
	Owner, Index  int
	Next          string
	Input         json.RawMessage
	Variables     json.RawMessage
	Who           *identityState // where it is not the owner's
	Item          *itemState
	History       *int64 // where it is not the owner's
	Full          bool
	Previous      int64
	Done, Dropped bool
	Unborn        *failureState
	Frame         *frameState
}

type identityState struct {
	ARN                     string
	Execution, StateMachine json.RawMessage
}

type itemState struct {
	Index  int64
	Key    *string
	Value  json.RawMessage
	Source string
}

type frameState struct {
	State            string
	Input, Effective json.RawMessage
	Entered          time.Time
	EnteredID        int64
	Used             []int64
	Retries          int64
	Backoff          flow.ID
	Call             *callState
	Group            *groupState
}

type callState struct {
	Call               Call
	Activity           flow.ID
	Submitting         bool
	Timeout, Heartbeat flow.ID
	HeartbeatSeconds   int64
	Token              string
	Job                *Job
}

type groupState struct {
	Results        []json.RawMessage
	Running, Began int
	Limit          int
	Items          json.RawMessage // nil for a Parallel
	MapRun         flow.ID
	ARN            string
	Child          string // the command's text form
	Run            *runState
}

type runState struct {
	Waiting  []sourceState
	Next     int64
	Cursor   string
	EOF      bool
	Reading  flow.ID
	Writing  int
	Parts    map[string]int
	Results  map[string]json.RawMessage
	Files    map[string]json.RawMessage
	Inline   []json.RawMessage // null is none
	Counts   MapRunCounts
	Bounds   MapRunBounds
	Manifest bool
	Broken   *failureState
	TooMany  bool
	Reviving int
}

type sourceState struct {
	Key   *string
	Value json.RawMessage
}

type failureState struct{ Name, Cause string }

// Snapshot implements flow.Machine.
func (m *Machine) Snapshot() ([]byte, error) {
	s := snapshot{Version: snapshotVersion, Start: m.start, Began: m.began, Random: m.random.state, LastID: m.lastID, Yield: m.yield, Timeout: m.timeout,
		Calls: m.calls, Gone: m.gone, Ended: m.ended, Obligations: m.obligations, Owed: m.owed, Redrives: m.redrives, Redriven: m.redriven, Tokens: map[string]int{}}
	if m.end != nil {
		s.End = flow.FormatCommand(m.end, m.began)
	}
	numbers := map[*scope]int{}
	if m.root != nil {
		s.addScope(m.root, -1, numbers)
	}
	for _, r := range m.ready {
		if n, there := numbers[r]; there && !r.dropped {
			s.Ready = append(s.Ready, n)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.waits)) {
		s.Waits = append(s.Waits, m.waits[id].state(numbers))
	}
	s.Pause = pauseState{Pausing: m.pausing, Paused: m.paused, Reason: m.reason, Doubts: m.doubts}
	// What was kept for a state that has been given up since is not wanted any more.
	wanted := func(w wait) bool {
		if w.frame == nil {
			return true
		}
		_, there := numbers[w.frame.scope]
		return there && w.frame.scope.frame == w.frame
	}
	for _, w := range m.late {
		if wanted(w) {
			s.Pause.Late = append(s.Pause.Late, w.state(numbers))
		}
	}
	for _, w := range m.cut {
		if wanted(w) {
			s.Pause.Cut = append(s.Pause.Cut, w.state(numbers))
		}
	}
	for _, token := range slices.Sorted(maps.Keys(m.tokens)) {
		s.Tokens[token] = numbers[m.tokens[token].scope]
	}
	return json.Marshal(s)
}

func (w wait) state(numbers map[*scope]int) waitState {
	s := waitState{ID: w.id, Scope: -1, What: w.what, Part: w.part, CalledOff: w.calledOff}
	if w.frame != nil {
		s.Scope = numbers[w.frame.scope]
	}
	if w.do.ID != 0 {
		s.Do = flow.FormatCommand(w.do, time.Time{})
	}
	if w.child != nil {
		s.Child = flow.FormatCommand(*w.child, time.Time{})
	}
	return s
}

// addScope adds a scope and all inside it.
func (s *snapshot) addScope(c *scope, owner int, numbers map[*scope]int) {
	number := len(s.Scopes)
	numbers[c] = number
	state := scopeState{Owner: owner, Index: c.index, Next: c.next, Previous: c.previous, Done: c.done, Dropped: c.dropped, Variables: data.Encode(orEmpty(c.variables.values))}
	if c.next != "" {
		state.Input = data.Encode(c.input)
	}
	if c.unborn != nil {
		state.Unborn = &failureState{c.unborn.name, c.unborn.cause}
	}
	if c.owner == nil || c.who != c.owner.scope.who {
		state.Who = &identityState{ARN: c.who.arn, Execution: data.Encode(orEmpty(c.who.execution)), StateMachine: data.Encode(orEmpty(c.who.stateMachine))}
	}
	if c.owner == nil || c.history != c.owner.scope.history {
		state.History, state.Full = &c.history.count, c.history.full
	}
	if c.item != nil && (c.owner == nil || c.item != c.owner.scope.item) {
		state.Item = &itemState{c.item.index, c.item.key, data.Encode(c.item.value), c.item.source}
	}
	s.Scopes = append(s.Scopes, state)
	if c.frame == nil {
		return
	}
	s.Scopes[number].Frame = stateOf(c.frame)
	if g := c.frame.group; g != nil {
		children := g.children
		if g.run != nil {
			children = append(g.run.open(), g.run.lost...)
		}
		for _, child := range children {
			if child != nil {
				s.addScope(child, number, numbers)
			}
		}
	}
}

func orEmpty(o *data.Object) *data.Object {
	if o == nil {
		return &data.Object{}
	}
	return o
}

func stateOf(f *frame) *frameState {
	s := &frameState{State: f.state.Name, Input: data.Encode(f.input), Effective: data.Encode(f.effective), Entered: f.entered, EnteredID: f.enteredID,
		Used: f.used, Retries: f.retries, Backoff: f.backoff}
	if c := f.call; c != nil {
		s.Call = &callState{Call: c.call, Activity: c.activity, Submitting: c.submitting, Timeout: c.timeout, Heartbeat: c.heartbeat,
			HeartbeatSeconds: c.heartbeatSeconds, Token: c.token, Job: c.job}
	}
	if g := f.group; g != nil {
		s.Group = &groupState{Running: g.running, Began: g.began, Limit: g.limit, MapRun: g.mapRun, ARN: g.arn}
		for _, r := range g.results {
			s.Group.Results = append(s.Group.Results, data.Encode(r))
		}
		if g.items != nil {
			s.Group.Items = data.Encode(g.items)
		}
		if g.child != nil {
			s.Group.Child = flow.FormatCommand(*g.child, time.Time{})
		}
		if g.run != nil {
			s.Group.Run = g.run.state()
		}
	}
	return s
}

func (r *mapRun) state() *runState {
	s := &runState{Next: r.next, Cursor: r.cursor, EOF: r.eof, Reading: r.reading, Writing: r.writing, Parts: r.parts, Counts: r.counts, Bounds: r.bounds,
		Manifest: r.manifest, TooMany: r.tooMany, Reviving: r.reviving, Results: map[string]json.RawMessage{}, Files: map[string]json.RawMessage{}}
	for _, w := range r.waiting {
		s.Waiting = append(s.Waiting, sourceState{w.key, data.Encode(w.value)})
	}
	for _, status := range []string{"FAILED", "SUCCEEDED"} {
		s.Results[status] = data.Encode(append([]any{}, r.results[status]...))
		s.Files[status] = data.Encode(append([]any{}, r.files[status]...))
	}
	for _, v := range r.inline {
		raw := json.RawMessage("[]")
		if v.there {
			raw = data.Encode([]any{v.value})
		}
		s.Inline = append(s.Inline, raw)
	}
	if r.broken != nil {
		s.Broken = &failureState{r.broken.name, r.broken.cause}
	}
	return s
}

// Restore brings a fresh machine to a snapshot. It implements flow.Restorer.
func (m *Machine) Restore(text []byte) error {
	var s snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("the snapshot of an execution: %w", err)
	}
	if s.Version != snapshotVersion {
		return fmt.Errorf("the snapshot of an execution has version %d, and this tutti reads %d", s.Version, snapshotVersion)
	}
	m.start, m.began, m.random.state, m.lastID, m.yield, m.timeout = s.Start, s.Began, s.Random, s.LastID, s.Yield, s.Timeout
	m.owed = s.Owed
	m.ended, m.redrives, m.redriven = s.Ended, s.Redrives, s.Redriven
	maps.Copy(m.calls, s.Calls)
	maps.Copy(m.gone, s.Gone)
	maps.Copy(m.obligations, s.Obligations)
	if s.End != "" {
		end, err := flow.ParseCommand(s.End, s.Began)
		if err != nil {
			return fmt.Errorf("the snapshot of an execution: %w", err)
		}
		m.end = end
	}
	r := restorer{m: m}
	for i := range s.Scopes {
		if err := r.scope(&s.Scopes[i]); err != nil {
			return fmt.Errorf("the snapshot of an execution: %w", err)
		}
	}
	return r.link(&s)
}

// restorer rebuilds scopes in their order.
type restorer struct {
	m      *Machine
	scopes []*scope
}

func (r *restorer) link(s *snapshot) error {
	known := func(n int) bool { return n >= 0 && n < len(r.scopes) }
	for _, n := range s.Ready {
		if !known(n) {
			return fmt.Errorf("the snapshot of an execution: there is no scope %d", n)
		}
		r.m.ready = append(r.m.ready, r.scopes[n])
	}
	for _, w := range s.Waits {
		state, err := r.wait(w)
		if err != nil {
			return err
		}
		r.m.waits[w.ID] = state
	}
	p := s.Pause
	r.m.pause = pause{pausing: p.Pausing, paused: p.Paused, reason: p.Reason, doubts: p.Doubts}
	for _, list := range []struct {
		from []waitState
		to   *[]wait
	}{{p.Late, &r.m.late}, {p.Cut, &r.m.cut}} {
		for _, w := range list.from {
			state, err := r.wait(w)
			if err != nil {
				return err
			}
			*list.to = append(*list.to, state)
		}
	}
	for _, token := range slices.Sorted(maps.Keys(s.Tokens)) {
		if known(s.Tokens[token]) {
			r.m.tokens[token] = r.scopes[s.Tokens[token]].frame
		}
	}
	return nil
}

func (r *restorer) wait(s waitState) (wait, error) {
	w := wait{id: s.ID, what: s.What, part: s.Part, calledOff: s.CalledOff}
	if s.Scope >= 0 && s.Scope < len(r.scopes) {
		w.frame = r.scopes[s.Scope].frame
	}
	for _, text := range []string{s.Do, s.Child} {
		if text == "" {
			continue
		}
		c, err := flow.ParseCommand(text, time.Time{})
		if err != nil {
			return wait{}, fmt.Errorf("the snapshot of an execution: %w", err)
		}
		switch c := c.(type) {
		case flow.Do:
			w.do = c
		case flow.StartChild:
			w.child = &c
		}
	}
	return w, nil
}

func (r *restorer) scope(s *scopeState) error {
	c := &scope{index: s.Index, next: s.Next, previous: s.Previous, done: s.Done, dropped: s.Dropped}
	r.scopes = append(r.scopes, c)
	if s.Unborn != nil {
		c.unborn = &failure{name: s.Unborn.Name, cause: s.Unborn.Cause}
	}
	var outer *scope
	switch {
	case s.Owner < 0:
		r.m.root, c.body = c, r.m.def
	case s.Owner >= len(r.scopes)-1 || r.scopes[s.Owner].frame == nil:
		return fmt.Errorf("a scope lies in scope %d, which does not hold it", s.Owner)
	default:
		outer = r.scopes[s.Owner]
		if err := r.own(c, outer.frame); err != nil {
			return err
		}
	}
	if err := c.restore(s, outer); err != nil {
		return err
	}
	if s.Frame == nil {
		return nil
	}
	return r.frame(c, s.Frame)
}

// own puts a scope into the group that it belongs to.
func (r *restorer) own(c *scope, f *frame) error {
	c.owner = f
	g := f.group
	switch {
	case g == nil:
		return fmt.Errorf("the state %q has no branches", f.state.Name)
	case g.run != nil:
		c.body = f.state.Map.Processor
		if c.dropped {
			g.run.lost = append(g.run.lost, c)
		} else {
			g.run.running[int64(c.index)] = c
		}
		return nil
	case c.index < 0 || c.index >= len(g.children):
		return fmt.Errorf("the state %q has no branch %d", f.state.Name, c.index)
	case f.state.Parallel != nil:
		c.body = f.state.Parallel.Branches[c.index]
	default:
		c.body = f.state.Map.Processor
	}
	g.children[c.index] = c
	return nil
}

func (s *scope) restore(from *scopeState, outer *scope) error {
	d := decoder{}
	s.variables = &variables{values: d.object(from.Variables)}
	if outer != nil {
		s.who, s.history, s.item = outer.who, outer.history, outer.item
		if !s.owner.isMapRun() {
			s.variables.outer = outer.variables
		}
	}
	if from.Next != "" {
		s.input = d.value(from.Input)
	}
	if from.Who != nil {
		s.who = &identity{arn: from.Who.ARN, execution: d.object(from.Who.Execution), stateMachine: d.object(from.Who.StateMachine)}
	}
	if from.History != nil {
		s.history = &history{count: *from.History, full: from.Full}
	}
	if from.Item != nil {
		s.item = &item{index: from.Item.Index, key: from.Item.Key, value: d.value(from.Item.Value), source: from.Item.Source}
	}
	return d.err
}

func (r *restorer) frame(c *scope, s *frameState) error {
	state, ok := c.body.State(s.State)
	if !ok {
		state, ok = r.m.def.Find(s.State)
	}
	if !ok {
		return fmt.Errorf("there is no state %q", s.State)
	}
	d := decoder{}
	f := &frame{scope: c, state: state, input: d.value(s.Input), effective: d.value(s.Effective), entered: s.Entered, enteredID: s.EnteredID,
		retrying: retrying{used: s.Used, retries: s.Retries, backoff: s.Backoff}}
	c.frame = f
	if k := s.Call; k != nil {
		f.call = &calling{target: readTarget(k.Call.Resource), call: k.Call, activity: k.Activity, submitting: k.Submitting, timeout: k.Timeout,
			heartbeat: k.Heartbeat, heartbeatSeconds: k.HeartbeatSeconds, token: k.Token, job: k.Job}
	}
	if g := s.Group; g != nil {
		f.group = &group{running: g.Running, began: g.Began, limit: g.Limit, mapRun: g.MapRun, arn: g.ARN}
		for _, raw := range g.Results {
			f.group.results = append(f.group.results, d.value(raw))
		}
		f.group.children = make([]*scope, len(g.Results))
		if g.Items != nil {
			f.group.items, _ = d.value(g.Items).([]any)
		}
		if g.Run != nil {
			f.group.run = d.run(g.Run, r.m.start.MapRun)
		}
		if g.Child != "" {
			f.group.child = d.child(g.Child)
		}
	}
	return d.err
}

// decoder reads values and keeps the first error.
type decoder struct{ err error }

func (d *decoder) value(raw json.RawMessage) any {
	v, err := data.Decode(raw)
	if err != nil && d.err == nil {
		d.err = err
	}
	return v
}

func (d *decoder) object(raw json.RawMessage) *data.Object {
	o, _ := d.value(raw).(*data.Object)
	return o
}

func (d *decoder) list(raw json.RawMessage) []any {
	list, _ := d.value(raw).([]any)
	return list
}

func (d *decoder) child(text string) *flow.StartChild {
	c, err := flow.ParseCommand(text, time.Time{})
	child, ok := c.(flow.StartChild)
	if d.err == nil && (err != nil || !ok) {
		d.err = fmt.Errorf("%.60q does not start a child: %w", text, err)
	}
	return &child
}

func (d *decoder) run(s *runState, start *MapRunStart) *mapRun {
	r := &mapRun{start: start, next: s.Next, cursor: s.Cursor, eof: s.EOF, reading: s.Reading, writing: s.Writing, parts: s.Parts, counts: s.Counts, bounds: s.Bounds,
		manifest: s.Manifest, tooMany: s.TooMany, reviving: s.Reviving, results: map[string][]any{}, files: map[string][]any{}, running: map[int64]*scope{}}
	if start != nil && len(start.Context) > 0 {
		r.context = d.object(start.Context)
	}
	for _, w := range s.Waiting {
		r.waiting = append(r.waiting, source{w.Key, d.value(w.Value)})
	}
	for _, status := range []string{"FAILED", "SUCCEEDED"} {
		r.results[status], r.files[status] = d.list(s.Results[status]), d.list(s.Files[status])
	}
	for _, raw := range s.Inline {
		v := result{}
		if list := d.list(raw); len(list) == 1 {
			v = result{there: true, value: list[0]}
		}
		r.inline = append(r.inline, v)
	}
	if s.Broken != nil {
		r.broken = &failure{name: s.Broken.Name, cause: s.Broken.Cause}
	}
	if r.parts == nil {
		r.parts = map[string]int{}
	}
	return r
}
