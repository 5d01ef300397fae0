package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/session"
	"tutti/internal/ansible/value"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/secret"
)

// driver plans plays and says what is to be played.
type driver struct {
	// root is the folder that relative paths start from.
	root string
	// block is nil when it is gone: then nothing is read.
	block *block.Block
}

var (
	_ object.Driver   = (*driver)(nil)
	_ object.Stepwise = (*driver)(nil)
)

// runInputs are the arguments whose change makes a play run again; otherInputs are shown and
// stored beside them.
var (
	runInputs   = []string{"source_hash", "inventory", "variables", "tags", "skip_tags", "limit", "triggers"}
	otherInputs = []string{"source", "run", "user", "become", "become_user", "forks", "wait", "on_destroy"}
	outputNames = []string{"registered", "facts", "recap", "stats", "ran"}
)

// planned is the planned private data: the files as they were when the plan was made. What is
// played is what was approved, whatever the files hold by then.
type planned struct {
	Files map[string]play.Recorded `json:"files,omitempty"`
}

// request gives what a session is opened for.
func (d *driver) request(s spec, p part, files map[string]play.Recorded) (session.Request, error) {
	groups, sources, err := groupsOf(s.inventory)
	if err != nil {
		return session.Request{}, err
	}
	if groups == nil && sources == nil { // not known yet: the files can be read all the same
		groups = &session.Groups{}
	}
	root, err := filepath.Abs(d.root)
	if err != nil {
		return session.Request{}, err
	}
	r := session.Request{Playbooks: p.sources, Dir: root, Groups: groups, Inventory: sources, LimitText: p.limit, Secrets: s.vault, Files: files,
		Settings: session.Defaults()}
	if v := p.variables; !v.IsNull() && v.IsKnown() {
		r.Extra, _ = plain(v).(*value.Dict)
	}
	if groups != nil && len(groups.Hosts) == 0 {
		r.LimitText = ""
	}
	o := &r.Options
	o.Tags, o.SkipTags, o.Forks, o.Become, o.Wait = p.tags, p.skipTags, max(s.forks, 0), s.become, int(s.wait.Seconds())
	if o.Forks == 0 {
		o.Forks = defaultForks
	}
	c := &r.Connection
	c.User, c.PrivateKeyFile, c.Password, c.HostKeyChecking = s.user, s.key, s.password, !s.trust
	if s.key != "" && !filepath.IsAbs(s.key) {
		c.PrivateKeyFile = filepath.Join(root, s.key)
	}
	c.Become.User, c.Become.Password = s.becomeUser, s.becomePassword
	return r, nil
}

// defaultForks is how many hosts are at a task at a time unless the block says it: more than
// Ansible's 5, for a host costs no process here.
const defaultForks = 50

// Plan implements object.Driver.
func (d *driver) Plan(ctx context.Context, req object.PlanRequest) (object.Change, diag.List) {
	p, err := readPrivate(req.Prior)
	if err != nil {
		return object.Change{}, diag.FromError("Row cannot be read", err)
	}
	if req.Wanted == cty.NilVal {
		return planDelete(req, p), nil
	}
	s, _ := readSpec(req.Wanted) // its problems were reported when it was evaluated
	look, dl := d.look(ctx, s)
	if dl.HasErrors() {
		return object.Change{}, dl
	}
	dl = append(dl, p.leftBehind(req.Addr.String())...)
	c := object.Change{Before: cty.NilVal, Idempotent: true, Private: encode(planned{Files: look.files})}
	if req.Prior != nil {
		c.Before = req.Prior.Value
	}
	inputs := inputsOf(p.Salt, req.Wanted, look.hash)
	why := reasons(req, s, p, inputs)
	if s.run != manual && len(why) == 0 && look.would != nil && look.would.changed > 0 {
		why = []string{drifted}
	}
	switch {
	case len(why) > 0:
		c.Verb, c.Note = object.Run, strings.Join(why, ", ")
		c.After = block.Join(inputs, outputsToCome(s.hidden()))
		c.Note, c.Parts = look.tell(c.Note, s.hidden())
	case req.Prior == nil:
		c.Verb, c.Note = object.Create, "played only when it is asked for"
		c.After = block.Join(inputs, noOutputs(s.hidden()))
	default:
		keepInputs(inputs, req.Prior.Value, p)
		c.After = block.Join(inputs, kept(req.Prior.Value, s.hidden()))
		c.Verb = object.Update
		if c.After.RawEquals(c.Before) && !req.Prior.Tainted {
			c.Verb = object.NoOp
		} else {
			c.Note = "will not be played"
		}
	}
	return c, dl
}

// drifted is why a play runs of which nothing changed but the hosts.
const drifted = "check mode found changes"

// Drifted tells that a planned change's note says that the hosts are not as the play left them.
func Drifted(note string) bool { return strings.HasPrefix(note, drifted) }

// inputsOf gives what is compared, shown and stored.
func inputsOf(salt []byte, wanted cty.Value, hash string) map[string]cty.Value {
	c := block.Concealer{Salt: salt}
	out := c.Inputs(wanted, []string{"source", "inventory", "variables", "tags", "skip_tags", "limit", "triggers", "run", "user", "become", "become_user", "forks", "wait"})
	out["on_destroy"] = c.Conceal(block.WithoutNulls(wanted.GetAttr("on_destroy")))
	out["source_hash"] = cty.UnknownVal(cty.String).RefineNotNull()
	if hash != "" {
		out["source_hash"] = cty.StringVal(hash)
	}
	return out
}

// reasons says why the play runs; it is empty when it does not.
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
		what := map[string]string{"source_hash": "the files"}[name]
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

// keepInputs leaves what decides about playing as it was in the last run.
func keepInputs(inputs map[string]cty.Value, prior cty.Value, p private) {
	if !p.Ran {
		return
	}
	for _, name := range runInputs {
		inputs[name] = prior.GetAttr(name)
	}
}

func planDelete(req object.PlanRequest, p private) object.Change {
	c := object.Change{Verb: object.Delete, Before: req.Prior.Value, After: cty.NilVal, Idempotent: true,
		Note: "nothing is played: it has no on_destroy, and the hosts stay as they are"}
	if p.OnDestroy != nil {
		c.Note = "on_destroy will be played"
	}
	return c
}

// input makes what a play is started with.
func (d *driver) input(ctx context.Context, s spec, p part, files map[string]play.Recorded) (*session.Session, diag.List) {
	r, err := d.request(s, p, files)
	if err != nil {
		return nil, diag.FromError("Play cannot be prepared", err)
	}
	ready, dl, err := session.Open(ctx, r)
	if err != nil {
		return nil, append(dl, diag.FromError("Play cannot be prepared", err)...)
	}
	return ready, dl
}

// Begin implements object.Stepwise.
func (d *driver) Begin(ctx context.Context, req object.ApplyRequest) (*object.Work, diag.List) {
	switch req.Verb {
	case object.Run:
		s, dl := wantedSpec(req)
		if dl.HasErrors() {
			return nil, dl
		}
		var plan planned
		if len(req.Private) > 0 {
			if err := json.Unmarshal(req.Private, &plan); err != nil {
				return nil, diag.FromError("Plan of the play cannot be read", err)
			}
		}
		ready, dl := d.input(ctx, s, s.part, plan.Files)
		if ready == nil {
			return nil, dl
		}
		defer ready.Close()
		return &object.Work{Machine: play.MachinePlay, Input: encode(ready.Input)}, dl
	case object.Delete:
		p, err := readPrivate(req.Prior)
		if err != nil || p.OnDestroy == nil {
			return nil, diag.FromError("Row cannot be read", err)
		}
		return &object.Work{Machine: play.MachinePlay, Input: p.OnDestroy}, nil
	default:
		return nil, nil
	}
}

func wantedSpec(req object.ApplyRequest) (spec, diag.List) {
	bare, _ := req.Wanted.UnmarkDeep()
	if !bare.IsWhollyKnown() {
		return spec{}, diag.Errorf(nil, "Playbook depends on something that is not known", "Some argument of %s is still not known, although everything that it refers to is done.", req.Addr)
	}
	s, problems := readSpec(req.Wanted)
	if len(problems) > 0 {
		return spec{}, diag.Errorf(nil, "Invalid argument value", "The argument %s of %s is not right. %s", strings.Join(problems[0].Path, "."), req.Addr, problems[0].Text)
	}
	return s, nil
}

// Conclude implements object.Stepwise.
func (d *driver) Conclude(ctx context.Context, req object.ApplyRequest, ended object.Ended) (object.Result, diag.List) {
	if req.Verb == object.Delete {
		if ended.Failure == nil {
			return object.Result{}, nil
		}
		return object.Result{Actual: req.Prior}, failed("on_destroy of "+req.Addr.String(), ended, nil)
	}
	pre, dl := d.prepare(ctx, req)
	if dl.HasErrors() {
		return object.Result{Actual: req.Prior}, dl
	}
	s := pre.spec
	pre.private.Ran, pre.private.Failed = true, false
	actual := &object.Actual{}
	outputs := noOutputs(false)
	outputs["ran"] = cty.StringVal(ended.Run)
	if ended.Failure == nil {
		out, err := outputsOf(ended.Output, s)
		if err != nil {
			return object.Result{Actual: req.Prior}, diag.FromError("Output of the play cannot be read", err)
		}
		out["ran"] = outputs["ran"]
		outputs = out
		pre.private.follow(ended.Output, s)
	} else {
		pre.private.Failed, actual.Tainted = s.run == manual, s.run != manual
		dl = failed(req.Addr.String(), ended, s.secrets)
	}
	actual.Value, actual.Private = block.Join(pre.inputs, mark(outputs, s.hidden())), encode(pre.private)
	return object.Result{Actual: actual}, dl
}

// prepared is what a row is made of.
type prepared struct {
	spec    spec
	private private
	inputs  map[string]cty.Value
}

func (d *driver) prepare(ctx context.Context, req object.ApplyRequest) (prepared, diag.List) {
	s, dl := wantedSpec(req)
	if dl.HasErrors() {
		return prepared{}, dl
	}
	p, err := readPrivate(req.Prior)
	if err != nil {
		return prepared{}, diag.FromError("Row cannot be read", err)
	}
	if p.Salt == nil {
		p.Salt = block.NewSalt()
	}
	var plan planned
	if len(req.Private) > 0 {
		if err := json.Unmarshal(req.Private, &plan); err != nil {
			return prepared{}, diag.FromError("Plan of the play cannot be read", err)
		}
	}
	ready, dl := d.input(ctx, s, s.part, plan.Files)
	if ready == nil {
		return prepared{}, dl
	}
	hash := hashOf(ready)
	ready.Close()
	p.OnDestroy = nil
	if s.onDestroy != nil {
		end, dl := d.input(ctx, s, *s.onDestroy, nil)
		if end == nil {
			return prepared{}, dl
		}
		p.OnDestroy = encode(end.Input)
		end.Close()
	}
	return prepared{spec: s, private: p, inputs: inputsOf(p.Salt, req.Wanted, hash)}, nil
}

func failed(what string, ended object.Ended, secrets []string) diag.List {
	var m secret.Masker
	m.Add(secrets...)
	verb := "failed"
	if ended.Failure.Kind == flow.Cancelled {
		verb = "was stopped"
	}
	why := slices.DeleteFunc([]string{ended.Failure.Message}, func(s string) bool { return s == "" })
	if len(why) == 0 {
		why = []string{"it gave no reason"}
	}
	return diag.Errorf(nil, "Play "+verb, "%s: %s.\n\nIts play was %s: \"tutti run show\" tells its tasks.", what, m.String(strings.Join(why, ": ")), ended.Run)
}

// Apply implements object.Driver for what plays nothing.
func (d *driver) Apply(ctx context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	switch req.Verb {
	case object.Delete:
		return object.Result{}, nil
	case object.Create, object.Update:
		pre, dl := d.prepare(ctx, req)
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
	default:
		panic("graph: invariant broken: a playbook is not carried out by " + req.Verb.String())
	}
}

// Read implements object.Driver: what a play did is looked at by the next plan's check mode.
func (d *driver) Read(_ context.Context, _ addr.Instance, known *object.Actual) (*object.Actual, diag.List) {
	return known, nil
}

func encode(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("graph: invariant broken: a %T has no JSON form: %v", v, err))
	}
	return out
}
