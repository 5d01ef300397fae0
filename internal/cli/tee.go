package cli

import (
	"fmt"
	"io"
	"time"

	"tutti/internal/object"
)

// tee shows a run in several views.
type tee []follower

var _ follower = tee(nil)

func (t tee) each(f func(follower)) {
	for _, x := range t {
		f(x)
	}
}

func (t tee) Begin(plan *object.Plan, at time.Time) { t.each(func(f follower) { f.Begin(plan, at) }) }
func (t tee) Started(a *object.Action, at time.Time) {
	t.each(func(f follower) { f.Started(a, at) })
}
func (t tee) Log(a *object.Action, line string) { t.each(func(f follower) { f.Log(a, line) }) }
func (t tee) Done(a *object.Action, at time.Time, id string) {
	t.each(func(f follower) { f.Done(a, at, id) })
}
func (t tee) Failed(a *object.Action, at time.Time, message string) {
	t.each(func(f follower) { f.Failed(a, at, message) })
}
func (t tee) Note(text string)   { t.each(func(f follower) { f.Note(text) }) }
func (t tee) Tick(now time.Time) { t.each(func(f follower) { f.Tick(now) }) }
func (t tee) End()               { t.each(follower.End) }

// quiet shows nothing of a run but what a person has to know (-concise).
type quiet struct{ out io.Writer }

var _ follower = quiet{}

func (quiet) Begin(*object.Plan, time.Time)            {}
func (quiet) Started(*object.Action, time.Time)        {}
func (quiet) Log(*object.Action, string)               {}
func (quiet) Done(*object.Action, time.Time, string)   {}
func (quiet) Failed(*object.Action, time.Time, string) {}
func (q quiet) Note(text string)                       { _, _ = fmt.Fprintln(q.out, text) }
func (quiet) Tick(time.Time)                           {}
func (quiet) End()                                     {}
