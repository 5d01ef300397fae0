package graph

import (
	"encoding/json"
	"fmt"
	"strings"

	"tutti/internal/ansible/play"
	"tutti/internal/diag"
)

// maxMade bounds how much is kept of what plays changed.
const maxMade = 20_000

// follow keeps what a run changed, and finds out what earlier ones changed and no task of this
// one was about. A run of some tags or hosts only tells nothing of what it left out.
func (p *private) follow(output json.RawMessage, s spec) {
	var o play.Output
	if json.Unmarshal(output, &o) != nil {
		return
	}
	touched := map[play.Touched]bool{}
	for _, t := range o.Touched {
		t.Changed = false
		touched[t] = true
	}
	known := map[play.Touched]bool{}
	var made, left []play.Touched
	whole := len(s.tags) == 0 && len(s.skipTags) == 0 && s.limit == ""
	for _, t := range p.Made {
		known[t] = true
		made = append(made, t)
		if whole && !touched[t] {
			left = append(left, t)
		}
	}
	for _, t := range o.Touched {
		changed := t.Changed
		t.Changed = false
		if changed && !known[t] {
			known[t] = true
			made = append(made, t)
		}
	}
	p.Made = made[max(0, len(made)-maxMade):]
	if whole {
		p.Left = left
	}
}

// shownLeft is how many things are named in the warning.
const shownLeft = 20

// leftBehind warns of what tasks made that are gone since.
func (p private) leftBehind(address string) diag.List {
	if len(p.Left) == 0 {
		return nil
	}
	var lines []string
	for _, t := range p.Left[:min(len(p.Left), shownLeft)] {
		lines = append(lines, fmt.Sprintf("  %s: %s %s", t.Host, t.Action, t.About))
	}
	if more := len(p.Left) - shownLeft; more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	return diag.Warnf(nil, "Removed tasks left something behind", "%s made these on its hosts, and no task of it is about them any more:\n%s\nTake them away by a task with state: absent, or leave them.", address, strings.Join(lines, "\n"))
}
