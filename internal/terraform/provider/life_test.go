package provider_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/providertest"
)

// TestManyCallersOneProcess: whoever comes first starts it, and nobody else does.
func TestManyCallersOneProcess(t *testing.T) {
	book, lines := ledger(t)
	p := faulty(t, book)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			got, err := p.CallFunction(t.Context(), "join_all", []cty.Value{s("-"), s("a"), s(strconv.Itoa(i))})
			if err != nil || got.AsString() != "a-"+strconv.Itoa(i) {
				t.Errorf("call %d: %#v, %v", i, got, err)
			}
		})
	}
	wg.Wait()
	if got := lines(); !slices.Equal(got, []string{"schema"}) {
		t.Errorf("done: %v", got)
	}
}

// TestCallersGiveUpWaiting: who waits for another's start can still be cancelled.
func TestCallersGiveUpWaiting(t *testing.T) {
	p := faulty(t, "FAULTY_START=freeze")
	first, endFirst := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		_, diags := p.Schema(first)
		wantError(t, diags, "Operation cancelled")
	})
	second, endSecond := context.WithCancel(t.Context())
	wg.Go(func() {
		_, diags := p.Schema(second)
		wantError(t, diags, "Operation cancelled")
	})
	endSecond()
	endFirst()
	wg.Wait()
}

// TestCloseOfAStoppedProcess: one that a signal stopped answers nothing, not
// even the request to end.
func TestCloseOfAStoppedProcess(t *testing.T) {
	book, lines := ledger(t)
	pid := filepath.Join(t.TempDir(), "pid")
	p := launch(t, provider.LaunchOptions{Path: providertest.Faulty(t), Env: []string{book, "FAULTY_PID=" + pid}, StopGrace: 100 * time.Millisecond})
	prior := object(thingBlock(t, p), map[string]cty.Value{"name": s("a"), "fault": s("read_stop")})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, diags := p.Read(ctx, provider.ReadRequest{TypeName: thing, Prior: prior})
		wantError(t, diags, "Operation cancelled")
	}()
	for !slices.Contains(lines(), "read a") {
		runtime.Gosched()
	}
	cancel()
	<-done
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, pid)
}

// TestProviderDiesWithUs kills a process that runs a provider: the provider must
// not go on without it.
func TestProviderDiesWithUs(t *testing.T) {
	if path := os.Getenv("TUTTI_TEST_HOST"); path != "" {
		hostProvider(t, path)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a process with its parent")
	}
	pid := filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command(os.Args[0], "-test.run=^TestProviderDiesWithUs$")
	cmd.Env = append(os.Environ(), "TUTTI_TEST_HOST="+providertest.Faulty(t), "FAULTY_PID="+pid)
	stdin, err := cmd.StdinPipe() // held open, so that the host waits
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("the host says %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	awaitGone(t, pid)
}

// hostProvider is the process that is killed.
func hostProvider(t *testing.T, path string) {
	p := launch(t, provider.LaunchOptions{Path: path})
	_, _, diags := plan(t, p, map[string]cty.Value{"name": s("a")})
	ok(t, diags)
	_, _ = os.Stdout.WriteString("ready\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// awaitGone waits until the process whose ID a file holds is no more, or is dead
// and only waits to be reaped.
func awaitGone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for syscall.Kill(pid, 0) == nil {
		stat, err := os.ReadFile(filepath.Join("/proc", string(text), "stat"))
		if err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		runtime.Gosched()
	}
}
