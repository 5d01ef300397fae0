package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tutti/internal/engine"
)

// maxSteps bounds how many states of one level are shown in full: a Map may have a
// hundred thousand.
const maxSteps = 50

// maxCauseWidth is how much of a cause is shown beside a state.
const maxCauseWidth = 200

// Steps writes the states of an execution, one a line, those inside others indented.
// Now is the time that open states have lasted until.
func (s Style) Steps(w io.Writer, indent string, steps []*engine.Step, began, now time.Time) error {
	var b strings.Builder
	left := map[int]int{}
	for _, step := range steps {
		if left[step.Depth]++; left[step.Depth] > maxSteps && !step.Open() && !step.Failed {
			continue
		}
		b.WriteString(indent + strings.Repeat("  ", step.Depth) + s.step(step, began, now) + "\n")
	}
	for depth, n := range left {
		if n > maxSteps {
			fmt.Fprintf(&b, "%s%s... %d states in all on this level; those that went well are not all shown\n", indent, strings.Repeat("  ", depth), n)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// step is one state: what became of it, when it began and how long it took.
func (s Style) step(x *engine.Step, began, now time.Time) string {
	sign, end := s.paint(green, "+"), x.Ended
	switch {
	case x.Open():
		sign, end = s.paint(cyan, ">"), now
	case x.Failed:
		sign = s.paint(red, "x")
	}
	line := fmt.Sprintf("%s %s (%s)  +%s  %s", sign, x.State, x.Type, short(x.Began.Sub(began)), short(end.Sub(x.Began)))
	if x.Attempts > 1 {
		line += fmt.Sprintf("  %d attempts", x.Attempts)
	}
	if x.Error != "" {
		line += "  " + x.Error
		if cause := strings.Join(strings.Fields(x.Cause), " "); cause != "" {
			line += ": " + cut(cause, maxCauseWidth)
		}
		if !x.Failed {
			line += " (handled)"
		}
	}
	return line
}

// short gives a duration in as much detail as people want.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}
