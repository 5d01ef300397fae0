package connection

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/connection/target"
	"tutti/internal/ansible/module"
)

// remote is the action.Target of a Pool: a host, and who tasks become there.
type remote struct {
	host   *host
	become Become
	python string
}

// Interpreter is the Python that the user wants modules to be run by; "" when that is not said.
func (r *remote) Interpreter() string { return r.python }

// Spec is how the target is reached. Name is the first host's of several that are the same.
func (r *remote) Spec() Spec {
	s := r.host.spec
	s.Become, s.Python = r.become, r.python
	return s
}

var _ Starter = (*remote)(nil)

// Local implements action.Target.
func (r *remote) Local() bool { return r.host.local() && r.become.Method == "" }

// here is this machine when the target is that and nobody else.
func (r *remote) here() *target.Machine {
	if !r.Local() {
		return nil
	}
	return r.host.pool.machine
}

// Run implements action.Target. A task that fails before the module runs is a failed result too.
func (r *remote) Run(ctx context.Context, q module.Request) (module.Result, error) {
	result, err := r.run(ctx, q)
	var failure *Failure
	if errors.As(err, &failure) {
		return module.Fail(failure.Message), nil
	}
	return result, err
}

func (r *remote) run(ctx context.Context, q module.Request) (module.Result, error) {
	o := r.host.pool.options
	if o.Modules.Find(q.Module) == nil {
		if o.Foreign == nil {
			return nil, &Failure{fmt.Sprintf("the module %s is not one of those that are built in, and nothing was set up to run others", q.Module)}
		}
		return o.Foreign(ctx, r, q)
	}
	if m := r.here(); m != nil {
		return m.Run(ctx, q), ctx.Err()
	}
	reply, err := r.call(ctx, channel.Call{Kind: channel.Module, Module: &q}, nil)
	var none *noProgram
	switch {
	case errors.As(err, &none):
		if o.Foreign != nil {
			return o.Foreign(ctx, r, q)
		}
		return nil, &Failure{fmt.Sprintf("the module %s cannot be run: there is no program of tutti's for this host: %s. "+
			"raw and files work without it; for modules build the program for the host's platform (make build) "+
			"or install ansible-core here and Python there", q.Module, none.session.why)}
	case err != nil:
		return nil, err
	case reply.Error != "":
		return nil, &Failure{reply.Error}
	}
	return reply.Result, nil
}

// Exec implements action.Target.
func (r *remote) Exec(ctx context.Context, c action.Command) (module.Output, error) {
	if m := r.here(); m != nil {
		out := m.Exec(ctx, c)
		return out, ctx.Err()
	}
	reply, err := r.call(ctx, channel.Call{Kind: channel.Exec, Command: &c}, nil)
	var none *noProgram
	switch {
	case errors.As(err, &none):
		return none.session.exec(ctx, c)
	case err != nil:
		return module.Output{}, err
	case reply.Output == nil:
		return module.Output{}, &Failure{reply.Error}
	}
	return reply.Output.Unwrap(), nil
}

// Put implements action.Target. The content is read once: when the connection proves to have
// ended, it is not sent again.
func (r *remote) Put(ctx context.Context, name string, content io.Reader) (string, error) {
	if m := r.here(); m != nil {
		path, err := m.Put(name, content)
		if err != nil {
			err = &Failure{err.Error()}
		}
		return path, err
	}
	s, err := r.host.session(ctx, r.become)
	if err != nil {
		return "", err
	}
	if s.client == nil {
		return s.put(ctx, content)
	}
	reply, err := s.client.Do(ctx, channel.Call{Kind: channel.Put, Name: name}, content)
	var lost *channel.Lost
	switch {
	case errors.As(err, &lost):
		return "", r.lost(s, lost)
	case err != nil:
		return "", err
	case reply.Error != "":
		return "", &Failure{reply.Error}
	}
	return reply.Path, nil
}

// Get implements action.Target. A file that is not there is an fs.ErrNotExist.
func (r *remote) Get(ctx context.Context, path string) (io.ReadCloser, error) {
	if m := r.here(); m != nil {
		return m.Get(path)
	}
	s, err := r.host.session(ctx, r.become)
	if err != nil {
		return nil, err
	}
	if s.client == nil {
		return s.get(ctx, path)
	}
	file, reply, err := s.client.Open(ctx, channel.Call{Kind: channel.Get, Path: path})
	var lost *channel.Lost
	switch {
	case errors.As(err, &lost):
		return nil, r.lost(s, lost)
	case err != nil:
		return nil, err
	case reply.Missing:
		return nil, missing(path)
	case reply.Error != "":
		return nil, &Failure{reply.Error}
	}
	return file, nil
}

// Remove implements action.Target.
func (r *remote) Remove(ctx context.Context, path string) {
	if m := r.here(); m != nil {
		m.Remove(path)
		return
	}
	_, err := r.call(ctx, channel.Call{Kind: channel.Remove, Path: path}, nil)
	var none *noProgram
	if errors.As(err, &none) {
		none.session.remove(ctx, path)
	}
}

// Reset implements action.Target: all of the host's connection is closed, for all its users.
func (r *remote) Reset(context.Context) error {
	r.host.close()
	return nil
}

// StartAsync implements Starter.
func (r *remote) StartAsync(ctx context.Context, job channel.Job) (module.Result, error) {
	if m := r.here(); m != nil {
		return m.Start(ctx, job), nil
	}
	reply, err := r.call(ctx, channel.Call{Kind: channel.Start, Job: &job}, nil)
	var none *noProgram
	var failure *Failure
	switch {
	case errors.As(err, &none):
		return module.Fail("async tasks need tutti's program on the host, and there is none for it: " + none.session.why), nil
	case errors.As(err, &failure):
		return module.Fail(failure.Message), nil
	case err != nil:
		return nil, err
	case reply.Error != "":
		return module.Fail(reply.Error), nil
	}
	return reply.Result, nil
}
