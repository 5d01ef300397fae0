package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"tutti/internal/ansible/play"
	"tutti/internal/apply"
	"tutti/internal/diag"
	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/planfile"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// Latest gives the newest run that can be resumed.
func (e *Engine) Latest(ctx context.Context) (*store.Run, diag.List) {
	runs, err := e.store.List(ctx, 0)
	if err != nil {
		return nil, storeDiag(err)
	}
	for i := range runs {
		if runs[i].Status.Open() && (runs[i].Machine == "apply" || (runs[i].Machine == execution.MachineExecution || runs[i].Machine == play.MachinePlay) && runs[i].Child == 0) {
			return &runs[i], nil
		}
	}
	return nil, diag.Errorf(nil, "Nothing to resume", "No run of this stack was cut off or stopped. \"tutti runs\" lists them all.")
}

// Resume goes on with a run where it was: nothing that was done is done again.
func (e *Engine) Resume(ctx context.Context, id store.RunID, o RunOptions) (*Finished, diag.List) {
	run, file, d := e.RunPlan(ctx, id)
	if d.HasErrors() {
		return nil, d
	}
	if d := resumable(run); d.HasErrors() {
		return nil, d
	}
	return e.carry(ctx, carrying{id: id, file: file, o: o, resume: true})
}

func resumable(run *store.Run) diag.List {
	if run.Status.Open() {
		return nil
	}
	return diag.Errorf(nil, "Run cannot be resumed", "Run %d has ended: %s. To carry out what is left, plan again.", run.ID, run.Status)
}

// RunPlan gives a run and the plan that it carries out.
func (e *Engine) RunPlan(ctx context.Context, id store.RunID) (*store.Run, *planfile.File, diag.List) {
	run, err := e.store.Run(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, diag.Errorf(nil, "No such run", "This stack has no run %d. \"tutti runs\" lists them.", id)
	}
	if err != nil {
		return nil, nil, storeDiag(err)
	}
	if len(run.Plan) == 0 {
		return run, nil, nil
	}
	file, err := planfile.Decode(run.Plan, e.box)
	if err != nil {
		return run, nil, diag.FromError("Plan of the run cannot be read", err)
	}
	return run, file, nil
}

// History replays a run's journal: what became of each action, and the entries.
func (e *Engine) History(ctx context.Context, id store.RunID) (*store.Run, *planfile.File, apply.Report, []store.Entry, diag.List) {
	run, file, d := e.RunPlan(ctx, id)
	if d.HasErrors() || file == nil {
		return run, file, apply.Report{}, nil, d
	}
	entries, err := e.store.Entries(ctx, id, 1)
	if err != nil {
		return run, file, apply.Report{}, nil, storeDiag(err)
	}
	m := apply.New()
	for _, en := range entries {
		if en.Event != nil {
			m.Handle(en.Event)
		}
	}
	return run, file, m.Report(), entries, nil
}

// Approve leaves a person's word for a run.
func (e *Engine) Approve(ctx context.Context, id store.RunID, word apply.Approve) diag.List {
	if word.By == "" {
		person, host := holder()
		word.By = person + "@" + host
	}
	payload, err := json.Marshal(word)
	if err != nil {
		return diag.FromError("Approval cannot be posted", err)
	}
	return e.post(ctx, id, flow.Signaled{At: e.o.Now(), Name: apply.SignalApprove, Payload: payload})
}

// Cancel asks a run to stop in order. A run that nobody carries out is closed.
func (e *Engine) Cancel(ctx context.Context, id store.RunID) (closed bool, d diag.List) {
	run, err := e.store.Run(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, diag.Errorf(nil, "No such run", "This stack has no run %d. \"tutti runs\" lists them.", id)
	}
	if err != nil {
		return false, storeDiag(err)
	}
	if !run.Status.Open() {
		return false, diag.Errorf(nil, "Run has ended", "Run %d has ended already: %s.", id, run.Status)
	}
	if executor.Makes(run.Machine) {
		return e.cancelExecution(ctx, id)
	}
	held, err := e.store.Held(ctx)
	if err != nil {
		return false, storeDiag(err)
	}
	for _, l := range held {
		if l.Run == id {
			return false, e.post(ctx, id, flow.Signaled{At: e.o.Now(), Name: local.SignalCancel})
		}
	}
	person, _ := holder()
	return true, storeDiag(e.store.SetStatus(ctx, id, store.Abandoned, "closed by "+person))
}

// cancelExecution stops an execution in order: what it has begun elsewhere is stopped
// too. Somebody has to carry that out: the server of the folder, the process that
// holds the run, or this one.
func (e *Engine) cancelExecution(ctx context.Context, id store.RunID) (closed bool, d diag.List) {
	runs, err := e.runs()
	if err != nil {
		return false, diag.FromError("Execution cannot be stopped", err)
	}
	person, _ := holder()
	// A reason of this form ends the execution; any other would only pause it.
	reason, err := json.Marshal(map[string]string{"error": "", "cause": "stopped by " + person})
	if err != nil {
		return false, diag.FromError("Execution cannot be stopped", err)
	}
	err = runs.Resume(ctx, id)
	var held *store.HeldError
	if errors.As(err, &held) {
		payload, err := json.Marshal(map[string]string{"reason": string(reason)})
		if err != nil {
			return false, diag.FromError("Execution cannot be stopped", err)
		}
		return false, e.post(ctx, id, flow.Signaled{At: e.o.Now(), Name: local.SignalCancel, Payload: payload})
	}
	if err == nil {
		err = runs.Cancel(ctx, id, string(reason))
	}
	if err == nil {
		_, err = runs.Wait(ctx, id)
	}
	if errors.Is(err, local.ErrEnded) {
		err = nil
	}
	return true, storeDiag(err)
}

// AnswerTask answers a Task that waits for its token (.waitForTaskToken), in whatever
// execution it is: as SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat do.
func (e *Engine) AnswerTask(ctx context.Context, answer execution.TaskSignal) (store.RunID, diag.List) {
	base, _, _ := strings.Cut(answer.Token, ".")
	open, err := e.store.Find(ctx, store.RunFilter{OpenOnly: true})
	if err != nil {
		return 0, storeDiag(err)
	}
	payload, err := json.Marshal(answer)
	if err != nil {
		return 0, diag.FromError("Answer cannot be sent", err)
	}
	for _, r := range open {
		if !executor.Makes(r.Machine) {
			continue
		}
		whole, err := e.store.Run(ctx, r.ID)
		if err != nil {
			return 0, storeDiag(err)
		}
		in, err := executor.ReadInput(*whole)
		if err != nil {
			return 0, storeDiag(err)
		}
		if in.Token == base && base != "" {
			return r.ID, e.post(ctx, r.ID, flow.Signaled{At: e.o.Now(), Name: execution.SignalTask, Payload: payload})
		}
	}
	return 0, diag.Errorf(nil, "No task waits for this token", "No open execution of this stack has given out this token. It may have ended, or its task timed out.")
}

func (e *Engine) post(ctx context.Context, id store.RunID, s flow.Signaled) diag.List {
	err := e.store.Post(ctx, id, s)
	if errors.Is(err, store.ErrNotFound) {
		return diag.Errorf(nil, "No such run", "This stack has no run %d. \"tutti runs\" lists them.", id)
	}
	return storeDiag(err)
}

// Unlock frees what a run holds, by force.
func (e *Engine) Unlock(ctx context.Context, id store.RunID) diag.List {
	return storeDiag(e.store.Break(ctx, id))
}
