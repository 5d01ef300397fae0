package playbook

import (
	"slices"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
)

// builtinTasks are the actions that the language itself is made of: no module lookup.
var builtinTasks = []string{"meta", "include_tasks", "include_role", "import_tasks", "import_role"}

// freeForm are the modules that take free form text.
var freeForm = []string{"command", "raw", "script", "shell", "win_command", "win_shell"}

func isFreeForm(action string) bool {
	return is(strings.TrimPrefix(action, "ansible.windows."), freeForm...)
}

// action is what a task says to do.
type action struct {
	name string
	args *value.Dict
	// local tells local_action.
	local bool
	// key is where it stands: the module's name, "action" or "local_action".
	key *document.Node
}

// actionOf finds the action of a task in all the forms in which it can be written.
func (r *reading) actionOf(n *document.Node) (action, bool) {
	a := action{}
	given, extra := n.Entry("args")
	ok := true
	if k, v := n.Entry("action"); k != nil {
		a.key = k
		a.name, a.args, ok = r.oldStyle(n, v)
	}
	if k, v := n.Entry("local_action"); k != nil {
		if a.key != nil {
			r.fail(n, "action and local_action are mutually exclusive")
			return a, false
		}
		a.key, a.local = k, true
		a.name, a.args, ok = r.oldStyle(n, v)
	}
	if !ok {
		return a, false
	}
	for i, key := range n.Keys {
		name, isText := key.Text()
		if isText && (taskKeyword(name) || strings.HasPrefix(name, "with_")) {
			continue
		}
		if !isText {
			r.fail(key, "A task has the key %s, which is no text. Put it in quotes.", value.Repr(key.Scalar))
			return a, false
		}
		if a.name != "" {
			r.conflict(n, a.name, name)
			return a, false
		}
		a.name, a.key = name, key
		if a.args, ok = r.newStyle(n, n.Items[i], name, given != nil); !ok {
			return a, false
		}
	}
	if a.name == "" {
		r.fail(n, "no module/action detected in task.")
		return a, false
	}
	if given != nil {
		a.args, ok = r.addArgs(n, extra, a.args)
	}
	return a, ok && r.reserved(n, a)
}

// conflict says that a task has two actions; mostly one of them is a misspelt keyword.
func (r *reading) conflict(n *document.Node, first, second string) {
	hint := ""
	for _, name := range []string{first, second} {
		if _, ok := r.l.known(name, nil); !ok || r.l.o.Known == nil {
			if hint = didYouMean(name, atTask.names()); hint != "" {
				break
			}
		}
	}
	r.fail(n, "conflicting action statements: %s, %s%s", first, second, hint)
}

// oldStyle reads the value of action and local_action: text, or a dict with the module.
func (r *reading) oldStyle(n, v *document.Node) (string, *value.Dict, bool) {
	if v.Kind == document.Dict {
		r.warn(v.Origin, Outdated, "Using a mapping for `action` is deprecated. This feature will be removed from ansible-core version 2.23.\nUse a string value for `action`.")
		args := v.Value().(*value.Dict)
		module := v.Get("module")
		text, ok := module.Text()
		if !ok {
			r.fail(n, "no module/action detected in task.")
			return "", nil, false
		}
		args.Delete("module")
		name, pairs, ok := r.actionText(n, module, text)
		if !ok {
			return "", nil, false
		}
		args.Update(pairs)
		if more, ok := args.Get("args"); ok {
			args.Delete("args")
			d, isDict := more.(*value.Dict)
			if s, isText := more.(string); isText {
				if d, ok = r.pairs(n, v.Get("args"), s, false); !ok {
					return "", nil, false
				}
				isDict = true
			}
			if !isDict {
				r.fail(v.Get("args"), "The value of the task `args` keyword is invalid. A mapping or template which resolves to a mapping is required.")
				return "", nil, false
			}
			args.Update(d)
		}
		return name, args, true
	}
	text, ok := v.Text()
	if !ok {
		r.fail(n, "unexpected parameter type in action: %s", v.TypeName())
		return "", nil, false
	}
	return r.actionText(n, v, text)
}

// actionText reads "module k=v ...".
func (r *reading) actionText(n, v *document.Node, text string) (string, *value.Dict, bool) {
	words, err := splitWords(text)
	if err != nil {
		r.fail(v, "%s: %s", err, text)
		return "", nil, false
	}
	if len(words) == 0 || strings.TrimSpace(words[0]) == "" {
		r.fail(n, "no module/action detected in task.")
		return "", nil, false
	}
	name := strings.TrimSpace(words[0])
	args, ok := r.pairs(n, v, strings.Join(words[1:], " "), isFreeForm(name))
	return name, args, ok
}

// newStyle reads what stands behind a module's name.
func (r *reading) newStyle(n, v *document.Node, name string, withArgs bool) (*value.Dict, bool) {
	if v.Null() {
		return &value.Dict{}, true
	}
	if v.Kind == document.Dict {
		args := v.Value().(*value.Dict)
		if that := v.Get("that"); that != nil && isAssert(name) {
			args.Set("that", conditions(that).Value())
		}
		return args, true
	}
	if vaulted, ok := v.Scalar.(*value.Vaulted); ok && v.Kind == document.Scalar {
		return value.NewDict("_raw_params", vaulted), true
	}
	text, ok := v.Text()
	if !ok {
		r.fail(n, "unexpected parameter type in action: %s", v.TypeName())
		return nil, false
	}
	args, ok := r.pairs(n, v, text, isFreeForm(name))
	if ok && withArgs {
		var keys []string
		for _, k := range args.Keys() {
			if k != "_raw_params" {
				keys = append(keys, value.Repr(k))
			}
		}
		if len(keys) > 0 {
			slices.Sort(keys)
			r.warn(v.Origin, Outdated, "Merging legacy k=v args (%s) into task args. Include all task args in the task `args` mapping.", strings.Join(keys, ", "))
		}
	}
	return args, ok
}

// isAssert tells the action whose argument is a list of conditions.
func isAssert(name string) bool {
	return name == "assert" || name == "ansible.builtin.assert" || name == "ansible.legacy.assert"
}

// pairs reads text of the form k=v. Its parts are templates where the whole was one.
func (r *reading) pairs(_, v *document.Node, text string, free bool) (*value.Dict, bool) {
	options, raw, hasRaw, err := parsePairs(text, free)
	if err != nil {
		r.fail(v, "%s: %s", err, text)
		return nil, false
	}
	_, trusted := v.Scalar.(*value.Template)
	args := &value.Dict{}
	for _, o := range options {
		args.Set(o.key, written(o.value, trusted, v.Origin))
	}
	if hasRaw {
		args.Set("_raw_params", written(raw, trusted, v.Origin))
	}
	return args, true
}

// addArgs puts the args keyword below the arguments that the action itself was given.
func (r *reading) addArgs(n, extra *document.Node, args *value.Dict) (*value.Dict, bool) {
	out := &value.Dict{}
	t, isTemplate := extra.Scalar.(*value.Template)
	switch {
	case extra.Kind == document.Dict:
		out = extra.Value().(*value.Dict)
	case extra.Null():
		r.warn(n.Origin, Outdated, "Ignoring empty task `args` keyword. A mapping or template which resolves to a mapping is required.")
	case isTemplate && strings.HasPrefix(strings.TrimSpace(t.Text), "{{"):
		out.Set("_variable_params", t)
	default:
		r.fail(extra, "The value of the task `args` keyword is invalid. A mapping or template which resolves to a mapping is required.")
		return nil, false
	}
	out.Update(args)
	return out, true
}

// reserved refuses arguments that only Ansible itself may give.
func (r *reading) reserved(n *document.Node, a action) bool {
	if isFreeForm(a.name) {
		return true
	}
	for _, k := range a.args.Keys() {
		if s, ok := k.(string); ok && strings.HasPrefix(s, "_ansible_") {
			r.misuse(n, "Invalid parameter specified beginning with keyword '_ansible_' for action '%s': '%s'. "+
				"The prefix '_ansible_' is reserved for internal use only.", a.name, s)
			return false
		}
	}
	return true
}

// Pairs reads text of the form k=v that somebody wrote outside of any playbook; values may be
// templates. What is no k=v is under _raw_params.
func Pairs(text string, at value.Origin) (*value.Dict, error) {
	options, raw, hasRaw, err := parsePairs(text, false)
	if err != nil {
		return nil, err
	}
	d := &value.Dict{}
	for _, o := range options {
		d.Set(o.key, document.TextValue(o.value, at))
	}
	if hasRaw {
		d.Set("_raw_params", document.TextValue(raw, at))
	}
	return d, nil
}
