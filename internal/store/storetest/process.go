package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tutti/internal/store"
)

// envChild tells a test binary to be a child of one of these tests: what to do,
// for which run, in which folder.
const envChild = "TUTTI_STORETEST_CHILD"

// kills is how often the writing child is killed.
const kills = 200

// Main is TestMain of a package that calls RunProcesses: the tests start the test
// binary again, as other processes on the same store.
func Main(m *testing.M, open func(dir string) (store.Store, error)) {
	task := os.Getenv(envChild)
	if task == "" {
		os.Exit(m.Run())
	}
	if err := child(task, open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// RunProcesses runs the tests with several processes.
func RunProcesses(t *testing.T, open Open) {
	t.Run("kill -9 while writing", func(t *testing.T) { processKill(t, open) })
	t.Run("two processes write", func(t *testing.T) { processTwo(t, open) })
	t.Run("leases of processes", func(t *testing.T) { processLease(t, open) })
}

func child(task string, open func(dir string) (store.Store, error)) error {
	fields := strings.SplitN(task, " ", 3)
	run, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return err
	}
	s, err := open(fields[2])
	if err != nil {
		return err
	}
	switch fields[0] {
	case "forever":
		err = childWrites(s, store.RunID(run), 0)
	case "some":
		err = childWrites(s, store.RunID(run), 100)
	case "lease":
		err = s.Acquire(context.Background(), store.Lease{Run: store.RunID(run), Holder: "child", Reason: "test", Whole: true})
		fmt.Println("held")
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is done with it
	default:
		err = fmt.Errorf("unknown task %q", fields[0])
	}
	return errors.Join(err, s.Close())
}

// writers is how many goroutines of a child write at once.
const writers = 3

// childWrites counts up in each writer: an entry and a row with the same number,
// and a line on standard output once the store says that they are durable.
func childWrites(s store.Store, run store.RunID, limit int) error {
	counts, err := readCounts(s, run, 1)
	if err != nil {
		return err
	}
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := counts[w] + 1; limit == 0 || i <= limit; i++ {
				e := store.Entry{Note: fmt.Sprintf("%d %d", w, i), Writes: []store.Write{{Put: row(panicTB{}, writerRow(run, w), fmt.Sprint(i))}}}
				if errs[w] = s.Append(context.Background(), run, []store.Entry{e}); errs[w] != nil {
					return
				}
				fmt.Printf("%d %d\n", w, i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func writerRow(run store.RunID, w int) string { return fmt.Sprintf("a.run%d[%d]", run, w) }

// panicTB stands in for a test where there is none: in a child.
type panicTB struct{ testing.TB }

func (panicTB) Helper()           {}
func (panicTB) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// readCounts gives the last number of each writer, and an error when one is
// missing or out of order.
func readCounts(s store.Store, run store.RunID, from int64) ([writers]int, error) {
	var counts [writers]int
	entries, err := s.Entries(context.Background(), run, from)
	if err != nil {
		return counts, err
	}
	for _, e := range entries {
		var w, i int
		if _, err := fmt.Sscanf(e.Note, "%d %d", &w, &i); err != nil {
			return counts, fmt.Errorf("entry %d is %q: %w", e.Index, e.Note, err)
		}
		if i != counts[w]+1 && (from == 1 || counts[w] != 0) {
			return counts, fmt.Errorf("entry %d: number %d of writer %d follows %d", e.Index, i, w, counts[w])
		}
		counts[w] = i
	}
	return counts, nil
}

// spawn starts the test binary as a child.
func spawn(t *testing.T, task string, run store.RunID, dir string) (*exec.Cmd, *bufio.Scanner, io.WriteCloser) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", envChild, task, run, dir))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	in, err := cmd.StdinPipe()
	check(t, err)
	check(t, cmd.Start())
	return cmd, bufio.NewScanner(out), in
}

// processKill kills a writing child again and again: all that it was told to be
// durable is there, whole and in order, with the rows that belong to it.
func processKill(t *testing.T, open Open) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	n := kills
	if testing.Short() {
		n = kills / 10
	}
	dir := t.TempDir()
	var run store.RunID
	for i := range n {
		if i%20 == 0 { // a new journal now and then, so that reading it stays cheap
			s := open(t, dir)
			run = newRun(t, s)
			check(t, s.Close())
		}
		acked := killOne(t, run, dir, random.IntN(40))
		s := open(t, dir)
		counts, err := readCounts(s, run, 1)
		if err != nil {
			t.Fatalf("kill %d (seed %d): %v", i, seed, err)
		}
		rows := values(t, s)
		for w, last := range acked {
			if counts[w] < last {
				t.Fatalf("kill %d (seed %d): writer %d was told that %d is durable, %d is there", i, seed, w, last, counts[w])
			}
			if v := rows[writerRow(run, w)]; counts[w] > 0 && v != fmt.Sprint(counts[w]) {
				t.Fatalf("kill %d (seed %d): writer %d journaled %d beside the row %s", i, seed, w, counts[w], v)
			}
		}
		check(t, s.Close())
	}
}

// killOne lets a child write until it has said so many things, kills it, and gives
// the last number of each writer that it said.
func killOne(t *testing.T, run store.RunID, dir string, after int) [writers]int {
	t.Helper()
	var acked [writers]int
	cmd, lines, _ := spawn(t, "forever", run, dir)
	for n := 0; lines.Scan(); n++ {
		var w, i int
		if _, err := fmt.Sscanf(lines.Text(), "%d %d", &w, &i); err != nil {
			continue // cut off by the kill
		}
		acked[w] = i
		if n == after {
			check(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return acked
}

func processTwo(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	runs := []store.RunID{newRun(t, s), newRun(t, s)}
	var cmds []*exec.Cmd
	var wg sync.WaitGroup
	for _, run := range runs {
		cmd, lines, _ := spawn(t, "some", run, dir)
		wg.Go(func() {
			for lines.Scan() {
			}
		})
		cmds = append(cmds, cmd)
	}
	wg.Wait()
	for _, cmd := range cmds {
		check(t, cmd.Wait())
	}
	rows := values(t, s)
	for _, run := range runs {
		counts, err := readCounts(s, run, 1)
		check(t, err)
		for w, n := range counts {
			if n != 100 || rows[writerRow(run, w)] != "100" {
				t.Errorf("run %d, writer %d: %d entries, row %s", run, w, n, rows[writerRow(run, w)])
			}
		}
	}
}

func processLease(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	cmd, lines, in := spawn(t, "lease", 1, dir)
	if !lines.Scan() || lines.Text() != "held" {
		t.Fatalf("the child said %q", lines.Text())
	}
	ctx := context.Background()
	var held *store.HeldError
	if err := s.Acquire(ctx, lease(t, 2, "a.x")); !errors.As(err, &held) || held.Holder.Holder != "child" {
		t.Errorf("beside a living process: %v", err)
	}
	if err := s.Acquire(ctx, lease(t, 1)); !errors.As(err, &held) {
		t.Errorf("the same run in another process: %v", err)
	}
	check(t, s.Release(ctx, 1)) // only one's own
	if all, err := s.Held(ctx); err != nil || len(all) != 1 {
		t.Errorf("held: %+v, %v", all, err)
	}
	check(t, cmd.Process.Kill())
	_ = cmd.Wait()
	_ = in.Close()
	if all, err := s.Held(ctx); err != nil || len(all) != 0 {
		t.Errorf("a dead process holds %+v, %v", all, err)
	}
	check(t, s.Acquire(ctx, lease(t, 2, "a.x")))
}
