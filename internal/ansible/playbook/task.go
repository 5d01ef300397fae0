package playbook

import (
	"slices"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
)

// lookups are the lookup plugins of ansible.builtin.
var lookups = []string{"config", "csvfile", "dict", "env", "file", "fileglob", "first_found", "indexed_items", "ini", "inventory_hostnames",
	"items", "lines", "list", "nested", "password", "pipe", "random_choice", "sequence", "subelements", "template", "together", "unvault",
	"url", "varnames", "vars"}

// lookup reports whether there is a lookup plugin.
func (l *Loader) lookup(name string) bool {
	if slices.Contains(lookups, strings.TrimPrefix(strings.TrimPrefix(name, "ansible.builtin."), "ansible.legacy.")) {
		return true
	}
	return l.o.Lookup != nil && l.o.Lookup(name)
}

// task reads a task: itself, or what stands for it when it is a static import.
func (r *reading) task(n *document.Node, parent *Block) []Item {
	a, ok := r.actionOf(n)
	if !ok {
		return nil
	}
	class := r.place().String()
	switch {
	case is(a.name, "include_tasks", "import_tasks") && r.handlers:
		class = "HandlerTaskInclude"
	case is(a.name, "include_tasks", "import_tasks"):
		class = "TaskInclude"
	case is(a.name, "include_role", "import_role"):
		class = "IncludeRole"
	}
	if is(a.name, "include_role", "import_role") && r.handlers {
		r.fail(n, "Using '%s' as a handler is not supported.", a.name)
		return nil
	}
	if is(a.name, "include_tasks", "include_role") {
		r.includable(n, a, class)
	}
	t := r.newTask(n, parent, a, class)
	switch {
	case t == nil:
		return nil
	case is(a.name, "import_tasks"):
		if r.includeOptions(n, t) {
			return r.importTasks(n, t)
		}
		return nil
	case is(a.name, "import_role"):
		if args, ok := r.roleOptions(n, t); ok {
			return r.importRole(n, t, args)
		}
		return nil
	case is(a.name, "include_tasks"):
		r.includeOptions(n, t)
	case is(a.name, "include_role"):
		r.roleOptions(n, t)
	case is(a.name, "meta"):
		r.meta(n, t)
	}
	return []Item{t}
}

func (r *reading) place() place {
	if r.handlers {
		return atHandler
	}
	return atTask
}

// meta checks the one meta action that depends on where it stands.
func (r *reading) meta(n *document.Node, t *Task) {
	raw, _ := t.Args.Get("_raw_params")
	switch {
	case raw != "end_role":
	case r.handlers:
		r.fail(n, "Cannot execute 'end_role' from a handler")
	case r.role == nil:
		r.fail(n, "Cannot execute 'end_role' from outside of a role")
	}
}

// includable checks that a dynamic include has only the few keywords that it can have.
func (r *reading) includable(n *document.Node, a action, class string) {
	for _, key := range n.Keys {
		name, _ := key.Text()
		if strings.HasPrefix(name, "with_") || !taskKeyword(name) && name != "listen" || name == "local_action" ||
			slices.Contains(includeKeywords, name) || name == "listen" && class == "HandlerTaskInclude" {
			continue
		}
		r.invalidAttribute(name, class, n, didYouMean(name, includeKeywords))
	}
	if a.local {
		r.invalidAttribute("delegate_to", class, n, "")
	}
}

// newTask makes a task of what is written.
func (r *reading) newTask(n *document.Node, parent *Block, a action, class string) *Task {
	t := &Task{Node: Node{Parent: parent, Origin: n.Origin}, Action: a.name, Args: a.args, Handler: r.handlers,
		Role: r.role, Play: r.play, File: n.Origin.File, Included: r.include}
	with := func(name string) bool {
		return strings.HasPrefix(name, "with_") || name == a.name || name == "shell"
	}
	t.Keywords = r.keywordsAs(n, r.place(), class, with)
	if t.Keywords == nil {
		t.Keywords = Keywords{}
	}
	if a.local {
		t.Keywords["delegate_to"] = Keyword{"localhost", a.key.Origin}
	}
	t.Name = t.Keywords["name"].Value
	t.Vars = dictOf(t.Keywords, "vars")
	if listen, ok := t.Keywords["listen"]; ok {
		t.Listen = r.listen(listen)
	}
	if !r.resolve(n, t) || !r.loop(n, t, class) {
		return nil
	}
	t.Number = r.l.next
	if r.l.next++; t.Number > MaxTasks {
		r.fail(n, "There are more than %d tasks.", MaxTasks)
		r.stopped = true
	}
	return t
}

// listen reads the topics of a handler, those with the role's name before them included.
func (r *reading) listen(k Keyword) []string {
	var out []string
	for _, item := range k.Value.(*value.List).Items {
		switch topic := item.(type) {
		case string:
			out = append(out, topic)
		case *value.Template:
			out = append(out, topic.Text) // topics are not rendered
		}
	}
	if r.role == nil {
		return out
	}
	for _, topic := range slices.Clone(out) {
		out = append(out, r.role.Name+" : "+topic)
		if r.role.Collection != "" {
			out = append(out, r.role.Short()+" : "+topic)
		}
	}
	return out
}

// resolve finds the module.
func (r *reading) resolve(n *document.Node, t *Task) bool {
	if document.IsTemplate(t.Action) {
		t.Module = t.Action
		return true
	}
	if is(t.Action, "include") {
		r.misuse(n, "The 'ansible.builtin.include' action plugin has been removed. Use include_tasks or import_tasks instead.")
		return false
	}
	full, ok := r.l.known(t.Action, r.collections(t))
	if !ok {
		hint := ""
		if r.l.o.Suggest != nil {
			if near := r.l.o.Suggest(t.Action); len(near) > 0 {
				hint = " Did you mean " + strings.Join(near, " or ") + "?"
			}
		}
		if near := didYouMean(t.Action, atTask.names()); hint == "" && near != "" {
			hint = strings.TrimPrefix(near, ".")
		}
		r.fail(n, "couldn't resolve module/action '%s'. This often indicates a "+
			"misspelling, missing collection, or incorrect module path.%s", t.Action, hint)
		return false
	}
	t.Module = full
	return true
}

// collections are those in which a task's module is looked for.
func (r *reading) collections(t *Task) []string {
	k, ok := t.Keyword("collections")
	if !ok {
		return nil
	}
	return collectionsOf(Keywords{"collections": k})
}

// loop reads loop, with_x and loop_control, in the order in which they are written.
func (r *reading) loop(n *document.Node, t *Task, class string) bool {
	for i, key := range n.Keys {
		name, _ := key.Text()
		v := n.Items[i]
		with, isWith := strings.CutPrefix(name, "with_")
		switch {
		case isWith && !r.l.lookup(with):
			r.unknownKeyword(name, r.place(), class, key)
		case isWith && t.HasLoop:
			r.misuse(n, "duplicate loop in task: %s", with)
			return false
		case isWith && v.Null():
			r.misuse(n, "you must specify a value when using %s", name)
			return false
		case isWith:
			t.Loop, t.With, t.HasLoop, t.LoopAt = v.Value(), with, true, v.Origin
		case name == "loop" && !v.Null():
			t.Loop, t.HasLoop, t.LoopAt = v.Value(), true, v.Origin
		case name == "loop_control":
			if v.Kind != document.Dict {
				r.fail(v, "the `loop_control` value must be specified as a dictionary and cannot be a variable itself (though it can contain variables)")
				return false
			}
			t.LoopControl = &value.Dict{}
			control := r.keywordsOf(v, atLoop, nil)
			for _, k := range keywords {
				if c, ok := control[k.name]; ok && k.at&atLoop != 0 {
					t.LoopControl.Set(k.name, c.Value)
				}
			}
		}
	}
	return true
}
