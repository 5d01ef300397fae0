package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints the table, case by case as they end.
type report struct {
	to    io.Writer
	lines [][]string // of the case under way
	goals []goal
	done  []goal
}

// goal is one figure, and whether it was promised and kept.
type goal struct {
	what          string
	got           string
	promised, met bool
}

func (r *report) head(text string) { fmt.Fprintln(r.to, text) }

func (r *report) begin(name, about string) {
	fmt.Fprintf(r.to, "\n%s: %s\n", name, about)
	r.lines, r.goals = nil, nil
}

// process adds the line of a measured process.
func (r *report) process(what, who string, s series) {
	wall := s.wall()
	r.lines = append(r.lines, []string{what, who, fmt.Sprint(len(s)), duration(wall.min), duration(wall.median), duration(wall.max),
		duration(s.cpu().median), size(s.peak().max), size(s.providers().max)})
}

// figure adds a line of some other measure.
func (r *report) figure(what, who string, n int, v spread, format func(float64) string) {
	r.lines = append(r.lines, []string{what, who, fmt.Sprint(n), format(v.min), format(v.median), format(v.max), "", "", ""})
}

// goal adds a promise and what became of it.
func (r *report) goal(met bool, what, format string, args ...any) {
	r.goals = append(r.goals, goal{what: what, got: fmt.Sprintf(format, args...), promised: true, met: met})
}

// note adds a figure that nothing was promised about.
func (r *report) note(what, format string, args ...any) {
	r.goals = append(r.goals, goal{what: what, got: fmt.Sprintf(format, args...)})
}

// end prints the case.
func (r *report) end() {
	w := tabwriter.NewWriter(r.to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "what\twho\truns\tmin\tmedian\tmax\tcpu\tmemory\tproviders\t")
	for _, l := range r.lines {
		fmt.Fprintln(w, strings.Join(l, "\t")+"\t")
	}
	_ = w.Flush()
	for _, g := range r.goals {
		fmt.Fprintf(r.to, "  %s\n", g)
	}
	r.done = append(r.done, r.goals...)
}

func (g goal) String() string {
	switch text := g.what + ": " + g.got; {
	case !g.promised:
		return text
	case g.met:
		return text + " (met)"
	default:
		return text + " (MISSED)"
	}
}

// verdict prints the promises that were not kept.
func (r *report) verdict() {
	kept, missed := 0, []goal(nil)
	for _, g := range r.done {
		switch {
		case !g.promised:
		case g.met:
			kept++
		default:
			missed = append(missed, g)
		}
	}
	fmt.Fprintf(r.to, "\n%d goals met, %d missed\n", kept, len(missed))
	for _, g := range missed {
		fmt.Fprintf(r.to, "  missed: %s\n", g)
	}
}

func duration(v float64) string {
	switch d := seconds(v); {
	case d >= 100*time.Second:
		return fmt.Sprintf("%.0f s", v)
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", v)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", v*1e3)
	default:
		return fmt.Sprintf("%.1f us", v*1e6)
	}
}

func rate(v float64) string { return fmt.Sprintf("%.0f/s", v) }

// size is empty for what was not seen.
func size(v float64) string {
	if v <= 0 {
		return ""
	}
	return fmt.Sprintf("%.0f MB", math.Ceil(v/(1<<20)))
}
