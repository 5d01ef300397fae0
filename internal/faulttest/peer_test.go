package faulttest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killed is a stack with one side effect that is done when the process is killed,
// one that is in the middle, and one that has not begun.
const killed = `
resource "terraform_data" "first" {
  provisioner "local-exec" {
    command = "echo x >> first"
  }
}
resource "terraform_data" "slow" {
  input = terraform_data.first.id
  provisioner "local-exec" {
    command = "echo x >> slow; echo begun; sleep 2"
  }
}
resource "terraform_data" "beside" {
  input = terraform_data.first.id
  provisioner "local-exec" {
    command = "echo x >> beside"
  }
}
resource "terraform_data" "last" {
  input = terraform_data.slow.id
  provisioner "local-exec" {
    command = "echo x >> last"
  }
}
`

// TestKillInASlowCommand kills an apply in the middle of a slow local-exec and goes
// on: tutti names that one and finishes the rest, each side effect once.
func TestKillInASlowCommand(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "main.tf", killed)
	r := f.start(nil, "apply", "-auto-approve")
	f.awaitFile("beside", "x")
	f.awaitFile("slow", "x")
	f.awaitDone("terraform_data.first")
	r.signal(syscall.SIGKILL)
	if s := r.wait(); !s.killed() {
		t.Fatal(s)
	}
	s := f.must(1, "resume", "-in-doubt=stop")
	named := s.doubts()
	// What beside did may or may not have been journaled when the kill came.
	if len(named) == 0 || len(named) > 2 || !strings.Contains(strings.Join(named, " "), "terraform_data.slow") {
		t.Fatalf("terraform_data.slow should be in doubt:\n%s", s)
	}
	f.countedOnce("first", "slow", "beside")
	f.must(0, "resume", "-in-doubt=retry")
	f.countedOnce("first", "last")
	if n := f.count("slow"); n != 2 {
		t.Errorf("slow was asked for twice, and happened %d times", n)
	}
	f.must(0, "plan", "-detailed-exitcode")
}

// awaitDone waits until the state holds an instance.
func (f *folder) awaitDone(address string) {
	f.t.Helper()
	for over := time.Now().Add(hang); ; {
		if strings.Contains(f.must(0, "state", "list").stdout, address+"\n") {
			return
		}
		if time.Now().After(over) {
			f.t.Fatalf("%s never was in the state", address)
		}
	}
}

// TestPeersAfterTheSameKill shows, for the record, what the peers make of the same
// kill with the same files: how often each side effect happened when the second
// apply has ended.
func TestPeersAfterTheSameKill(t *testing.T) {
	t.Parallel()
	for _, p := range peers() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(p.path)
			if err != nil {
				t.Skipf("%s is not here: %v", p.name, err)
			}
			f := newFolder(t, "main.tf", killed)
			if out, err := f.peer(path, "init", "-input=false").CombinedOutput(); err != nil {
				t.Skipf("%s init: %v\n%s", p.name, err, out)
			}
			first := f.peer(path, "apply", "-auto-approve", "-input=false", "-no-color")
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			f.awaitFile("slow", "x")
			f.awaitFile("beside", "x")
			if err := first.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = first.Wait() // killed
			ctx, cancel := context.WithTimeout(context.Background(), hang)
			defer cancel()
			again := exec.CommandContext(ctx, path, "apply", "-auto-approve", "-input=false", "-no-color", "-lock=false")
			again.Dir, again.Env = f.dir, f.env
			out, err := again.CombinedOutput()
			var last string
			for line := range strings.SplitSeq(string(out), "\n") {
				if strings.HasPrefix(line, "Apply complete") || strings.HasPrefix(line, "Error") {
					last = line
				}
			}
			t.Logf("%s after kill -9: first %d, beside %d, slow %d, last %d; second apply: %v, %s", p.name, f.count("first"), f.count("beside"),
				f.count("slow"), f.count("last"), err, last)
			if f.count("first") == 0 || f.count("slow") == 0 {
				t.Error("the peer did not even begin: this compares nothing")
			}
		})
	}
}

type peer struct{ name, path string }

// peers are the commands that tutti is compared with, where they are installed.
func peers() []peer {
	tofu := os.Getenv("TUTTI_TOFU")
	if tofu == "" {
		if cache, err := os.UserCacheDir(); err == nil {
			tofu = filepath.Join(cache, "tutti", "bin", "tofu")
		}
	}
	return []peer{{"OpenTofu", tofu}, {"Terraform", "terraform"}}
}

func (f *folder) peer(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = f.dir, append(append([]string(nil), f.env...), "CHECKPOINT_DISABLE=1")
	return cmd
}
