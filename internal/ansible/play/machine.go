package play

import (
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
	"tutti/internal/ansible/vault"
	"tutti/internal/flow"
)

// Machine carries playbooks out. It implements flow.Machine.
type Machine struct {
	in    Input
	extra *value.Dict
	inv   *inventory.Inventory
	jinja *jinja.Environment
	now   time.Time
	seed  uint64
	// desk keeps answers that are the whole run's: files of playbooks and roles.
	desk  desk
	plays []*playbook.Play
	// book is the playbook whose plays are carried out; index the play of it.
	book, index int
	play        *playState
	hosts       map[string]*host
	// gone are the hosts that failed or could not be reached and take no part any more.
	gone        map[string]bool
	unreachable map[string]bool
	groupDict   *value.Dict
	groupSerial int
	stats       *stats
	// started tells that the task to start at was found.
	started bool

	last     flow.ID
	waits    map[flow.ID]func(flow.Event)
	timers   map[flow.ID]func()
	commands []flow.Command
	// stopping tells that nothing new goes out; held is what would have.
	stopping bool
	held     []func()
	ended    bool
	output   Output
	// queue is what is still to be done in answer to the present event.
	queue []func()
	load  *playbook.Loader
	files *files
	// unstepped tells that the user steps no more.
	unstepped bool
	vault     *vault.Cache
	// touched is what tasks were about; touchedAt finds it.
	touched   []Touched
	touchedAt map[Touched]int
	// modules are the full names of those that were asked for; "" is that there is none.
	modules map[string]string
	unsure  []string
}

var _ flow.Machine = (*Machine)(nil)

// New gives a machine that has not started.
func New() *Machine {
	return &Machine{hosts: map[string]*host{}, gone: map[string]bool{}, unreachable: map[string]bool{},
		waits: map[flow.ID]func(flow.Event){}, timers: map[flow.ID]func(){}, stats: newStats()}
}

// Handle implements flow.Machine.
func (m *Machine) Handle(e flow.Event) []flow.Command {
	m.now = e.When()
	m.commands = nil
	switch e := e.(type) {
	case flow.Started:
		m.start(e)
	case flow.ActivityDone:
		m.answer(e.ID, e)
	case flow.ActivityFailed:
		m.answer(e.ID, e)
	case flow.TimerFired:
		if f := m.timers[e.ID]; f != nil {
			delete(m.timers, e.ID)
			f()
		}
	case flow.CancelRequested:
		m.stop()
	case flow.Signaled:
		if e.Name == flow.SignalResume {
			m.goOn()
		}
	case flow.ChildDone:
		panic("play: invariant broken: a play has no children")
	default:
		panic(fmt.Sprintf("play: an event of unknown type %T", e))
	}
	for len(m.queue) > 0 && !m.ended {
		f := m.queue[0]
		m.queue = m.queue[1:]
		f()
	}
	m.rest()
	return m.commands
}

// later does something when what is being done is done, so that a play of many tasks that
// need no worker does not nest.
func (m *Machine) later(f func()) { m.queue = append(m.queue, f) }

// Snapshot implements flow.Machine: the counts, for people. A play is brought back by
// replaying its journal.
func (m *Machine) Snapshot() ([]byte, error) { return json.Marshal(m.result()) }

func (m *Machine) start(e flow.Started) {
	m.seed = uint64(e.Seed)
	if err := json.Unmarshal(e.Input, &m.in); err != nil {
		m.fail("the input of the play cannot be read: " + err.Error())
		return
	}
	if err := m.prepare(); err != nil {
		m.fail(err.Error())
		return
	}
	m.nextBook()
}

// prepare makes what the input describes.
func (m *Machine) prepare() error {
	m.extra = &value.Dict{}
	if len(m.in.Extra) > 0 {
		v, err := value.Decode(m.in.Extra)
		if err != nil {
			return fmt.Errorf("the extra variables cannot be read: %w", err)
		}
		m.extra, _ = v.(*value.Dict)
	}
	m.inv = &inventory.Inventory{}
	if err := json.Unmarshal(m.in.Inventory, m.inv); err != nil {
		return fmt.Errorf("the inventory cannot be read: %w", err)
	}
	m.started = m.in.Options.StartAtTask == ""
	m.jinja = m.environment()
	return m.recall()
}

func (m *Machine) answer(id flow.ID, e flow.Event) {
	f := m.waits[id]
	if f == nil {
		panic(fmt.Sprintf("play: invariant broken: nobody waits for activity %d", id))
	}
	delete(m.waits, id)
	f(e)
}

// repeat tells whether an activity may be done again.
type repeat uint8

const (
	// never: only a person can decide about one that was cut off.
	never repeat = iota
	// ifCutOff: it comes to the same state, but says that it changed nothing the second time.
	ifCutOff
	// anyTime: nobody can tell one time from two.
	anyTime
)

// do has a worker carry an activity out; then is called with what comes of it. While the
// machine is being stopped nothing goes out, and what would have goes out when it goes on.
func (m *Machine) do(activity string, input any, again repeat, then func(out json.RawMessage, f *flow.Failure)) {
	send := func() { m.do(activity, input, again, then) }
	if m.stopping {
		m.held = append(m.held, send)
		return
	}
	text, err := json.Marshal(input)
	if err != nil {
		panic(fmt.Sprintf("play: invariant broken: the input of an activity is no JSON: %v", err))
	}
	m.last++
	m.waits[m.last] = func(e flow.Event) {
		switch e := e.(type) {
		case flow.ActivityDone:
			then(e.Output, nil)
		case flow.ActivityFailed:
			if e.Failure.Kind == flow.Cancelled && (again != never || e.Failure.Code == flow.CodeNotStarted) {
				send()
				return
			}
			then(nil, &e.Failure)
		}
	}
	m.commands = append(m.commands, flow.Do{ID: m.last, Activity: activity, Input: text, Idempotent: again == anyTime})
}

// after calls a function when some time has passed.
func (m *Machine) after(d time.Duration, then func()) {
	at := m.now.Add(d)
	var set func()
	set = func() {
		if m.stopping {
			m.held = append(m.held, set)
			return
		}
		m.last++
		m.timers[m.last] = then
		m.commands = append(m.commands, flow.SetTimer{ID: m.last, At: at})
	}
	set()
}

// stop lets nothing new go out and ends when what runs has ended.
func (m *Machine) stop() { m.stopping = true }

// goOn takes up what stop held back.
func (m *Machine) goOn() {
	if !m.stopping {
		return
	}
	m.stopping, m.ended = false, false
	held := m.held
	m.held = nil
	for _, f := range held {
		f()
	}
}

// rest ends the machine when it is being stopped and nothing is outstanding.
func (m *Machine) rest() {
	if !m.stopping || m.ended || len(m.waits) > 0 {
		return
	}
	for id, then := range sorted(m.timers) {
		m.commands = append(m.commands, flow.CancelTimer{ID: id})
		m.held = append(m.held, then)
	}
	clear(m.timers)
	m.ended = true
	m.commands = append(m.commands, flow.Fail{Failure: flow.Failure{Kind: flow.Cancelled, Message: "the play was stopped"}})
}

// note tells people something.
func (m *Machine) note(n Note) {
	if m.ended {
		return // a failure of the whole run is the last that is told
	}
	text, err := json.Marshal(n)
	if err != nil {
		panic(fmt.Sprintf("play: invariant broken: a note is no JSON: %v", err))
	}
	m.commands = append(m.commands, flow.Record{Text: string(text)})
}

func (m *Machine) warn(format string, args ...any) {
	m.note(Note{Kind: NoteWarning, Text: fmt.Sprintf(format, args...)})
}

// fail ends the run with an error that is nobody's task: a playbook that cannot be read.
func (m *Machine) fail(message string) {
	if m.ended {
		return
	}
	m.output.Code = codeError
	m.end(&flow.Failure{Kind: flow.Terminal, Code: "Play.Error", Message: message})
}

// The exit codes of ansible-playbook.
const (
	codeError       = 1
	codeFailed      = 2
	codeUnreachable = 4
)

// finish ends the run with its recap.
func (m *Machine) finish() {
	if !m.started {
		m.warn("No task matched the one to start at, %q: nothing was done.", m.in.Options.StartAtTask)
	}
	m.note(Note{Kind: NoteRecap, Recap: m.stats.recap(m.order()), Custom: m.stats.customShown()})
	switch {
	case m.stats.anyUnreachable():
		m.output.Code = codeUnreachable
	case m.stats.anyFailed() || m.output.Code == codeFailed:
		m.output.Code = codeFailed
	}
	if m.output.Code == 0 {
		m.end(nil)
		return
	}
	m.end(&flow.Failure{Kind: flow.Terminal, Code: "Play.HostsFailed", Message: m.stats.summary(m.order())})
}

func (m *Machine) end(f *flow.Failure) {
	m.ended = true
	if f != nil {
		m.commands = append(m.commands, flow.Fail{Failure: *f})
		return
	}
	text, err := json.Marshal(m.result())
	if err != nil {
		panic(fmt.Sprintf("play: invariant broken: the output is no JSON: %v", err))
	}
	m.commands = append(m.commands, flow.Complete{Output: text})
}

// result is what the play came to so far.
func (m *Machine) result() Output {
	out := m.output
	out.Recap, out.Touched = m.stats.recap(m.order()), m.allTouched()
	out.Registered, out.Facts = map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for _, name := range m.order() {
		h := m.hosts[name]
		if h == nil {
			continue
		}
		out.Registered[name] = plainJSON(h.set)
		out.Facts[name] = plainJSON(h.facts)
	}
	out.Stats = plainJSON(m.stats.custom)
	return out
}

// plainJSON writes values for others; what is not known is null.
func plainJSON(d *value.Dict) json.RawMessage {
	text, err := value.JSON(known(d))
	if err != nil {
		return json.RawMessage("{}")
	}
	return text
}

// known puts nil in the place of what JSON cannot say.
func known(v any) any {
	switch v := v.(type) {
	case *value.Dict:
		out := &value.Dict{}
		for k, x := range v.All() {
			out.Set(k, known(x))
		}
		return out
	case *value.List:
		out := &value.List{Items: make([]any, len(v.Items))}
		for i, x := range v.Items {
			out.Items[i] = known(x)
		}
		return out
	case *value.Unknown, *value.Undefined:
		return nil
	default:
		return v
	}
}
