package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

const (
	// answerTime is how long a host that is connected may take to answer a small question.
	answerTime = 30 * time.Second
	// connectTime is how long connecting may take when the task does not say.
	connectTime = 10 * time.Second
	// longestPause is the most time between two questions whether the host is back.
	longestPause = 12 * time.Second
)

// rebooter is one task that starts a host anew.
type rebooter struct {
	clock  clock
	target action.Target
	task   action.Task
	args   map[string]any
}

func rebootSpec() argument.Spec {
	number := func(name string) argument.Option { return argument.Option{Name: name, Type: argument.Int} }
	timeout := number("reboot_timeout")
	timeout.Default = int64(600)
	return argument.Spec{Options: []argument.Option{
		{Name: "boot_time_command", Default: "cat /proc/sys/kernel/random/boot_id"},
		number("connect_timeout"), number("post_reboot_delay"), number("pre_reboot_delay"), timeout,
		{Name: "msg", Default: "Reboot initiated by Ansible"},
		{Name: "reboot_command"},
		{Name: "search_paths", Type: argument.List, Elements: argument.Str,
			Default: []any{"/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"}},
		{Name: "test_command", Default: "whoami"},
	}}
}

func (r *rebooter) run(ctx context.Context) (module.Result, error) {
	ourselves := module.Result{"changed": false, "elapsed": 0, "rebooted": false, "failed": true,
		"msg": fmt.Sprintf("Running %s with local connection would reboot the control node.", r.task.Module)}
	if r.target.Local() {
		return ourselves, nil
	}
	var problem module.Result
	if r.args, problem = options(r.task, rebootSpec()); problem != nil {
		return problem, nil
	}
	if r.task.CheckMode {
		return module.Result{"changed": true, "elapsed": 0, "rebooted": true}, nil
	}
	before, err := r.bootTime(ctx)
	if unreachable(err) {
		return nil, err
	}
	if err != nil {
		return module.Fail(err.Error(), "reboot", false), nil
	}
	// A local connection as another user is no less this machine.
	if same, err := r.isThisMachine(ctx, before); err != nil || same {
		return ourselves, err
	}
	command, err := r.command(ctx)
	if unreachable(err) {
		return nil, err
	}
	if err != nil {
		return module.Fail(err.Error(), "rebooted", false), nil
	}
	out, err := r.exec(ctx, command)
	begin := r.clock.now()
	if err != nil && !unreachable(err) {
		return nil, err
	}
	// A host that goes down may cut the connection before it has answered.
	if err == nil && out.Code != 0 {
		return module.Fail(fmt.Sprintf("Reboot command failed. Error was: '%s, %s'", strings.TrimSpace(out.Stdout), strings.TrimSpace(out.Stderr)),
			"rebooted", false, "elapsed", elapsed(r.clock, begin)), nil
	}
	if delay := seconds(r.args, "post_reboot_delay"); delay > 0 {
		if err := r.clock.sleep(ctx, delay); err != nil {
			return nil, err
		}
	}
	result, err := r.validate(ctx, before)
	if err != nil {
		return nil, err
	}
	result["elapsed"] = elapsed(r.clock, begin)
	return result, nil
}

func unreachable(err error) bool {
	var u *action.Unreachable
	return errors.As(err, &u)
}

// isThisMachine tells that the host has the boot identifier and the name of the machine that
// this program runs on. Containers have the first but not the second.
func (r *rebooter) isThisMachine(ctx context.Context, boot string) (bool, error) {
	own, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || strings.TrimSpace(string(own)) != boot {
		return false, nil
	}
	out, err := r.exec(ctx, "uname -n")
	name, _ := os.Hostname()
	return err == nil && strings.TrimSpace(out.Stdout) == name, err
}

func (r *rebooter) exec(ctx context.Context, line string) (module.Output, error) {
	return r.target.Exec(ctx, action.Command{Shell: line})
}

// bootTime is a text that is another after every start.
func (r *rebooter) bootTime(ctx context.Context) (string, error) {
	out, err := r.exec(ctx, r.text("boot_time_command"))
	if err != nil {
		return "", err
	}
	if out.Code != 0 {
		return "", fmt.Errorf("%s: failed to get host boot time info, rc: %d, stdout: %s, stderr: %s",
			r.task.Module, out.Code, out.Stdout, out.Stderr)
	}
	return strings.TrimSpace(out.Stdout), nil
}

func (r *rebooter) text(name string) string {
	s, _ := r.args[name].(string)
	return s
}

// command is the line that starts the host anew.
func (r *rebooter) command(ctx context.Context) (string, error) {
	line := r.text("reboot_command")
	if line == "" {
		var err error
		if line, err = r.usualCommand(ctx); err != nil {
			return "", err
		}
	}
	program, arguments, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(program, "/") {
		path, err := r.find(ctx, program)
		if err != nil {
			return "", err
		}
		program = path
	}
	return program + " " + arguments, nil
}

// usualCommand is that of the host's distribution.
func (r *rebooter) usualCommand(ctx context.Context) (string, error) {
	result, err := r.target.Run(ctx, module.Request{Module: "setup",
		Args: map[string]any{"gather_subset": []any{"!all", "!min", "distribution"}}})
	if err != nil {
		return "", err
	}
	known, _ := result["ansible_facts"].(map[string]any)
	name, ok := known["ansible_distribution"].(string)
	if !ok {
		return "", errors.New(`Failed to get distribution information. Missing "ansible_distribution" in output.`) // Ansible's own words
	}
	minutes := int(seconds(r.args, "pre_reboot_delay") / time.Minute)
	switch strings.ToLower(name) {
	case "alpine":
		return "reboot ", nil
	case "void":
		return fmt.Sprintf(`shutdown -r +%d "%s"`, minutes, r.text("msg")), nil
	default:
		return fmt.Sprintf(`shutdown -r %d "%s"`, minutes, r.text("msg")), nil
	}
}

// find looks for a program in the folders of the task.
func (r *rebooter) find(ctx context.Context, program string) (string, error) {
	var files, dirs []string
	items, _ := r.args["search_paths"].([]any)
	for _, item := range items {
		dir, _ := item.(string)
		dirs = append(dirs, "'"+dir+"'")
		files = append(files, quote(strings.TrimRight(dir, "/")+"/"+program))
	}
	out, err := r.exec(ctx, "for f in "+strings.Join(files, " ")+`; do if [ -e "$f" ]; then echo "$f"; break; fi; done`)
	if err != nil {
		return "", err
	}
	if path := strings.TrimSpace(out.Stdout); path != "" {
		return path, nil
	}
	return "", fmt.Errorf(`Unable to find command "%s" in search paths: [%s]`, program, strings.Join(dirs, ", ")) // Ansible's own words
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }

// validate waits until the host has started anew and carries out a command.
func (r *rebooter) validate(ctx context.Context, before string) (module.Result, error) {
	checks := []struct {
		what string
		try  func(context.Context) error
	}{
		{"last boot time check", func(ctx context.Context) error { return r.restarted(ctx, before) }},
		{"post-reboot test command", r.answers},
	}
	for _, c := range checks {
		done, err := r.until(ctx, c.try)
		if err != nil {
			return nil, err
		}
		if !done {
			n, _ := r.args["reboot_timeout"].(int64)
			return module.Result{"failed": true, "rebooted": true, "changed": false,
				"msg": fmt.Sprintf("Timed out waiting for %s (timeout=%d)", c.what, n)}, nil
		}
	}
	return module.Result{"rebooted": true, "changed": true}, nil
}

func (r *rebooter) restarted(ctx context.Context, before string) error {
	if _, given := r.args["connect_timeout"].(int64); given {
		if err := r.target.Reset(ctx); err != nil {
			return err
		}
	}
	now, err := r.bootTime(ctx)
	if err != nil {
		return err
	}
	if now == "" || now == before {
		return errors.New("boot time has not changed")
	}
	return nil
}

func (r *rebooter) answers(ctx context.Context) error {
	out, err := r.exec(ctx, r.text("test_command"))
	if err != nil {
		return err
	}
	if out.Code != 0 {
		return fmt.Errorf("Test command failed: %s %s", out.Stderr, out.Stdout) // Ansible's own words
	}
	return nil
}

// until tries until it works or the time is over, with longer and longer pauses.
func (r *rebooter) until(ctx context.Context, try func(context.Context) error) (bool, error) {
	end := r.clock.now().Add(seconds(r.args, "reboot_timeout"))
	for failures := 0; r.clock.now().Before(end); failures++ {
		err := r.attempt(ctx, try)
		if err == nil {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if unreachable(err) || errors.Is(err, context.DeadlineExceeded) {
			_ = r.target.Reset(ctx)
		}
		pause := longestPause
		if failures < 5 {
			pause = min(pause, time.Duration(math.Exp2(float64(failures)))*time.Second)
		}
		pause += time.Duration(r.clock.jitter() * float64(time.Second))
		if err := r.clock.sleep(ctx, pause); err != nil {
			return false, err
		}
	}
	return false, nil
}

// attempt bounds one try: a host that has just lost its power never answers.
func (r *rebooter) attempt(ctx context.Context, try func(context.Context) error) error {
	limit := seconds(r.args, "connect_timeout")
	if limit == 0 {
		limit = connectTime
	}
	ctx, stop := context.WithTimeout(ctx, limit+answerTime)
	defer stop()
	return try(ctx)
}
