package main

import (
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	var out strings.Builder
	r := report{to: &out}
	r.begin("small", "two tools")
	r.process("apply", "ours", series{{wall: time.Second, cpu: 1500 * time.Millisecond, peak: 3 << 20}})
	r.process("apply", "theirs", series{{wall: 120 * time.Second, cpu: 90 * time.Second, peak: 1 << 30, providers: 1<<20 + 1}})
	r.figure("events", "ours", 2, spread{10, 20, 30}, rate)
	r.goal(true, "faster", "%dx", 120)
	r.goal(false, "smaller", "no")
	r.note("by the way", "blue")
	r.end()
	r.verdict()
	const want = `
small: two tools
    what     who  runs     min  median     max      cpu   memory  providers
   apply    ours     1  1.00 s  1.00 s  1.00 s   1.50 s     3 MB           
   apply  theirs     1   120 s   120 s   120 s  90.00 s  1024 MB       2 MB
  events    ours     2    10/s    20/s    30/s                             
  faster: 120x (met)
  smaller: no (MISSED)
  by the way: blue

1 goals met, 1 missed
  missed: smaller: no (MISSED)
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestDuration(t *testing.T) {
	for v, want := range map[float64]string{0.0000123: "12.3 us", 0.0123: "12.3 ms", 1.234: "1.23 s", 464.4: "464 s"} {
		if got := duration(v); got != want {
			t.Errorf("duration(%v) = %q, want %q", v, got, want)
		}
	}
}
