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
	took(flow.TimerFired{ID: 4}, false)
	took(flow.TimerFired{ID: 3}, true)
	took(flow.ActivityFailed{ID: 9}, true)
	took(flow.ActivityDone{ID: 9}, false)
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
