package command

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
)

// machine is a host that can be started anew: from the reboot command on it is down for some
// time, and then it has another boot identifier.
type machine struct {
	now          time.Time
	down         time.Duration // how long it stays down; negative is for ever
	booting      bool
	downUntil    time.Time
	boot         string
	local        bool
	distribution string
	refuses      bool
	testFails    int
	lines        []string
	resets       int
}

var _ action.Target = (*machine)(nil)

func (m *machine) clock() clock {
	return clock{now: func() time.Time { return m.now }, jitter: func() float64 { return 0 },
		sleep: func(_ context.Context, d time.Duration) error { m.now = m.now.Add(d); return nil }}
}

func (m *machine) up() error {
	if m.booting && (m.down < 0 || m.now.Before(m.downUntil)) {
		return &action.Unreachable{Message: "Failed to connect to the host via ssh: timed out"}
	}
	return nil
}

func (m *machine) Run(_ context.Context, r module.Request) (module.Result, error) {
	if err := m.up(); err != nil {
		return nil, err
	}
	if r.Module == "ping" {
		return module.Result{"ping": "pong"}, nil
	}
	return module.Result{"ansible_facts": map[string]any{"ansible_distribution": m.distribution}}, nil
}

func (m *machine) Exec(_ context.Context, c action.Command) (module.Output, error) {
	if err := m.up(); err != nil {
		return module.Output{}, err
	}
	m.lines = append(m.lines, c.Shell)
	switch {
	case strings.HasPrefix(c.Shell, "cat "):
		if m.booting {
			return module.Output{Stdout: "after\n"}, nil
		}
		return module.Output{Stdout: m.boot + "\n"}, nil
	case strings.HasPrefix(c.Shell, "for f in"):
		if strings.Contains(c.Shell, "'/sbin/nothing'") {
			return module.Output{}, nil
		}
		return module.Output{Stdout: "/sbin/found\n"}, nil
	case strings.HasPrefix(c.Shell, "/sbin/"):
		if m.refuses {
			return module.Output{Code: 1, Stdout: "out\n", Stderr: "not now\n"}, nil
		}
		m.booting, m.downUntil = true, m.now.Add(m.down)
		return module.Output{}, &action.Unreachable{Message: "connection closed"}
	case m.testFails > 0:
		m.testFails--
		return module.Output{Code: 1, Stderr: "not yet"}, nil
	}
	return module.Output{}, nil
}

func (m *machine) Reset(context.Context) error { m.resets++; return m.up() }
func (m *machine) Put(context.Context, string, io.Reader) (string, error) {
	return "", errors.New("nothing is put")
}
func (m *machine) Get(context.Context, string) (io.ReadCloser, error) {
	return nil, errors.New("nothing is got")
}
func (m *machine) Remove(context.Context, string) {}
func (m *machine) Local() bool                    { return m.local }

func TestReboot(t *testing.T) {
	usual := machine{boot: "before", distribution: "Debian", down: 40 * time.Second}
	for _, c := range []struct {
		name    string
		machine machine
		args    map[string]any
		check   bool
		want    module.Result
		lines   string // the reboot command and what follows
	}{
		{name: "as usual", machine: usual, want: module.Result{"rebooted": true, "changed": true, "elapsed": 51},
			lines: `/sbin/found -r 0 "Reboot initiated by Ansible"|cat /proc/sys/kernel/random/boot_id|whoami`},
		{name: "delays", machine: usual, args: map[string]any{"pre_reboot_delay": int64(150), "post_reboot_delay": "60", "msg": "bye"},
			want: module.Result{"rebooted": true, "changed": true, "elapsed": 60}, lines: `/sbin/found -r 2 "bye"|cat /proc/sys/kernel/random/boot_id|whoami`},
		{name: "another distribution", machine: machine{boot: "before", distribution: "Alpine"},
			want: module.Result{"rebooted": true, "changed": true, "elapsed": 0}, lines: `/sbin/found |cat /proc/sys/kernel/random/boot_id|whoami`},
		{name: "own commands", machine: usual, args: map[string]any{"reboot_command": "/sbin/now -f", "boot_time_command": "cat x", "test_command": "true"},
			want: module.Result{"rebooted": true, "changed": true, "elapsed": 51}, lines: "/sbin/now -f|cat x|true"},
		{name: "the test works later", machine: machine{boot: "before", distribution: "Debian", testFails: 2},
			want:  module.Result{"rebooted": true, "changed": true, "elapsed": 3},
			lines: `/sbin/found -r 0 "Reboot initiated by Ansible"|cat /proc/sys/kernel/random/boot_id|whoami|whoami|whoami`},
		{name: "it never comes back", machine: machine{boot: "before", distribution: "Debian", down: -1}, args: map[string]any{"reboot_timeout": int64(100)},
			want: module.Result{"failed": true, "rebooted": true, "changed": false, "elapsed": 111,
				"msg": "Timed out waiting for last boot time check (timeout=100)"}},
		{name: "it refuses", machine: machine{boot: "before", distribution: "Debian", refuses: true},
			want: module.Result{"failed": true, "changed": false, "rebooted": false, "elapsed": 0,
				"msg": "Reboot command failed. Error was: 'out, not now'"}},
		{name: "no such program", machine: usual, args: map[string]any{"reboot_command": "nothing", "search_paths": "/sbin"},
			want: module.Result{"failed": true, "changed": false, "rebooted": false,
				"msg": `Unable to find command "nothing" in search paths: ['/sbin']`}},
		{name: "this machine", machine: machine{local: true}, want: module.Result{"failed": true, "changed": false, "rebooted": false, "elapsed": 0,
			"msg": "Running ansible.builtin.reboot with local connection would reboot the control node."}},
		{name: "check mode", machine: usual, check: true, want: module.Result{"changed": true, "elapsed": 0, "rebooted": true}},
		{name: "unknown option", machine: usual, args: map[string]any{"nonsense": 1, "also": 2},
			want: module.Result{"failed": true, "changed": false, "msg": "Invalid options for ansible.builtin.reboot: also,nonsense"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := c.machine
			task := action.Task{Module: "ansible.builtin.reboot", Args: c.args, CheckMode: c.check}
			got, err := (&rebooter{clock: m.clock(), target: &m, task: task}).run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if lines := strings.Join(m.lines, "|"); c.lines != "" && !strings.HasSuffix(lines, c.lines) {
				t.Errorf("the host was told %s", lines)
			}
		})
	}
}

func TestRebootUnreachable(t *testing.T) {
	m := machine{booting: true, down: -1}
	_, err := (&rebooter{clock: m.clock(), target: &m}).run(context.Background())
	if !unreachable(err) {
		t.Errorf("got %v", err)
	}
}

func TestWaitForConnection(t *testing.T) {
	m := machine{booting: true, downUntil: time.Time{}.Add(25 * time.Second)}
	got, err := waitForConnection(context.Background(), &m, action.Task{Args: map[string]any{"delay": int64(10), "sleep": int64(5)}}, m.clock())
	if diff := cmp.Diff(module.Result{"changed": false, "elapsed": 25}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if m.resets != 4 {
		t.Errorf("connected anew %d times", m.resets)
	}
	m = machine{booting: true, down: -1}
	got, err = waitForConnection(context.Background(), &m, action.Task{Args: map[string]any{"timeout": int64(30)}}, m.clock())
	want := module.Result{"failed": true, "changed": false, "elapsed": 30,
		"msg": "timed out waiting for ping module test: Failed to connect to the host via ssh: timed out"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}
