package apply_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"tutti/internal/addr"
	"tutti/internal/apply"
	"tutti/internal/flow"
	"tutti/internal/flow/flowtest"
	"tutti/internal/object"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

func TestScenarios(t *testing.T) {
	flowtest.Run(t, "testdata/*.txt", flowtest.Kit{
		New:     func() flow.Machine { return apply.New() },
		Restore: func(data []byte) (flow.Machine, error) { return apply.Restore(data) },
		Input:   scenarioInput,
		Report:  func(m flow.Machine) string { return printReport(m.(*apply.Machine).Report()) },
		Update:  *update,
	})
}

// scenarioInput takes parallelism=N and the graph.
func scenarioInput(args, body string) (json.RawMessage, error) {
	in := apply.Input{Actions: body}
	if args != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(args, "parallelism="))
		if err != nil {
			return nil, err
		}
		in.Parallelism = n
	}
	return json.Marshal(in)
}

func printReport(r apply.Report) string {
	var b strings.Builder
	for _, a := range r.Actions {
		name := a.Action.Addr.String()
		if a.Action.Addr == (addr.Instance{}) {
			name = "-"
		}
		fmt.Fprintf(&b, "#%d %s %s %s", a.ID, a.Action.Verb, name, a.Status)
		if a.Because != 0 {
			fmt.Fprintf(&b, " because of #%d", a.Because)
		}
		if a.Failure != nil {
			fmt.Fprintf(&b, ": %s", a.Failure.Error())
		}
		if a.Answer != nil {
			fmt.Fprintf(&b, " (approved=%v by %s)", a.Answer.Approved, a.Answer.By)
		}
		if !a.Ended.IsZero() {
			fmt.Fprintf(&b, " after %s", a.Ended.Sub(a.Started))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d done, %d failed, %d skipped\n", r.Counts.Done, r.Counts.Failed, r.Counts.Skipped)
	return b.String()
}

// chain gives the input of a run of n actions, each of which needs the one before.
func chain(n, parallelism int) json.RawMessage {
	actions := make([]object.Action, n)
	for i := range actions {
		actions[i] = object.Action{Verb: object.Create, Change: i, Idempotent: true}
		if i > 0 {
			actions[i].Needs = []int{i}
		}
	}
	return input(actions, parallelism)
}

func input(actions []object.Action, parallelism int) json.RawMessage {
	in, err := json.Marshal(apply.Input{Actions: object.Print(actions), Parallelism: parallelism})
	if err != nil {
		panic(err)
	}
	return in
}

// drain answers every activity in turn and gives the last command.
func drain(m *apply.Machine, in json.RawMessage) (last flow.Command, activities int) {
	at := time.Unix(0, 0)
	list := m.Handle(flow.Started{At: at, Input: in})
	for len(list) > 0 {
		last = list[0]
		list = list[1:]
		if d, ok := last.(flow.Do); ok {
			activities++
			list = append(list, m.Handle(flow.ActivityDone{At: at, ID: d.ID})...)
		}
	}
	return last, activities
}

func TestManyActions(t *testing.T) {
	last, n := drain(apply.New(), chain(20_000, 10))
	if c, ok := last.(flow.Complete); !ok || n != 20_000 || string(c.Output) != `{"done":20000,"failed":0,"skipped":0}` {
		t.Errorf("%d activities, then %#v", n, last)
	}
}

// A failure at the head of a long chain must neither recurse nor take more than
// one look at each action.
func TestLongSkip(t *testing.T) {
	m := apply.New()
	m.Handle(flow.Started{Input: chain(50_000, 10)})
	got := m.Handle(flow.ActivityFailed{ID: 1, Failure: flow.Failure{Kind: flow.Terminal, Message: "no"}})
	if f, ok := got[0].(flow.Fail); !ok || f.Failure.Message != "0 done, 1 failed, 49999 skipped" {
		t.Errorf("got %#v", got)
	}
}

func BenchmarkChain100k(b *testing.B) {
	in := chain(100_000, 10)
	b.ReportAllocs()
	for b.Loop() {
		drain(apply.New(), in)
	}
}
