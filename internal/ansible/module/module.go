// Package module is what Ansible's modules are written against here: a Module is a
// specification of arguments and a function that runs on the host it is about.
//
// A module runs in the process that the connection starts on the host (or in this one, for a
// local connection), as the user that become says. It works on that machine directly: files,
// commands, the network. It gets arguments that were checked against its Spec and gives a
// Result, which is the JSON object that the real module returns: same keys, same values, same
// check mode, same diff. What has to happen on the controller before or after (reading a
// local file, rendering a template, fetching) is the business of package action.
//
// The modules themselves lie in the packages below, grouped as in Ansible's documentation.
// The package must not know playbooks, variables or connections.
package module

import (
	"context"
	"fmt"

	"tutti/internal/ansible/argument"
)

// Module is one module of ansible.builtin.
type Module struct {
	// Name is the short one, without "ansible.builtin.".
	Name string
	Spec argument.Spec
	// Run does the work. It must come back soon after the context ends. It never panics on
	// arguments that the Spec lets through.
	Run func(ctx context.Context, c *Call) Result
}

// Result is what a module returns: values that encoding/json can write. The keys "changed",
// "failed", "msg", "skipped", "diff", "warnings", "deprecations", "ansible_facts",
// "exception", "invocation" have a meaning to whoever called.
type Result map[string]any

// Call is one call of a module.
type Call struct {
	// Args are the checked arguments: every option of the Spec is there, nil when it has
	// neither value nor default.
	Args map[string]any
	// CheckMode asks what would be done; nothing may be changed.
	CheckMode bool
	// Diff asks for "diff" in the result.
	Diff      bool
	Verbosity int
	// TempDir is a folder of this user's on the host in which the module may make its own.
	TempDir string
	// NoLog forbids writing arguments to the host's system log.
	NoLog bool

	warnings     []string
	deprecations []any
}

// String gives a text or path argument; "" when there is none.
func (c *Call) String(name string) string {
	s, _ := c.Args[name].(string)
	return s
}

// Bool gives a yes-or-no argument; false when there is none.
func (c *Call) Bool(name string) bool {
	b, _ := c.Args[name].(bool)
	return b
}

// Int gives a whole number and whether there is one.
func (c *Call) Int(name string) (int64, bool) {
	i, ok := c.Args[name].(int64)
	return i, ok
}

// Strings gives a list of texts; elements of another type are left out.
func (c *Call) Strings(name string) []string {
	items, _ := c.Args[name].([]any)
	var list []string
	for _, x := range items {
		if s, ok := x.(string); ok {
			list = append(list, s)
		}
	}
	return list
}

// Map gives a dict argument; nil when there is none.
func (c *Call) Map(name string) map[string]any {
	m, _ := c.Args[name].(map[string]any)
	return m
}

// Given tells that an argument has a value.
func (c *Call) Given(name string) bool { return c.Args[name] != nil }

// Warn adds a warning to the result.
func (c *Call) Warn(format string, args ...any) {
	c.warnings = append(c.warnings, fmt.Sprintf(format, args...))
}

// Deprecate adds a deprecation notice to the result; version is that in which the thing goes.
func (c *Call) Deprecate(msg, version string) {
	c.deprecations = append(c.deprecations, map[string]any{"msg": msg, "version": version})
}

// Fail is the result of a module that could not do its work. The pairs are further keys and
// values.
func Fail(msg string, pairs ...any) Result {
	r := Result{"failed": true, "changed": false, "msg": msg}
	for i := 0; i+1 < len(pairs); i += 2 {
		r[pairs[i].(string)] = pairs[i+1]
	}
	return r
}

// Failed tells that a result is that of a failure.
func (r Result) Failed() bool {
	f, _ := r["failed"].(bool)
	return f
}
