package local

import (
	"testing"
	"time"

	"tutti/internal/flow"
)

// The list does not grow with timers that were taken back, and none that is wanted
// is lost.
func TestTimerListStaysShort(t *testing.T) {
	start := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	var l timerList
	var asked flow.Outstanding
	longest := 0
	for i := range 10_000 {
		timer := flow.SetTimer{ID: flow.ID(i + 1), At: start.Add(time.Duration(i) * time.Hour)}
		asked.Gave([]flow.Command{timer})
		l.add(timer, &asked)
		if i%100 != 0 {
			asked.Gave([]flow.Command{flow.CancelTimer{ID: timer.ID}})
		}
		longest = max(longest, len(l.heap))
	}
	if longest > 2*100+minTimers {
		t.Errorf("the list had %d timers of which 100 were wanted", longest)
	}
	for i := 0; i < 10_000; i += 100 {
		timer, ok := l.due(&asked, start.Add(10_000*time.Hour))
		if !ok || timer.ID != flow.ID(i+1) {
			t.Fatalf("%+v, %v instead of #%d", timer, ok, i+1)
		}
	}
	if timer, ok := l.next(&asked); ok {
		t.Errorf("%+v was left over", timer)
	}
}
