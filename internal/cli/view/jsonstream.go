package view

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// Stream writes one JSON message a line, in the form of Terraform's plan -json and
// apply -json. Its methods may be called from any goroutine.
type Stream struct {
	out io.Writer
	now func() time.Time

	mu      sync.Mutex
	plan    *object.Plan
	running map[*object.Action]*operation
}

// NewStream writes on out with times from now.
func NewStream(out io.Writer, now func() time.Time) *Stream {
	return &Stream{out: out, now: now, running: map[*object.Action]*operation{}}
}

// streamUI is the version of the messages' form.
const streamUI = "1.2"

type message struct {
	level, text, kind string
	more              map[string]any
}

func (s *Stream) send(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(m, s.now())
}

// write puts a message out; the caller holds the lock.
func (s *Stream) write(m message, at time.Time) {
	out := map[string]any{"@level": m.level, "@message": m.text, "@module": "terraform.ui",
		"@timestamp": at.UTC().Format("2006-01-02T15:04:05.000000Z07:00"), "type": m.kind}
	for k, v := range m.more {
		out[k] = v
	}
	var b strings.Builder
	if err := encode(&b, out); err != nil {
		panic("view: invariant broken: a message has no JSON form: " + err.Error())
	}
	write(s.out, b.String())
}

// Version comes first.
func (s *Stream) Version(tutti string) {
	s.send(message{"info", "tutti " + tutti, "version", map[string]any{"terraform": ToolVersion, "tutti": tutti, "ui": streamUI}})
}

// Init writes a line of the progress of init.
func (s *Stream) Init(text string) {
	s.send(message{"info", text, "init_output", nil})
}

// Diags writes each diagnostic as a message.
func (s *Stream) Diags(list diag.List, sources map[string][]byte) {
	for _, d := range JSONDiags(list, sources) {
		level, word := "error", "Error: "
		if d.Severity == "warning" {
			level, word = "warn", "Warning: "
		}
		s.send(message{level, word + d.Summary, "diagnostic", map[string]any{"diagnostic": d}})
	}
}

// streamResource names an instance in a message.
type streamResource struct {
	Addr     string `json:"addr"`
	Module   string `json:"module"`
	Resource string `json:"resource"`
	Provider string `json:"implied_provider"`
	Type     string `json:"resource_type"`
	Name     string `json:"resource_name"`
	Key      any    `json:"resource_key"`
}

func newStreamResource(i addr.Instance) streamResource {
	id := identify(i)
	inside := i
	inside.Module = addr.Module{}
	provider, _, _ := strings.Cut(i.Type, "_")
	return streamResource{Addr: id.Address, Module: i.Module.String(), Resource: inside.String(), Provider: provider, Type: id.Type, Name: id.Name, Key: id.Index}
}

// Plan writes what would be done: drift, changes, what is deferred, the summary
// and the outputs.
func (s *Stream) Plan(p *object.Plan) {
	for i := range p.Drift {
		c := &p.Drift[i]
		action := actions(c, true)[0]
		s.send(message{"info", title(c) + ": Drift detected (" + action + ")", "resource_drift", map[string]any{"change": streamChange(c, action)}})
	}
	for _, c := range visible(p.Changes) {
		action := streamAction(c)
		s.send(message{"info", title(c) + ": Plan to " + action, "planned_change", map[string]any{"change": streamChange(c, action)}})
	}
	for _, d := range p.Deferred {
		a := d.Addr.Instance(d.Key)
		s.send(message{"info", a.String() + ": Deferred: " + d.Reason, "deferred_change",
			map[string]any{"deferred": map[string]any{"resource": newStreamResource(a), "reason": d.Reason}}})
	}
	t := Count(p)
	s.send(message{"info", t.Text(), "change_summary", map[string]any{"changes": map[string]any{"add": t.Add, "change": t.Change, "import": t.Import,
		"remove": t.Destroy, "forget": t.Forget, "run": t.Running(), "deferred": t.Deferred, "operation": "plan"}}})
	s.plannedOutputs(p)
}

func (s *Stream) plannedOutputs(p *object.Plan) {
	outs := map[string]any{}
	for i := range p.Outputs {
		o := &p.Outputs[i]
		if action := outputChange(o).Actions[0]; action != "no-op" {
			outs[o.Name] = map[string]any{"sensitive": o.Sensitive, "action": action}
		}
	}
	if len(outs) > 0 {
		s.send(message{"info", "Outputs: " + itoa(len(outs)), "outputs", map[string]any{"outputs": outs}})
	}
}

func streamAction(c *object.PlannedChange) string {
	switch c.Verb {
	case object.NoOp, object.Record:
		if c.Imported != "" {
			return "import"
		}
		return "move"
	case object.Forget:
		return "remove"
	default:
		return c.Verb.String()
	}
}

func streamChange(c *object.PlannedChange, action string) map[string]any {
	out := map[string]any{"resource": newStreamResource(c.Addr), "action": action}
	if reason := string(c.Reason); reason != "" {
		out["reason"] = strings.TrimPrefix(strings.TrimPrefix(reason, "replace_because_"), "replace_")
	}
	if c.MovedFrom != nil {
		out["previous_resource"] = newStreamResource(*c.MovedFrom)
	}
	if c.Imported != "" {
		out["importing"] = importJSON{c.Imported}
	}
	return out
}

// Begin is told of the plan that is carried out.
func (s *Stream) Begin(plan *object.Plan, _ time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan
}

// Started is told that an operation begins.
func (s *Stream) Started(a *object.Action, at time.Time) {
	w, ok := wordsOf(a)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := priorID(s.plan, a)
	s.running[a] = &operation{action: a, words: w, started: at, id: id}
	s.write(message{"info", actionTitle(a) + ": " + w.start + bracketID(id), "apply_start", hook(a, id, nil)}, at)
}

func hook(a *object.Action, id string, more map[string]any) map[string]any {
	h := map[string]any{"resource": newStreamResource(a.Addr), "action": a.Verb.String()}
	if id != "" {
		h["id_key"], h["id_value"] = "id", id
	}
	for k, v := range more {
		h[k] = v
	}
	return map[string]any{"hook": h}
}

// Log shows a line that an operation wrote. Secrets have been masked before.
func (s *Stream) Log(a *object.Action, line string) {
	by := "local-exec"
	if a.Verb == object.Run {
		by = a.Addr.Kind.String()
	}
	s.send(message{"info", actionTitle(a) + ": (" + by + "): " + line, "provision_progress",
		map[string]any{"hook": map[string]any{"resource": newStreamResource(a.Addr), "provisioner": by, "output": line}}})
}

// Done is told that an operation has succeeded; id is "" when it has none.
func (s *Stream) Done(a *object.Action, at time.Time, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	op, ok := s.running[a]
	if !ok {
		return
	}
	delete(s.running, a)
	took := at.Sub(op.started)
	s.write(message{"info", actionTitle(a) + ": " + op.words.done + " after " + elapsed(took) + bracketID(id), "apply_complete",
		hook(a, id, map[string]any{"elapsed_seconds": int(took.Seconds())})}, at)
}

// Failed is told that an operation has failed.
func (s *Stream) Failed(a *object.Action, at time.Time, _ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	op, ok := s.running[a]
	if !ok {
		return
	}
	delete(s.running, a)
	took := at.Sub(op.started)
	s.write(message{"info", actionTitle(a) + ": " + strings.ToUpper(a.Verb.String()[:1]) + a.Verb.String()[1:] + " errored after " + elapsed(took), "apply_errored",
		hook(a, "", map[string]any{"elapsed_seconds": int(took.Seconds())})}, at)
}

// Note writes a line that is about no single operation.
func (s *Stream) Note(text string) { s.send(message{"info", text, "log", nil}) }

// Tick says which operations still go on.
func (s *Stream) Tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range s.running {
		ran := now.Sub(op.started)
		if ran-op.told < stillEvery {
			continue
		}
		op.told = ran.Truncate(stillEvery)
		s.write(message{"info", actionTitle(op.action) + ": " + op.words.still + " [" + elapsed(op.told) + " elapsed]", "apply_progress",
			hook(op.action, op.id, map[string]any{"elapsed_seconds": int(op.told.Seconds())})}, now)
	}
}

// End does nothing: a stream has nothing to take away.
func (s *Stream) End() {}

// Result writes how a run ended.
func (s *Stream) Result(r Result, outputs []*object.OutputState) error {
	d := CountDone(r.Plan, r.Report)
	operation := "apply"
	if r.Plan.Mode == object.Destroy {
		operation = "destroy"
	}
	s.send(message{"info", d.Text(r.Plan.Mode), "change_summary", map[string]any{"changes": map[string]any{"add": d.Added, "change": d.Changed,
		"import": d.Imported, "remove": d.Destroyed, "forget": d.Forgotten, "run": d.Tasks + d.Playbooks + d.Workflows + d.Approvals, "operation": operation}, "run": r.Run}})
	outs := map[string]any{}
	for _, o := range outputs {
		j := map[string]any{"sensitive": o.Sensitive, "type": json.RawMessage(o.Type)}
		if !o.Sensitive {
			j["value"] = json.RawMessage(o.Value)
		}
		outs[o.Name] = j
	}
	s.send(message{"info", "Outputs: " + itoa(len(outs)), "outputs", map[string]any{"outputs": outs}})
	return nil
}
