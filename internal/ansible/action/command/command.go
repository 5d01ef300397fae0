// Package command holds the actions that work on the connection to a host itself: raw, reboot
// and wait_for_connection.
//
// In: a task and a target. Out: the task's result. The package must not know how a target is
// reached, nor plays.
package command

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"time"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

// Actions are the actions of this package by the short names of their modules.
func Actions() map[string]action.Action {
	c := clock{now: time.Now, sleep: sleep, jitter: rand.Float64}
	return map[string]action.Action{
		"raw": raw,
		"reboot": func(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
			return (&rebooter{clock: c, target: t, task: task}).run(ctx)
		},
		"wait_for_connection": func(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
			return waitForConnection(ctx, t, task, c)
		},
	}
}

// clock is the time that actions wait by; tests have one that jumps.
type clock struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	// jitter is between 0 and 1, so that many hosts are not all asked at the same time.
	jitter func() float64
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// raw runs a line in the host's shell without any module.
func raw(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	r := module.Result{}
	if len(task.Environment) > 0 {
		r["warnings"] = []string{"raw module does not support the environment keyword"}
	}
	if task.CheckMode {
		r["skipped"], r["changed"] = true, false
		return r, nil
	}
	line, _ := task.Args["_raw_params"].(string)
	if strings.TrimSpace(line) == "" {
		return module.Fail("no command given", "rc", 256), nil
	}
	executable, _ := task.Args["executable"].(string)
	out, err := t.Exec(ctx, action.Command{Shell: line, Executable: executable})
	if err != nil {
		return nil, err
	}
	r["changed"], r["rc"], r["stdout"], r["stderr"] = true, out.Code, out.Stdout, out.Stderr
	if out.Err != nil {
		return module.Fail(out.Err.Error(), "rc", out.Code), nil
	}
	if out.Code != 0 {
		r["failed"], r["msg"] = true, "non-zero return code"
	}
	return r, nil
}

// options checks the arguments of an action; problem is a failed result.
func options(task action.Task, spec argument.Spec) (args map[string]any, problem module.Result) {
	known := map[string]bool{}
	for _, o := range spec.Options {
		known[o.Name] = true
	}
	var unknown []string
	for name := range task.Args {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return nil, module.Fail(fmt.Sprintf("Invalid options for %s: %s", task.Module, strings.Join(unknown, ",")))
	}
	checked := argument.Check(spec, task.Args, argument.Host{})
	if len(checked.Problems) > 0 {
		return nil, module.Fail(checked.Message(task.Module))
	}
	return checked.Args, nil
}

// seconds gives a whole number as a span; negative ones are 0.
func seconds(args map[string]any, name string) time.Duration {
	n, _ := args[name].(int64)
	return time.Duration(max(n, 0)) * time.Second
}

func elapsed(c clock, begin time.Time) int { return int(c.now().Sub(begin) / time.Second) }
