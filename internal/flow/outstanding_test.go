package flow_test

import (
	"fmt"
	"testing"

	"tutti/internal/flow"
)

func TestOutstanding(t *testing.T) {
	var o flow.Outstanding
	expect := func(want string) {
		t.Helper()
		got := ""
		for _, d := range o.Activities() {
			got += flow.FormatCommand(d, start) + "; "
		}
		for _, c := range o.Timers() {
			got += flow.FormatCommand(c, start) + "; "
		}
		for _, c := range o.Children() {
			got += flow.FormatCommand(c, start) + "; "
		}
		if got += fmt.Sprint(o.End()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	took := func(e flow.Event, want bool) {
		t.Helper()
		if got := o.Took(e); got != want {
			t.Errorf("%T is expected: %v, want %v", e, got, want)
		}
	}
	expect("<nil>")
	took(flow.ActivityDone{ID: 1}, false)
	took(flow.Started{}, true)
	o.Gave([]flow.Command{flow.Do{ID: 9, Activity: "b"}, flow.Do{ID: 2, Activity: "a", Idempotent: true}, flow.SetTimer{ID: 3, At: start},
		flow.SetTimer{ID: 4, At: start}, flow.StartChild{ID: 5, Machine: "m"}, flow.CancelTimer{ID: 4}, flow.Record{}, flow.CancelActivity{ID: 9}})
	expect("do #2 a idempotent=true; do #9 b idempotent=false; timer #3 +0s; child #5 m; <nil>")
	if !o.Cancelled(9) || o.Cancelled(2) || o.Cancelled(5) {
		t.Error("#9 alone was asked to stop")
	}
	o.Gave([]flow.Command{flow.CancelChild{ID: 5}, flow.CancelChild{ID: 77}, flow.CancelActivity{ID: 3}})
	if _, ok := o.Child(5); !ok || !o.Cancelled(5) || o.Cancelled(77) || o.Cancelled(3) {
		t.Error("#5 was asked to stop, and what is no child or activity was not")
	}
	expectCommands(t, &o, "do #2 a idempotent=true; do #9 b idempotent=false; cancel #9; timer #3 +0s; child #5 m; cancel-child #5; ")
	took(flow.TimerFired{ID: 4}, false)
	took(flow.TimerFired{ID: 3}, true)
	took(flow.ActivityFailed{ID: 9}, true)
	took(flow.ActivityDone{ID: 9}, false)
	if o.Cancelled(9) {
		t.Error("what has been answered is still asked to stop")
	}
	took(flow.ChildDone{ID: 5}, true)
	took(flow.ChildDone{ID: 5}, false)
	o.Gave([]flow.Command{flow.Fail{Failure: flow.Failure{Kind: flow.Cancelled, Message: "m"}}})
	expect("do #2 a idempotent=true; {m}")
	took(flow.Signaled{Name: "other"}, true)
	expect("do #2 a idempotent=true; {m}")
	took(flow.Signaled{Name: flow.SignalResume}, true)
	expect("do #2 a idempotent=true; <nil>")
	took(flow.ActivityDone{ID: 2}, true)
	o.Gave([]flow.Command{flow.Complete{}})
	took(flow.Signaled{Name: flow.SignalResume}, true)
	expect("{[]}")
}

// expectCommands checks what would bring another one to the same place, and that it
// does.
func expectCommands(t *testing.T, o *flow.Outstanding, want string) {
	t.Helper()
	print := func(o *flow.Outstanding) (text string) {
		for _, c := range o.Commands() {
			text += flow.FormatCommand(c, start) + "; "
		}
		return text
	}
	if got := print(o); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var again flow.Outstanding
	again.Gave(o.Commands())
	if got := print(&again); got != want {
		t.Errorf("brought to %s\ninstead of %s", got, want)
	}
}

// A machine that failed is taken up by a redrive only, one that was stopped by both.
func TestOutstandingReopens(t *testing.T) {
	for _, c := range []struct {
		kind   flow.FailureKind
		signal string
		open   bool
	}{
		{flow.Terminal, flow.SignalResume, false}, {flow.Terminal, flow.SignalRedrive, true}, {flow.Terminal, "other", false},
		{flow.Cancelled, flow.SignalResume, true}, {flow.Cancelled, flow.SignalRedrive, true},
	} {
		var o flow.Outstanding
		o.Gave([]flow.Command{flow.Fail{Failure: flow.Failure{Kind: c.kind, Message: "m"}}})
		expectCommands(t, &o, "fail kind="+c.kind.String()+` message="m"; `)
		o.Took(flow.Signaled{Name: c.signal})
		if open := o.End() == nil; open != c.open {
			t.Errorf("%s after %s: open is %v", c.signal, c.kind, open)
		}
	}
}
