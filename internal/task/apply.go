package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/secret"
)

// Apply implements object.Driver.
func (d *driver) Apply(ctx context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	p, err := readPrivate(req.Prior)
	if err != nil {
		return object.Result{Actual: req.Prior}, diag.FromError("Row cannot be read", err)
	}
	switch req.Verb {
	case object.Run:
		return d.run(ctx, req, p)
	case object.Create, object.Update:
		return d.record(req, p)
	case object.Delete:
		return d.destroy(ctx, req, p)
	default:
		panic("task: invariant broken: a task is not carried out by " + req.Verb.String())
	}
}

// prepared is what carrying a wanted task out starts from.
type prepared struct {
	spec    spec
	private private
	inputs  map[string]cty.Value
	masker  *secret.Masker
}

// visible gives what masks the outputs: only those that the user wants to be seen
// although something secret went in. Masking others would hand a wrong text to
// whatever uses them, because of a secret that the task may not even have been given.
func (p prepared) visible() *secret.Masker {
	if p.spec.sensitive != nil && !*p.spec.sensitive {
		return p.masker
	}
	return nil
}

func (d *driver) prepare(req object.ApplyRequest, p private) (prepared, diag.List) {
	bare, _ := req.Wanted.UnmarkDeep()
	if !bare.IsWhollyKnown() {
		return prepared{}, diag.Errorf(nil, "Task depends on something that is not known", "Some argument of %s is still not known, although everything that it refers to is done.", req.Addr)
	}
	s, problems := readSpec(req.Wanted)
	if len(problems) > 0 {
		return prepared{}, diag.Errorf(nil, "Invalid argument value", "The argument %s of %s is not right. %s", strings.Join(problems[0].Path, "."), req.Addr, problems[0].Text)
	}
	if p.Salt == nil {
		p.Salt = block.NewSalt()
	}
	p.OnDestroy = s.onDestroy
	if p.OnDestroy != nil {
		p.OnDestroy.WorkingDir = d.path(p.OnDestroy.WorkingDir)
	}
	out := prepared{spec: s, private: p, inputs: concealed(p.Salt, req.Wanted, runInputs, otherInputs), masker: &secret.Masker{}}
	out.masker.Add(s.Secrets...)
	return out, nil
}

func (d *driver) run(ctx context.Context, req object.ApplyRequest, p private) (object.Result, diag.List) {
	pre, diags := d.prepare(req, p)
	if diags.HasErrors() {
		return object.Result{Actual: req.Prior}, diags
	}
	s := pre.spec
	s.WorkingDir = d.path(s.WorkingDir)
	w := &worker{masker: pre.masker, log: req.Log, silent: s.sensitive != nil && *s.sensitive}
	out, err := w.attempts(ctx, s.action)
	if gone := d.missing(s); err == nil && len(gone) > 0 {
		err = &failure{why: "it ended well, but " + strings.Join(gone, " and ") + ", which creates names, is not there"}
	}
	pre.private.Ran, pre.private.Failed = true, false
	actual := &object.Actual{Value: block.Join(pre.inputs, out.values(s.hidden(), pre.visible()))}
	var f *failure
	switch {
	case err == nil:
		diags = cutWarning(req.Addr.String(), out.cut)
	case errors.As(err, &f) && f.nothing:
		return object.Result{Actual: taint(req.Prior)}, f.report(req.Addr.String(), pre.masker)
	case ctx.Err() != nil:
		// It was cut off: nothing is recorded, so that the run stays in doubt about it.
		return object.Result{}, w.report(req.Addr.String(), err)
	default:
		pre.private.Failed, actual.Tainted = s.run == manual, s.run != manual
		diags = w.report(req.Addr.String(), err)
	}
	actual.Private = pre.private.bytes()
	return object.Result{Actual: actual}, diags
}

// taint makes what is stored run again, when there is something.
func taint(prior *object.Actual) *object.Actual {
	if prior == nil {
		return nil
	}
	out := *prior
	out.Tainted = true
	return &out
}

func cutWarning(what string, cut []string) diag.List {
	if len(cut) == 0 {
		return nil
	}
	return diag.Warnf(nil, "Output is too long to be kept", "The %s of %s is longer than %d bytes; only its beginning is an output. All of it was in the log.", strings.Join(cut, " and "), what, MaxOutput)
}

// record stores what is wanted without running it.
func (d *driver) record(req object.ApplyRequest, p private) (object.Result, diag.List) {
	pre, diags := d.prepare(req, p)
	if diags.HasErrors() {
		return object.Result{Actual: req.Prior}, diags
	}
	outputs := markOutputs(noOutputs(), pre.spec.hidden())
	if req.Prior != nil {
		outputs = kept(req.Prior.Value, pre.spec.hidden())
		keepInputs(pre.inputs, req.Prior.Value, pre.private)
		pre.private.Failed = pre.private.Failed || req.Prior.Tainted
	}
	return object.Result{Actual: &object.Actual{Value: block.Join(pre.inputs, outputs), Private: pre.private.bytes()}}, nil
}

// destroy runs on_destroy as it was when the task last ran.
func (d *driver) destroy(ctx context.Context, req object.ApplyRequest, p private) (object.Result, diag.List) {
	if p.OnDestroy == nil || !p.Ran {
		return object.Result{}, nil
	}
	w := &worker{masker: &secret.Masker{}, log: req.Log}
	w.masker.Add(p.OnDestroy.Secrets...)
	if _, err := w.attempts(ctx, *p.OnDestroy); err != nil {
		if ctx.Err() != nil {
			return object.Result{}, w.report("on_destroy of "+req.Addr.String(), err)
		}
		return object.Result{Actual: req.Prior}, w.report("on_destroy of "+req.Addr.String(), err)
	}
	return object.Result{}, nil
}

// errCannotTell says that only a person can know how a task ended.
var errCannotTell = errors.New("it was cut off, and nothing shows how far it came (creates = \"PATH\" in its block would; idempotent = true says that it may be repeated)")

// Settle implements object.Settler: a path of creates that is there now and was not
// when the task was planned shows that it was done. Its outputs are lost.
func (d *driver) Settle(_ context.Context, req object.ApplyRequest) (object.Result, bool, error) {
	p, err := readPrivate(req.Prior)
	if err != nil {
		return object.Result{}, false, err
	}
	switch req.Verb {
	case object.Create, object.Update:
		return object.Result{}, false, nil // a record is repeated
	case object.Delete:
		if p.OnDestroy == nil || !p.Ran || p.OnDestroy.Idempotent {
			return object.Result{}, false, nil
		}
		return object.Result{}, false, errCannotTell
	}
	var was planned
	if len(req.Private) > 0 {
		if err := json.Unmarshal(req.Private, &was); err != nil {
			return object.Result{}, false, fmt.Errorf("the planned data of the task cannot be read: %w", err)
		}
	}
	pre, diags := d.prepare(req, p)
	if err := diags.Err(); err != nil {
		return object.Result{}, false, err
	}
	if pre.spec.Idempotent {
		return object.Result{}, false, nil
	}
	if len(was.Missing) == 0 || len(d.missing(pre.spec)) > 0 {
		return object.Result{}, false, errCannotTell
	}
	pre.private.Ran, pre.private.Failed = true, false
	value := block.Join(pre.inputs, markOutputs(noOutputs(), pre.spec.hidden()))
	return object.Result{Actual: &object.Actual{Value: value, Private: pre.private.bytes()}}, true, nil
}
