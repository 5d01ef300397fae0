package sim_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/flow/flowtest"
	"tutti/internal/flow/sim"
)

// TestSimErrands lets random errands with children and grandchildren go through
// thousands of histories: whatever happens, what is not idempotent is done at most
// once, and an errand that completes has done all of it.
func TestSimErrands(t *testing.T) {
	seeds := 400
	if v := os.Getenv("TUTTI_SIM_SEEDS"); v != "" {
		seeds, _ = strconv.Atoi(v)
	}
	completed := 0
	for seed := range seeds {
		in := drawErrand(rand.New(rand.NewPCG(uint64(seed), 2)), "e", 2)
		if err := sim.Run(uint64(seed), errandOptions(in, &completed)); err != nil {
			t.Fatal(err)
		}
	}
	if completed < seeds/10 {
		t.Errorf("only %d of %d errands completed: the histories show too little", completed, seeds)
	}
}

func drawErrand(r *rand.Rand, name string, depth int) flowtest.ErrandInput {
	in := flowtest.ErrandInput{Name: name, Do: r.IntN(3), Idempotent: r.IntN(2) == 0}
	if r.IntN(3) == 0 {
		in.Wait = time.Duration(r.IntN(100_000)) * time.Millisecond
	}
	if r.IntN(8) == 0 {
		in.Fail = "Wished"
	}
	for range r.IntN(3) * min(depth, 1) {
		in.Children = append(in.Children, drawErrand(r, "", depth-1))
	}
	return in
}

// total counts the activities of an errand and its children.
func total(in flowtest.ErrandInput) int {
	n := in.Do
	for _, c := range in.Children {
		n += total(c)
	}
	return n
}

func errandOptions(in flowtest.ErrandInput, completed *int) sim.Options {
	input, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	return sim.Options{
		New: func() flow.Machine { return flowtest.NewErrand() },
		Restore: func(snapshot []byte) (flow.Machine, error) {
			m := flowtest.NewErrand()
			return m, m.Restore(snapshot)
		},
		Child: func(machine string) flow.Restorer {
			if machine != flowtest.ErrandMachine {
				panic("an errand starts a " + machine)
			}
			return flowtest.NewErrand()
		},
		Input: input,
		Limit: 1,
		Effect: func(d flow.Do) string {
			var a flowtest.ErrandActivity
			if err := json.Unmarshal(d.Input, &a); err != nil {
				panic(err)
			}
			return fmt.Sprintf("%s:%d", a.Name, a.N)
		},
		Answer:  func(flow.Do) (json.RawMessage, *flow.Failure) { return nil, nil },
		Signal:  func(*rand.Rand) flow.Signaled { return flow.Signaled{Name: "nothing"} },
		Sending: func(flow.Machine, flow.Do) error { return nil },
		Ended: func(_ flow.Machine, end flow.Command, effects map[string]int, _ map[string]bool) error {
			done, ok := end.(flow.Complete)
			if !ok {
				return nil
			}
			*completed++
			if want := fmt.Sprintf(`{"done":%d}`, total(in)); string(done.Output) != want {
				return fmt.Errorf("it completes with %s, not %s", done.Output, want)
			}
			// What a child has done that was started again is there twice, under two names.
			distinct := map[string]bool{}
			for name := range effects {
				distinct[strings.NewReplacer("~2", "", "~3", "", "~4", "", "~5", "").Replace(name)] = true
			}
			if len(distinct) < total(in) {
				return fmt.Errorf("%d things were done of %d: %v", len(distinct), total(in), effects)
			}
			return nil
		},
	}
}
