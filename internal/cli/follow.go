package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"tutti/internal/addr"
	"tutti/internal/cli/view"
	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/store"
)

// follower is a view of a run while it lasts.
type follower interface {
	Begin(plan *object.Plan, at time.Time)
	Started(a *object.Action, at time.Time)
	Log(a *object.Action, line string)
	Done(a *object.Action, at time.Time, id string)
	Failed(a *object.Action, at time.Time, message string)
	Note(text string)
	Tick(now time.Time)
	End()
}

// How often views are drawn anew.
const (
	liveEvery  = 100 * time.Millisecond
	pipedEvery = time.Second
)

// show shows a run: the watch is for the engine, and end must be called when the
// run is over.
func (a *app) show(ctx context.Context, e *engine.Engine) (w engine.Watch, end func()) {
	var f follower
	every := pipedEvery
	var ask func([]addr.Instance)
	answered := func() {}
	switch {
	case a.stream != nil:
		f = a.stream
	case a.concise:
		f = quiet{a.stdout}
	default:
		if a.live {
			every = liveEvery
		}
		p := view.NewProgress(a.style(), a.stdout, a.live)
		f = p
		if a.live {
			a.note, a.pause = p.Note, p.Pause
		}
		if a.interactive(true) {
			ctx, cancel := context.WithCancel(ctx)
			asker := &approver{app: a, e: e, view: p, asked: map[addr.Instance]bool{}}
			ask = func(list []addr.Instance) { asker.ask(ctx, list) }
			answered = func() { cancel(); asker.group.Wait() }
		}
	}
	if a.into != nil {
		f = tee{f, a.into}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case now := <-t.C:
				f.Tick(now)
			case <-stop:
				return
			}
		}
	}()
	return a.watch(f, ask), sync.OnceFunc(func() {
		answered()
		close(stop)
		<-stopped
		f.End()
	})
}

// working shows on a terminal that something goes on that has no other view; the
// function that it gives ends that.
func (a *app) working(what string) func() {
	if !a.live || a.stream != nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		t := time.NewTicker(liveEvery)
		defer t.Stop()
		began, shown := time.Now(), false
		for {
			select {
			case now := <-t.C:
				if d := now.Sub(began); d >= time.Second {
					shown = true
					_, _ = fmt.Fprintf(a.stdout, "\r%s... %s", what, d.Truncate(time.Second))
				}
			case <-stop:
				if shown {
					_, _ = fmt.Fprint(a.stdout, "\r\x1b[K")
				}
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// watch turns what the engine tells into what the view shows, and gathers the
// diagnostics of what fails for the end of the run.
func (a *app) watch(f follower, ask func([]addr.Instance)) engine.Watch {
	begun := sync.Once{}
	told := ""
	asked := map[*object.Action]bool{}
	return engine.Watch{
		Begun: func(run store.RunID, plan *object.Plan) {
			a.run, a.plan = run, plan
			begun.Do(func() { f.Begin(plan, time.Now()) })
		},
		Started: func(x *object.Action, at time.Time) {
			// An approval is two activities: the question, and taking the answer down.
			if x.Addr.Kind == addr.Approval {
				if asked[x] {
					return
				}
				asked[x] = true
			}
			f.Started(x, at)
		},
		Log: f.Log,
		Done: func(x *object.Action, at time.Time, output json.RawMessage) {
			var out struct {
				ID      string  `json:"id"`
				Timeout *string `json:"timeout"`
			}
			if len(output) > 0 {
				_ = json.Unmarshal(output, &out) // an output without an id is as good as none
			}
			if x.Addr.Kind == addr.Approval && out.Timeout != nil {
				return // the question has been put
			}
			f.Done(x, at, out.ID)
		},
		Failed: func(x *object.Action, at time.Time, why flow.Failure, d diag.List) {
			f.Failed(x, at, why.Message)
			if len(d) == 0 {
				d = diag.Errorf(nil, "Operation failed", "%s", why.Message).In(x.Addr.String())
			}
			a.failures = append(a.failures, d...)
		},
		Waiting: func(asking []addr.Instance, timers []flow.SetTimer) {
			if ask != nil && len(asking) > 0 {
				ask(asking)
				return
			}
			if text := a.waitsFor(asking, timers); text != told {
				told = text
				f.Note(text)
			}
		},
		Locked: func(h *store.HeldError) {
			if text := "Waiting: " + h.Holder.Holder + " holds it (run " + runText(h.Holder.Run) + ", " + h.Holder.Reason + ")"; text != told {
				told = text
				f.Note(text)
			}
		},
	}
}

// waitsFor says what a run waits for that nobody works on.
func (a *app) waitsFor(asking []addr.Instance, timers []flow.SetTimer) string {
	if len(asking) == 0 {
		if len(timers) == 0 {
			return "The run waits."
		}
		return "The run waits until " + timers[0].At.Local().Format(time.DateTime) + "."
	}
	lines := []string{"The run waits for an approval. From another terminal:"}
	for _, x := range asking {
		lines = append(lines, "  "+a.name+" approve "+runText(a.run)+" '"+x.String()+"'")
	}
	return strings.Join(lines, "\n")
}
