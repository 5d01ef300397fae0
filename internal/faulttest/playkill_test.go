package faulttest

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// playFiles are a play on two hosts, both this machine, of which every command appends a line
// to a file of its own in c/: a loop whose register chooses what a dynamic include does, a
// rescue, and a handler.
var playFiles = []string{
	"site.yml", `
- hosts: all
  gather_facts: false
  connection: local
  tasks:
    - name: loop
      ansible.builtin.shell: "{{ slow | default('') }} echo x >> c/{{ inventory_hostname }}-loop{{ item }}; echo {{ item }}"
      args: { chdir: "{{ playbook_dir }}" }
      loop: [1, 2, 3]
      register: looped
      notify: told
    - name: more
      ansible.builtin.include_tasks: more.yml
      vars: { which: "{{ looped.results[1].stdout }}" }
    - name: guarded
      block:
        - name: broken
          ansible.builtin.shell: "echo x >> c/{{ inventory_hostname }}-broken; exit 3"
          args: { chdir: "{{ playbook_dir }}" }
      rescue:
        - name: rescued
          ansible.builtin.shell: "echo x >> c/{{ inventory_hostname }}-rescued"
          args: { chdir: "{{ playbook_dir }}" }
    - name: last
      ansible.builtin.shell: "echo x >> c/{{ inventory_hostname }}-last{{ got.stdout }}"
      args: { chdir: "{{ playbook_dir }}" }
  handlers:
    - name: told
      ansible.builtin.shell: "echo x >> c/{{ inventory_hostname }}-told"
      args: { chdir: "{{ playbook_dir }}" }
`, "more.yml", `
- name: included
  ansible.builtin.shell: "echo x >> c/{{ inventory_hostname }}-more{{ which }}; echo got"
  args: { chdir: "{{ playbook_dir }}" }
  register: got
- name: uses
  ansible.builtin.shell: "{{ slow | default('') }} echo x >> c/{{ inventory_hostname }}-{{ got.stdout }}"
  args: { chdir: "{{ playbook_dir }}" }
`, "c/.keep", "",
}

// playEffects are the counters of the play on a host, by the name of the task that each is of.
var playEffects = map[string][]string{
	"loop": {"loop1", "loop2", "loop3"}, "included": {"more2"}, "uses": {"got"}, "broken": {"broken"}, "rescued": {"rescued"},
	"last": {"lastgot"}, "told": {"told"},
}

// maxPlayAppends is more than the writes that the play's journal can need.
const maxPlayAppends = 100

// played checks that all of the play was done, each command once, but for one command of each
// task and host that was in doubt, which may have been done twice.
func (f *folder) played(doubts []string) {
	f.t.Helper()
	doubted := map[string]int{}
	for _, d := range doubts {
		doubted[d]++
	}
	for _, host := range []string{"a", "b"} {
		for task, files := range playEffects {
			more := 0
			for _, file := range files {
				n := f.count("c/" + host + "-" + file)
				if n == 0 {
					f.t.Errorf("%s of %s on %s was never done", file, task, host)
				}
				more += max(n-1, 0)
			}
			if allowed := doubted[task+" on "+host]; more > allowed {
				f.t.Errorf("%s on %s was done %d times too often; %d times it was in doubt (%v)", task, host, more, allowed, doubts)
			}
		}
	}
}

// tasksInDoubt are the tasks, with their hosts, that a command named as in doubt.
func (s said) tasksInDoubt() []string {
	var out []string
	flat := strings.Join(strings.Fields(strings.ReplaceAll(s.stdout+s.stderr, "│", "")), " ")
	for _, m := range regexp.MustCompile(`(\w+) on (\w+): the task was cut off|task "(\w+)" on (\w+), of run \d+, was cut off`).FindAllStringSubmatch(flat, -1) {
		out = append(out, m[1]+m[3]+" on "+m[2]+m[4])
	}
	return out
}

// playRecap is how both hosts end, however often the play was cut off.
const playRecap = "ok=7    changed=6    unreachable=0    failed=0    skipped=0    rescued=1    ignored=0"

// finishPlay resumes a play that was killed. A resume may be killed as well, by the faults.
func (f *folder) finishPlay(faults ...string) {
	f.t.Helper()
	var doubts []string
	for i := 0; ; i++ {
		var env []string
		if i < len(faults) {
			env = []string{"TUTTI_FAULT=" + faults[i]}
		}
		s := f.runWith(env, "resume", "-in-doubt=stop")
		if !s.killed() && s.code != 0 {
			named := s.tasksInDoubt()
			if len(named) == 0 {
				f.t.Fatalf("resume says neither that it is done nor what is in doubt:\n%s", s)
			}
			doubts = append(doubts, named...)
			s = f.runWith(env, "resume", "-in-doubt=retry")
			if s.killed() {
				// What was being done again was cut off again: it is named once more.
				continue
			}
		}
		switch {
		case s.killed() && i >= len(faults):
			f.t.Fatalf("nobody killed it, and yet:\n%s", s)
		case s.killed():
			continue
		case s.code != 0:
			f.t.Fatalf("with all doubts settled it should have ended well:\n%s", s)
		}
		f.has(s, playRecap)
		break
	}
	f.played(doubts)
	f.has(f.must(0, "runs"), "succeeded")
}

// TestKillAPlay kills tutti playbook at each of its journal writes, before and after it. What
// had ended is not done again, what was cut off is named and done again only when that is said,
// and the rest is done: loops, dynamic includes, rescues and handlers.
func TestKillAPlay(t *testing.T) {
	t.Parallel()
	base := newFolder(t, playFiles...)
	killEach(t, func(t *testing.T, kind string, n int) bool {
		f := base.copy(t)
		s := f.runWith([]string{fmt.Sprintf("TUTTI_FAULT=%s:%d", kind, n)}, "playbook", "-i", "a,b,", "site.yml")
		if !s.killed() {
			if s.code != 0 {
				t.Errorf("nobody killed it:\n%s", s)
			}
			f.played(nil)
			return false
		}
		if strings.Contains(f.must(0, "runs").stdout, "succeeded") {
			f.played(nil) // killed behind the write that ended it
			return true
		}
		var again []string
		if n%3 == 0 {
			again = []string{fmt.Sprintf("kill-at-append:%d", n%4+1), fmt.Sprintf("kill-after-append:%d", n%3+1)}
		}
		f.finishPlay(again...)
		return true
	})
}

// killEach calls try for each write of a journal until it reports that there are no more.
func killEach(t *testing.T, try func(t *testing.T, kind string, n int) bool) {
	stride := 1
	if testing.Short() {
		stride = 5
	}
	for _, kind := range []string{"kill-at-append", "kill-after-append"} {
		var over atomic.Bool
		for n := 1; !over.Load(); n += abreast * stride {
			if n > maxPlayAppends {
				t.Fatalf("after %d writes the play had still not ended", maxPlayAppends)
			}
			t.Run(kind, func(t *testing.T) {
				for i := range abreast {
					t.Run(fmt.Sprint(n+i*stride), func(t *testing.T) {
						t.Parallel()
						if !try(t, kind, n+i*stride) {
							over.Store(true)
						}
					})
				}
			})
		}
	}
}

// playStack plays the same inside the run of a plan, between what it waits for and what waits
// for it.
const playStack = `
task "before" {
  script   = "echo x >> c/before"
}

playbook "site" {
  source    = "site.yml"
  inventory = { all = { a = {}, b = {} } }
  variables = { told_by = task.before.exit_code }
}

task "after" {
  script   = "echo x >> c/after; echo ${playbook.site.registered.a.got.stdout}"
}
`

// stackDone checks all that the stack with the play does, once a doubt.
func (f *folder) stackDone(doubts []string) {
	f.t.Helper()
	f.played(doubts)
	for _, name := range []string{"before", "after"} {
		again := 0
		for _, d := range doubts {
			if d == "task."+name {
				again++
			}
		}
		if n := f.count("c/" + name); n == 0 || n > 1+again {
			f.t.Errorf("task.%s was done %d times; in doubt: %v", name, n, doubts)
		}
	}
}

// finishStack resumes the run of a plan until it has ended.
func (f *folder) finishStack() {
	f.t.Helper()
	if !strings.Contains(f.run("runs").stdout, "running") {
		// It was killed before the run was there, or behind its end.
		f.must(0, "up", "-auto-approve")
		f.stackDone(nil)
		return
	}
	s := f.run("resume", "-in-doubt=stop")
	var doubts []string
	if s.code != 0 {
		doubts = append(s.tasksInDoubt(), s.doubts()...)
		if len(doubts) == 0 {
			f.t.Fatalf("resume says neither that it is done nor what is in doubt:\n%s", s)
		}
		if s = f.run("resume", "-in-doubt=retry"); s.code != 0 {
			f.t.Fatalf("with all doubts settled it should have ended well:\n%s", s)
		}
	}
	f.stackDone(doubts)
}

// TestKillAPlayInARun kills tutti up, of which the play is a child, at each write of any
// journal, and resumes it.
func TestKillAPlayInARun(t *testing.T) {
	t.Parallel()
	base := newFolder(t, append([]string{"main.tutti.hcl", playStack}, playFiles...)...)
	killEach(t, func(t *testing.T, kind string, n int) bool {
		f := base.copy(t)
		s := f.runWith([]string{fmt.Sprintf("TUTTI_FAULT=%s:%d", kind, n)}, "up", "-auto-approve")
		if !s.killed() {
			if s.code != 0 {
				t.Errorf("nobody killed it:\n%s", s)
			}
			f.stackDone(nil)
			return false
		}
		f.finishStack()
		return true
	})
}

// TestKillAPlayAtAnyTime kills tutti playbook, with all that it started, at random moments.
func TestKillAPlayAtAnyTime(t *testing.T) {
	t.Parallel()
	base := newFolder(t, playFiles...)
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
				after := time.Duration(random.IntN(500)) * time.Millisecond
				t.Run(fmt.Sprintf("%d after %s", i, after), func(t *testing.T) {
					t.Parallel()
					killPlayAfter(base.copy(t), after)
				})
			}
		})
	}
}

func killPlayAfter(f *folder, after time.Duration) {
	r := f.start(nil, "playbook", "-i", "a,b,", "-e", "slow='sleep 0.05;'", "site.yml")
	timer := time.AfterFunc(after, r.killAll)
	s := r.wait()
	timer.Stop()
	switch runs := f.run("runs").stdout; {
	case !s.killed() || strings.Contains(runs, "succeeded"):
		f.played(nil)
	case strings.Contains(runs, "running"):
		f.finishPlay()
	default:
		// It was killed before it began anything.
		f.must(0, "playbook", "-i", "a,b,", "site.yml")
		f.played(nil)
	}
}

// TestInterruptAPlay stops a play with Ctrl-C and with SIGTERM: the task that is under way is
// finished, nothing new begins, and resume does the rest, without a doubt.
func TestInterruptAPlay(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"ctrl-c": syscall.SIGINT, "sigterm": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t, playFiles...)
			r := f.start(nil, "playbook", "-i", "a,b,", "-e", "slow='test -e c/go || { echo x > c/begun; sleep 0.5; };'", "site.yml")
			f.awaitFile("c/begun", "x")
			r.signal(sig)
			s := r.wait()
			if s.code != 99 {
				t.Errorf("exit code %d", s.code)
			}
			f.has(s, "[WARNING]: Stopping: tasks that are under way may finish; a second Ctrl-C cuts them off.",
				`"tutti resume" goes on with the play.`)
			if f.count("c/a-loop1") != 1 || f.count("c/a-loop3") != 0 || f.count("c/a-more2") != 0 {
				t.Errorf("what ran was to be finished, and nothing begun:\n%s", s)
			}
			f.has(f.must(0, "runs"), "stopped")
			f.write("c/go", "")
			f.has(f.must(0, "resume"), playRecap)
			f.played(nil)
		})
	}
}

// TestAbortAPlay presses Ctrl-C twice: what is cut off is named by resume.
func TestAbortAPlay(t *testing.T) {
	t.Parallel()
	f := newFolder(t, playFiles...)
	r := f.start(nil, "playbook", "-i", "a,b,", "-e", "slow='test -e c/go || { echo x >> c/begun; sleep 60; };'", "site.yml")
	f.awaitFile("c/begun", "x\nx\n")
	r.signal(syscall.SIGINT)
	r.await("Stopping:")
	r.signal(syscall.SIGINT)
	if s := r.wait(); s.code != 99 {
		t.Errorf("exit code %d:\n%s", s.code, s)
	}
	f.write("c/go", "")
	s := f.run("resume", "-in-doubt=stop")
	if s.code != 1 || len(s.tasksInDoubt()) == 0 {
		t.Fatalf("what was cut off should be in doubt:\n%s", s)
	}
	f.has(f.must(0, "resume", "-in-doubt=retry"), playRecap)
	f.played(s.tasksInDoubt())
}
