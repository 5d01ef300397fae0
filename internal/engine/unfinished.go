package engine

import (
	"context"
	"fmt"
	"strings"

	"tutti/internal/addr"
	"tutti/internal/apply"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/planfile"
	"tutti/internal/store"
)

// unfinished is a run that nobody carries out, whose plan is not done, and that
// wants some of the same objects as a new plan.
type unfinished struct {
	run *store.Run
	// doubts are the actions that were cut off, wherever: they may have been done. Only
	// a run without any can be closed for another that does the rest.
	doubts []addr.Instance
}

// unfinished finds such runs, oldest last. It costs a look at the list of runs
// when there are none.
func (e *Engine) unfinished(ctx context.Context, f *planfile.File, self store.RunID) ([]unfinished, diag.List) {
	runs, err := e.store.List(ctx, 0)
	if err != nil {
		return nil, storeDiag(err)
	}
	wanted := func(addr.Object) bool { return true }
	var live map[store.RunID]bool
	var out []unfinished
	for i := range runs {
		r := &runs[i]
		if r.ID == self || r.Machine != "apply" || !r.Status.Open() {
			continue
		}
		if live == nil {
			if set := changed(f.Plan); set != nil {
				wanted = func(o addr.Object) bool { return set[o] }
			}
			if live, err = e.live(ctx); err != nil {
				return nil, storeDiag(err)
			}
		}
		if live[r.ID] {
			continue // its lease speaks for it
		}
		u, overlaps, d := e.leftOf(ctx, r, wanted)
		if d.HasErrors() {
			return nil, d
		}
		if overlaps {
			out = append(out, u)
		}
	}
	return out, nil
}

// changed are the objects that a plan changes. One that only comes into the state
// is left out: importing is how a doubt is settled. Destroying everything is about
// what an earlier run may have made without anybody knowing, too: nil means all.
func changed(p *object.Plan) map[addr.Object]bool {
	if p.Mode == object.Destroy && !p.Targeted {
		return nil
	}
	out := map[addr.Object]bool{}
	for i := range p.Actions {
		a := &p.Actions[i]
		switch {
		case a.Verb == object.Join, a.Verb == object.NoOp, a.Verb == object.Set:
		case a.Verb == object.Record && a.Change >= 0 && p.Changes[a.Change].Imported != "":
		default:
			out[a.Addr.Object] = true
		}
	}
	return out
}

// live are the runs that some process carries out.
func (e *Engine) live(ctx context.Context) (map[store.RunID]bool, error) {
	held, err := e.store.Held(ctx)
	out := make(map[store.RunID]bool, len(held))
	for _, l := range held {
		out[l.Run] = true
	}
	return out, err
}

// leftOf tells whether a run has something left to do at the wanted objects, and
// what of it was cut off.
func (e *Engine) leftOf(ctx context.Context, r *store.Run, wanted func(addr.Object) bool) (u unfinished, overlaps bool, d diag.List) {
	u.run = r
	_, file, rep, entries, d := e.History(ctx, r.ID)
	if d.HasErrors() || file == nil {
		return u, false, d
	}
	sent := map[int]bool{}
	m := apply.New()
	for _, en := range entries {
		if en.Event != nil {
			m.Handle(en.Event)
		}
		if n, ok := m.Action(en.Sent); ok {
			sent[n] = true
		}
	}
	if len(rep.Actions) == 0 {
		// It was killed before its first entry: nothing of it was done.
		for i := range file.Plan.Actions {
			overlaps = overlaps || wanted(file.Plan.Actions[i].Addr.Object)
		}
		return u, overlaps, nil
	}
	for i := range rep.Actions {
		a := &rep.Actions[i]
		switch a.Status {
		case apply.Done, apply.Failed, apply.Skipped:
			continue
		case apply.Running, apply.InDoubt:
			if sent[a.ID] && !a.Action.Idempotent {
				u.doubts = append(u.doubts, a.Action.Addr)
			}
		}
		overlaps = overlaps || wanted(a.Action.Addr.Object)
	}
	return u, overlaps, nil
}

// clear refuses a plan that would do again what an earlier run may have done.
func clear(list []unfinished) diag.List {
	var d diag.List
	for _, u := range list {
		if len(u.doubts) > 0 {
			d = append(d, diag.Errorf(nil, "An earlier run was cut off", "%s\n\n\"tutti resume %d\" finds out where it can, and does the rest of that run. \"tutti cancel %d\" closes it: then this plan may do again what was done.",
				u.what(), u.run.ID, u.run.ID)...)
		}
	}
	return d
}

// warn says before a plan is carried out what earlier runs mean for it.
func warn(list []unfinished) diag.List {
	var d diag.List
	for _, u := range list {
		if len(u.doubts) > 0 {
			d = append(d, diag.Warnf(nil, "An earlier run was cut off", "%s\n\nGo on with it first: \"tutti resume %d\".", u.what(), u.run.ID)...)
		} else {
			d = append(d, diag.Warnf(nil, "An earlier run was not finished", "Run %d (%s) did not come to its end, and has work left at the same objects. \"tutti resume %d\" goes on with it; carrying out this plan closes it.",
				u.run.ID, u.run.Command, u.run.ID)...)
		}
	}
	return d
}

// what names the doubts.
func (u *unfinished) what() string {
	const most = 10
	var lines []string
	for i, a := range u.doubts {
		if i == most {
			lines = append(lines, fmt.Sprintf("  and %d more", len(u.doubts)-i))
			break
		}
		lines = append(lines, "  "+a.String())
	}
	return fmt.Sprintf("Run %d (%s) was cut off while it changed these, and what became of them is not known:\n%s", u.run.ID, u.run.Command, strings.Join(lines, "\n"))
}

// supersede closes runs whose work a new run takes over.
func (e *Engine) supersede(ctx context.Context, list []unfinished, by store.RunID) diag.List {
	for _, u := range list {
		if err := e.store.SetStatus(ctx, u.run.ID, store.Abandoned, fmt.Sprintf("run %d took over what was left", by)); err != nil {
			return storeDiag(err)
		}
	}
	return nil
}
