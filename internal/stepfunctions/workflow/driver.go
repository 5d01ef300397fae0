package workflow

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/secret"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/worker"
)

// driver plans workflows and says what is to be executed.
type driver struct {
	// root is the folder that relative paths start from.
	root string
	// read and block are nil when the block is gone: then nothing is read.
	read  Read
	block *block.Block
}

var (
	_ object.Driver    = (*driver)(nil)
	_ object.Stepwise  = (*driver)(nil)
	_ object.Validator = (*driver)(nil)
)

// runInputs are the arguments whose change makes a workflow run again; otherInputs are
// shown and stored beside them.
var (
	runInputs   = []string{"definition_hash", "input", "role", "triggers"}
	otherInputs = []string{"source", "run", "mapping", "limits", "timeout", "schedule", "on_destroy"}
	outputNames = []string{"output", "status", "execution"}
)

// planned is the planned private data: the definitions as they were when the plan was
// made. What is carried out is what was approved, whatever the files hold by then.
type planned struct {
	Definition *Definition `json:"definition,omitempty"`
	OnDestroy  *Definition `json:"on_destroy,omitempty"`
}

// definitions reads and checks what is to run, as far as it is known.
func (d *driver) definitions(s spec) (planned, diag.List) {
	var p planned
	var dl diag.List
	name := d.block.Name.String()
	if s.known {
		def, ld := d.load(s.part, name, "definition")
		p.Definition, dl = &def, ld
		if s.limits == strictLimits() && !ld.HasErrors() {
			dl = append(dl, d.strict(s.part, def)...)
		}
	}
	if s.onDestroy != nil && s.onDestroy.known {
		def, ld := d.load(*s.onDestroy, "on_destroy of "+name, "on_destroy")
		p.OnDestroy, dl = &def, append(dl, ld...)
	}
	return p, dl
}

// Validate implements object.Validator.
func (d *driver) Validate(_ context.Context, wanted cty.Value) diag.List {
	s, _ := readSpec(wanted)
	_, dl := d.definitions(s)
	return dl
}

// Plan implements object.Driver.
func (d *driver) Plan(_ context.Context, req object.PlanRequest) (object.Change, diag.List) {
	p, err := readPrivate(req.Prior)
	if err != nil {
		return object.Change{}, diag.FromError("Row cannot be read", err)
	}
	if req.Wanted == cty.NilVal {
		return planDelete(req, p), nil
	}
	s, _ := readSpec(req.Wanted) // its problems were reported when it was evaluated
	defs, dl := d.definitions(s)
	if dl.HasErrors() {
		return object.Change{}, dl
	}
	c := object.Change{Before: cty.NilVal, Idempotent: true, Private: encode(defs)}
	if req.Prior != nil {
		c.Before = req.Prior.Value
	}
	inputs := inputsOf(p.Salt, req.Wanted, defs.Definition)
	why := reasons(req, s, p, inputs)
	switch {
	case len(why) > 0:
		c.Verb, c.Note = object.Run, strings.Join(why, ", ")
		c.After = block.Join(inputs, outputsToCome(s.hidden()))
	case req.Prior == nil:
		c.Verb, c.Note = object.Create, "runs only when it is asked for"
		c.After = block.Join(inputs, noOutputs(s.hidden()))
	default:
		keepInputs(inputs, req.Prior.Value, p)
		c.After = block.Join(inputs, kept(req.Prior.Value, s.hidden()))
		c.Verb = object.Update
		if c.After.RawEquals(c.Before) && !req.Prior.Tainted && !p.differs(d.starting(req, s, defs)) {
			c.Verb = object.NoOp
		} else {
			c.Note = "will not run"
		}
	}
	return c, dl
}

// starting is what the workflow would be started with when that is known whole.
func (d *driver) starting(req object.PlanRequest, s spec, defs planned) *Request {
	bare, _ := req.Wanted.UnmarkDeep()
	if !bare.IsWhollyKnown() || defs.Definition == nil {
		return nil
	}
	r := s.request(req.Addr, s.part, *defs.Definition)
	return &r
}

// inputsOf gives what is compared, shown and stored.
func inputsOf(salt []byte, wanted cty.Value, def *Definition) map[string]cty.Value {
	c := block.Concealer{Salt: salt}
	out := c.Inputs(wanted, []string{"source", "input", "role", "triggers", "run", "mapping", "timeout"})
	for _, name := range []string{"limits", "schedule", "on_destroy"} {
		out[name] = c.Conceal(block.WithoutNulls(wanted.GetAttr(name)))
	}
	out["definition_hash"] = cty.UnknownVal(cty.String).RefineNotNull()
	if def != nil {
		out["definition_hash"] = cty.StringVal(def.Hash())
	}
	return out
}

// reasons says why the workflow runs; it is empty when it does not.
func reasons(req object.PlanRequest, s spec, p private, inputs map[string]cty.Value) []string {
	switch {
	case req.Requested:
		return []string{"asked for"}
	case s.run == manual:
		return nil
	case req.Prior == nil || !p.Ran:
		return []string{"first run"}
	case req.Prior.Tainted || p.Failed:
		return []string{"the last run failed"}
	case req.Replace:
		return []string{"asked for"}
	case s.run == always && !req.Done:
		return []string{"run = \"always\""}
	}
	var why []string
	for _, name := range runInputs {
		before, _ := req.Prior.Value.GetAttr(name).UnmarkDeep()
		now, _ := inputs[name].UnmarkDeep()
		what := map[string]string{"definition_hash": "the definition"}[name]
		if what == "" {
			what = name
		}
		switch {
		case !now.IsWhollyKnown():
			why = append(why, what+" is not known yet")
		case !now.RawEquals(before):
			why = append(why, what+" changed")
		}
	}
	return why
}

// keepInputs leaves what decides about running as it was in the last run: a workflow
// that runs by hand may have been given something else since.
func keepInputs(inputs map[string]cty.Value, prior cty.Value, p private) {
	if !p.Ran {
		return
	}
	for _, name := range runInputs {
		inputs[name] = prior.GetAttr(name)
	}
}

func planDelete(req object.PlanRequest, p private) object.Change {
	c := object.Change{Verb: object.Delete, Before: req.Prior.Value, After: cty.NilVal, Idempotent: true, Note: "nothing is run: it has no on_destroy"}
	if p.OnDestroy != nil {
		c.Note = "on_destroy will run"
	}
	return c
}

// prepared is what carrying a wanted workflow out starts from.
type prepared struct {
	spec    spec
	private private
	inputs  map[string]cty.Value
}

func (d *driver) prepare(req object.ApplyRequest) (prepared, diag.List) {
	bare, _ := req.Wanted.UnmarkDeep()
	if !bare.IsWhollyKnown() {
		return prepared{}, diag.Errorf(nil, "Workflow depends on something that is not known", "Some argument of %s is still not known, although everything that it refers to is done.", req.Addr)
	}
	p, err := readPrivate(req.Prior)
	if err != nil {
		return prepared{}, diag.FromError("Row cannot be read", err)
	}
	var defs planned
	if len(req.Private) > 0 {
		if err := json.Unmarshal(req.Private, &defs); err != nil {
			return prepared{}, diag.FromError("Plan of the workflow cannot be read", err)
		}
	}
	s, problems := readSpec(req.Wanted)
	if len(problems) > 0 {
		return prepared{}, diag.Errorf(nil, "Invalid argument value", "The argument %s of %s is not right. %s", strings.Join(problems[0].Path, "."), req.Addr, problems[0].Text)
	}
	now := spec{part: s.part, onDestroy: s.onDestroy}
	now.part.known = now.part.known && defs.Definition == nil
	if now.onDestroy != nil && defs.OnDestroy != nil {
		now.onDestroy = nil
	}
	late, dl := d.definitions(now)
	if dl.HasErrors() {
		return prepared{}, dl
	}
	if defs.Definition == nil {
		defs.Definition = late.Definition
	}
	if defs.OnDestroy == nil {
		defs.OnDestroy = late.OnDestroy
	}
	p.lay(req.Addr, s, defs)
	return prepared{spec: s, private: p, inputs: inputsOf(p.Salt, req.Wanted, defs.Definition)}, nil
}

// lay notes what the workflow is started with from now on.
func (p *private) lay(a addr.Instance, s spec, defs planned) {
	if p.Salt == nil {
		p.Salt = block.NewSalt()
	}
	start := s.request(a, s.part, *defs.Definition)
	p.Start, p.OnDestroy = &start, nil
	if s.onDestroy != nil {
		end := s.request(a, *s.onDestroy, *defs.OnDestroy)
		p.OnDestroy = &end
	}
	before := p.Schedule
	p.Schedule = s.schedule
	if s.schedule != nil {
		p.Schedule.Since = time.Now().UTC()
		if before != nil && before.Expression == s.schedule.Expression && before.Timezone == s.schedule.Timezone {
			p.Schedule.Since = before.Since
		}
	}
}

// Request is all that an execution of a workflow is begun with. It may hold secrets.
type Request struct {
	// Workflow is the address, such as workflow.fulfil.
	Workflow   string           `json:"workflow"`
	Definition Definition       `json:"definition"`
	Input      json.RawMessage  `json:"input"`
	Role       string           `json:"role,omitempty"`
	Limits     execution.Limits `json:"limits,omitzero"`
	Mapping    worker.Mapping   `json:"mapping,omitempty"`
	// Secrets are the sensitive texts among all this.
	Secrets []string `json:"secrets,omitempty"`
}

func (s spec) request(a addr.Instance, p part, def Definition) Request {
	limits := s.limits
	limits.Seconds = s.seconds
	return Request{Workflow: a.String(), Definition: def, Input: p.encodeInput(), Role: s.role, Limits: limits, Mapping: s.mapping, Secrets: s.secrets}
}

// MachineRequest is the Work.Machine of what this package asks for: an execution whose
// input is a Request. Whoever starts it adds what only it knows, such as names.
const MachineRequest = execution.MachineExecution

// Begin implements object.Stepwise.
func (d *driver) Begin(_ context.Context, req object.ApplyRequest) (*object.Work, diag.List) {
	switch req.Verb {
	case object.Run:
		pre, dl := d.prepare(req)
		if dl.HasErrors() {
			return nil, dl
		}
		return &object.Work{Machine: MachineRequest, Input: encode(pre.private.Start)}, dl
	case object.Delete:
		p, err := readPrivate(req.Prior)
		if err != nil || p.OnDestroy == nil {
			return nil, diag.FromError("Row cannot be read", err)
		}
		return &object.Work{Machine: MachineRequest, Input: encode(p.OnDestroy)}, nil
	default:
		return nil, nil
	}
}

// Conclude implements object.Stepwise.
func (d *driver) Conclude(_ context.Context, req object.ApplyRequest, ended object.Ended) (object.Result, diag.List) {
	if req.Verb == object.Delete {
		if ended.Failure == nil {
			return object.Result{}, nil
		}
		p, _ := readPrivate(req.Prior) // Begin has read it
		return object.Result{Actual: req.Prior}, failed("on_destroy of "+req.Addr.String(), ended, p.OnDestroy.Secrets)
	}
	pre, dl := d.prepare(req)
	if dl.HasErrors() {
		return object.Result{Actual: req.Prior}, dl
	}
	s := pre.spec
	pre.private.Ran, pre.private.Failed = true, false
	output := map[string]cty.Value{"status": cty.StringVal(status(ended.Failure)), "execution": cty.StringVal(ended.Run), "output": cty.NullVal(cty.DynamicPseudoType)}
	actual := &object.Actual{}
	if ended.Failure == nil {
		v, err := block.FromJSON(visible(s, ended.Output))
		if err != nil {
			return object.Result{Actual: req.Prior}, diag.FromError("Output cannot be read", err)
		}
		output["output"] = v
	} else {
		pre.private.Failed, actual.Tainted = s.run == manual, s.run != manual
		dl = failed(req.Addr.String(), ended, s.secrets)
	}
	actual.Value, actual.Private = block.Join(pre.inputs, mark(output, s.hidden())), encode(pre.private)
	return object.Result{Actual: actual}, dl
}

// visible gives the output, without the known secrets where the user wants it to be
// seen although something secret went in.
func visible(s spec, output json.RawMessage) json.RawMessage {
	if len(output) == 0 {
		return json.RawMessage("null")
	}
	if s.sensitive == nil || *s.sensitive {
		return output
	}
	var m secret.Masker
	m.Add(s.secrets...)
	return json.RawMessage(m.String(string(output)))
}

// status is the service's word for how an execution ended.
func status(f *flow.Failure) string {
	switch {
	case f == nil:
		return "SUCCEEDED"
	case f.Kind == flow.Cancelled:
		return "ABORTED"
	case execution.IsTimedOut(f.Code, f.Message):
		return "TIMED_OUT"
	default:
		return "FAILED"
	}
}

func failed(what string, ended object.Ended, secrets []string) diag.List {
	var m secret.Masker
	m.Add(secrets...)
	why := []string{ended.Failure.Code, ended.Failure.Message}
	why = slices.DeleteFunc(why, func(s string) bool { return s == "" })
	if len(why) == 0 {
		why = []string{"it gave no reason"}
	}
	return diag.Errorf(nil, "Workflow failed", "%s ended as %s: %s\n\nIts execution was %s.", what, status(ended.Failure), m.String(strings.Join(why, ": ")), ended.Run)
}

// Apply implements object.Driver for what runs nothing.
func (d *driver) Apply(_ context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	switch req.Verb {
	case object.Delete:
		return object.Result{}, nil
	case object.Create, object.Update:
		return d.record(req)
	default:
		panic("workflow: invariant broken: a workflow is not carried out by " + req.Verb.String())
	}
}

// record stores what is wanted without running it.
func (d *driver) record(req object.ApplyRequest) (object.Result, diag.List) {
	pre, dl := d.prepare(req)
	if dl.HasErrors() {
		return object.Result{Actual: req.Prior}, dl
	}
	outputs := noOutputs(pre.spec.hidden())
	if req.Prior != nil {
		outputs = kept(req.Prior.Value, pre.spec.hidden())
		keepInputs(pre.inputs, req.Prior.Value, pre.private)
		pre.private.Failed = pre.private.Failed || req.Prior.Tainted
	}
	return object.Result{Actual: &object.Actual{Value: block.Join(pre.inputs, outputs), Private: encode(pre.private)}}, nil
}

// Read implements object.Driver: what a workflow did is not looked at again.
func (d *driver) Read(_ context.Context, _ addr.Instance, known *object.Actual) (*object.Actual, diag.List) {
	return known, nil
}

func encode(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("workflow: invariant broken: a %T has no JSON form: %v", v, err))
	}
	return out
}
