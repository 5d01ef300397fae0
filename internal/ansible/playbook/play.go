package playbook

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
)

// importPlaybook are the names of the statement that brings in another playbook.
var importPlaybook = []string{"import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook"}

// playbook reads the plays of a file into pb. vars are those of the import_playbook that
// names it, nil for none.
func (r *reading) playbook(pb *Playbook, name string, vars *value.Dict, from *document.Node) {
	at := value.Origin{}
	if from != nil {
		at = from.Origin
	}
	n := r.document(name, at)
	switch {
	case r.err != nil || n == nil:
		return
	case n.Null():
		r.fail(n, "Empty playbook, nothing to do: %s", name)
		return
	case n.Kind != document.List:
		r.fail(n, "A playbook must be a list of plays, got a %s instead: %s", n.TypeName(), name)
		return
	case len(n.Items) == 0:
		r.fail(n, "A playbook must contain at least one play: %s", name)
		return
	}
	outer := r.dir
	r.dir = path.Dir(name)
	defer func() { r.dir = outer }()
	for _, entry := range n.Items {
		switch key := importKey(entry); {
		case r.stopped:
			return
		case entry.Kind != document.Dict:
			r.fail(entry, "playbook entries must be either valid plays or 'import_playbook' statements")
		case key != nil:
			r.importPlaybook(pb, entry, vars)
		default:
			pb.Plays = append(pb.Plays, r.readPlay(entry, vars))
		}
	}
}

// importKey gives the key of an import_playbook, or nil.
func importKey(n *document.Node) *document.Node {
	for _, name := range importPlaybook {
		if k, _ := n.Entry(name); k != nil {
			return k
		}
	}
	return nil
}

// importPlaybook reads the playbook that an entry imports, and hands the entry's variables,
// tags and conditions to its plays.
func (r *reading) importPlaybook(pb *Playbook, n *document.Node, outer *value.Dict) {
	var found []string
	var target *document.Node
	for _, name := range importPlaybook {
		if k, v := n.Entry(name); k != nil {
			found, target = append(found, name), v
		}
	}
	if len(found) > 1 {
		slices.Sort(found)
		r.misuse(n, "Found conflicting import_playbook actions: %s", strings.Join(found, ", "))
		return
	}
	ks := r.keywordsOf(n, atImport, nil)
	vars := dictOf(ks, "vars")
	switch {
	case target.Null():
		r.fail(n, "The field 'import_playbook' is required but was not set.")
		return
	case target.Kind != document.Scalar:
		r.fail(n, "The field 'import_playbook' is supposed to be a string type, however the incoming data structure is a %s", target.TypeName())
		return
	}
	all := func() *value.Dict { return merged(outer, vars, r.l.o.Extra) }
	name, ok := r.text(target.Scalar, all, target.Origin, "import path")
	if !ok {
		return
	}
	if !r.deeper(target.Origin, "The playbook '%s' is imported within more than %d others: does it import itself?", name, MaxImports) {
		return
	}
	defer func() { r.imports-- }()
	first := len(pb.Plays)
	r.playbook(pb, r.playbookPath(name), vars, target)
	for _, p := range pb.Plays[first:] {
		r.hand(p, ks, vars)
	}
}

// hand gives a play what was written at the import_playbook that brought it in.
func (r *reading) hand(p *Play, ks Keywords, vars *value.Dict) {
	p.Vars = merged(p.Vars, vars)
	if tags, ok := ks["tags"]; ok {
		own, _ := p.Keywords["tags"].Value.(*value.List)
		p.Keywords["tags"] = Keyword{joined(own, tags.Value.(*value.List)), tags.Origin}
	}
	when, ok := ks["when"]
	if !ok {
		return
	}
	conditions := when.Value.(*value.List)
	p.Conditions = slices.Concat(conditions.Items, p.Conditions)
	condition := func(ks *Keywords) {
		if *ks == nil {
			*ks = Keywords{}
		}
		own, _ := (*ks)["when"].Value.(*value.List)
		(*ks)["when"] = Keyword{joined(conditions, own), when.Origin}
	}
	for _, section := range [][]*Block{p.PreTasks, p.Tasks, p.PostTasks} {
		for _, b := range section {
			condition(&b.Keywords)
		}
	}
	for _, role := range p.Roles {
		condition(&role.Block.Keywords)
	}
}

// joined is the items of two lists, each of which may be nil.
func joined(a, b *value.List) *value.List {
	out := value.NewList()
	for _, l := range []*value.List{a, b} {
		if l != nil {
			out.Items = append(out.Items, l.Items...)
		}
	}
	return out
}

// merged is a dict of the keys of all; the last counts. Each may be nil.
func merged(all ...*value.Dict) *value.Dict {
	out := &value.Dict{}
	for _, d := range all {
		out.Update(d)
	}
	return out
}

func dictOf(ks Keywords, name string) *value.Dict {
	d, _ := ks[name].Value.(*value.Dict)
	return d
}

// playbookPath finds an imported playbook: one of a collection, or a file.
func (r *reading) playbookPath(name string) string {
	if ns, coll, rest, ok := qualified(name); ok && !strings.Contains(name, "/") {
		for _, dir := range r.l.o.CollectionsPath {
			for _, ext := range []string{"", ".yml", ".yaml"} {
				candidate := path.Join(r.l.expand(dir), "ansible_collections", ns, coll, "playbooks", strings.ReplaceAll(rest, ".", "/")+ext)
				if r.isFile(candidate) {
					return candidate
				}
			}
		}
	}
	return r.l.below(r.dir, name)
}

// qualified splits namespace.collection.rest.
func qualified(name string) (ns, coll, rest string, ok bool) {
	parts := strings.SplitN(name, ".", 3)
	if len(parts) != 3 {
		return "", "", "", false
	}
	for p := range strings.SplitSeq(name, ".") {
		if !validName(p) {
			return "", "", "", false
		}
	}
	return parts[0], parts[1], parts[2], true
}

// readPlay reads one play.
func (r *reading) readPlay(n *document.Node, vars *value.Dict) *Play {
	p := &Play{Node: Node{Origin: n.Origin}, Dir: r.dir}
	r.play = p
	defer func() { r.play = nil }()
	p.Keywords = r.keywordsOf(n, atPlay, nil)
	p.Vars = merged(vars, dictOf(p.Keywords, "vars"))
	r.playUser(p, n)
	r.playHosts(p, n)
	r.playValues(p)
	if _, v := n.Entry("vars_files"); v != nil {
		p.VarsFiles = asList(v).Items
	}
	r.playPrompts(p, n)

	p.PreTasks = r.section(p, n, "pre_tasks")
	r.playRoles(p, n)
	p.Tasks = r.section(p, n, "tasks")
	p.PostTasks = r.section(p, n, "post_tasks")
	imported := p.Handlers
	r.handlers = true
	p.Handlers = append(r.section(p, n, "handlers"), imported...)
	r.handlers = false
	return p
}

// section reads one of a play's lists of tasks.
func (r *reading) section(p *Play, n *document.Node, name string) []*Block {
	_, v := n.Entry(name)
	if v.Null() {
		return nil
	}
	if v.Kind != document.List {
		r.fail(v, "A malformed block was encountered while loading %s. Expected a list of tasks, got a %s.", name, v.TypeName())
		return nil
	}
	blocks := r.blockList(v.Items, nil)
	return blocks
}

// playUser takes "user" for "remote_user".
func (r *reading) playUser(p *Play, n *document.Node) {
	k, v := n.Entry("user")
	if k == nil {
		return
	}
	if _, ok := p.Keywords["remote_user"]; ok {
		r.fail(n, "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed")
		return
	}
	p.Keywords["remote_user"] = Keyword{v.Value(), v.Origin}
}

// playHosts checks the pattern of hosts.
func (r *reading) playHosts(p *Play, n *document.Node) {
	k, v := n.Entry("hosts")
	switch text, ok := v.Text(); {
	case k == nil:
		r.fail(n, "The field 'hosts' is required but was not set.")
	case v.Null(), ok && text == "", v.Kind != document.Scalar && len(v.Items) == 0:
		r.fail(k, "Hosts list cannot be empty. Please check your playbook")
	case v.Kind == document.List:
		r.hostList(v)
	case !ok:
		if _, vaulted := v.Scalar.(*value.Vaulted); !vaulted {
			r.fail(v, "Hosts list must be a sequence or string. Please check your playbook.")
		}
	}
	p.Hosts = v.Value()
}

func (r *reading) hostList(v *document.Node) {
	for _, item := range v.Items {
		text, ok := item.Text()
		switch {
		case item.Null():
			r.fail(item, "Hosts list cannot contain values of 'None'. Please check your playbook")
		case !ok:
			r.fail(item, "Hosts list contains an invalid host value: '%s'", value.String(item.Value()))
		case strings.TrimSpace(text) == "":
			r.fail(item, "Keyword 'hosts' is required, and cannot have empty values.")
		}
	}
}

// playValues checks those of a play's keywords that do not depend on hosts, as far as they
// are no templates.
func (r *reading) playValues(p *Play) {
	check := func(name, kind string, fits func(any) bool) {
		k, ok := p.Keywords[name]
		if !ok || k.Value == nil || templated(k.Value) || fits(k.Value) {
			return
		}
		r.failAt(k.Origin, Invalid, "Error processing keyword '%s': The value %s could not be converted to '%s'.", name, value.Repr(k.Value), kind)
	}
	check("gather_facts", "bool", isBool)
	check("force_handlers", "bool", isBool)
	check("gather_timeout", "int", isNumber)
	check("max_fail_percentage", "percent", func(v any) bool {
		s, ok := v.(string)
		if ok {
			v = strings.ReplaceAll(s, "%", "")
		}
		return isNumber(v)
	})
	k, ok := p.Keywords["gather_subset"]
	if l, isList := k.Value.(*value.List); ok && isList {
		for _, item := range l.Items {
			switch item.(type) {
			case string, *value.Template:
			default:
				r.failAt(k.Origin, Invalid, "Error processing keyword 'gather_subset': Keyword 'gather_subset' items must be of type 'str', not '%s'.", value.TypeName(item))
			}
		}
	}
}

// isBool reports whether a value may stand for a boolean.
func isBool(v any) bool {
	switch v := v.(type) {
	case bool:
		return true
	case int64:
		return v == 0 || v == 1
	case float64:
		return v == 0 || v == 1
	case string:
		switch strings.ToLower(v) {
		case "y", "yes", "on", "1", "true", "t", "1.0", "n", "no", "off", "0", "false", "f", "0.0":
			return true
		}
	}
	return false
}

func isNumber(v any) bool {
	switch v := v.(type) {
	case int64, float64, bool:
		return true
	case string:
		_, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return err == nil
	}
	return false
}

// promptKeys are what may be said of a variable that somebody is asked for.
var promptKeys = []string{"name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"}

// playPrompts reads vars_prompt: a dict, or a list of dicts.
func (r *reading) playPrompts(p *Play, n *document.Node) {
	_, v := n.Entry("vars_prompt")
	if v.Null() {
		return
	}
	all := []*document.Node{v}
	if v.Kind == document.List {
		all = v.Items
	}
	for _, prompt := range all {
		if prompt.Kind != document.Dict {
			r.fail(prompt, "Invalid vars_prompt data structure, expected a dictionary, got a %s", prompt.TypeName())
			continue
		}
		if k, _ := prompt.Entry("name"); k == nil {
			r.fail(v, "Invalid vars_prompt data structure, missing 'name' key")
		}
		for _, key := range prompt.Keys {
			if text, _ := key.Text(); !slices.Contains(promptKeys, text) {
				r.fail(v, "Invalid vars_prompt data structure, found unsupported key '%s'%s", text, didYouMean(text, promptKeys))
			}
		}
		p.VarsPrompt = append(p.VarsPrompt, prompt.Value().(*value.Dict))
	}
}

// playRoles reads a play's list of roles.
func (r *reading) playRoles(p *Play, n *document.Node) {
	_, v := n.Entry("roles")
	switch {
	case v.Null():
		return
	case v.Kind != document.List:
		r.fail(v, "A malformed role declaration was encountered. Expected a list of roles, got a %s.", v.TypeName())
		return
	}
	for _, item := range v.Items {
		if role := r.roleOf(item, nil, nil, collectionsOf(p.Keywords)); role != nil {
			p.Roles = append(p.Roles, role)
		}
	}
}

// collectionsOf are the collections that keywords name.
func collectionsOf(ks Keywords) []string {
	l, _ := ks["collections"].Value.(*value.List)
	if l == nil {
		return nil
	}
	var out []string
	for _, item := range l.Items {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
