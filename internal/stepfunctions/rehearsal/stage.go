package rehearsal

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
)

// stage is where the machines of one rehearsal play: the execution and its map runs,
// with one clock.
type stage struct {
	options Options
	now     time.Time
	agenda  agenda
	order   int64
	result  *Result
	players []*player
	err     error
}

// player is one machine.
type player struct {
	machine     *execution.Machine
	outstanding flow.Outstanding
	parent      *player
	child       flow.ID // the number by which the parent knows it
	// state is the Map state whose run it is; "" for the execution.
	state string
	end   flow.Command
}

// due is an event that comes at its time.
type due struct {
	at    time.Time
	order int64
	to    *player
	event func(at time.Time) flow.Event
}

// agenda orders events by time, and those of one time as they were added.
type agenda []due

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].order < a[j].order
}
func (a *agenda) Push(x any) { *a = append(*a, x.(due)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// player sets a machine up; its Started is due at once.
func (s *stage) player(parent *player, child flow.ID, input json.RawMessage) *player {
	p := &player{machine: execution.New(s.options.Definition), parent: parent, child: child}
	var start execution.Start
	if err := json.Unmarshal(input, &start); err == nil && start.MapRun != nil {
		p.state = start.MapRun.State
	}
	p.machine.Observe(s.heard)
	s.players = append(s.players, p)
	seed := int64(len(s.players))
	s.in(0, p, func(at time.Time) flow.Event { return flow.Started{At: at, Input: input, Seed: seed} })
	return p
}

// heard takes an event of a history.
func (s *stage) heard(e execution.HistoryEvent) {
	s.result.History = append(s.result.History, e)
	if strings.HasSuffix(e.Type, "StateEntered") {
		if name, ok := e.Details.Get("name"); ok {
			s.result.Path = append(s.result.Path, name.(string))
		}
	}
}

func (s *stage) in(after time.Duration, to *player, event func(time.Time) flow.Event) {
	s.at(s.now.Add(after), to, event)
}

func (s *stage) at(at time.Time, to *player, event func(time.Time) flow.Event) {
	if at.Before(s.now) {
		at = s.now
	}
	s.order++
	heap.Push(&s.agenda, due{at, s.order, to, event})
}

func (s *stage) next() (due, bool) {
	if len(s.agenda) == 0 {
		return due{}, false
	}
	return heap.Pop(&s.agenda).(due), true
}

// give hands an event to its machine, unless it is an answer that nobody waits for any
// more, and sees to what the machine asks for.
func (s *stage) give(d due) {
	p := d.to
	event := d.event(d.at)
	if p.end != nil || !p.outstanding.Took(event) {
		return
	}
	commands := p.machine.Handle(event)
	p.outstanding.Gave(commands)
	for _, c := range commands {
		s.see(p, c)
	}
}

func (s *stage) see(p *player, c flow.Command) {
	switch c := c.(type) {
	case flow.Do:
		s.do(p, c)
	case flow.SetTimer:
		s.at(c.At, p, func(at time.Time) flow.Event { return flow.TimerFired{At: at, ID: c.ID} })
	case flow.CancelActivity:
		s.fail(p, c.ID, 0, flow.Failure{Kind: flow.Cancelled, Message: "cancelled"})
	case flow.StartChild:
		s.player(p, c.ID, c.Input)
	case flow.CancelChild:
		if child := s.childOf(p, c.ID); child != nil {
			s.in(0, child, func(at time.Time) flow.Event { return flow.CancelRequested{At: at, Reason: `{"error":"","cause":""}`} })
		}
	case flow.Complete:
		p.end = c
		s.ended(p, func(at time.Time) flow.Event { return flow.ChildDone{At: at, ID: p.child, Output: c.Output} })
	case flow.Fail:
		p.end = c
		s.ended(p, func(at time.Time) flow.Event { return flow.ChildDone{At: at, ID: p.child, Failure: &c.Failure} })
	case flow.CancelTimer, flow.Record: // A timer that was taken back is not expected when it fires.
	default:
		panic(fmt.Sprintf("rehearsal: invariant broken: a command of type %T", c))
	}
}

func (s *stage) childOf(p *player, id flow.ID) *player {
	for _, child := range s.players {
		if child.parent == p && child.child == id {
			return child
		}
	}
	return nil
}

func (s *stage) ended(p *player, event func(time.Time) flow.Event) {
	if p.parent != nil {
		s.in(0, p.parent, event)
	}
}

func (s *stage) done(p *player, id flow.ID, after time.Duration, output json.RawMessage) {
	s.in(after, p, func(at time.Time) flow.Event { return flow.ActivityDone{At: at, ID: id, Output: output} })
}

func (s *stage) fail(p *player, id flow.ID, after time.Duration, f flow.Failure) {
	s.in(after, p, func(at time.Time) flow.Event { return flow.ActivityFailed{At: at, ID: id, Failure: f} })
}

// do answers an activity.
func (s *stage) do(p *player, d flow.Do) {
	switch d.Activity {
	case execution.ActivityRead:
		s.read(p, d)
		return
	case execution.ActivityWrite:
		s.write(p, d)
		return
	}
	var call execution.Call
	if d.Activity == execution.ActivityCall || d.Activity == execution.ActivitySubmit || d.Activity == execution.ActivityOffer {
		if err := json.Unmarshal(d.Input, &call); err != nil {
			panic("rehearsal: invariant broken: a call that cannot be read: " + err.Error())
		}
		s.result.Calls = append(s.result.Calls, call)
	}
	a, ok := s.options.Replies.Answer(d)
	if !ok {
		s.err = &MissingReplyError{call.State, call.Resource}
		return
	}
	s.answer(p, d.ID, a)
}

func (s *stage) answer(p *player, id flow.ID, a mock.Answer) {
	if a.Signal == nil {
		switch {
		case a.Never:
		case a.Failure != nil:
			s.fail(p, id, a.After, *a.Failure)
		default:
			s.done(p, id, a.After, a.Output)
		}
		return
	}
	s.done(p, id, 0, a.Output)
	if a.Never {
		return
	}
	payload, err := json.Marshal(a.Signal)
	if err != nil {
		panic("rehearsal: invariant broken: " + err.Error())
	}
	s.in(a.After, p, func(at time.Time) flow.Event {
		return flow.Signaled{At: at, Name: execution.SignalTask, Payload: payload}
	})
}

// read gives the items of a distributed Map, which are the reply for its state: a list,
// or an object.
func (s *stage) read(p *player, d flow.Do) {
	var call execution.ReadCall
	if err := json.Unmarshal(d.Input, &call); err != nil {
		panic("rehearsal: invariant broken: a reading that cannot be read: " + err.Error())
	}
	if !s.options.Replies.Has(p.state) {
		s.err = &MissingReplyError{p.state, call.Resource}
		return
	}
	reply, _ := s.options.Replies.Reply(p.state, 0)
	if reply.Error != "" {
		s.fail(p, d.ID, reply.After, flow.Failure{Kind: flow.Terminal, Code: reply.Error, Message: reply.Cause})
		return
	}
	from, _ := strconv.Atoi(call.Cursor)
	var page execution.ReadResult
	all, keys := itemsOf(reply.Output)
	until := min(from+max(call.Count, 1), len(all))
	page.Items = append([]json.RawMessage{}, all[from:until]...)
	if keys != nil {
		page.Keys = keys[from:until]
	}
	if until < len(all) {
		page.Next = strconv.Itoa(until)
	}
	s.done(p, d.ID, reply.After, encode(page))
}

func itemsOf(v any) (items []json.RawMessage, keys []string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			items = append(items, data.Encode(item))
		}
	case *data.Object:
		for _, m := range v.Members() {
			items, keys = append(items, data.Encode(m.Value)), append(keys, m.Key)
		}
	default:
		items = []json.RawMessage{data.Encode(v)}
	}
	return items, keys
}

// write takes results of a map run, and keeps none.
func (s *stage) write(p *player, d flow.Do) {
	var call execution.WriteCall
	if err := json.Unmarshal(d.Input, &call); err != nil {
		panic("rehearsal: invariant broken: a writing that cannot be read: " + err.Error())
	}
	s.done(p, d.ID, 0, encode(execution.WriteResult{Bucket: "rehearsal", Key: call.Name}))
}

// waiting names the state that an execution waits in, from the last call that has had
// no answer.
func (s *stage) waiting() string {
	for _, p := range slices.Backward(s.players) {
		for _, d := range p.outstanding.Activities() {
			var call execution.Call
			if json.Unmarshal(d.Input, &call) == nil && call.State != "" {
				return call.State
			}
		}
	}
	for _, c := range slices.Backward(s.result.Calls) {
		if c.Token != "" {
			return c.State
		}
	}
	return s.options.Definition.StartAt
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("rehearsal: invariant broken: " + err.Error())
	}
	return raw
}
