package play

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	gostrings "strings"
	"time"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/value"
	"tutti/internal/flow"
)

// remote has a worker carry the item out on its host.
func (it *item) remote(module string, args *value.Dict) error {
	for _, key := range []string{"dest", "path", "name"} {
		if it.about == "" {
			it.about = dictItem(args, key)
		}
	}
	s := it.scope
	to, err := s.connection(it.delegate)
	if err != nil {
		return err
	}
	short := shortName(module)
	if short == "gather_facts" {
		module, args = "ansible.builtin.setup", it.gathering(args)
	}
	task := action.Task{Module: module, CheckMode: s.checkMode(), Diff: s.diffMode(), Verbosity: it.t.m.in.Options.Verbosity, NoLog: it.noLog,
		Host: it.t.host.name, Search: s.searchPath(), Facts: it.factsFor(to.Name)}
	if task.CheckMode, err = s.flag("check_mode", it.t.m.in.Options.Check); err != nil {
		return err
	}
	if task.Diff, err = s.flag("diff", it.t.m.in.Options.Diff); err != nil {
		return err
	}
	if task.Environment, err = s.environmentOf(); err != nil {
		return err
	}
	if task.Async, task.Poll, err = it.background(); err != nil {
		return err
	}
	if needsVault[short] {
		task.Vault = it.t.m.in.Secrets
	}
	call := &Call{Host: to.Name, Name: it.t.name(), Item: -1, To: to}
	if it.t.looping {
		call.Item = it.index
	}
	if call.Timeout, err = s.number("timeout", it.t.m.in.Settings.TaskTimeout); err != nil {
		return err
	}
	if short == "template" {
		text, err := it.template(args)
		if err != nil {
			return err
		}
		task.Rendered = &text
	}
	task.Args = value.ToGo(args).(map[string]any)
	call.Task = task
	call.Rerunnable = rerunnable(short, task.Args)
	it.call = call
	it.run()
	return nil
}

// needsVault are the actions that read local files, which may be encrypted.
var needsVault = map[string]bool{"copy": true, "template": true, "script": true, "unarchive": true, "assemble": true}

// rerunnable tells that a call that was cut off may be made again: its module declares a
// state. What runs commands may not, unless it says by what it sees that it has run.
func rerunnable(module string, args map[string]any) bool {
	switch module {
	case "command", "shell", "script", "expect":
		return args["creates"] != nil || args["removes"] != nil
	case "raw", "reboot", "uri", "async_status":
		return module == "uri" && (args["method"] == nil || args["method"] == "GET" || args["method"] == "HEAD")
	}
	return !gostrings.Contains(module, ".")
}

// gathering are the arguments of the module that gathers facts.
func (it *item) gathering(args *value.Dict) *value.Dict {
	out := &value.Dict{}
	set := it.t.m.in.Settings
	if len(set.GatherSubset) > 0 {
		out.Set("gather_subset", texts(set.GatherSubset))
	}
	if set.GatherTimeout > 0 {
		out.Set("gather_timeout", int64(set.GatherTimeout))
	}
	if set.FactPath != "" {
		out.Set("fact_path", set.FactPath)
	}
	out.Update(args)
	out.Delete("parallel")
	return out
}

// actionFacts are the facts that actions decide by.
var actionFacts = []string{"ansible_pkg_mgr", "ansible_service_mgr", "ansible_os_family", "ansible_distribution", "ansible_distribution_major_version",
	"ansible_system", "discovered_interpreter_python"}

func (it *item) factsFor(name string) map[string]any {
	h := it.t.m.hosts[name]
	if h == nil {
		return nil
	}
	out := map[string]any{}
	for _, key := range actionFacts {
		if v, ok := h.facts.Get(gostrings.TrimPrefix(key, "ansible_")); ok {
			if s, isText := v.(string); isText {
				out[key] = s
			}
		}
	}
	return out
}

// environmentOf renders the environment: what stands further in wins.
func (s *scope) environmentOf() (map[string]string, error) {
	var out map[string]string
	for _, raw := range s.environments() {
		v, err := s.render(raw)
		if err != nil {
			return nil, err
		}
		if omitted(v) || v == nil {
			continue
		}
		d, ok := v.(*value.Dict)
		if !ok {
			return nil, s.fieldError("environment", v, "dict")
		}
		for k, x := range d.All() {
			if out == nil {
				out = map[string]string{}
			}
			out[value.String(k)] = value.String(x)
		}
	}
	return out, nil
}

// background reads async and poll.
func (it *item) background() (async, poll int, err error) {
	read := func(name string, otherwise int) int {
		v, ok := own(it.t.task, name)
		if !ok || err != nil {
			return otherwise
		}
		if v, err = it.scope.render(v); err != nil {
			return otherwise
		}
		n, isNumber := integer(v)
		if !isNumber {
			err = it.scope.fieldError(name, v, "int")
		}
		return n
	}
	async = read("async", 0)
	poll = read("poll", it.t.m.in.Settings.PollInterval)
	return async, poll, err
}

// template renders the file that the template module names.
func (it *item) template(args *value.Dict) (string, error) {
	src := dictItem(args, "src")
	if src == "" {
		return "", errors.New("src and dest are required")
	}
	paths := it.scope.candidates("templates", src)
	for _, p := range paths {
		text, err := (files{m: it.t.m, desk: it.files(), fresh: true}).Read(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", err
		}
		return it.rendered(p, src, string(text), args)
	}
	return "", fmt.Errorf("Could not find or access '%s'\nSearched in:\n\t%s on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option", // Ansible's words
		src, gostrings.Join(paths, "\n\t"))
}

// files is the desk for what does not depend on the host: that of the round when there is one.
func (it *item) files() *desk {
	if it.t.round != nil {
		return &it.t.round.shared
	}
	return &it.desk
}

func (it *item) rendered(file, src, text string, args *value.Dict) (string, error) {
	o := it.t.m.jinja.FileOptions()
	o.TrimBlocks = true
	for _, f := range []struct {
		key  string
		into *bool
	}{{"trim_blocks", &o.TrimBlocks}, {"lstrip_blocks", &o.LstripBlocks}} {
		if v, ok := args.Get(f.key); ok {
			*f.into, _ = boolean(v)
		}
	}
	for _, f := range []struct {
		key  string
		into *string
	}{{"variable_start_string", &o.VariableStart}, {"variable_end_string", &o.VariableEnd}, {"block_start_string", &o.BlockStart},
		{"block_end_string", &o.BlockEnd}, {"comment_start_string", &o.CommentStart}, {"comment_end_string", &o.CommentEnd}} {
		if v := dictItem(args, f.key); v != "" {
			*f.into = v
		}
	}
	newline := "\n"
	if v := dictItem(args, "newline_sequence"); v != "" {
		newline = gostrings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(v)
	}
	t, err := it.t.m.jinja.File(text, file, o)
	if err != nil {
		return "", err
	}
	s := *it.scope
	s.own = s.own.Shallow()
	for k, v := range it.templateVariables(file, src, args) {
		s.own.Set(k, v)
	}
	s.templateDir = path.Dir(file)
	out, err := t.Render(s.context())
	if err != nil {
		return "", err
	}
	if newline != "\n" {
		out = gostrings.ReplaceAll(out, "\n", newline)
	}
	return out, nil
}

// templateVariables are those that a template has beside the task's.
func (it *item) templateVariables(file, src string, args *value.Dict) func(yield func(string, any) bool) {
	managed := it.t.m.in.Settings.AnsibleManaged
	if managed == "" {
		managed = "Ansible managed"
	}
	list := []struct {
		name string
		v    any
	}{
		{"ansible_managed", managed}, {"template_path", src}, {"template_fullpath", file}, {"template_host", it.t.m.in.Host}, {"template_uid", it.t.m.in.User},
		{"template_run_date", &value.Time{Time: it.t.m.now, Naive: true}}, {"template_destpath", dictItem(args, "dest")},
		{"template_mtime", &value.Time{Time: it.t.m.now, Naive: true}},
	}
	return func(yield func(string, any) bool) {
		for _, x := range list {
			if !yield(x.name, x.v) {
				return
			}
		}
	}
}

// minPoll is how often a job in the background is looked at at most.
const minPoll = time.Second

// poll looks at a job in the background until it has ended or its time is over.
func (it *item) poll(started *value.Dict) {
	c := it.call
	job := dictItem(started, "ansible_job_id")
	deadline := it.t.m.now.Add(time.Duration(c.Task.Async) * time.Second)
	status := func(mode string, then func(*value.Dict)) {
		call := *c
		call.Task.Module, call.Task.Args = "ansible.builtin.async_status", map[string]any{"jid": job, "mode": mode}
		call.Task.Async, call.Task.Poll, call.Task.Rendered = 0, 0, nil
		it.t.m.do(ActivityTask, &call, anyTime, func(out json.RawMessage, f *flow.Failure) { then(it.outcome(out, f)) })
	}
	var look func()
	again := func() { it.t.m.after(max(minPoll, time.Duration(c.Task.Poll)*time.Second), look) }
	look = func() {
		status("status", func(r *value.Dict) {
			switch {
			case finished(r):
				how := "ok"
				if truth(r, "failed") {
					how = "failed"
				}
				it.t.m.note(Note{Kind: NoteAsyncPoll, Host: it.t.host.name, Number: it.t.task.Number, Task: c.Name, Status: how, Result: it.t.m.shown(r, it.noLog), Text: job})
				status("cleanup", func(*value.Dict) { it.done(r) })
			case !it.t.m.now.Before(deadline):
				it.done(value.NewDict("failed", true, "changed", false, "msg", "async task did not complete within the requested time - "+fmt.Sprint(c.Task.Async)+"s",
					"async_result", r))
			default:
				it.t.m.note(Note{Kind: NoteAsyncPoll, Host: it.t.host.name, Number: it.t.task.Number, Task: c.Name, Result: it.t.m.shown(r, it.noLog), Text: job,
					Retries: int(deadline.Sub(it.t.m.now).Seconds()), Attempt: c.Task.Async})
				again()
			}
		})
	}
	again()
}

func finished(r *value.Dict) bool {
	v, ok := r.Get("finished")
	return ok && value.Truth(v) && !value.Equal(v, "0") || truth(r, "failed") && !ok
}
