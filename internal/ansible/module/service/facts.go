package service

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"

	"tutti/internal/ansible/module"
	hostfacts "tutti/internal/ansible/module/facts"
)

// scan gathers the services of a host by their names.
type scan struct {
	ctx   context.Context
	call  *module.Call
	found map[string]any
}

// serviceFacts is the module service_facts.
func serviceFacts(ctx context.Context, c *module.Call) module.Result {
	s := &scan{ctx: ctx, call: c, found: map[string]any{}}
	has := func(name string) string { return module.LookPath(ctx, name) }
	service, chkconfig := has("service"), has("chkconfig")
	if service != "" && chkconfig == "" && has("rc-status") == "" {
		s.sysvinit(service)
	}
	switch {
	case has("initctl") != "" && chkconfig == "":
		s.upstart(has("initctl"))
	case chkconfig != "":
		s.chkconfig(chkconfig, service)
	case has("rc-status") != "" && has("rc-update") != "":
		s.openrc(has("rc-status"), has("rc-update"))
	}
	if managedBySystemd(ctx) {
		s.systemd(has("systemctl"))
	}
	if len(s.found) == 0 {
		return module.Result{"skipped": true,
			"msg": "Failed to find any services. This can be due to privileges or some other configuration issue."}
	}
	return module.Result{"ansible_facts": map[string]any{"services": s.found}}
}

// managedBySystemd tells that systemd runs the machine.
func managedBySystemd(ctx context.Context) bool {
	if hostfacts.SystemdManaged(ctx) {
		return true
	}
	first, _ := os.ReadFile("/proc/1/comm")
	return strings.TrimSpace(string(first)) == "systemd" && module.LookPath(ctx, "systemctl") != ""
}

func (s *scan) sysvinit(program string) {
	a := ask(s.ctx, program, "--status-all")
	if a.code == 4 && !exists("/etc/init.d") {
		return
	}
	if a.code != 0 {
		s.call.Warn("Unable to query 'service' tool (%d): %s", a.code, a.err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\s*\[ ([+-]) \]\s+(.+)$`).FindAllStringSubmatch(a.out, -1) {
		state := "stopped"
		if m[1] == "+" {
			state = "running"
		}
		s.found[m[2]] = map[string]any{"name": m[2], "state": state, "source": "sysv"}
	}
}

func (s *scan) upstart(program string) {
	a := ask(s.ctx, program, "list")
	if a.code != 0 {
		s.call.Warn("Unable to query upstart for service data: %s", a.err)
		return
	}
	pattern := regexp.MustCompile(`^\s?(.*)\s(\w+)/(\w+)(,\sprocess\s([0-9]+))?\s*$`)
	for _, line := range strings.Split(strings.ReplaceAll(a.out, "\r", ""), "\n") {
		if m := pattern.FindStringSubmatch(line); m != nil {
			s.found[m[1]] = map[string]any{"name": m[1], "state": m[3], "goal": m[2], "source": "upstart"}
		}
	}
}

func (s *scan) chkconfig(program, service string) {
	full := regexp.MustCompile(`^(.*?)\s+[0-9]:(on|off)\s+[0-9]:(on|off)\s+[0-9]:(on|off)\s+[0-9]:(on|off)\s+[0-9]:(on|off)\s+[0-9]:(on|off)\s+[0-9]:(on|off)`)
	simple := regexp.MustCompile(`^(.*?)\s+(on|off)`)
	some := func(text string, p *regexp.Regexp) bool {
		return slices.ContainsFunc(strings.Split(text, "\n"), p.MatchString)
	}
	a := ask(s.ctx, program)
	if !some(a.out, full) {
		// Versions differ in what they show without being asked for it.
		if some(a.out, simple) {
			a = ask(s.ctx, program, "-l", "--allservices")
		} else if strings.Contains(a.err, "--list") {
			a = ask(s.ctx, program, "--list")
		}
	}
	for _, line := range strings.Split(a.out, "\n") {
		m := full.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		status, state := "disabled", "stopped"
		if m[5] == "on" {
			status = "enabled"
		}
		if service != "" {
			b := ask(s.ctx, service, m[1], "status")
			if b.code == 0 {
				state = "running"
			}
			lower := strings.ToLower(b.err)
			for _, word := range []string{"root", "permission", "not in sudoers"} {
				if b.code != 0 && strings.Contains(lower, word) {
					s.call.Warn("Insufficient permissions to query sysV service %q and their states", m[1])
					break
				}
			}
		}
		s.found[m[1]] = map[string]any{"name": m[1], "state": state, "status": status, "source": "sysv"}
	}
}

func (s *scan) openrc(status, update string) {
	levels := map[string]any{}
	for _, line := range strings.Split(ask(s.ctx, update, "show", "-v").out, "\n") {
		name, list, ok := strings.Cut(line, "|")
		if !ok {
			continue
		}
		levels[strings.TrimSpace(name)] = nil
		if words := strings.Fields(list); len(words) > 0 {
			levels[strings.TrimSpace(name)] = words
		}
	}
	for _, line := range strings.Split(ask(s.ctx, status, "-a", "-s", "-m").out, "\n") {
		if !strings.HasPrefix(line, " ") {
			continue
		}
		f := strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(line))
		if len(f) < 2 || f[0] == "*" {
			continue
		}
		at, known := levels[f[0]]
		if !known {
			s.call.Warn("Service %s not found in the service list", f[0])
			continue
		}
		s.found[f[0]] = map[string]any{"name": f[0], "runlevels": at, "state": f[1], "source": "openrc"}
	}
}

// systemd lists the units that are loaded and then the files of all.
func (s *scan) systemd(program string) {
	bad := []string{"not-found", "masked", "failed"}
	a := ask(s.ctx, program, "list-units", "--no-pager", "--type", "service", "--all", "--plain")
	if a.code != 0 {
		s.call.Warn("Could not list units from systemd: %s", a.err)
		a.out = ""
	}
	status := map[string]string{}
	for _, line := range strings.Split(a.out, "\n") {
		f := strings.Fields(line)
		if !strings.Contains(line, ".service") || len(f) < 4 {
			continue
		}
		is, state := f[2], "stopped"
		for _, b := range bad {
			if slices.Contains(f[:len(f)-1], b) {
				is = b
				break
			}
		}
		if f[3] == "running" {
			state = "running"
		}
		status[f[0]] = is
		s.found[f[0]] = map[string]any{"name": f[0], "state": state, "status": is, "source": "systemd"}
	}
	a = ask(s.ctx, program, "list-unit-files", "--no-pager", "--type", "service", "--all")
	if a.code != 0 {
		s.call.Warn("Could not get unit files data from systemd: %s", a.err)
		return
	}
	var unknown []string
	for _, line := range strings.Split(a.out, "\n") {
		f := strings.Fields(line)
		if !strings.Contains(line, ".service") || len(f) < 2 {
			continue
		}
		if is, loaded := status[f[0]]; loaded {
			if !slices.Contains(bad, is) {
				s.found[f[0]].(map[string]any)["status"] = f[1]
			}
			continue
		}
		// A template is no unit before it has an instance.
		if !strings.HasSuffix(f[0], "@.service") {
			unknown = append(unknown, f[0])
		}
		s.found[f[0]] = map[string]any{"name": f[0], "state": "unknown", "status": f[1], "source": "systemd"}
	}
	s.activity(program, unknown)
}

// activity asks for the states of units that are not loaded: of all in one call, where
// Ansible makes one for each.
func (s *scan) activity(program string, units []string) {
	if len(units) == 0 {
		return
	}
	a := ask(s.ctx, append([]string{program, "show", "--property=Id,ActiveState", "--"}, units...)...)
	// A block for each unit, in the order in which they were asked for. Aliases have the Id of
	// what they stand for, so the order counts and not the Id.
	blocks := strings.Split(strings.TrimSpace(a.out), "\n\n")
	if len(blocks) == len(units) {
		for i, b := range blocks {
			if _, rest, ok := strings.Cut(b, "ActiveState="); ok {
				state, _, _ := strings.Cut(rest, "\n")
				s.found[units[i]].(map[string]any)["state"] = strings.TrimSpace(state)
			}
		}
		return
	}
	for _, name := range units {
		a := ask(s.ctx, program, "show", name, "--property=ActiveState")
		if a.code == 0 && a.out != "" {
			s.found[name].(map[string]any)["state"] = strings.TrimRight(strings.ReplaceAll(a.out, "ActiveState=", ""), " \r\n\t")
		}
	}
}
