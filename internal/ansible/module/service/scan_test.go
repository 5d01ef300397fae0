package service

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/ansible/module"
)

// program makes a script and gives its path.
func program(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

func found(name string, more ...any) map[string]any {
	m := map[string]any{"name": name}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

func TestScan(t *testing.T) {
	systemctl := `case "$*" in
"list-units --no-pager --type service --all --plain")
	echo "UNIT LOAD ACTIVE SUB DESCRIPTION"
	echo "web.service loaded active running The shop"
	echo "once.service loaded active exited Once"
	echo "gone.service not-found inactive dead gone.service"
	echo "bad.service loaded failed failed Bad" ;;
"list-unit-files --no-pager --type service --all")
	echo "web.service enabled enabled"
	echo "bad.service enabled enabled"
	echo "off.service disabled enabled"
	echo "alias.service alias -"
	echo "many@.service static -" ;;
"show --property=Id,ActiveState -- off.service alias.service")
	printf 'Id=off.service\nActiveState=inactive\n\nId=web.service\nActiveState=active\n' ;;
*) echo "what is $*" >&2; exit 1 ;;
esac
`
	for _, c := range []struct {
		name, script string
		scan         func(s *scan, program string)
		want         map[string]any
	}{
		{"systemd", systemctl, (*scan).systemd, map[string]any{
			"web.service":   found("web.service", "state", "running", "status", "enabled", "source", "systemd"),
			"once.service":  found("once.service", "state", "stopped", "status", "active", "source", "systemd"),
			"gone.service":  found("gone.service", "state", "stopped", "status", "not-found", "source", "systemd"),
			"bad.service":   found("bad.service", "state", "stopped", "status", "failed", "source", "systemd"),
			"off.service":   found("off.service", "state", "inactive", "status", "disabled", "source", "systemd"),
			"alias.service": found("alias.service", "state", "active", "status", "alias", "source", "systemd"),
			"many@.service": found("many@.service", "state", "unknown", "status", "static", "source", "systemd"),
		}},
		{"init scripts", "printf ' [ + ]  ssh\\n [ - ]  x11-common\\n [ ? ]  odd\\n'", (*scan).sysvinit, map[string]any{
			"ssh":        found("ssh", "state", "running", "source", "sysv"),
			"x11-common": found("x11-common", "state", "stopped", "source", "sysv"),
		}},
		{"upstart", "printf 'tty1 start/running, process 12\\nrc stop/waiting\\nnonsense\\n'", (*scan).upstart, map[string]any{
			"tty1": found("tty1", "state", "running", "goal", "start", "source", "upstart"),
			"rc":   found("rc", "state", "waiting", "goal", "stop", "source", "upstart"),
		}},
		{"chkconfig", `case "$*" in "") echo "web 0:off 1:off 2:on 3:on 4:on 5:on 6:off"; echo "db 0:off 1:off 2:off 3:off 4:off 5:off 6:off" ;;
"web status") exit 0 ;; *) exit 3 ;; esac`, func(s *scan, program string) { s.chkconfig(program, program) }, map[string]any{
			"web": found("web", "state", "running", "status", "enabled", "source", "sysv"),
			"db":  found("db", "state", "stopped", "status", "disabled", "source", "sysv"),
		}},
		{"openrc", `case "$*" in "show -v") echo "web | default boot"; echo "db |" ;;
*) echo "Runlevel: default"; echo " web [ started ]"; echo " db [ stopped ]"; echo " unlisted [ started ]" ;; esac`,
			func(s *scan, program string) { s.openrc(program, program) }, map[string]any{
				"web": found("web", "state", "started", "runlevels", []string{"default", "boot"}, "source", "openrc"),
				"db":  found("db", "state", "stopped", "runlevels", nil, "source", "openrc"),
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &scan{ctx: context.Background(), call: &module.Call{}, found: map[string]any{}}
			c.scan(s, program(t, c.script))
			if diff := cmp.Diff(c.want, s.found); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestUpstartVersions holds the version from which on a job is kept from starting by "manual".
func TestUpstartVersions(t *testing.T) {
	for text, want := range map[string]bool{"init (upstart 1.5)": true, "init (upstart 0.6.5)": false, "init (upstart 0.6.7)": true, "": false} {
		if got := atLeast(text, 0, 6, 7); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestJudge holds the reading of what init scripts say.
func TestJudge(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		answer answer
		want   *bool
	}{
		{answer{0, "web is running\n", ""}, &yes}, {answer{0, "web is not running\n", ""}, &no}, {answer{3, "", ""}, &no},
		{answer{0, "web is stopped\n", ""}, &no}, {answer{0, "web start/running\n", ""}, &yes}, {answer{0, "fine\n", ""}, &yes},
		{answer{9, "fine\n", ""}, nil}, {answer{9, "web dead but subsys locked\n", ""}, &no},
	} {
		m := &manager{name: "web"}
		m.judge(c.answer)
		if diff := cmp.Diff(c.want, m.running); diff != "" {
			t.Errorf("%v: %s", c.answer, diff)
		}
	}
}

func FuzzShow(f *testing.F) {
	f.Add("Id=a\nExecStart={ path=/x ;\n argv }\nDescription={ odd\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_ = parseShow(text)
		(&manager{name: "x"}).judge(answer{0, text, ""})
	})
}
