package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/term"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

func runText(id store.RunID) string { return strconv.FormatInt(int64(id), 10) }

// answer reads one line of standard input; ok is false when there is none.
func (a *app) answer() (string, bool) {
	line, err := a.in.ReadString('\n')
	return strings.TrimSpace(line), err == nil || line != ""
}

// answerable reports whether a yes may come from standard input: from a person, or
// from a pipe that somebody made on purpose.
func (a *app) answerable(input bool) bool {
	if a.interactive(input) {
		return true
	}
	return input && !a.noInput() && a.env("CI") == "" && !term.IsTerminal(int(a.stdin.Fd()))
}

// askDoubts asks a person about each activity whose outcome cannot be told.
func (a *app) askDoubts(_ context.Context, doubts []local.Doubt) map[flow.ID]local.Decision {
	out := map[flow.ID]local.Decision{}
	for _, d := range doubts {
		why := ""
		if d.Why != nil {
			why = "\n  " + d.Why.Error()
		}
		a.say("\n%s was cut off, and nobody can tell whether it was done.%s\n\n  retry  do it again\n  stop   leave it, and do the rest\n  fail   count it as failed", a.doubtful(d), why)
		for asked := 0; asked < maxAsked; asked++ {
			_, _ = fmt.Fprint(a.stdout, "\n  Enter retry, stop or fail: ")
			text, ok := a.answer()
			if !ok {
				return out
			}
			choice, known := map[string]local.Decision{"retry": local.Retry, "stop": local.Leave, "fail": local.GiveUp}[text]
			if known {
				out[d.Do.ID] = choice
				break
			}
		}
	}
	return out
}

// maxAsked bounds how often a question is put to somebody who does not answer it.
const maxAsked = 5

// doubtful names the action of a doubt.
func (a *app) doubtful(d local.Doubt) string {
	var in struct {
		Action int `json:"action"`
	}
	if err := json.Unmarshal(d.Do.Input, &in); err != nil || a.plan == nil || in.Action < 1 || in.Action > len(a.plan.Actions) {
		return "Activity " + d.Do.Activity
	}
	x := &a.plan.Actions[in.Action-1]
	return fmt.Sprintf("%s (%s)", x.Addr, x.Verb)
}
