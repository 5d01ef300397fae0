// Package file holds the actions of the modules about files: copy, template, fetch, assemble,
// unarchive and script.
//
// In: a task, local files and a target. Out: the task's result, as the real actions make it.
// Content that is small, or that the host has already, costs one round trip.
package file

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
)

// Actions gives the actions of this package by the module's short name.
func Actions() map[string]action.Action {
	return map[string]action.Action{
		"assemble":  runAssemble,
		"copy":      runCopy,
		"fetch":     runFetch,
		"script":    runScript,
		"template":  runTemplate,
		"unarchive": runUnarchive,
	}
}

// failed is the result of an action that failed before any module ran.
func failed(msg string) module.Result { return module.Fail(msg) }

// thrown is a failure that the real action does not expect; Ansible puts words before it.
func thrown(failure module.Result) module.Result {
	failure["msg"] = fmt.Sprintf("Task failed: %v", failure["msg"])
	return failure
}

// request is a call of a module for a task.
func request(task action.Task, name string, args map[string]any) module.Request {
	return module.Request{Module: name, Called: "ansible.legacy." + name, Args: args, CheckMode: task.CheckMode, Diff: task.Diff,
		Verbosity: task.Verbosity, NoLog: task.NoLog, Environment: task.Environment}
}

// text, yes and given read arguments that no spec has checked yet.
func text(task action.Task, name string) string {
	switch v := task.Args[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func given(task action.Task, name string) bool { return task.Args[name] != nil }

func yes(task action.Task, name string, otherwise bool) bool {
	switch v := task.Args[name].(type) {
	case bool:
		return v
	case int64:
		return v == 1
	case float64:
		return v == 1
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "y", "yes", "on", "1", "true", "t":
			return true
		}
		return false
	default:
		return otherwise
	}
}

// without gives a copy of arguments without some.
func without(args map[string]any, names ...string) map[string]any {
	rest := maps.Clone(args)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// find looks for a local file where Ansible does: in each folder of the search path, first in
// the sub-folder for files of that kind. A failure has Ansible's words.
func find(task action.Task, kind, name string) (path string, failure module.Result) {
	if strings.HasPrefix(name, "~") || strings.HasPrefix(name, "/") {
		path := expandHome(name)
		if _, err := os.Stat(path); err == nil {
			return filepath.Clean(path), nil
		}
		return "", failed(notFound(name, nil))
	}
	var tried []string
	first, _, _ := strings.Cut(name, "/")
	for _, dir := range task.Search {
		if first != kind {
			tried = append(tried, filepath.Join(dir, kind, name))
		}
		tried = append(tried, filepath.Join(dir, name))
	}
	for _, path := range tried {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", failed(notFound(name, tried))
}

func expandHome(path string) string { return module.Expand(context.Background(), path) }

func notFound(name string, tried []string) string {
	msg := "Could not find or access '" + name + "'"
	if len(tried) > 0 {
		msg += "\nSearched in:\n\t" + strings.Join(tried, "\n\t")
	}
	return msg + " on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option"
}
