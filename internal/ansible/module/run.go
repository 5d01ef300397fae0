package module

import (
	"context"
	"fmt"
	"runtime/debug"

	"tutti/internal/ansible/argument"
)

// Request is a module's call as it travels to the host.
type Request struct {
	Module string `json:"module"`
	// Called is the name by which the task calls the module, for messages; "" is Module.
	Called string `json:"called,omitempty"`
	// Host is the inventory's name of the host, for what is told on the controller.
	Host      string         `json:"-"`
	Args      map[string]any `json:"args,omitempty"`
	CheckMode bool           `json:"check,omitempty"`
	Diff      bool           `json:"diff,omitempty"`
	Verbosity int            `json:"verbosity,omitempty"`
	NoLog     bool           `json:"no_log,omitempty"`
	// Environment is set for the call alone; no other call of this process sees it.
	Environment map[string]string `json:"environment,omitempty"`
	// TempDir is where the module may make files of its own; "" is the system's.
	TempDir string `json:"tempdir,omitempty"`
}

// Run checks the arguments and carries the module out, in this process. A module that cannot
// tell what it would do is skipped in check mode, as Ansible does. A panic becomes a failed
// result that says it is our fault.
func Run(ctx context.Context, m *Module, r Request) (result Result) {
	defer func() {
		if p := recover(); p != nil {
			result = Fail(fmt.Sprintf("a fault in the module %s itself, please report it: %v", m.Name, p), "exception", string(debug.Stack()))
		}
	}()
	name := r.Called
	if name == "" {
		name = m.Name
	}
	checked := argument.Check(m.Spec, r.Args, hostOf(ctx))
	c := &Call{Args: checked.Args, CheckMode: r.CheckMode, Diff: r.Diff, Verbosity: r.Verbosity, NoLog: r.NoLog, TempDir: r.TempDir,
		warnings: checked.Warnings}
	for _, d := range checked.Deprecations {
		c.Deprecate(d.Msg, d.Version)
	}
	switch {
	case len(checked.Problems) > 0:
		result = Fail(checked.Message(name))
	case r.CheckMode && !m.Spec.Check:
		result = Result{"skipped": true, "changed": false, "msg": fmt.Sprintf("remote module (%s) does not support check mode", name)}
	default:
		result = m.Run(withEnvironment(ctx, r.Environment), c)
	}
	c.finish(result)
	if len(checked.Secrets) > 0 {
		result, _ = argument.Hide(map[string]any(result), checked.Secrets).(map[string]any)
	}
	return result
}

func (c *Call) finish(r Result) {
	addPathInfo(r)
	if _, ok := r["changed"]; !ok {
		r["changed"] = false
	}
	if _, ok := r["invocation"]; !ok {
		r["invocation"] = map[string]any{"module_args": c.Args}
	}
	if len(c.warnings) > 0 {
		r["warnings"] = c.warnings
	}
	if len(c.deprecations) > 0 {
		r["deprecations"] = c.deprecations
	}
}
