package file

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/google/shlex"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

func scriptSpec() argument.Spec {
	return argument.Spec{
		Options:           []argument.Option{{Name: "_raw_params"}, {Name: "cmd"}, {Name: "creates"}, {Name: "removes"}, {Name: "chdir"}, {Name: "executable"}},
		RequiredOneOf:     [][]string{{"_raw_params", "cmd"}},
		MutuallyExclusive: [][]string{{"_raw_params", "cmd"}},
	}
}

// runScript sends a local script to the host and runs it there.
func runScript(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	checked := argument.Check(scriptSpec(), without(task.Args, "decrypt"), argument.Host{})
	if len(checked.Problems) > 0 {
		return failed(strings.Join(checked.Messages(), ", ")), nil
	}
	get := func(name string) string { s, _ := checked.Args[name].(string); return s }
	if skip, err := needless(ctx, t, task, get("creates"), get("removes")); skip != nil || err != nil {
		return skip, err
	}
	chdir := get("chdir")
	if chdir != "" && !strings.HasPrefix(chdir, "/") {
		return failed("chdir " + chdir + " must be an absolute path for a Unix-aware remote node"), nil
	}
	line := strings.TrimSpace(get("_raw_params") + get("cmd"))
	words, err := shlex.Split(line)
	if err != nil || len(words) == 0 {
		return failed("the name of the script cannot be read: " + line), nil
	}
	path, failure := find(task, "files", words[0])
	if failure != nil {
		return failure, nil
	}
	if task.CheckMode {
		if get("creates") != "" || get("removes") != "" {
			return module.Result{"changed": true}, nil
		}
		return module.Result{"skipped": true, "changed": false, "msg": "Check mode is not supported for this task."}, nil
	}
	s, failure := open(task, path, filepath.Base(path))
	if failure != nil {
		return failure, nil
	}
	content, err := s.open()
	if err != nil {
		return failed(err.Error()), nil
	}
	defer func() { _ = content.Close() }()
	remote, err := t.Put(ctx, plainName(filepath.Base(path)), content)
	if err != nil {
		return nil, err
	}
	defer t.Remove(context.WithoutCancel(ctx), remote)
	command := strings.ReplaceAll(line, words[0], remote)
	if executable := get("executable"); executable != "" {
		command = executable + " " + command
	}
	out, err := t.Exec(ctx, action.Command{Shell: "chmod u+rx " + remote + " && " + command, Dir: chdir, Env: task.Environment})
	if err != nil {
		return nil, err
	}
	return scripted(out), nil
}

// plainName keeps of a name what no shell takes for anything else.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return '_'
	}, name)
}

func scripted(out module.Output) module.Result {
	result := module.Result{"changed": true, "rc": out.Code, "stdout": out.Stdout, "stderr": out.Stderr,
		"stdout_lines": lines(out.Stdout), "stderr_lines": lines(out.Stderr)}
	if out.Err != nil {
		return module.Fail(out.Err.Error(), "rc", out.Code)
	}
	if out.Code != 0 {
		result["msg"], result["failed"] = "non-zero return code", true
	}
	return result
}

// lines splits an output as the low level commands of Ansible do.
func lines(s string) []any {
	list := []any{}
	for line := range strings.Lines(s) {
		list = append(list, strings.TrimRight(line, "\r\n"))
	}
	return list
}

// needless skips what creates or removes say need not be done.
func needless(ctx context.Context, t action.Target, task action.Task, creates, removes string) (module.Result, error) {
	for _, condition := range []struct {
		path  string
		there bool
		msg   string
	}{{creates, true, " exists, matching creates option"}, {removes, false, " does not exist, matching removes option"}} {
		if condition.path == "" {
			continue
		}
		there, err := remoteExists(ctx, t, task, condition.path)
		if err != nil {
			return nil, err
		}
		if there == condition.there {
			return module.Result{"skipped": true, "changed": false, "msg": condition.path + condition.msg}, nil
		}
	}
	return nil, nil
}

func remoteExists(ctx context.Context, t action.Target, task action.Task, path string) (bool, error) {
	r, err := t.Run(ctx, module.Request{Module: "stat", Called: "ansible.legacy.stat", Environment: task.Environment,
		Args: map[string]any{"path": path, "follow": false, "get_checksum": false, "get_mime": false, "get_attributes": false}})
	if err != nil {
		return false, err
	}
	stat, _ := r["stat"].(map[string]any)
	return stat["exists"] == true, nil
}

// runUnarchive sends a local archive to the host, unless it is there already, and has it
// unpacked.
func runUnarchive(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	task.Args = without(task.Args, "decrypt")
	remote := yes(task, "remote_src", false)
	if given(task, "copy") {
		if given(task, "remote_src") {
			return failed("parameters are mutually exclusive: ('copy', 'remote_src')"), nil
		}
		remote = !yes(task, "copy", true)
		task.Args = without(task.Args, "copy")
		task.Args["remote_src"] = remote
	}
	src := text(task, "src")
	if src == "" || !given(task, "dest") {
		return failed("src (or content) and dest are required"), nil
	}
	if creates := text(task, "creates"); creates != "" {
		there, err := remoteExists(ctx, t, task, creates)
		if err != nil {
			return nil, err
		}
		if there {
			return module.Result{"skipped": true, "changed": false, "msg": "skipped, since " + creates + " exists"}, nil
		}
	}
	if remote {
		return unpack(ctx, t, task)
	}
	if strings.Contains(src, "://") {
		return failed("Unsupported option, an URI src (" + src + ") is only supported when remote_src is True"), nil
	}
	path, failure := find(task, "files", src)
	if failure != nil {
		return thrown(failure), nil
	}
	s, failure := open(task, path, "source")
	if failure != nil {
		return thrown(failure), nil
	}
	if isDir, err := remoteFolder(ctx, t, task, text(task, "dest")); err != nil || !isDir {
		return failed("dest '" + text(task, "dest") + "' must be an existing dir"), err
	}
	content, err := s.open()
	if err != nil {
		return failed(err.Error()), nil
	}
	defer func() { _ = content.Close() }()
	sent, err := t.Put(ctx, "source", content)
	if err != nil {
		return nil, err
	}
	defer t.Remove(context.WithoutCancel(ctx), sent)
	task.Args["src"] = sent
	return t.Run(ctx, request(task, "unarchive", task.Args))
}

func unpack(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	if isDir, err := remoteFolder(ctx, t, task, text(task, "dest")); err != nil || !isDir {
		return failed("dest '" + text(task, "dest") + "' must be an existing dir"), err
	}
	return t.Run(ctx, request(task, "unarchive", task.Args))
}

func remoteFolder(ctx context.Context, t action.Target, task action.Task, path string) (bool, error) {
	r, err := t.Run(ctx, module.Request{Module: "stat", Called: "ansible.legacy.stat", Environment: task.Environment,
		Args: map[string]any{"path": path, "follow": true, "get_checksum": false, "get_mime": false, "get_attributes": false}})
	if err != nil {
		return false, err
	}
	stat, _ := r["stat"].(map[string]any)
	return stat["isdir"] == true, nil
}
