package play

import (
	"fmt"
	"math"
	gostrings "strings"
	"time"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/value"
)

// debug implements ansible.builtin.debug.
func (it *item) debug(args *value.Dict) error {
	level, _ := args.Get("verbosity")
	n, ok := integer(level)
	if level != nil && !ok {
		return fmt.Errorf("argument 'verbosity' is of type %s and we were unable to convert to int", value.TypeName(level))
	}
	for _, k := range args.Keys() {
		if k != "msg" && k != "var" && k != "verbosity" {
			return fmt.Errorf("Unsupported parameters for (debug) module: %s. Supported parameters include: msg, var, verbosity.", value.String(k)) // Ansible's words
		}
	}
	if n > it.t.m.in.Options.Verbosity {
		it.done(value.NewDict("skipped_reason", "Verbosity threshold not met.", "skipped", true, "failed", false, "changed", false))
		return nil
	}
	r := value.NewDict()
	what, named := args.Get("var")
	msg, said := args.Get("msg")
	switch {
	case named && said:
		return fmt.Errorf("parameters are mutually exclusive: msg|var")
	case named:
		v, key, err := it.debugged(what)
		if err != nil {
			return err
		}
		r.Set(key, v)
	case said:
		r.Set("msg", msg)
	default:
		r.Set("msg", "Hello world!")
	}
	r.Set("_ansible_verbose_always", true)
	r.Set("failed", false)
	r.Set("changed", false)
	it.done(r)
	return nil
}

// debugged evaluates the expression of debug's var.
func (it *item) debugged(what any) (v any, key string, err error) {
	if _, isTemplate := what.(*value.Template); isTemplate {
		if what, err = it.scope.render(what); err != nil {
			return nil, "", err
		}
		if text, ok := what.(string); !ok {
			return what, value.String(what), nil
		} else if v, err = it.scope.expression(text); err != nil {
			return nil, "", err
		}
		return v, value.String(what), nil
	}
	key = value.String(what)
	v, err = it.scope.expression(key)
	if err != nil && !pendingError(err) {
		if hint, ok := undefinedHint(err); ok {
			return "<< error 1 - " + hint + " >>", key, nil
		}
		return nil, key, fmt.Errorf("Error while resolving `var` expression: %w", err) // Ansible's words
	}
	return v, key, err
}

// assert implements ansible.builtin.assert.
func (it *item) assert(args *value.Dict) error {
	that, ok := args.Get("that")
	if !ok {
		return fmt.Errorf("missing required arguments: that")
	}
	if t, isTemplate := that.(*value.Template); isTemplate && playbookTemplate(t.Text) {
		v, err := it.scope.render(t)
		if err != nil {
			return err
		}
		that = v
	}
	quiet := truth(args, "quiet")
	for _, cond := range list(that) {
		yes, err := it.scope.condition(cond)
		if err != nil {
			return err
		}
		switch yes {
		case isUnknown:
			return &unknownError{&value.Unknown{Why: "the condition " + value.String(cond)}}
		case isFalse:
			msg, said := args.Get("fail_msg")
			if !said {
				msg, said = args.Get("msg")
			}
			if !said || msg == nil {
				msg = "Assertion failed"
			}
			r := value.NewDict("failed", true, "changed", false, "evaluated_to", false, "assertion", plainText(cond), "msg", msg)
			if !quiet {
				r.Set("_ansible_verbose_always", true)
			}
			it.done(r)
			return nil
		}
	}
	msg, said := args.Get("success_msg")
	if !said || msg == nil {
		msg = "All assertions passed"
	}
	r := value.NewDict("changed", false, "failed", false, "msg", msg)
	if !quiet {
		r.Set("_ansible_verbose_always", true)
	}
	it.done(r)
	return nil
}

// plainText is a condition as it was written.
func plainText(cond any) any {
	if t, ok := cond.(*value.Template); ok {
		return t.Text
	}
	return cond
}

// fail implements ansible.builtin.fail.
func (it *item) fail(args *value.Dict) error {
	msg, ok := args.Get("msg")
	if !ok {
		msg = "Failed as requested from task"
	}
	it.done(value.NewDict("failed", true, "changed", false, "msg", msg))
	return nil
}

// setFact implements ansible.builtin.set_fact.
func (it *item) setFact(args *value.Dict) error {
	cacheable := truth(args, "cacheable")
	facts := &value.Dict{}
	for k, v := range args.All() {
		name := value.String(k)
		switch {
		case name == "cacheable":
			continue
		case !inventory.IsVariableName(name):
			return fmt.Errorf("The variable name '%s' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores.", name) // Ansible's words
		}
		facts.Set(name, v)
	}
	if facts.Len() == 0 {
		return fmt.Errorf("No key/value pairs provided, at least one is required for this action to succeed") // Ansible's words
	}
	it.done(value.NewDict("changed", false, "failed", false, "ansible_facts", facts, "_ansible_facts_cacheable", cacheable))
	return nil
}

// setStats implements ansible.builtin.set_stats.
func (it *item) setStats(args *value.Dict) error {
	for _, k := range args.Keys() {
		if k != "data" && k != "per_host" && k != "aggregate" {
			return fmt.Errorf("Unsupported parameters for (set_stats) module: %s. Supported parameters include: aggregate, data, per_host.", value.String(k)) // Ansible's words
		}
	}
	data, _ := args.Get("data")
	d, ok := data.(*value.Dict)
	if !ok {
		return fmt.Errorf("The 'data' option needs to be a dictionary/hash") // Ansible's words
	}
	aggregate := true
	if v, given := args.Get("aggregate"); given {
		aggregate, _ = boolean(v)
	}
	it.done(value.NewDict("changed", false, "failed", false,
		"ansible_stats", value.NewDict("data", d, "per_host", truth(args, "per_host"), "aggregate", aggregate)))
	return nil
}

// addHost implements ansible.builtin.add_host.
func (it *item) addHost(args *value.Dict) error {
	name := ""
	for _, key := range []string{"name", "hostname", "host"} {
		if name == "" {
			name = dictItem(args, key)
		}
	}
	if name == "" {
		return fmt.Errorf("name, host or hostname needs to be provided")
	}
	host, port, ok := inventory.ParseAddress(name)
	if !ok {
		host, port = name, 0
	}
	n := inventory.NewHost{Name: host, Vars: &value.Dict{}}
	for _, key := range []string{"groupname", "groups", "group"} {
		if v, given := args.Get(key); given && len(n.Groups) == 0 {
			n.Groups = stringList(v)
		}
	}
	for k, v := range args.All() {
		switch k {
		case "name", "hostname", "host", "groupname", "groups", "group":
		default:
			n.Vars.Set(k, v)
		}
	}
	if port != 0 {
		n.Vars.Set("ansible_ssh_port", int64(port))
	}
	changed, err := it.t.m.inv.Add(n)
	if err != nil {
		return err
	}
	it.done(value.NewDict("changed", changed, "failed", false,
		"add_host", value.NewDict("host_name", host, "groups", texts(n.Groups), "host_vars", n.Vars)))
	return nil
}

// groupBy implements ansible.builtin.group_by.
func (it *item) groupBy(args *value.Dict) error {
	key := dictItem(args, "key")
	if key == "" {
		return fmt.Errorf("the 'key' param is required when using group_by")
	}
	parents := []string{"all"}
	if v, ok := args.Get("parents"); ok {
		parents = stringList(v)
	}
	for i, p := range parents {
		parents[i] = gostrings.ReplaceAll(p, " ", "-")
	}
	group := gostrings.ReplaceAll(key, " ", "-")
	changed, err := it.t.m.inv.Sort(it.t.host.name, group, parents)
	if err != nil {
		return err
	}
	it.done(value.NewDict("changed", changed, "failed", false, "add_group", group, "parent_groups", texts(parents)))
	return nil
}

// maxPause bounds ansible.builtin.pause.
const maxPause = 365 * 24 * time.Hour

// pause implements ansible.builtin.pause. It waits by a timer of the runtime, so that it goes
// on when the process does.
func (it *item) pause(args *value.Dict) error {
	var wait time.Duration
	timed := false
	for _, u := range []struct {
		key  string
		unit time.Duration
	}{{"seconds", time.Second}, {"minutes", time.Minute}} {
		v, ok := args.Get(u.key)
		if !ok || v == nil {
			continue
		}
		n := seconds(v)
		if _, isNumber := integer(v); !isNumber && n == 0 || math.IsNaN(n) {
			return fmt.Errorf("non-integer value given for prompt duration:\n%s", value.String(v))
		}
		wait, timed = min(max(time.Duration(n)*u.unit, time.Second), maxPause), true
	}
	prompt := dictItem(args, "prompt")
	start := it.t.m.now
	finish := func(input any) {
		d := it.t.m.now.Sub(start)
		unit, n := "seconds", math.Round(d.Seconds()*100)/100
		if timed && args.Has("minutes") {
			unit, n = "minutes", math.Round(d.Minutes()*100)/100
		}
		const layout = "2006-01-02 15:04:05.000000"
		it.done(value.NewDict("changed", false, "failed", false, "rc", int64(0), "stderr", "", "stdout", fmt.Sprintf("Paused for %s %s", value.Float(n), unit),
			"start", start.Format(layout), "stop", it.t.m.now.Format(layout), "delta", int64(d.Seconds()), "echo", !args.Has("echo") || truth(args, "echo"), "user_input", input))
	}
	if timed {
		if prompt != "" {
			it.t.m.note(Note{Kind: NoteText, Text: fmt.Sprintf("[%s]\n%s", it.t.name(), prompt)})
		}
		it.t.m.note(Note{Kind: NoteText, Text: fmt.Sprintf("Pausing for %d seconds", int(wait.Seconds()))})
		it.t.m.after(wait, func() { finish("") })
		return nil
	}
	if prompt == "" {
		prompt = "Press enter to continue, Ctrl+C to interrupt"
	}
	a, err := it.desk.asked(Ask{Kind: AskPerson, Prompt: fmt.Sprintf("[%s]\n%s:", it.t.name(), prompt), Private: args.Has("echo") && !truth(args, "echo")})
	if err != nil {
		return err
	}
	v, err := a.value()
	if err != nil {
		return err
	}
	finish(v)
	return nil
}

// validateArguments implements ansible.builtin.validate_argument_spec.
func (it *item) validateArguments(args *value.Dict) error {
	spec, _ := args.Get("argument_spec")
	options, ok := spec.(*value.Dict)
	if !ok {
		return fmt.Errorf("Incorrect type for argument_spec, expected dict and got %s", value.TypeName(spec)) // Ansible's words
	}
	given := &value.Dict{}
	if v, ok := args.Get("provided_arguments"); ok {
		d, isDict := v.(*value.Dict)
		if !isDict {
			return fmt.Errorf("Incorrect type for provided_arguments, expected dict and got %s", value.TypeName(v)) // Ansible's words
		}
		given = d.Shallow()
	}
	for _, k := range options.Keys() {
		if given.Has(k) {
			continue
		}
		v, found, err := it.scope.lookup(value.String(k))
		if err != nil {
			return err
		}
		if found && !omitted(v) {
			given.Set(k, v)
		}
	}
	parsed, err := argument.FromDict(options)
	if err != nil {
		return err
	}
	only := &value.Dict{}
	for k, v := range given.All() {
		if options.Has(k) {
			only.Set(k, v)
		}
	}
	var problems []string
	for _, p := range argument.Check(parsed, value.ToGo(only).(map[string]any), argument.Host{}).Problems {
		problems = append(problems, p.Text)
	}
	r := value.NewDict("changed", false, "failed", false, "validate_args_context", orEmpty(args, "validate_args_context"))
	if len(problems) > 0 {
		r.Set("failed", true)
		r.Set("msg", "Validation of arguments failed:\n"+gostrings.Join(problems, "\n"))
		r.Set("argument_spec_data", options)
		r.Set("argument_errors", texts(problems))
	} else {
		r.Set("msg", "The arg spec validation passed")
	}
	it.done(r)
	return nil
}

func orEmpty(d *value.Dict, key string) any {
	if v, ok := d.Get(key); ok {
		return v
	}
	return &value.Dict{}
}
