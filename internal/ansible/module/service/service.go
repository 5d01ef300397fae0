package service

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/facts"
)

func serviceSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "name", Required: true},
			{Name: "state", Choices: []any{"started", "stopped", "reloaded", "restarted"}},
			{Name: "sleep", Type: argument.Int},
			{Name: "pattern"},
			{Name: "enabled", Type: argument.Bool},
			{Name: "runlevel", Default: "default"},
			{Name: "arguments", Default: "", Aliases: []string{"args"}},
			{Name: "use", Default: "auto"},
		},
		RequiredOneOf: [][]string{{"state", "enabled"}},
		Check:         true,
	}
}

// service is the module that does with a service what the machine's manager for services does.
func service(ctx context.Context, c *module.Call) module.Result {
	use := strings.ToLower(c.String("use"))
	if use == "auto" || use == "" {
		use = facts.ServiceManager(ctx)
	}
	switch short := use[strings.LastIndexByte(use, '.')+1:]; short {
	case "systemd", "systemd_service":
		for _, option := range []string{"pattern", "sleep", "arguments"} {
			if c.String(option) != "" || option == "sleep" && c.Given(option) {
				c.Warn(`Ignoring "%s" as it is not used in "systemd"`, option)
			}
		}
		if c.String("runlevel") != "default" {
			c.Warn(`Ignoring "runlevel" as it is not used in "systemd"`)
		}
		return delegate(ctx, c, module.Module{Name: "systemd", Spec: systemdSpec(), Run: systemd}, "name", "state", "enabled")
	case "sysvinit":
		return delegate(ctx, c, module.Module{Name: "sysvinit", Spec: sysvinitSpec(), Run: sysvinit},
			"name", "state", "enabled", "sleep", "pattern", "arguments")
	}
	m := &manager{ctx: ctx, call: c, name: c.String("name"), arguments: strings.Fields(c.String("arguments"))}
	r, err := m.apply()
	if err != nil {
		return attribute.Result(err)
	}
	return r
}

// delegate has another module do the work, with the arguments that it shares with this one.
func delegate(ctx context.Context, c *module.Call, m module.Module, options ...string) module.Result {
	args := map[string]any{}
	for _, name := range options {
		if v := c.Args[name]; v != nil && v != "" {
			args[name] = v
		}
	}
	r := module.Run(ctx, &m, module.Request{Module: m.Name, Args: args, CheckMode: c.CheckMode, Diff: c.Diff,
		Verbosity: c.Verbosity, NoLog: c.NoLog, TempDir: c.TempDir})
	if told, ok := r["warnings"].([]string); ok {
		for _, w := range told {
			c.Warn("%s", w)
		}
	}
	return r
}

// kind is a way to manage services.
type kind string

const (
	viaSystemd   kind = "systemctl"
	viaUpstart   kind = "initctl"
	viaOpenRC    kind = "rc-service"
	viaService   kind = "service"
	viaScript    kind = "script"
	viaLinks     kind = "update-rc.d"
	viaInsserv   kind = "insserv"
	viaChkconfig kind = "chkconfig"
)

// manager is a service and the programs that manage it, where it is neither systemd's nor a
// plain init script of a machine that has nothing else.
type manager struct {
	ctx       context.Context
	call      *module.Call
	name      string
	arguments []string
	// control starts and stops, enabler makes the service start at boot; with their programs.
	control, enabler               kind
	controlProgram, enablerProgram string
	initctl                        string
	// running is nil while it is not known.
	running *bool
	crashed bool
	changed bool
}

func (m *manager) apply() (module.Result, error) {
	c := m.call
	if err := m.tools(); err != nil {
		return nil, err
	}
	r := module.Result{"name": m.name}
	if c.Given("enabled") {
		done, err := m.enable()
		if err != nil {
			return nil, err
		}
		if done {
			return module.Result{"changed": m.changed}, nil
		}
		r["enabled"] = c.Bool("enabled")
	}
	wanted := c.String("state")
	if wanted == "" {
		r["changed"] = m.changed
		return r, nil
	}
	if err := m.find(); err != nil {
		return nil, err
	}
	if m.running == nil {
		return nil, attribute.Failed("failed determining service state, possible typo of service name?")
	}
	runs := *m.running
	change := wanted == "restarted" || wanted == "reloaded" || wanted == "started" && !runs || wanted == "stopped" && runs
	if change && c.CheckMode {
		return module.Result{"changed": true, "msg": "service state changed"}, nil
	}
	if change {
		if err := m.act(wanted, runs); err != nil {
			return nil, err
		}
	}
	r["changed"] = m.changed || change
	r["state"] = "started"
	if wanted == "stopped" {
		r["state"] = "stopped"
	}
	return r, nil
}

// tools finds out what manages the service.
func (m *manager) tools() error {
	has := func(name string) string { return tool(m.ctx, name) }
	m.initctl = has("initctl")
	isScript := exists("/etc/init.d/" + m.name)
	switch {
	case has("systemctl") != "" && managedBySystemd(m.ctx):
		m.control, m.controlProgram = viaSystemd, has("systemctl")
		m.enabler, m.enablerProgram = viaSystemd, m.controlProgram
	case m.initctl != "" && exists("/etc/init/"+m.name+".conf"):
		m.control, m.controlProgram = viaUpstart, m.initctl
		m.enabler, m.enablerProgram = viaUpstart, m.initctl
	case has("rc-service") != "":
		m.control, m.controlProgram = viaOpenRC, has("rc-service")
		m.enabler, m.enablerProgram = viaOpenRC, has("rc-update")
		return nil
	case isScript:
		for _, k := range []kind{viaLinks, viaInsserv, viaChkconfig} {
			if program := has(string(k)); program != "" {
				m.enabler, m.enablerProgram = k, program
				break
			}
		}
	}
	if m.enabler == "" {
		return missing(m.name, "host")
	}
	if m.control == "" {
		m.control, m.controlProgram = viaService, has("service")
		if m.controlProgram == "" {
			m.control, m.controlProgram = viaScript, "/etc/init.d/"+m.name
		}
	}
	return nil
}

// line is the command that does something with the service.
func (m *manager) line(verb string) []string {
	switch m.control {
	case viaSystemd, viaUpstart:
		return append([]string{m.controlProgram, verb, m.name}, m.arguments...)
	case viaScript:
		return append([]string{m.controlProgram, verb}, m.arguments...)
	default:
		return append([]string{m.controlProgram, m.name, verb}, m.arguments...)
	}
}

func (m *manager) set(running bool) { m.running = &running }

// find finds out whether the service runs.
func (m *manager) find() error {
	if pattern := m.call.String("pattern"); pattern != "" {
		m.set(processHas(pattern))
		return nil
	}
	if m.control == viaSystemd {
		return m.findSystemd()
	}
	a := ask(m.ctx, m.line("status")...)
	if m.initctl != "" {
		said := ask(m.ctx, append([]string{m.initctl, "status", m.name}, m.arguments...)...).out
		if strings.Contains(said, "stop/waiting") {
			m.set(false)
		} else if strings.Contains(said, "start/running") {
			m.set(true)
		}
	}
	if m.control == viaOpenRC && m.running == nil {
		m.set(strings.Contains(a.out, "started"))
		m.crashed = strings.Contains(a.err, "crashed")
	}
	if m.running == nil {
		m.judge(a)
	}
	return nil
}

// judge takes exit code and words for a state, as the conventions for init scripts have it.
func (m *manager) judge(a answer) {
	if slices.Contains([]int{1, 2, 3, 4, 69}, a.code) {
		m.set(false)
		return
	}
	if strings.Count(a.out, "\n") <= 1 {
		said := strings.ReplaceAll(strings.ToLower(a.out), strings.ToLower(m.name), "")
		has := func(s string) bool { return strings.Contains(said, s) }
		switch {
		case has("stop"):
			m.set(false)
			return
		case has("run"):
			m.set(!has("not "))
			return
		case has("start") && !has("not "):
			m.set(true)
			return
		case has("could not access pid file"), has("is dead and pid file exists"), has("dead but subsys locked"), has("dead but pid file exists"):
			m.set(false)
			return
		}
	}
	if a.code == 0 || m.name == "iptables" && strings.Contains(a.out, "ACCEPT") {
		m.set(true)
	}
}

func (m *manager) findSystemd() error {
	a := ask(m.ctx, m.controlProgram, "show", m.name)
	switch {
	case a.code != 0:
		return attribute.Failed(fmt.Sprintf("failure %d running systemctl show for '%s': %s", a.code, m.name, a.err))
	case strings.Contains(a.out, "LoadState=not-found"):
		return attribute.Failed(fmt.Sprintf(`systemd could not find the requested service "'%s'": %s`, m.name, a.err))
	}
	active, ok := parseShow(a.out)["ActiveState"].(string)
	if !ok {
		return attribute.Failed(fmt.Sprintf("No ActiveState value in systemctl show output for '%s'", m.name))
	}
	m.set(active == "active")
	m.crashed = active == "failed"
	return nil
}

// act brings the service into a state.
func (m *manager) act(wanted string, runs bool) error {
	verb := map[string]string{"started": "start", "stopped": "stop", "reloaded": "reload", "restarted": "restart"}[wanted]
	if wanted == "reloaded" && !runs {
		verb = "start"
	}
	if m.control == viaOpenRC && verb == "start" && m.crashed {
		// It has to be told that the service is gone before it starts it again.
		ask(m.ctx, m.controlProgram, m.name, "zap")
	}
	var a answer
	if verb != "restart" || m.control == viaOpenRC {
		a = ask(m.ctx, m.line(verb)...)
	} else {
		// Not every service can be restarted, but all can be stopped and started.
		first := ask(m.ctx, m.line("stop")...)
		seconds, _ := m.call.Int("sleep")
		pause(m.ctx, seconds)
		a = ask(m.ctx, m.line("start")...)
		if first.code == 0 || a.code != 0 {
			a = answer{first.code + a.code, first.out + a.out, first.err + a.err}
		}
	}
	switch {
	case a.code == 0 || strings.Contains(a.err, "Job is already running"):
		return nil
	case a.err != "":
		return attribute.Failed(a.err)
	default:
		return attribute.Failed(a.out)
	}
}
