package faulttest

import (
	"strings"
	"syscall"
	"testing"

	"tutti/internal/terraform/provider/providertest"
)

// slow is a stack with two side effects at once and one after them.
const slow = `
resource "terraform_data" "a" {
  count = 2
  provisioner "local-exec" {
    command = "echo x >> a${count.index}; sleep 1; echo done >> a${count.index}"
  }
}
resource "terraform_data" "b" {
  input = terraform_data.a[*].id
  provisioner "local-exec" {
    command = "echo x >> b"
  }
}
`

// TestInterrupt stops an apply with Ctrl-C, and with SIGTERM: what runs is finished,
// nothing new begins, and resume does the rest.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"ctrl-c": syscall.SIGINT, "sigterm": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t, "main.tf", slow)
			r := f.start(nil, "apply", "-auto-approve")
			r.await("terraform_data.a[1]: Executing")
			r.await("terraform_data.a[0]: Executing")
			r.signal(sig)
			s := r.wait()
			if s.code != 1 {
				t.Errorf("exit code %d", s.code)
			}
			f.has(s, "\nStopping: what is running is finished first. Press Ctrl-C again to abort.\n",
				"Run 1 was stopped. Resources: 2 added, 0 changed, 0 destroyed.\n\nNot begun (1)\n  terraform_data.b (create)\n",
				`Nothing is lost: "tutti resume 1" goes on where it stopped.`)
			if f.read("a0") != "x\ndone\n" || f.read("a1") != "x\ndone\n" || f.read("b") != "" {
				t.Errorf("what ran was to be finished, and nothing begun: %q %q %q", f.read("a0"), f.read("a1"), f.read("b"))
			}
			f.has(f.must(0, "runs"), "stopped")
			f.must(0, "resume")
			if f.read("a0") != "x\ndone\n" || f.read("b") != "x\n" {
				t.Errorf("resume did %q and %q", f.read("a0"), f.read("b"))
			}
			f.must(0, "plan", "-detailed-exitcode")
		})
	}
}

// TestAbort presses Ctrl-C twice: what runs is cut off and named, and what it left
// is known.
func TestAbort(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "main.tf", slow)
	r := f.start(nil, "apply", "-auto-approve")
	r.await("terraform_data.a[1]: Executing")
	r.await("terraform_data.a[0]: Executing")
	f.awaitFile("a0", "x")
	f.awaitFile("a1", "x")
	r.signal(syscall.SIGINT)
	r.await("Stopping:")
	r.signal(syscall.SIGINT)
	s := r.wait()
	if s.code != 130 {
		t.Errorf("exit code %d", s.code)
	}
	f.has(s, "Aborting.", "Run 1 was stopped.", "Cut off (2)\n  terraform_data.a[0] (create)", "  terraform_data.a[1] (create)", "Not begun (1)\n  terraform_data.b (create)")
	if f.read("a0") != "x\n" || f.read("b") != "" {
		t.Errorf("it was to be cut off: %q %q", f.read("a0"), f.read("b"))
	}
	// What was made is known, and known to be half done.
	f.has(f.must(2, "plan", "-detailed-exitcode"), "terraform_data.a[0] is tainted, so it must be replaced", "terraform_data.b will be created",
		"Plan: 3 to add, 0 to change, 2 to destroy.")
	f.must(0, "apply", "-auto-approve")
	f.must(0, "plan", "-detailed-exitcode")
	if f.read("b") != "x\n" {
		t.Errorf("b happened %q", f.read("b"))
	}
}

// TestAbortOfATask aborts a task, of which nothing in the world shows how far it
// got: it is in doubt until somebody says what to do.
func TestAbortOfATask(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "work.tutti.hcl", `
task "t" {
  script = "echo x >> t; echo begun; sleep 30"
}
task "after" {
  script   = "echo x >> after"
  triggers = { t = task.t.stdout }
}
`)
	r := f.start(nil, "apply", "-auto-approve")
	r.await("begun\n")
	r.signal(syscall.SIGINT)
	r.await("Stopping:")
	r.signal(syscall.SIGTERM)
	s := r.wait()
	if s.code != 130 {
		t.Errorf("exit code %d", s.code)
	}
	f.has(s, "Aborting.", "task.t")
	if s = f.run("resume", "-in-doubt=stop"); s.code != 1 || strings.Join(s.doubts(), " ") != "task.t" {
		t.Errorf("task.t should be in doubt:\n%s", s)
	}
	if f.read("t") != "x\n" || f.read("after") != "" {
		t.Errorf("t %q, after %q", f.read("t"), f.read("after"))
	}
	f.write("work.tutti.hcl", "")
	f.has(f.must(0, "cancel", "1"), "Run 1 is closed. What it had done stays; plan again for the rest.")
	f.must(0, "plan", "-detailed-exitcode")
}

const faulty = `
terraform {
  required_providers { faulty = { source = "tutti.test/test/faulty" } }
}
`

// withFaulty makes a folder that finds the test provider.
func withFaulty(t *testing.T, text string) *folder {
	t.Helper()
	f := newFolder(t, "main.tf", faulty+text)
	home := t.TempDir()
	if err := writeConfig(home, providertest.Faulty(t)); err != nil {
		t.Fatal(err)
	}
	f.env = append(f.env, "TF_CLI_CONFIG_FILE="+home+"/cli.tfrc")
	f.must(0, "init")
	return f
}

// TestHangingProvider stops tutti while a provider never answers.
func TestHangingProvider(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault, command string
		code           int
		says           []string
	}{
		{"plan_hang", "plan", 130, []string{"Interrupted. Nothing was changed."}},
		{"apply_hang", "apply", 130, []string{"Aborting.", "faulty_thing.a (create)"}},
		{"apply_freeze", "apply", 130, []string{"Aborting.", "faulty_thing.a (create)"}},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			t.Parallel()
			f := withFaulty(t, "resource \"faulty_thing\" \"a\" {\n  name = \"a\"\n  fault = \""+tc.fault+"\"\n}\n")
			f.env = append(f.env, "FAULTY_LEDGER="+f.path("ledger"))
			args := []string{tc.command}
			if tc.command == "apply" {
				args = append(args, "-auto-approve")
			}
			r := f.start(nil, args...)
			if tc.command == "apply" {
				r.await("faulty_thing.a: Creating...")
			} else {
				f.awaitFile("ledger", "configure")
			}
			r.signal(syscall.SIGINT)
			if tc.command == "apply" {
				r.await("Stopping:")
				r.signal(syscall.SIGINT)
			}
			s := r.wait()
			if s.code != tc.code {
				t.Errorf("exit code %d:\n%s", s.code, s)
			}
			f.has(s, tc.says...)
			if tc.command == "apply" {
				f.has(f.run("runs"), "1    ")
			}
		})
	}
}
