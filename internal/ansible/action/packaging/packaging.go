// Package packaging holds the actions that choose a module on the controller: package, which
// becomes apt, dnf or another, and dnf, of which there are two; and uri, which sends a local
// file first.
//
// In: a task with rendered arguments. Out: the result of the module that was chosen. The
// package must not know how hosts are reached.
package packaging

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
)

// Actions are the actions of this package.
func Actions() map[string]action.Action {
	return map[string]action.Action{"package": install, "dnf": dnf, "yum": dnf, "uri": uri}
}

// run carries a native module out with the task's arguments.
func run(ctx context.Context, t action.Target, task action.Task, name string, args map[string]any) (module.Result, error) {
	return t.Run(ctx, module.Request{Module: name, Called: "ansible.legacy." + name, Args: args, CheckMode: task.CheckMode, Diff: task.Diff, Verbosity: task.Verbosity,
		NoLog: task.NoLog, Environment: task.Environment})
}

// manager finds the host's package manager: among its facts, or by gathering that one. A
// failed result tells why it could not be found.
func manager(ctx context.Context, t action.Target, task action.Task) (string, module.Result, error) {
	if name, ok := task.Facts["ansible_pkg_mgr"].(string); ok && name != "" {
		return name, nil, nil
	}
	gathered, err := t.Run(ctx, module.Request{Module: "setup", Args: map[string]any{"filter": "ansible_pkg_mgr", "gather_subset": "!all"}, Environment: task.Environment})
	if err != nil {
		return "", nil, err
	}
	if gathered.Failed() {
		return "", module.Fail(fmt.Sprintf("Failed to fetch ansible_pkg_mgr to determine the package action backend: %v", gathered["msg"])), nil
	}
	facts, _ := gathered["ansible_facts"].(map[string]any)
	name, _ := facts["ansible_pkg_mgr"].(string)
	return name, nil, nil
}

// install is the action package.
func install(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	args := maps.Clone(task.Args)
	name, _ := args["use"].(string)
	delete(args, "use")
	if name == "" || name == "auto" {
		var failure module.Result
		var err error
		if name, failure, err = manager(ctx, t, task); failure != nil || err != nil {
			return failure, err
		}
	}
	switch name {
	case "", "auto", "unknown":
		return module.Fail(`Could not detect a package manager. Try using the "use" option.`), nil
	case "apt", "dnf", "dnf5":
		return run(ctx, t, task, name, args)
	case "yum":
		return run(ctx, t, task, "dnf", args)
	}
	return module.Fail(fmt.Sprintf("Could not find a matching action for the %q package manager.", name)), nil
}

// dnf is the action dnf (and yum, its other name): version 5 has a module of its own.
func dnf(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	args := maps.Clone(task.Args)
	if args["use"] != nil && args["use_backend"] != nil {
		return module.Fail("parameters are mutually exclusive: ('use', 'use_backend')"), nil
	}
	name := "auto"
	for _, key := range []string{"use_backend", "use"} {
		if s, ok := args[key].(string); ok {
			name = s
		}
		delete(args, key)
	}
	if name == "auto" || name == "yum" {
		found, failure, err := manager(ctx, t, task)
		if failure != nil || err != nil {
			return failure, err
		}
		name = found
	}
	switch name {
	case "dnf", "dnf4", "yum4", "yum":
		return run(ctx, t, task, "dnf", args)
	case "dnf5":
		return run(ctx, t, task, "dnf5", args)
	}
	return module.Fail("Could not detect which major revision of dnf is in use, which is required to determine module backend. " +
		"You should manually specify use_backend to tell the module whether to use the dnf4 or dnf5 backend"), nil
}

// uri is the action uri: a local file that is the body, or files of a form, go to the host
// first.
func uri(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	if task.CheckMode {
		return module.Result{"skipped": true, "changed": false, "msg": "This action (" + short(task.Module) + ") does not support check mode."}, nil
	}
	args := maps.Clone(task.Args)
	if !remote(args["remote_src"]) {
		if src, ok := args["src"].(string); ok && src != "" {
			path, failure, err := send(ctx, t, task, src)
			if failure != nil || err != nil {
				return failure, err
			}
			defer t.Remove(context.WithoutCancel(ctx), path)
			args["src"] = path
		} else if body, ok := args["body"].(map[string]any); ok && args["body_format"] == "form-multipart" {
			fields, sent, failure, err := sendFields(ctx, t, task, body)
			for _, path := range sent {
				defer t.Remove(context.WithoutCancel(ctx), path)
			}
			if failure != nil || err != nil {
				return failure, err
			}
			args["body"] = fields
		}
	}
	return t.Run(ctx, module.Request{Module: "uri", Called: task.Module, Args: args, Diff: task.Diff, Verbosity: task.Verbosity, NoLog: task.NoLog, Environment: task.Environment})
}

// short is a module's name without its collection.
func short(name string) string { return name[lastDot(name)+1:] }

func lastDot(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '.' {
			return i
		}
	}
	return -1
}

// remote reads remote_src as Ansible reads truth.
func remote(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		switch v {
		case "yes", "true", "True", "on", "1", "y", "t":
			return true
		}
	case int64:
		return v == 1
	}
	return false
}

// sendFields sends the files of a form and gives the form with their new places.
func sendFields(ctx context.Context, t action.Target, task action.Task, body map[string]any) (fields map[string]any, sent []string, failure module.Result, err error) {
	fields = maps.Clone(body)
	for name, v := range body {
		field, ok := v.(map[string]any)
		file, _ := field["filename"].(string)
		if content, _ := field["content"].(string); !ok || file == "" || content != "" {
			continue
		}
		path, failure, err := send(ctx, t, task, file)
		if failure != nil || err != nil {
			return nil, sent, failure, err
		}
		sent = append(sent, path)
		field = maps.Clone(field)
		field["filename"] = path
		fields[name] = field
	}
	return fields, sent, nil, nil
}

// send copies a local file to the host.
func send(ctx context.Context, t action.Target, task action.Task, name string) (path string, failure module.Result, err error) {
	for _, file := range candidates(task, name) {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		defer func() { _ = f.Close() }()
		path, err = t.Put(ctx, filepath.Base(name), f)
		return path, nil, err
	}
	return "", module.Fail(fmt.Sprintf("Could not find or access '%s'\nSearched in:\n%v on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option",
		name, candidates(task, name))), nil
}

func candidates(task action.Task, name string) []string {
	if filepath.IsAbs(name) {
		return []string{name}
	}
	var list []string
	for _, dir := range task.Search {
		list = append(list, filepath.Join(dir, "files", name), filepath.Join(dir, name))
	}
	return list
}
