package faulttest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tutti/internal/terraform/provider/providertest"
)

// counted is a stack of 31 objects in two languages. Every side effect that cannot
// be told from the world appends a line to a file of its own in c/, so that the
// lines count how often it happened.
func counted(t testing.TB) *folder {
	t.Helper()
	providertest.Real(t, "local")
	f := newFolder(t, "main.tf", `
terraform {
  required_providers {
    local = { source = "hashicorp/local" }
  }
}

resource "local_file" "f" {
  count    = 10
  filename = "${path.module}/f/${count.index}"
  content  = "file ${count.index}"
}

resource "terraform_data" "w" {
  count = 10
  input = local_file.f[count.index].content_md5
  provisioner "local-exec" {
    command = "sleep ${count.index % 3 == 0 ? 0.15 : 0}; echo x >> c/w${count.index}"
  }
}

resource "terraform_data" "last" {
  count = 5
  input = terraform_data.w[2 * count.index].id
  provisioner "local-exec" {
    command = "echo x >> c/last${count.index}"
  }
}

output "done" {
  value = [for x in terraform_data.last : x.output != ""]
}
`, "work.tutti.hcl", `
task "t" {
  for_each = toset(["a", "b", "c", "d", "e"])
  script   = "echo x >> c/t-${each.key}; sleep 0.05; echo ${each.key}"
  triggers = { needs = terraform_data.w[0].id }
}

task "again" {
  script     = "date > c-again"
  idempotent = true
}
`, "c/.keep", "")
	f.must(0, "init")
	return f
}

// effects are the counters of a counted stack, by the address that each is for.
func effects() map[string]string {
	out := map[string]string{}
	for i := range 10 {
		out[fmt.Sprintf("terraform_data.w[%d]", i)] = fmt.Sprintf("c/w%d", i)
	}
	for i := range 5 {
		out[fmt.Sprintf("terraform_data.last[%d]", i)] = fmt.Sprintf("c/last%d", i)
	}
	for _, k := range []string{"a", "b", "c", "d", "e"} {
		out[fmt.Sprintf("task.t[%q]", k)] = "c/t-" + k
	}
	return out
}

// count tells how often a side effect happened.
func (f *folder) count(file string) int {
	f.t.Helper()
	return strings.Count(f.read(file), "x\n")
}

// doubts are the addresses that a command named as in doubt.
func (s said) doubts() []string {
	_, list, _ := strings.Cut(s.stdout, "\nIn doubt: ")
	list, _, _ = strings.Cut(list, "\n\n")
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^  (\S+) \(\w+\)`).FindAllStringSubmatch(list, -1) {
		out = append(out, m[1])
	}
	return out
}

// settled checks that each side effect happened once, but for the named ones, which
// may have happened as often as they were tried.
func (f *folder) settled(named []string, tries int) {
	f.t.Helper()
	for address, file := range effects() {
		n := f.count(file)
		if slices.Contains(named, address) {
			if n > tries {
				f.t.Errorf("%s is in doubt and was tried %d times, and happened %d times", address, tries, n)
			}
			continue
		}
		if n != 1 {
			f.t.Errorf("%s happened %d times", address, n)
		}
	}
}

// undisturbed is what a run that nobody disturbs leaves: the addresses.
func undisturbed(t testing.TB, base *folder) string {
	f := base.copy(t)
	f.must(0, "apply", "-auto-approve")
	f.settled(nil, 1)
	f.must(0, "plan", "-detailed-exitcode")
	return f.must(0, "state", "list").stdout
}

// finish resumes a killed run until it is over, is killed now and then on the way,
// and checks that nothing was lost and nothing done twice.
func (f *folder) finish(want string, faults ...string) {
	f.t.Helper()
	var last said
	for _, fault := range append(faults, "") {
		var env []string
		if fault != "" {
			env = []string{"TUTTI_FAULT=" + fault}
		}
		if last = f.runWith(env, "resume", "-in-doubt=stop"); !last.killed() {
			break
		}
	}
	named := last.doubts()
	switch {
	case last.code == 0 && len(named) == 0:
	case last.code == 1 && strings.Contains(last.stderr, "Nothing to resume"): // it was killed after its last write
	case last.code == 1 && len(named) > 0:
		f.has(last, "Look whether these happened, then:", "-in-doubt=retry", "import ADDR ID")
	default:
		f.t.Fatalf("the resumed run should have ended, or named what is in doubt:\n%s", last)
	}
	// What an orphan of the killed process still does happens within this command's
	// own waiting: the retry runs the same command anew.
	if len(named) > 0 {
		f.must(0, "resume", "-in-doubt=retry")
	}
	f.settled(named, 2)
	if s := f.run("plan", "-detailed-exitcode"); s.code != 0 {
		f.t.Errorf("after all is done there should be nothing left to do:\n%s", s)
	}
	if got := f.must(0, "state", "list").stdout; got != want {
		f.t.Errorf("the state holds\n%s\nand without a kill\n%s", got, want)
	}
	for i := range 10 {
		if got := f.read(fmt.Sprintf("f/%d", i)); got != fmt.Sprintf("file %d", i) {
			f.t.Errorf("f/%d holds %q", i, got)
		}
	}
	if s := f.run("resume"); s.code != 1 || !strings.Contains(s.stderr, "Nothing to resume") {
		f.t.Errorf("there should be nothing to resume:\n%s", s)
	}
}

// abreast is how many killed runs go on at once: they wait more than they work.
const abreast = 6

// maxAppends bounds the search for the last append.
const maxAppends = 400

// TestKillAtEveryAppend kills the process at its first write to the journal, at its
// second, and so on to the last, each time just before and just after the write.
func TestKillAtEveryAppend(t *testing.T) {
	t.Parallel()
	base := counted(t)
	want := undisturbed(t, base)
	stride := 1
	if testing.Short() {
		stride = 7
	}
	for _, kind := range []string{"kill-at-append", "kill-after-append"} {
		var over atomic.Bool
		for n := 1; !over.Load(); n += abreast * stride {
			if n > maxAppends {
				t.Fatalf("after %d writes the run had still not ended", maxAppends)
			}
			t.Run(kind, func(t *testing.T) {
				for i := range abreast {
					t.Run(fmt.Sprint(n+i*stride), func(t *testing.T) {
						t.Parallel()
						if !killedAt(t, base.copy(t), want, kind, n+i*stride) {
							over.Store(true)
						}
					})
				}
			})
		}
	}
}

// killedAt kills a run at its nth write and finishes it; false when it had fewer.
func killedAt(t *testing.T, f *folder, want, kind string, n int) bool {
	s := f.runWith([]string{fmt.Sprintf("TUTTI_FAULT=%s:%d", kind, n)}, "apply", "-auto-approve")
	if !s.killed() {
		if s.code != 0 {
			t.Errorf("nobody killed it:\n%s", s)
		}
		f.settled(nil, 1)
		return false
	}
	var again []string
	if n%3 == 0 {
		again = []string{fmt.Sprintf("kill-at-append:%d", n%5+1), fmt.Sprintf("kill-after-append:%d", n%4+1)}
	}
	f.finish(want, again...)
	return true
}

// TestKillAtAnyTime kills the process from outside at random moments: alone, so
// that its providers find themselves orphans, or with them.
func TestKillAtAnyTime(t *testing.T) {
	t.Parallel()
	base := counted(t)
	want := undisturbed(t, base)
	kills := 20
	if testing.Short() {
		kills = 4
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for first := 0; first < kills; first += abreast {
		t.Run("kill", func(t *testing.T) {
			for i := first; i < min(first+abreast, kills); i++ {
				// When is the fault that is looked for, and not what is tested.
				after, all := time.Duration(random.IntN(900))*time.Millisecond, i%2 == 0
				t.Run(fmt.Sprintf("%d after %s", i, after), func(t *testing.T) {
					t.Parallel()
					killedAfter(base.copy(t), want, after, all)
				})
			}
		})
	}
}

func killedAfter(f *folder, want string, after time.Duration, all bool) {
	r := f.start(nil, "apply", "-auto-approve")
	timer := time.AfterFunc(after, func() {
		if all {
			r.killAll()
		} else {
			r.signal(syscall.SIGKILL)
		}
	})
	s := r.wait()
	timer.Stop()
	switch {
	case !s.killed():
		f.settled(nil, 1)
	case strings.Contains(f.run("runs").stdout, "running"):
		f.finish(want)
	default:
		// It was killed before it began anything: a new run does it all.
		f.must(0, "apply", "-auto-approve")
		f.settled(nil, 1)
	}
	if _, err := os.Stat(f.path(".tutti/tutti.db")); err != nil && s.killed() {
		f.t.Error(err)
	}
}
