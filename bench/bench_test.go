package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclparse"
)

// TestStacks sees to it that the stacks are what their fields say.
func TestStacks(t *testing.T) {
	for _, test := range []struct {
		stack     stack
		resources int
		instances int
	}{
		{pairs(7), 2, 14}, {chains(25), 25, 25}, {files(3, true), 2, 6}, {files(3, false), 2, 6},
	} {
		dir := t.TempDir()
		if err := test.stack.write(dir); err != nil {
			t.Fatal(err)
		}
		if _, diags := hclparse.NewParser().ParseHCLFile(filepath.Join(dir, "main.tf")); diags.HasErrors() {
			t.Errorf("%s: %v", test.stack.name, diags)
		}
		if n := strings.Count(test.stack.text, "\nresource ") + strings.Count(test.stack.text[:9], "resource "); n != test.resources {
			t.Errorf("%s has %d resources, want %d", test.stack.name, n, test.resources)
		}
		if test.stack.objects != test.instances {
			t.Errorf("%s says %d instances, want %d", test.stack.name, test.stack.objects, test.instances)
		}
	}
}

func TestChoose(t *testing.T) {
	all, err := choose("")
	if err != nil || len(all) != len(cases()) {
		t.Errorf("%d cases by default, want %d (%v)", len(all), len(cases()), err)
	}
	some, err := choose("large, version")
	if err != nil || len(some) != 2 || some[0].name != "large" || some[1].name != "version" {
		t.Errorf("chosen %v, %v", some, err)
	}
	if _, err := choose("version,nothing"); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("an unknown case gives %v", err)
	}
}

// TestMeasure measures a process that holds memory, and one that fails.
func TestMeasure(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a process uses is told on Linux only")
	}
	b := &bench{dir: t.TempDir()}
	ctx := context.Background()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("BENCH_TEST_HOLD", "yes")
	alone, err := b.measure(ctx, command{b.dir, []string{self, "40"}})
	if err != nil {
		t.Fatal(err)
	}
	if alone.peak < 40<<20 || alone.providers != 0 || alone.wall <= 0 || alone.cpu <= 0 {
		t.Errorf("a process that holds 40 MB: %+v", alone)
	}
	if alone.output != "holds 40\n" {
		t.Errorf("it said %q", alone.output)
	}
	if _, err := b.measure(ctx, command{b.dir, []string{self, "broken"}}); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a command that fails gives %v", err)
	}
}

// TestWatch looks at a process that has another below it, which holds more.
func TestWatch(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a process uses is told on Linux only")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "20", "120", "wait")
	cmd.Env = append(os.Environ(), "BENCH_TEST_HOLD=yes")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for _, want := range []string{"holds 20", "holds 120"} {
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("it said %q, want %q", lines.Text(), want)
		}
	}
	stop, seen := make(chan struct{}), make(chan memory, 1)
	close(stop)
	watch(cmd.Process.Pid, stop, seen)
	m := <-seen
	if m.own < 20<<20 || m.own >= 120<<20 || m.children() < 120<<20 || len(m.others) != 1 {
		t.Errorf("20 MB above 120 MB: %+v", m)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("TF_LOG", "trace")
	t.Setenv("TUTTI_KEY", "secret")
	t.Setenv("BENCH_KEPT", "yes")
	got := (&bench{dir: "/d"}).environment()
	for _, v := range got {
		if strings.HasPrefix(v, "TF_") || strings.HasPrefix(v, "TUTTI_") {
			t.Errorf("%s reaches what is measured", v)
		}
	}
	for _, want := range []string{"BENCH_KEPT=yes", "HOME=/d/home"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is lacking", want)
		}
	}
}
