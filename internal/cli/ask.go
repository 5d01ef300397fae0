package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/term"

	"tutti/internal/addr"
	"tutti/internal/apply"
	"tutti/internal/cli/view"
	"tutti/internal/engine"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

func runText(id store.RunID) string { return strconv.FormatInt(int64(id), 10) }

// questions reads the answers that a person types. A question that is no longer
// asked leaves its reading under way: the next one takes it over.
type questions struct {
	in      *bufio.Reader
	pending chan line
}

type line struct {
	text string
	ok   bool
}

// answer reads one line; ok is false when there is none, or the context has ended.
func (q *questions) answer(ctx context.Context) (text string, ok bool) {
	if q.pending == nil {
		q.pending = make(chan line, 1)
		go func(to chan<- line) {
			text, err := q.in.ReadString('\n')
			to <- line{strings.TrimSpace(text), err == nil || text != ""}
		}(q.pending)
	}
	select {
	case l := <-q.pending:
		q.pending = nil
		return l.text, l.ok
	case <-ctx.Done():
		return "", false
	}
}

// approver asks a person, while a run waits, for the approvals that it waits for.
type approver struct {
	app  *app
	e    *engine.Engine
	view *view.Progress
	mu   sync.Mutex
	// asked are those that a question was put for.
	asked map[addr.Instance]bool
	group sync.WaitGroup
}

// ask puts the questions that have not been put yet, one after the other.
func (p *approver) ask(ctx context.Context, list []addr.Instance) {
	p.group.Go(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, x := range list {
			if p.asked[x] || ctx.Err() != nil {
				continue
			}
			p.asked[x] = true
			p.question(ctx, x)
		}
	})
}

func (p *approver) question(ctx context.Context, x addr.Instance) {
	p.view.Pause(true)
	defer p.view.Pause(false)
	_, _ = fmt.Fprintf(p.app.stdout, "\n%s%s\n  Only 'yes' and 'no' are answers; \"%s approve %d '%s'\" works from elsewhere.\n", x, p.app.message(x), p.app.name, p.app.run, x)
	for range maxAsked {
		_, _ = fmt.Fprint(p.app.stdout, "\n  Enter a value: ")
		text, ok := p.app.questions.answer(ctx)
		if !ok {
			return
		}
		if text == "yes" || text == "no" {
			if d := p.e.Approve(ctx, p.app.run, apply.Approve{Addr: x.String(), Approved: text == "yes"}); d.HasErrors() {
				p.app.diagnostics(d, nil)
			}
			return
		}
	}
}

// message is what an approval asks.
func (a *app) message(x addr.Instance) string {
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		if c.Addr != x || c.After == cty.NilVal || !c.After.Type().IsObjectType() || !c.After.Type().HasAttribute("message") {
			continue
		}
		if m := c.After.GetAttr("message"); !m.IsMarked() && m.IsKnown() && !m.IsNull() && m.Type() == cty.String {
			return ": " + m.AsString()
		}
	}
	return " asks for approval."
}

// typedValue reads a line from the terminal, hidden when it is a secret.
func (a *app) typedValue(secret bool) (string, error) {
	if secret && a.questions.in.Buffered() == 0 {
		text, err := term.ReadPassword(int(a.stdin.Fd()))
		_, _ = fmt.Fprintln(a.stdout)
		return string(text), err
	}
	return a.questions.in.ReadString('\n')
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
func (a *app) askDoubts(ctx context.Context, doubts []local.Doubt) map[flow.ID]local.Decision {
	out := map[flow.ID]local.Decision{}
	if a.pause != nil {
		a.pause(true)
		defer a.pause(false)
	}
	for _, d := range doubts {
		why := ""
		if d.Why != nil {
			why = "\n  " + d.Why.Error()
		}
		a.say("\n%s was cut off, and nobody can tell whether it was done.%s\n\n  retry  do it again\n  stop   leave it, and do the rest\n  fail   count it as failed", a.doubtful(d), why)
		for asked := 0; asked < maxAsked; asked++ {
			_, _ = fmt.Fprint(a.stdout, "\n  Enter retry, stop or fail: ")
			text, ok := a.questions.answer(ctx)
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
	var call execution.Call
	if json.Unmarshal(d.Do.Input, &call) == nil && call.State != "" {
		return fmt.Sprintf("The call of %s by state %s (%s)", call.Resource, call.State, call.Execution)
	}
	if err := json.Unmarshal(d.Do.Input, &in); err != nil || a.plan == nil || in.Action < 1 || in.Action > len(a.plan.Actions) {
		return "Activity " + d.Do.Activity
	}
	x := &a.plan.Actions[in.Action-1]
	return fmt.Sprintf("%s (%s)", x.Addr, x.Verb)
}
