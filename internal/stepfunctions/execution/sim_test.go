package execution_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"tutti/internal/flow"
	"tutti/internal/flow/sim"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
)

// TestSimulation plays executions of random definitions through crashes, lost,
// doubled and late answers, pauses and full disks. TUTTI_SIM_SEEDS says how many;
// TUTTI_SIM_SEED plays one.
func TestSimulation(t *testing.T) {
	seeds := 200
	if s := os.Getenv("TUTTI_SIM_SEEDS"); s != "" {
		seeds, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("TUTTI_SIM_SEED"); s != "" {
		seed, _ := strconv.Atoi(s)
		simulate(t, uint64(seed))
		return
	}
	for seed := range seeds {
		if simulate(t, uint64(seed)); t.Failed() {
			return
		}
	}
}

func simulate(t *testing.T, seed uint64) {
	g := generator{rand: rand.New(rand.NewPCG(seed, 7))}
	text := g.machine(2)
	def := parse(t, text)
	w := &far{def: def, jobs: map[string]string{}}
	want := undisturbed(t, w, startOf(`{"n":1,"list":[1,2,3,4]}`))
	w.jobs = map[string]string{}
	err := sim.Run(seed, sim.Options{
		New: func() flow.Machine { return w.machine() },
		Restore: func(snapshot []byte) (flow.Machine, error) {
			m := w.machine()
			return m, m.Restore(snapshot)
		},
		Child: func(string) flow.Restorer { return w.machine() },
		Input: startOf(`{"n":1,"list":[1,2,3,4]}`), Limit: 1000,
		Effect: w.effect, Answer: w.answer, Signal: w.signal,
		Sending: func(m flow.Machine, _ flow.Do) error { return m.(*execution.Machine).Check() },
		Ended: func(_ flow.Machine, end flow.Command, effects map[string]int, retried map[string]bool) error {
			return w.ended(want, end, effects, retried)
		},
	})
	if err != nil {
		t.Errorf("%v\nthe definition:\n%s", err, text)
	}
}

// generator draws definitions.
type generator struct {
	rand *rand.Rand
	n    int
}

func (g *generator) name() string { g.n++; return fmt.Sprintf("S%d", g.n) }

func (g *generator) machine(depth int) string {
	count := 1 + g.rand.IntN(4)
	names := make([]string, count)
	for i := range names {
		names[i] = g.name()
	}
	states := make([]string, count)
	for i, name := range names {
		after := `"End":true`
		if i+1 < count {
			after = fmt.Sprintf(`"Next":%q`, names[i+1])
		}
		states[i] = fmt.Sprintf("%q:{%s,%s}", name, g.state(depth, after), after)
	}
	return fmt.Sprintf(`{"StartAt":%q,"States":{%s}}`, names[0], strings.Join(states, ",\n"))
}

func (g *generator) state(depth int, after string) string {
	kinds := 4
	if depth > 0 {
		kinds = 6
	}
	recover := ""
	if g.rand.IntN(2) == 0 {
		recover = `,"Retry":[{"ErrorEquals":["Boom"],"MaxAttempts":2,"IntervalSeconds":3}]`
	}
	if next, ok := strings.CutPrefix(after, `"Next":`); ok && g.rand.IntN(2) == 0 {
		recover += `,"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.why","Next":` + next + `}]`
	}
	switch g.rand.IntN(kinds) {
	case 0:
		return fmt.Sprintf(`"Type":"Pass","Assign":{"v%d.$":"$"}`, g.rand.Uint32())
	case 1:
		return fmt.Sprintf(`"Type":"Wait","Seconds":%d`, g.rand.IntN(30))
	case 2:
		return `"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","ResultPath":"$.r"` + recover
	case 3:
		call := []string{`dynamodb:getItem","Parameters":{"TableName":"t","Key":{"id":{"N.$":"States.Format('{}', $.n)"}}}`,
			`sqs:sendMessage","Parameters":{"QueueUrl":"q","MessageBody.$":"$.n"}`,
			`batch:submitJob.sync","Parameters":{"JobName":"j","JobQueue":"q","JobDefinition":"d","Parameters.$":"$"}`}[g.rand.IntN(3)]
		return `"Type":"Task","Resource":"arn:aws:states:::` + call + `,"ResultPath":"$.q"` + recover
	case 4:
		var branches []string
		for range 1 + g.rand.IntN(3) {
			branches = append(branches, g.machine(depth-1))
		}
		return `"Type":"Parallel","ResultPath":"$.p","Branches":[` + strings.Join(branches, ",") + `]` + recover
	default:
		processor := g.machine(depth - 1)
		if g.rand.IntN(2) == 0 {
			processor = `{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},` + processor[1:]
			recover = fmt.Sprintf(`,"ToleratedFailureCount":%d`, g.rand.IntN(2)) + recover
		}
		return fmt.Sprintf(`"Type":"Map","ItemsPath":"$.list","ItemSelector":{"n.$":"$$.Map.Item.Value","list":[5,6]},"MaxConcurrency":%d,"ResultPath":"$.m","ItemProcessor":%s%s`,
			g.rand.IntN(3), processor, recover)
	}
}

// far is the world that answers. Who fails depends on what is asked, not on when.
type far struct {
	def  *definition.StateMachine
	jobs map[string]string // by key: began, ended, stopped
	// cut is set when a call was cut off in the middle, which is a failure.
	cut bool
}

func (w *far) machine() *execution.Machine {
	m := execution.New(w.def)
	m.Observe(func(e execution.HistoryEvent) {
		if cause, _ := e.Details.Get("cause"); cause == "cut off" {
			w.cut = true
		}
	})
	return m
}

func callOf(d flow.Do) execution.Call {
	var c struct {
		execution.Call
		Inner execution.Call `json:"call"`
	}
	if err := json.Unmarshal(d.Input, &c); err != nil {
		panic(err)
	}
	if c.Inner.Key != "" {
		return c.Inner
	}
	return c.Call
}

func (w *far) effect(d flow.Do) string {
	if !d.Idempotent && (d.Activity == execution.ActivityCall || d.Activity == execution.ActivitySubmit) {
		return d.Activity + " " + callOf(d).Key
	}
	return ""
}

func (w *far) answer(d flow.Do) (json.RawMessage, *flow.Failure) {
	c := callOf(d)
	h := fnv.New32a()
	fmt.Fprint(h, c.State, c.Attempt, d.Activity)
	switch d.Activity {
	case execution.ActivitySubmit:
		w.jobs[c.Key] = "began"
		return json.RawMessage(`{"id":"job"}`), nil
	case execution.ActivityStop:
		w.jobs[c.Key] = "stopped"
		return nil, nil
	case execution.ActivityAwait:
		w.jobs[c.Key] = "ended"
	}
	if h.Sum32()%5 == 0 {
		return nil, &flow.Failure{Kind: flow.Terminal, Code: "Boom", Message: "as drawn"}
	}
	return json.RawMessage(`{"ok":true}`), nil
}

// signal draws answers that no task waits for.
func (w *far) signal(r *rand.Rand) flow.Signaled {
	payload := json.RawMessage(fmt.Sprintf(`{"token":"T.%d","kind":"success","output":{}}`, r.IntN(10)))
	return flow.Signaled{Name: execution.SignalTask, Payload: payload}
}

// undisturbed gives how the execution ends when nothing goes wrong around it.
func undisturbed(t *testing.T, w *far, input json.RawMessage) flow.Command {
	m := execution.New(w.def)
	var o flow.Outstanding
	var e flow.Event = flow.Started{Input: input, Seed: 1}
	for range 10_000 {
		o.Took(e)
		o.Gave(m.Handle(e))
		switch {
		case o.End() != nil:
			return o.End()
		case len(o.Activities()) > 0:
			d := o.Activities()[0]
			out, failure := w.answer(d)
			e = flow.ActivityDone{ID: d.ID, Output: out}
			if failure != nil {
				e = flow.ActivityFailed{ID: d.ID, Failure: *failure}
			}
		case len(o.Children()) > 0:
			c := o.Children()[0]
			done := flow.ChildDone{ID: c.ID}
			switch end := undisturbed(t, w, c.Input).(type) {
			case flow.Complete:
				done.Output = end.Output
			case flow.Fail:
				done.Failure = &end.Failure
			}
			e = done
		case len(o.Timers()) > 0:
			e = flow.TimerFired{ID: o.Timers()[0].ID, At: o.Timers()[0].At}
		default:
			t.Fatal("the machine waits for nothing")
		}
	}
	t.Fatal("the machine does not end")
	return nil
}

// ended holds an end to that of the undisturbed run, and the world to what it owes.
func (w *far) ended(want, end flow.Command, effects map[string]int, retried map[string]bool) error {
	if len(retried) == 0 && !w.cut && fmt.Sprintf("%T %s", end, outputOf(end)) != fmt.Sprintf("%T %s", want, outputOf(want)) {
		return fmt.Errorf("it ends with %+v instead of %+v", end, want)
	}
	for effect, n := range effects {
		if n > 1 && !retried[effect] {
			return fmt.Errorf("%s was done %d times", effect, n)
		}
	}
	for key, state := range w.jobs {
		if state == "began" {
			return fmt.Errorf("the job %s was neither awaited nor stopped", key)
		}
	}
	return nil
}

func outputOf(c flow.Command) string {
	switch c := c.(type) {
	case flow.Complete:
		return string(c.Output)
	case flow.Fail:
		return c.Failure.Code
	}
	return ""
}
