package play

import (
	"fmt"
	gostrings "strings"

	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// localAction does a task in the machine itself. It ends the item by done, now or later.
type localAction func(it *item, args *value.Dict) error

// localActions are the actions that concern the play and no host.
func localActions(name string) localAction {
	switch name {
	case "debug":
		return (*item).debug
	case "assert":
		return (*item).assert
	case "fail":
		return (*item).fail
	case "set_fact":
		return (*item).setFact
	case "set_stats":
		return (*item).setStats
	case "add_host":
		return (*item).addHost
	case "group_by":
		return (*item).groupBy
	case "include_tasks":
		return (*item).includeTasks
	case "include_role":
		return (*item).includeRole
	case "include_vars":
		return (*item).includeVars
	case "pause":
		return (*item).pause
	case "validate_argument_spec":
		return (*item).validateArguments
	}
	return nil
}

// shortName is a module's name without ansible.builtin; names of other collections stay.
func shortName(module string) string {
	for _, prefix := range []string{"ansible.builtin.", "ansible.legacy."} {
		if rest, ok := gostrings.CutPrefix(module, prefix); ok {
			return rest
		}
	}
	return module
}

func isAction(t *playbook.Task, name string) bool { return shortName(t.Module) == name }

// metaOf is the kind of a meta task; "" for any other.
func metaOf(t *playbook.Task) string {
	if shortName(t.Module) != "meta" {
		return ""
	}
	v, _ := t.Args.Get("_raw_params")
	return value.String(v)
}

// dispatch renders the arguments and carries the item out.
func (it *item) dispatch() error {
	module := it.t.task.Module
	if module == "" || playbookTemplate(it.t.task.Action) {
		v, err := it.scope.render(&value.Template{Text: it.t.task.Action, Origin: it.t.task.Origin})
		if err != nil {
			return err
		}
		full, ok := it.t.m.knownModule(value.String(v), it.collections())
		if !ok {
			return fmt.Errorf("couldn't resolve module/action '%s'. This often indicates a misspelling, missing collection, or incorrect module path.", v) // Ansible's words
		}
		module = full
	}
	args, err := it.arguments(module)
	if err != nil {
		return err
	}
	if args.Has("_raw_params") && !rawActions[shortName(module)] && !gostrings.Contains(gostrings.TrimPrefix(gostrings.TrimPrefix(module, "ansible.builtin."), "ansible.legacy."), ".") {
		return &taskError{at: it.t.task.Origin, message: fmt.Sprintf("Action '%s' does not support raw params.", module)}
	}
	if do := localActions(shortName(module)); do != nil {
		return do(it, args)
	}
	return it.remote(module, args)
}

func playbookTemplate(text string) bool { return gostrings.Contains(text, "{{") }

func (it *item) collections() []string {
	k, ok := it.scope.nearest("collections")
	if !ok {
		return nil
	}
	return stringList(k.Value)
}

// arguments renders the task's arguments, on top of those of module_defaults.
func (it *item) arguments(module string) (*value.Dict, error) {
	args := &value.Dict{}
	short := shortName(module)
	lazy := lazyArguments(short)
	for _, d := range it.moduleDefaults() {
		v, err := it.scope.render(d)
		if err != nil {
			return nil, err
		}
		defaults, ok := v.(*value.Dict)
		if !ok {
			continue
		}
		for name, v := range defaults.All() {
			of, isDict := v.(*value.Dict)
			if isDict && (name == module || shortName(value.String(name)) == short || inGroup(value.String(name), module)) {
				args.Update(of)
			}
		}
	}
	for k, raw := range it.t.task.Args.All() {
		if lazy != "" && k == lazy {
			args.Set(k, raw)
			continue
		}
		v, err := it.scope.render(raw)
		if err != nil {
			return nil, argumentError(module, err, k)
		}
		if u, ok := v.(*value.Unknown); ok {
			return nil, &unknownError{u}
		}
		if omitted(v) {
			args.Delete(k)
			continue
		}
		if k == "_variable_params" {
			d, ok := v.(*value.Dict)
			if !ok {
				return nil, fmt.Errorf("Incorrect usage of variable in args: expected a dict, got %s", value.TypeName(v)) // Ansible's words
			}
			args.Update(d)
			continue
		}
		args.Set(k, v)
	}
	if u := unknownWithin(args); u != nil {
		return nil, &unknownError{u}
	}
	return args, nil
}

// rawActions are those that take text which is no k=v.
var rawActions = map[string]bool{"command": true, "shell": true, "raw": true, "script": true, "include_vars": true, "include_tasks": true, "include_role": true,
	"import_tasks": true, "import_role": true, "add_host": true, "group_by": true, "set_fact": true, "meta": true}

// lazyArguments names an argument that the action evaluates itself.
func lazyArguments(action string) string {
	switch action {
	case "assert":
		return "that"
	case "debug":
		return "var"
	}
	return ""
}

func (it *item) moduleDefaults() []any {
	var p *playbook.Play
	if it.scope.play != nil {
		p = it.scope.play.source
	}
	return collected(p, it.t.task, "module_defaults")
}

// inGroup tells whether a key of module_defaults is the group of a module.
func inGroup(key, module string) bool {
	group, ok := gostrings.CutPrefix(key, "group/")
	if !ok {
		return false
	}
	i := gostrings.LastIndexByte(module, '.')
	return i > 0 && (group == module[:i] || gostrings.HasPrefix(module, group+"."))
}
