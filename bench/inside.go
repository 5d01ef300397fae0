package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tutti/bench/bare"
	"tutti/internal/addr"
	"tutti/internal/apply"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/store"
	"tutti/internal/store/sqlite"
	"tutti/internal/terraform/provider"
)

// The measurements that this program runs as processes of its own, in the current
// folder, each printing its figures as a JSON object.
const (
	insideBare    = "inside-bare"
	insideJournal = "inside-journal"
	insideState   = "inside-state"
	insideSchema  = "inside-schema"
)

func insides() map[string]func(args []string) error {
	return map[string]func([]string) error{insideBare: runBare, insideJournal: runJournal, insideState: runState, insideSchema: runSchema}
}

// The figures.
const (
	figureDisk       = "bare write and fsync"
	figureOneCaller  = "events, one caller"
	figureTenCallers = "events, ten callers"
	figureRun        = "journal entries of a run"
	figureSmallState = "change, 1,000 rows"
	figureLargeState = "change, 100,000 rows"
	figureSmallCPU   = "CPU of a change, 1,000 rows"
	figureLargeCPU   = "CPU of a change, 100,000 rows"
	figureAsked      = "schema from the process"
	figureKept       = "schema from the cache"
)

func printFigures(figures map[string]float64) error {
	return json.NewEncoder(os.Stdout).Encode(figures)
}

func runBare(args []string) error {
	flags := flag.NewFlagSet(insideBare, flag.ContinueOnError)
	var o bare.Options
	flags.IntVar(&o.Count, "count", 1000, "of each type")
	flags.BoolVar(&o.Reference, "reference", false, "each file holds an ID")
	flags.BoolVar(&o.Announce, "announce", false, "plan everything before anything is applied")
	flags.StringVar(&o.Random, "random", "", "the provider's executable")
	flags.StringVar(&o.Local, "local", "", "the provider's executable")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.State = "bare.state"
	work := bare.Apply
	if flags.Arg(0) == "plan" {
		work = bare.Plan
	}
	calls, err := work(context.Background(), o)
	fmt.Println(calls)
	return err
}

// open opens a store in a folder of the current one.
func open(ctx context.Context, name string) (*sqlite.Store, error) {
	dir, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, dir, sqlite.Options{Ring: secret.RingOf(secret.NewKey())})
}

// Enough events for some seconds; the disk is asked for less, as it is slower.
const (
	eventCount  = 20_000
	fsyncCount  = 500
	changeCount = 1000
	parallel    = 10
)

func runJournal([]string) error {
	ctx := context.Background()
	s, err := open(ctx, "journal")
	if err != nil {
		return err
	}
	defer s.Close()
	disk, err := fsyncs(fsyncCount)
	if err != nil {
		return err
	}
	one, err := appends(ctx, s, 1, eventCount/10)
	if err != nil {
		return err
	}
	ten, err := appends(ctx, s, parallel, eventCount)
	if err != nil {
		return err
	}
	whole, err := runEntries(ctx, s, eventCount)
	if err != nil {
		return err
	}
	return printFigures(map[string]float64{figureDisk: disk, figureOneCaller: one, figureTenCallers: ten, figureRun: whole})
}

// fsyncs gives how often a second this disk makes a page durable: what a journal
// could do that commits each event by itself.
func fsyncs(n int) (float64, error) {
	f, err := os.Create("page")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	page := make([]byte, 4096)
	start := time.Now()
	for range n {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

// appends gives how many events a second callers get into the journal, each
// waiting until its own is durable.
func appends(ctx context.Context, s *sqlite.Store, callers, n int) (float64, error) {
	run, err := s.CreateRun(ctx, store.Run{Machine: "bench"})
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	failed := make([]error, callers)
	start := time.Now()
	for c := range callers {
		wg.Go(func() {
			for i := c; i < n && failed[c] == nil; i += callers {
				event := flow.ActivityDone{At: start, ID: flow.ID(i + 1), Output: []byte(`{"rows":1}`)}
				failed[c] = s.Append(ctx, run, []store.Entry{{Event: event}})
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	return float64(n) / took.Seconds(), errors.Join(failed...)
}

// idle carries activities out that do nothing.
type idle struct{}

var _ local.Worker = idle{}

func (idle) Do(context.Context, flow.Do, func(string)) (local.Outcome, error) {
	return local.Outcome{}, nil
}

func (idle) Settle(context.Context, flow.Do) (local.Outcome, bool, error) {
	return local.Outcome{}, false, nil
}

// runEntries gives how many journal entries a second the runtime writes for a run
// of activities that do nothing and are not idempotent: that each goes out is
// durable before it does, and so is its answer.
func runEntries(ctx context.Context, s *sqlite.Store, n int) (float64, error) {
	actions := make([]object.Action, n)
	for i := range actions {
		actions[i] = object.Action{Verb: object.Create, Change: i}
	}
	input, err := json.Marshal(apply.Input{Actions: object.Print(actions), Parallelism: parallel})
	if err != nil {
		return 0, err
	}
	run, err := s.CreateRun(ctx, store.Run{Machine: "apply"})
	if err != nil {
		return 0, err
	}
	start := time.Now()
	res, err := local.Run(ctx, local.Options{Machine: apply.New(), Store: s, RunID: run, Worker: idle{}, Input: input})
	took := time.Since(start)
	if err == nil && res.Status != store.Succeeded {
		err = fmt.Errorf("the run ended %s", res.Status)
	}
	if err != nil {
		return 0, err
	}
	entries, err := s.Entries(ctx, run, 1)
	return float64(len(entries)) / took.Seconds(), err
}

// stateRow gives a row as a resource of two attributes has it.
func stateRow(i int) *object.State {
	name := func(n string) addr.Object {
		return addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "terraform_data", Name: n}}
	}
	return &object.State{
		Addr: name("b").Instance(addr.IntKey(i)), Driver: `provider["terraform.io/builtin/terraform"]`,
		Attributes: fmt.Appendf(nil, `{"id":"00000000-0000-4000-8000-%012d","input":{"type":"string","value":"row %d"}}`, i, i),
		Needs:      []addr.Instance{name("a").Instance(addr.IntKey(i))},
	}
}

func runState([]string) error {
	ctx := context.Background()
	figures := map[string]float64{}
	for _, x := range []struct {
		rows      int
		wall, cpu string
	}{{1_000, figureSmallState, figureSmallCPU}, {100_000, figureLargeState, figureLargeCPU}} {
		wall, cpu, err := changes(ctx, x.rows)
		if err != nil {
			return err
		}
		figures[x.wall], figures[x.cpu] = wall, cpu
	}
	return printFigures(figures)
}

// changes gives how long, in seconds, one change takes of a state with that many
// rows: an event and its row, durable before the next.
func changes(ctx context.Context, rows int) (wall, cpu float64, err error) {
	s, err := open(ctx, fmt.Sprint("state-", rows))
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	writes := make([]store.Write, rows)
	for i := range writes {
		writes[i].Put = stateRow(i)
	}
	if err := s.Write(ctx, "fill", writes); err != nil {
		return 0, 0, err
	}
	run, err := s.CreateRun(ctx, store.Run{Machine: "bench"})
	if err != nil {
		return 0, 0, err
	}
	before, start := processCPU(), time.Now()
	for i := range changeCount {
		// A prime step: neighbouring changes are not neighbours in the state.
		e := store.Entry{Event: flow.ActivityDone{At: start, ID: flow.ID(i + 1)}, Writes: []store.Write{{Put: stateRow(i * 7919 % rows)}}}
		if err := s.Append(ctx, run, []store.Entry{e}); err != nil {
			return 0, 0, err
		}
	}
	return time.Since(start).Seconds() / changeCount, (processCPU() - before).Seconds() / changeCount, nil
}

// runSchema takes a provider's executable.
func runSchema(args []string) error {
	if len(args) != 1 {
		return errors.New("the provider's executable is wanted")
	}
	asked, err := oneSchema(args[0])
	if err != nil {
		return err
	}
	kept, err := oneSchema(args[0])
	if err != nil {
		return err
	}
	return printFigures(map[string]float64{figureAsked: asked, figureKept: kept})
}

// oneSchema gives how long a command waits for the schema of one type.
func oneSchema(path string) (float64, error) {
	ctx := context.Background()
	start := time.Now()
	p, err := provider.Launch(ctx, provider.LaunchOptions{Path: path, CacheDir: "schema"})
	if err != nil {
		return 0, err
	}
	s, diags := p.Schema(ctx)
	err = diags.Err()
	if err == nil && s.Types.Type(provider.Managed, "tls_private_key") == nil {
		err = errors.New("the provider has no tls_private_key")
	}
	took := time.Since(start)
	return took.Seconds(), errors.Join(err, p.Close())
}
