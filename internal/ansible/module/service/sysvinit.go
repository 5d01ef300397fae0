package service

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

func sysvinitSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "name", Required: true, Aliases: []string{"service"}},
			{Name: "state", Choices: []any{"started", "stopped", "restarted", "reloaded"}},
			{Name: "enabled", Type: argument.Bool},
			{Name: "sleep", Type: argument.Int, Default: int64(1)},
			{Name: "pattern"},
			{Name: "arguments", Aliases: []string{"args"}},
			{Name: "runlevels", Type: argument.List, Elements: argument.Str},
			{Name: "daemonize", Type: argument.Bool, Default: false},
		},
		RequiredOneOf: [][]string{{"state", "enabled"}},
		Check:         true,
	}
}

// initScript is a service that is a script in /etc/init.d.
type initScript struct {
	ctx    context.Context
	call   *module.Call
	name   string
	result module.Result
	status map[string]any
}

// sysvinit is the module.
func sysvinit(ctx context.Context, c *module.Call) module.Result {
	s := &initScript{ctx: ctx, call: c, name: c.String("name"), status: map[string]any{}}
	s.result = module.Result{"name": s.name, "changed": false, "status": s.status}
	if !exists(script(s.name)) {
		return attribute.Result(missing(s.name, ""))
	}
	running := s.running()
	if err := s.enable(); err != nil {
		return attribute.Result(err)
	}
	if err := s.control(running); err != nil {
		return attribute.Result(err)
	}
	return s.result
}

// running finds out whether the service runs. Every script answers in its own way, so what it
// says counts for more than its exit code.
func (s *initScript) running() bool {
	if pattern := s.call.String("pattern"); pattern != "" {
		if processHas(pattern) {
			return true
		}
		s.call.Warn("Unable to determine if service is up, assuming it is down")
		return false
	}
	argv := []string{script(s.name), "status"}
	if program := tool(s.ctx, "service"); program != "" {
		argv = []string{program, s.name, "status"}
	}
	a := ask(s.ctx, argv...)
	if s.name == "iptables" && strings.Contains(a.out, "ACCEPT") {
		return true
	}
	if strings.Count(a.out, "\n") <= 1 {
		said := strings.ReplaceAll(strings.ToLower(a.out), strings.ToLower(s.name), "")
		has := func(words ...string) bool {
			return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(said, w) })
		}
		if has("stop", "is dead ", "dead but ", "could not access pid file", "inactive") {
			return false
		}
		if has("run", "start", "active") && !has("not ") {
			return true
		}
	}
	switch {
	case slices.Contains([]int{1, 2, 3, 4, 69}, a.code):
		return false
	case a.code == 0:
		return true
	case processHas(s.name):
		s.call.Warn("Used ps output to match service name and determine it is up, this is very unreliable")
		return true
	}
	s.call.Warn("Unable to determine if service is up, assuming it is down")
	return false
}

// enable sees to the links by which the service starts at boot.
func (s *initScript) enable() error {
	told := map[string]any{"changed": false, "rc": nil, "stdout": nil, "stderr": nil}
	s.status["enabled"] = told
	c := s.call
	levels := c.Strings("runlevels")
	wanted := c.Bool("enabled")
	differs := false
	if len(levels) > 0 {
		told["runlevels"] = levels
		for _, level := range levels {
			differs = differs || !c.Given("enabled") || startsAtBoot(s.name, level) != wanted
		}
	} else {
		differs = c.Given("enabled") && startsAtBoot(s.name, "") != wanted
	}
	if !differs {
		return nil
	}
	s.result["changed"], told["changed"] = true, true
	if c.CheckMode {
		return nil
	}
	argv := s.enabling(wanted, levels)
	if argv == nil {
		return nil
	}
	a := ask(s.ctx, argv...)
	told["rc"], told["stdout"], told["stderr"] = a.code, a.out, a.err
	if strings.Contains(a.err, "illegal runlevel specified") {
		return attribute.Failed("Illegal runlevel specified for enable operation on service "+s.name, "name", s.name, "changed", true, "status", s.status)
	}
	return nil
}

// enabling is the command that makes or removes the links; nil when no program does that.
func (s *initScript) enabling(wanted bool, levels []string) []string {
	program := tool(s.ctx, "update-rc.d")
	if program != "" {
		verb := "disable"
		if wanted && len(levels) == 0 {
			verb = "defaults"
		} else if wanted {
			verb = "enable"
		}
		return append([]string{program, s.name, verb}, levels...)
	}
	if program = tool(s.ctx, "chkconfig"); program == "" {
		return nil
	}
	argv := []string{program}
	if len(levels) > 0 {
		argv = append(argv, "--level", strings.Join(levels, ""))
	}
	return append(argv, s.name, map[bool]string{true: "on", false: "off"}[wanted])
}

// control starts or stops the service.
func (s *initScript) control(running bool) error {
	c := s.call
	wanted := c.String("state")
	told := map[string]any{"changed": false, "rc": nil, "stdout": nil, "stderr": nil}
	if wanted == "" {
		// Ansible tells about the state that was not asked for, too, under the name of nothing.
		s.status["null"] = told
		return nil
	}
	s.status[wanted] = told
	action := strings.TrimSuffix(strings.TrimSuffix(wanted, "ed"), "p")
	if wanted == "stopped" {
		action = "stop"
	}
	if action != "restart" && running == (action == "start") && running != (action == "stop") {
		return nil
	}
	s.result["changed"], told["changed"] = true, true
	if c.CheckMode {
		return nil
	}
	verbs := []string{action}
	if action == "restart" {
		// Not every script has a "restart" that works.
		verbs = []string{"stop", "start"}
	}
	for _, verb := range verbs {
		argv := append([]string{script(s.name), verb}, strings.Fields(c.String("arguments"))...)
		a := ask(s.ctx, argv...)
		if a.code != 0 {
			return attribute.Failed(fmt.Sprintf("Failed to %s service: %s", action, s.name), "rc", a.code, "stdout", a.out, "stderr", a.err)
		}
		told["rc"], told["stdout"], told["stderr"] = a.code, a.out, a.err
		if len(verbs) > 1 {
			seconds, _ := c.Int("sleep")
			pause(s.ctx, seconds)
		}
	}
	return nil
}
