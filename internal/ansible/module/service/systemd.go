package service

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/facts"
)

func systemdSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "name", Aliases: []string{"service", "unit"}},
			{Name: "state", Choices: []any{"reloaded", "restarted", "started", "stopped"}},
			{Name: "enabled", Type: argument.Bool},
			{Name: "force", Type: argument.Bool},
			{Name: "masked", Type: argument.Bool},
			{Name: "daemon_reload", Type: argument.Bool, Default: false, Aliases: []string{"daemon-reload"}},
			{Name: "daemon_reexec", Type: argument.Bool, Default: false, Aliases: []string{"daemon-reexec"}},
			{Name: "scope", Default: "system", Choices: []any{"system", "user", "global"}},
			{Name: "no_block", Type: argument.Bool, Default: false},
		},
		RequiredOneOf: [][]string{{"state", "enabled", "masked", "daemon_reload", "daemon_reexec"}},
		RequiredBy:    map[string][]string{"state": {"name"}, "enabled": {"name"}, "masked": {"name"}},
		Check:         true,
	}
}

// unit is a unit of systemd that a call is about.
type unit struct {
	ctx       context.Context
	call      *module.Call
	systemctl []string
	name      string
	status    map[string]any
	// systemd and script tell what knows the unit.
	systemd, script bool
	result          module.Result
}

// systemd is the module systemd_service.
func systemd(ctx context.Context, c *module.Call) module.Result {
	name := c.String("name")
	for _, wildcard := range []string{"*", "?", "["} {
		if strings.Contains(name, wildcard) {
			return module.Fail(fmt.Sprintf("This module does not currently support using glob patterns, found '%s' in service name: %s", wildcard, name))
		}
	}
	program, err := require(ctx, "systemctl")
	if err != nil {
		return attribute.Result(err)
	}
	u := &unit{ctx: ctx, call: c, systemctl: []string{program}, name: name, status: map[string]any{}}
	if scope := c.String("scope"); scope != "system" {
		u.systemctl = append(u.systemctl, "--"+scope)
	}
	for _, flag := range []string{"no_block", "force"} {
		if c.Bool(flag) {
			u.systemctl = append(u.systemctl, "--"+strings.ReplaceAll(flag, "_", "-"))
		}
	}
	u.result = module.Result{"name": c.Args["name"], "changed": false, "status": u.status}
	if err := u.apply(); err != nil {
		return attribute.Result(err)
	}
	u.result["status"] = u.status
	return u.result
}

// do runs systemctl with the flags of the call.
func (u *unit) do(args ...string) answer {
	argv := append(slices.Clone(u.systemctl), args...)
	o := module.Exec(u.ctx, module.Command{Argv: argv, Env: u.session(), KeepLocale: true})
	if o.Err != nil {
		return answer{code: 127, err: o.Err.Error()}
	}
	return answer{o.Code, o.Stdout, o.Stderr}
}

// session names the folder of the user's own manager, which is not set without a login.
func (u *unit) session() []string {
	if _, ok := module.Getenv(u.ctx, "XDG_RUNTIME_DIR"); ok {
		return nil
	}
	return []string{fmt.Sprintf("XDG_RUNTIME_DIR=/run/user/%d", os.Geteuid())}
}

// offline tells that there is a good reason for systemd not to answer.
func (u *unit) offline() bool {
	value, _ := module.Getenv(u.ctx, "SYSTEMD_OFFLINE")
	return value == "1" || facts.Chrooted(u.ctx)
}

func (u *unit) apply() error {
	for _, option := range []string{"daemon_reload", "daemon_reexec"} {
		if !u.call.Bool(option) || u.call.CheckMode {
			continue
		}
		verb := strings.ReplaceAll(option, "_", "-")
		a := u.do(verb)
		switch {
		case a.code == 0:
		case u.offline():
			u.call.Warn("%s failed, but target is a chroot or systemd is offline. Continuing. Error was: %d / %s", verb, a.code, a.err)
		default:
			return attribute.Failed(fmt.Sprintf("failure %d during %s: %s", a.code, verb, a.err))
		}
	}
	if u.name == "" {
		return nil
	}
	if err := u.find(); err != nil {
		return err
	}
	if u.script && !u.systemd {
		u.call.Warn("The service (%s) is actually an init script but the system is managed by systemd", u.name)
	}
	for _, step := range []func() error{u.mask, u.enable, u.state} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// find asks systemd what it knows of the unit.
func (u *unit) find() error {
	u.script = exists(script(u.name))
	a := u.do("show", u.name)
	switch {
	case a.code == 0 && !ignored(a.out) && !ignored(a.err):
		u.status = parseShow(a.out)
		state, known := u.status["LoadState"].(string)
		u.systemd = known && state != "not-found"
		if problem, broken := u.status["LoadError"]; broken && u.systemd && state != "masked" {
			return attribute.Failed(fmt.Sprintf("Error loading unit file '%s': %s", u.name, problem))
		}
	case a.code == 1 && strings.Contains(a.err, "Failed to parse bus message"):
		// An old systemd cannot show some units; what it lists and says of their activity is enough.
		u.status = parseShow(a.out)
		base, _, instance := strings.Cut(u.name, "@")
		if instance {
			base += "@"
		}
		u.systemd = strings.Contains(u.do("list-unit-files", base+"*").out, base)
		u.status["ActiveState"] = strings.TrimRight(u.do("is-active", u.name).out, "\n")
	default:
		return u.findOffline()
	}
	return nil
}

// findOffline asks what can be told without a running systemd.
func (u *unit) findOffline() error {
	states := []string{"enabled", "enabled-runtime", "linked", "linked-runtime", "masked", "masked-runtime", "static", "indirect",
		"disabled", "generated", "transient"}
	if slices.Contains(states, strings.TrimSpace(u.do("is-enabled", u.name).out)) {
		u.systemd = true
		return nil
	}
	if u.do("list-unit-files", u.name).code == 0 {
		u.systemd = true
		return nil
	}
	if a := u.do(); a.code != 0 {
		return attribute.Failed(strings.TrimRight(a.err, " \r\n\t"), "cmd", strings.Join(u.systemctl, " "), "rc", a.code, "stdout", a.out, "stderr", a.err)
	}
	return nil
}

func ignored(text string) bool {
	return !strings.Contains(text, "=") && (strings.Contains(text, "ignoring request") || strings.Contains(text, "ignoring command"))
}

// parseShow reads the properties of a unit. Only those about commands (Exec...) have values of
// several lines, in braces.
func parseShow(text string) map[string]any {
	found := map[string]any{}
	key := ""
	var value []string
	for _, line := range strings.Split(text, "\n") {
		if key != "" {
			value = append(value, line)
			if strings.HasSuffix(strings.TrimRight(line, " \t\r"), "}") {
				found[key] = strings.TrimSpace(strings.Join(value, "\n"))
				key, value = "", nil
			}
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		trimmed := strings.TrimSpace(v)
		if strings.HasPrefix(k, "Exec") && strings.HasPrefix(trimmed, "{") && !strings.HasSuffix(trimmed, "}") {
			key, value = k, []string{v}
			continue
		}
		found[k] = trimmed
	}
	return found
}

func (u *unit) found() bool { return u.systemd || u.script }

func (u *unit) mask() error {
	if !u.call.Given("masked") {
		return nil
	}
	masked := strings.TrimSpace(u.do("is-enabled", u.name).out) == "masked"
	if masked == u.call.Bool("masked") {
		return nil
	}
	u.result["changed"] = true
	if u.call.CheckMode {
		return nil
	}
	verb := "unmask"
	if u.call.Bool("masked") {
		verb = "mask"
	}
	if a := u.do(verb, u.name); a.code != 0 {
		if !u.found() {
			return missing(u.name, "host")
		}
		return attribute.Failed(fmt.Sprintf("Failed to %s the service (%s): %s", verb, u.name, strings.TrimSpace(a.err)))
	}
	return nil
}

func (u *unit) enable() error {
	if !u.call.Given("enabled") {
		return nil
	}
	if !u.found() {
		return missing(u.name, "host")
	}
	wanted, enabled := u.call.Bool("enabled"), false
	a := u.do("is-enabled", u.name, "-l")
	switch text := strings.TrimSpace(a.out); {
	case a.code == 0:
		// These are not what a permanent "enabled" asks for.
		enabled = text != "enabled-runtime" && text != "indirect" && text != "alias"
	case a.code == 1:
		enabled = u.call.String("scope") == "system" && u.script && !strings.HasSuffix(text, "disabled") && startsAtBoot(u.name, "")
	}
	u.result["enabled"] = enabled
	if enabled == wanted {
		return nil
	}
	u.result["changed"], u.result["enabled"] = true, wanted
	if u.call.CheckMode {
		return nil
	}
	verb := "disable"
	if wanted {
		verb = "enable"
	}
	if a := u.do(verb, u.name); a.code != 0 {
		return attribute.Failed(fmt.Sprintf("Unable to %s service %s: %s", verb, u.name, a.out+a.err))
	}
	return nil
}

func (u *unit) state() error {
	if !u.call.Given("state") {
		return nil
	}
	if !u.found() {
		return missing(u.name, "host")
	}
	wanted := u.call.String("state")
	u.result["state"] = wanted
	active, known := u.status["ActiveState"].(string)
	if !known {
		if u.offline() {
			u.call.Warn("%s", "Target is a chroot or systemd is offline. This can lead to false positives or prevent the init system tools from working.")
			return nil
		}
		return attribute.Failed("Service is in unknown state", "status", u.status)
	}
	running := active == "active" || active == "activating"
	verb := ""
	switch {
	case wanted == "started" && !running, (wanted == "restarted" || wanted == "reloaded") && !running:
		verb = "start"
	case wanted == "stopped" && (running || active == "deactivating"):
		verb = "stop"
	case running && (wanted == "restarted" || wanted == "reloaded"):
		verb = strings.TrimSuffix(wanted, "ed")
	}
	if wanted != "stopped" {
		u.result["state"] = "started"
	}
	if verb == "" {
		return nil
	}
	u.result["changed"] = true
	if u.call.CheckMode {
		return nil
	}
	if a := u.do(verb, u.name); a.code != 0 {
		return attribute.Failed(fmt.Sprintf("Unable to %s service %s: %s", verb, u.name, a.err))
	}
	return nil
}
