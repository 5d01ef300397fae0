package apply_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"tutti/internal/addr"
	"tutti/internal/apply"
	"tutti/internal/flow"
	"tutti/internal/flow/sim"
	"tutti/internal/object"
)

// defaultSeeds is how many histories an ordinary test plays; TUTTI_SIM_SEEDS
// asks for another number. A failing seed alone: TUTTI_SIM_SEED=N.
const defaultSeeds = 400

func TestSim(t *testing.T) {
	if one := os.Getenv("TUTTI_SIM_SEED"); one != "" {
		simulate(t, uint64(number(t, one)))
		return
	}
	seeds := defaultSeeds
	if n := os.Getenv("TUTTI_SIM_SEEDS"); n != "" {
		seeds = number(t, n)
	}
	for seed := range seeds {
		if simulate(t, uint64(seed)); t.Failed() {
			return
		}
	}
}

func number(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func simulate(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	g := randomPlan(r)
	limit := 1 + r.IntN(5)
	in, err := json.Marshal(apply.Input{Actions: object.Print(g.actions), Parallelism: limit})
	if err != nil {
		t.Fatal(err)
	}
	err = sim.Run(seed, sim.Options{
		New:     func() flow.Machine { return apply.New() },
		Restore: func(data []byte) (flow.Machine, error) { return apply.Restore(data) },
		Child:   func(string) flow.Restorer { return &stepper{} },
		Input:   in, Limit: limit,
		Effect: g.effect, Answer: g.answer, Signal: g.signal, Sending: g.sending, Ended: g.ended,
	})
	if err != nil {
		t.Errorf("%v\nthe plan:\n%s", err, object.Print(g.actions))
	}
}

// plan is a random graph with how its actions end.
type plan struct {
	actions []object.Action
	fails   map[int]bool
}

func randomPlan(r *rand.Rand) *plan {
	p := &plan{actions: make([]object.Action, r.IntN(25)), fails: map[int]bool{}}
	for i := range p.actions {
		a := object.Action{Verb: object.Create, Change: i, Idempotent: r.IntN(2) == 0}
		name := addr.Name{Kind: addr.Resource, Type: "a", Name: fmt.Sprintf("r%d", i+1)}
		switch n := r.IntN(10); {
		case n == 0:
			a.Verb = object.Join
		case n == 1:
			a.Verb, name = object.Run, addr.Name{Kind: addr.Approval, Name: fmt.Sprintf("r%d", i+1)}
		case n == 2:
			p.fails[i+1] = true
		case n == 3:
			// A child does its work, and one in three of them fails.
			a.Verb, name = object.Run, addr.Name{Kind: addr.Workflow, Name: fmt.Sprintf("r%d", i+1)}
			p.fails[i+1] = r.IntN(3) == 0
		}
		a.Addr = addr.Object{Name: name}.Instance(addr.NoKey)
		for need := 1; need <= i; need++ {
			if r.IntN(i+3) < 2 {
				a.Needs = append(a.Needs, need)
			}
		}
		p.actions[i] = a
	}
	return p
}

func actionOf(d flow.Do) int {
	var in apply.ChangeInput
	if err := json.Unmarshal(d.Input, &in); err != nil {
		panic(err)
	}
	return in.Action
}

// hasChild tells that a child does an action's work.
func (p *plan) hasChild(n int) bool { return p.actions[n-1].Addr.Kind == addr.Workflow }

func (p *plan) effect(d flow.Do) string {
	if p.hasChild(actionOf(d)) != (d.Activity == activityStep) {
		return ""
	}
	if d.Activity == activityStep {
		return fmt.Sprintf("change %d", actionOf(d))
	}
	if d.Activity != apply.ActivityChange {
		return ""
	}
	return fmt.Sprintf("change %d", actionOf(d))
}

func (p *plan) answer(d flow.Do) (json.RawMessage, *flow.Failure) {
	n := actionOf(d)
	var in apply.ChangeInput
	if err := json.Unmarshal(d.Input, &in); err != nil {
		panic(err)
	}
	switch {
	case d.Activity == apply.ActivityChange && p.hasChild(n) && in.Child == nil:
		return json.RawMessage(fmt.Sprintf(`{"child":{"machine":"stepper","input":{"action":%d,"idempotent":%v}}}`, n, p.actions[n-1].Idempotent)), nil
	case d.Activity == apply.ActivityChange && p.hasChild(n):
		return nil, in.Child.Failure
	case d.Activity == activityStep && p.fails[n]:
		return nil, &flow.Failure{Kind: flow.Terminal, Code: "Boom", Message: "as drawn"}
	case d.Activity == apply.ActivityAsk && n%4 == 0:
		return json.RawMessage(`{"timeout":"30m","on_timeout":"approve"}`), nil
	case d.Activity == apply.ActivityAsk:
		return json.RawMessage(`{"timeout":"30m","on_timeout":"reject"}`), nil
	case d.Activity == apply.ActivityChange && p.fails[n]:
		return nil, &flow.Failure{Kind: flow.Terminal, Code: "Boom", Message: "as drawn"}
	default:
		return json.RawMessage(`{}`), nil
	}
}

func (p *plan) signal(r *rand.Rand) flow.Signaled {
	payload, err := json.Marshal(apply.Approve{Addr: fmt.Sprintf("approval.r%d", 1+r.IntN(len(p.actions)+1)), Approved: r.IntN(3) > 0, By: "sim"})
	if err != nil {
		panic(err)
	}
	return flow.Signaled{Name: apply.SignalApprove, Payload: payload}
}

// sending checks that nothing goes out before what it needs is done.
func (p *plan) sending(m flow.Machine, d flow.Do) error {
	if d.Activity == activityStep {
		return nil
	}
	r := m.(*apply.Machine).Report()
	n := actionOf(d)
	for _, need := range r.Actions[n-1].Action.Needs {
		if s := r.Actions[need-1].Status; s != apply.Done {
			return fmt.Errorf("action %d goes out while %d, which it needs, is %s", n, need, s)
		}
	}
	return nil
}

// ended compares what became of every action with what a walk over the plan in
// its order says.
func (p *plan) ended(m flow.Machine, end flow.Command, effects map[string]int, retried map[string]bool) error {
	report := m.(*apply.Machine).Report()
	count := apply.Output{}
	for i, a := range report.Actions {
		want := p.expected(report, i)
		if a.Status != want {
			return fmt.Errorf("action %d ended %s, want %s", a.ID, a.Status, want)
		}
		if err := checkEffects(a, effects, retried); err != nil {
			return err
		}
		if a.Action.Verb == object.Join {
			continue
		}
		switch a.Status {
		case apply.Done:
			count.Done++
		case apply.Failed:
			count.Failed++
		default:
			count.Skipped++
		}
	}
	if count != report.Counts {
		return fmt.Errorf("the counts are %+v, counted %+v", report.Counts, count)
	}
	if _, ok := end.(flow.Complete); ok != (count.Failed == 0) {
		return fmt.Errorf("%+v ends as %#v", count, end)
	}
	return nil
}

func (p *plan) expected(r apply.Report, i int) apply.Status {
	a := r.Actions[i]
	for _, need := range a.Action.Needs {
		if s := r.Actions[need-1].Status; s == apply.Failed || s == apply.Skipped {
			return apply.Skipped
		}
	}
	switch {
	case a.Action.Addr.Kind == addr.Approval && a.Action.Verb == object.Run:
		if a.Answer == nil {
			return "decided"
		}
		if !a.Answer.Approved {
			return apply.Failed
		}
		return apply.Done
	case a.Failure != nil && a.Failure.Code == codeCutOff && p.hasChild(a.ID):
		return apply.Failed
	case a.Failure != nil && a.Failure.Kind == flow.Cancelled && !a.Action.Idempotent && a.Failure.Code == "":
		// It was cut off, and nobody knows how far it got.
		return apply.Failed
	case p.fails[a.ID] && a.Action.Verb != object.Join:
		return apply.Failed
	default:
		return apply.Done
	}
}

func checkEffects(a apply.ActionReport, effects map[string]int, retried map[string]bool) error {
	name := fmt.Sprintf("change %d", a.ID)
	n := effects[name]
	changes := a.Action.Verb == object.Create || a.Action.Addr.Kind == addr.Workflow
	switch {
	case a.Status == apply.Skipped && n != 0:
		return fmt.Errorf("action %d was skipped and done %d times", a.ID, n)
	case a.Status == apply.Done && changes && n == 0:
		return fmt.Errorf("action %d is said to be done and was not", a.ID)
	case changes && !a.Action.Idempotent && n > 1 && !retried[name]:
		return fmt.Errorf("action %d was done %d times", a.ID, n)
	}
	return nil
}
