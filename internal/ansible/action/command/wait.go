package command

import (
	"context"
	"fmt"
	"time"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

// waitForConnection waits until the host carries out modules.
func waitForConnection(ctx context.Context, t action.Target, task action.Task, c clock) (module.Result, error) {
	number := func(name string, value int64) argument.Option {
		return argument.Option{Name: name, Type: argument.Int, Default: value}
	}
	if task.CheckMode {
		return module.Result{"skipped": true, "changed": false}, nil
	}
	args, problem := options(task, argument.Spec{Options: []argument.Option{number("connect_timeout", 5), number("delay", 0),
		number("sleep", 1), number("timeout", 600)}})
	if problem != nil {
		return problem, nil
	}
	begin := c.now()
	if delay := seconds(args, "delay"); delay > 0 {
		if err := c.sleep(ctx, delay); err != nil {
			return nil, err
		}
	}
	end := c.now().Add(seconds(args, "timeout"))
	var last error = fmt.Errorf("there was no time to try")
	for c.now().Before(end) {
		if last = ping(ctx, t, seconds(args, "connect_timeout")); last == nil {
			return module.Result{"changed": false, "elapsed": elapsed(c, begin)}, nil
		}
		if err := c.sleep(ctx, seconds(args, "sleep")); err != nil {
			return nil, err
		}
	}
	return module.Fail(fmt.Sprintf("timed out waiting for ping module test: %s", last), "elapsed", elapsed(c, begin)), nil
}

// ping connects anew and has the host answer.
func ping(ctx context.Context, t action.Target, limit time.Duration) error {
	// A host that is starting may accept a connection and then say nothing.
	ctx, stop := context.WithTimeout(ctx, max(limit, time.Second)+answerTime)
	defer stop()
	if err := t.Reset(ctx); err != nil {
		return err
	}
	result, err := t.Run(ctx, module.Request{Module: "ping"})
	switch {
	case err != nil:
		return err
	case result["ping"] != "pong":
		return fmt.Errorf("ping test failed")
	default:
		return nil
	}
}
