// Command states measures the Step Functions API of `tutti serve` over HTTP, and the
// engine of moto's server beside it in the same run: executions begun in a second,
// the memory of executions that wait, a long chain, many chains at once, a wide Map.
// tutti keeps every event durable on disk; moto keeps everything in memory.
//
// In: the tutti binary ($TUTTI), the Python environment of `make moto`. Out: a table
// with the least, the median and the most of each measurement, and the ratio of the
// medians. It judges nothing.
//
// Files: main.go the measurements, server.go the two servers.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tutti/internal/aws/awstest"
)

func main() {
	o := options{}
	flag.StringVar(&o.tutti, "tutti", os.Getenv("TUTTI"), "the tutti binary")
	flag.StringVar(&o.only, "only", "", "run only the measurements whose name contains this")
	flag.IntVar(&o.runs, "runs", 5, "how often each is measured")
	flag.IntVar(&o.waiting, "waiting", 10_000, "how many executions wait at once")
	flag.BoolVar(&o.peer, "peer", true, "measure moto beside tutti")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "states:", err)
		os.Exit(1)
	}
}

type options struct {
	tutti, only   string
	runs, waiting int
	peer          bool
}

// measurement is one number of a server: a time in seconds, unless it says otherwise.
type measurement struct {
	name, unit string
	// more is better; otherwise less is.
	more bool
	// alone: moto is not asked.
	alone bool
	of    func(s *server, round int) (float64, error)
}

func (o options) measurements() []measurement {
	return []measurement{
		{name: "StartExecution", unit: "a second", more: true, of: startRate},
		{name: fmt.Sprintf("memory of %d waiting executions", o.waiting), unit: "MB", alone: true, of: o.waitingMemory},
		{name: "chain of 500 Pass states", unit: "s", of: func(s *server, n int) (float64, error) { return chains(s, n, 1) }},
		{name: "20 such chains at once", unit: "s", of: func(s *server, n int) (float64, error) { return chains(s, n, 20) }},
		{name: "inline Map over 1000 items", unit: "s", of: wideMap},
	}
}

func run(o options) error {
	if o.tutti == "" {
		return fmt.Errorf("which binary? -tutti FILE, or $TUTTI")
	}
	tutti, err := filepath.Abs(o.tutti)
	if err != nil {
		return err
	}
	fmt.Printf("%-40s %-9s %30s %30s %8s\n", "", "", "tutti (min median max)", "moto", "ratio")
	for _, m := range o.measurements() {
		if !strings.Contains(m.name, o.only) {
			continue
		}
		runs := o.runs
		if m.alone {
			runs = 1
		}
		ours, err := measure(m, runs, func() (*server, error) { return startTutti(tutti) })
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		var theirs []float64
		if o.peer && !m.alone {
			theirs, err = measure(m, min(runs, peerRuns), func() (*server, error) { return startMoto(filepath.Join(awstest.Venv(), "bin", "python")) })
			if err != nil {
				return fmt.Errorf("moto, %s: %w", m.name, err)
			}
		}
		fmt.Printf("%-40s %-9s %30s %30s %8s\n", m.name, m.unit, three(ours), three(theirs), ratio(m, ours, theirs))
	}
	return nil
}

// peerRuns bounds the repetitions of moto, which takes most of the time.
const peerRuns = 3

// measure measures several times on one server.
func measure(m measurement, runs int, start func() (*server, error)) ([]float64, error) {
	s, err := start()
	if err != nil {
		return nil, err
	}
	var values []float64
	for n := range runs {
		v, err := m.of(s, n)
		if err != nil {
			s.stop()
			return nil, err
		}
		values = append(values, v)
	}
	s.stop()
	slices.Sort(values)
	return values, nil
}

func three(v []float64) string {
	if len(v) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s %s %s", short(v[0]), short(v[len(v)/2]), short(v[len(v)-1]))
}

func short(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func ratio(m measurement, ours, theirs []float64) string {
	if len(theirs) == 0 {
		return ""
	}
	r := theirs[len(theirs)/2] / ours[len(ours)/2]
	if m.more {
		r = 1 / r
	}
	return fmt.Sprintf("%.3gx", r)
}

const role = "arn:aws:iam::123456789012:role/bench"

func createMachine(s *server, name, definition string) (string, error) {
	var out struct{ StateMachineArn string }
	err := s.call("CreateStateMachine", map[string]any{"name": name, "definition": definition, "roleArn": role}, &out)
	return out.StateMachineArn, err
}

func start(s *server, machine, name, input string) (string, error) {
	var out struct{ ExecutionArn string }
	err := s.call("StartExecution", map[string]any{"stateMachineArn": machine, "name": name, "input": input}, &out)
	return out.ExecutionArn, err
}

// await polls until an execution has succeeded.
func await(s *server, execution string) error {
	for {
		var out struct{ Status, Error, Cause string }
		if err := s.call("DescribeExecution", map[string]any{"executionArn": execution}, &out); err != nil {
			return err
		}
		switch out.Status {
		case "SUCCEEDED":
			return nil
		case "RUNNING":
			time.Sleep(poll)
		default:
			return fmt.Errorf("%s is %s: %s %s", execution, out.Status, out.Error, out.Cause)
		}
	}
}

const poll = 2 * time.Millisecond

// connections are kept open side by side.
const connections = 64

// startMany begins executions on all connections and gives how long that took.
func startMany(s *server, machine, prefix string, count int) (time.Duration, error) {
	var next atomic.Int64
	var wait sync.WaitGroup
	var first atomic.Pointer[error]
	began := time.Now()
	for range connections {
		wait.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(count) || first.Load() != nil {
					return
				}
				if _, err := start(s, machine, fmt.Sprintf("%s-%d", prefix, n), `{"n":1}`); err != nil {
					first.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wait.Wait()
	took := time.Since(began)
	if err := first.Load(); err != nil {
		return 0, *err
	}
	return took, nil
}

func startRate(s *server, round int) (float64, error) {
	machine, err := createMachine(s, fmt.Sprintf("pass-%d", round), chain(1))
	if err != nil {
		return 0, err
	}
	count := s.starts
	took, err := startMany(s, machine, "e", count)
	return float64(count) / took.Seconds(), err
}

func (o options) waitingMemory(s *server, _ int) (float64, error) {
	machine, err := createMachine(s, "waits", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":31536000,"End":true}}}`)
	if err != nil {
		return 0, err
	}
	if _, err := startMany(s, machine, "w", o.waiting); err != nil {
		return 0, err
	}
	return s.memory()
}

// chain is a definition of Pass states, one after the other.
func chain(n int) string {
	states := map[string]any{}
	for i := range n {
		state := map[string]any{"Type": "Pass"}
		if i+1 < n {
			state["Next"] = fmt.Sprintf("S%d", i+1)
		} else {
			state["End"] = true
		}
		states[fmt.Sprintf("S%d", i)] = state
	}
	return text(map[string]any{"StartAt": "S0", "States": states})
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("states: invariant broken: a definition is no JSON: " + err.Error())
	}
	return string(b)
}

func chains(s *server, round, atOnce int) (float64, error) {
	machine, err := createMachine(s, fmt.Sprintf("chain-%d-%d", atOnce, round), chain(500))
	if err != nil {
		return 0, err
	}
	began := time.Now()
	errs := make([]error, atOnce)
	var wait sync.WaitGroup
	for i := range atOnce {
		wait.Go(func() {
			execution, err := start(s, machine, fmt.Sprintf("c%d", i), `{"n":1}`)
			if err == nil {
				err = await(s, execution)
			}
			errs[i] = err
		})
	}
	wait.Wait()
	took := time.Since(began).Seconds()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return took, nil
}

func wideMap(s *server, round int) (float64, error) {
	inner := map[string]any{"StartAt": "P", "States": map[string]any{"P": map[string]any{"Type": "Pass", "End": true}}}
	machine, err := createMachine(s, fmt.Sprintf("map-%d", round), text(map[string]any{"StartAt": "M", "States": map[string]any{
		"M": map[string]any{"Type": "Map", "ItemsPath": "$", "ItemProcessor": inner, "End": true}}}))
	if err != nil {
		return 0, err
	}
	items := make([]int, 1000)
	for i := range items {
		items[i] = i
	}
	began := time.Now()
	execution, err := start(s, machine, "m", text(items))
	if err == nil {
		err = await(s, execution)
	}
	return time.Since(began).Seconds(), err
}
