package playbook

import (
	"path"
	"slices"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
)

// roleUse is one use of a role: in a play's list, as a dependency, or by an import or include.
type roleUse struct {
	name   string
	origin value.Origin
	// keywords and params are what was written at the use.
	keywords Keywords
	params   *value.Dict
	// vars are those written at the use, at an import or include those of its task.
	vars *value.Dict
	// parent is the role whose dependency this is, or whose task includes it.
	parent *Role
	// block is what the role's tasks inherit from.
	block *Block
	// near is a folder beside which the role may lie.
	near string
	// collections are searched for a name without one.
	collections []string
	// from are tasks_from and its like, without "_from".
	from map[string]string
	// included tells import_role and include_role; fixed that it is read with the playbook.
	included, fixed bool
	// unchecked leaves out the role's argument specs.
	unchecked bool
	// duplicates is allow_duplicates of the include; public its public.
	duplicates, public bool
}

// roleOf reads an entry of a list of roles; nil when that is none.
func (r *reading) roleOf(n *document.Node, parent *Role, block *Block, collections []string) *Role {
	use := roleUse{origin: n.Origin, parent: parent, block: block, collections: collections, fixed: true, public: true}
	if parent != nil {
		use.near = path.Dir(parent.Path)
	}
	name, isText := n.Text()
	var raw any = n.Scalar
	switch {
	case isText && strings.Contains(name, ","):
		r.misuse(n, "Invalid old style role requirement: %s", name)
		return nil
	case n.Kind == document.Dict:
		k, v := n.Entry("role")
		if k == nil {
			_, v = n.Entry("name")
		}
		text, ok := v.Text()
		if !ok && v == nil && parent != nil { // a requirement as ansible-galaxy writes it
			src, isSrc := n.Get("src").Text()
			text, ok = requirementName(src), isSrc
			v = &document.Node{Kind: document.Scalar, Scalar: text, Origin: n.Origin}
		}
		if !ok || text == "" {
			r.misuse(n, "role definitions must contain a role name")
			return nil
		}
		raw = v.Scalar
		use.keywords, use.params = r.roleWords(n)
		use.vars = dictOf(use.keywords, "vars")
	case !isText:
		r.fail(n, "Invalid role definition.")
		return nil
	}
	use.name, isText = r.text(raw, r.variables(nil, nil), n.Origin, "role name")
	if !isText {
		return nil
	}
	return r.readRole(use)
}

// requirementName gives the name of a role that is written as where it comes from.
func requirementName(src string) string {
	if !strings.Contains(src, "://") && !strings.Contains(src, "@") {
		return src
	}
	name := path.Base(src)
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".git"), ".tar.gz")
	name, _, _ = strings.Cut(name, ",")
	return name
}

// roleWords takes the keywords of a role apart from its parameters.
func (r *reading) roleWords(n *document.Node) (Keywords, *value.Dict) {
	params := &value.Dict{}
	for i, key := range n.Keys {
		name, ok := key.Text()
		if _, known := find(name, atRole); !ok || !known {
			params.Set(key.Scalar, n.Items[i].Value())
		}
	}
	ks := r.keywordsOf(n, atRole, func(name string) bool { return params.Has(name) || name == "name" })
	return ks, params
}

// readRole reads a role with its dependencies.
func (r *reading) readRole(use roleUse) *Role {
	role := &Role{Name: use.name, Params: use.params, AllowDuplicates: use.duplicates, Public: use.public, Included: use.included,
		From: "main", from: use.from}
	if role.Params == nil {
		role.Params = &value.Dict{}
	}
	if use.from["tasks"] != "" {
		role.From = use.from["tasks"]
	}
	if !r.findRole(role, use) {
		return nil
	}
	if !r.deeper(use.origin, "A recursion loop was detected with the roles specified. Make sure child roles do not have dependencies on parent roles. "+
		"The role '%s' lies within more than %d others.", use.name, MaxImports) {
		return nil
	}
	defer func() { r.imports-- }()
	if use.parent != nil {
		role.Parents = append(slices.Clone(use.parent.Parents), use.parent)
	}
	role.Block = &Block{Node: Node{Keywords: use.keywords, Parent: use.block, Origin: use.origin}, Vars: merged(use.vars),
		Role: role, Play: r.play, Implied: true}
	if role.Block.Keywords == nil {
		role.Block.Keywords = Keywords{}
	}

	outer, handlers := r.role, r.handlers
	r.role, r.handlers = role, false
	defer func() { r.role, r.handlers = outer, handlers }()
	role.Vars = r.roleVars(role, "vars")
	role.Defaults = r.roleVars(role, "defaults")
	specs := r.roleMeta(role, use)
	r.roleTasks(role, use, specs)
	if n := r.roleFile(role, "handlers", use.from["handlers"]); !n.Null() {
		if n.Kind != document.List {
			r.fail(n, "The handlers/main.yml file for role '%s' must contain a list of tasks.", use.name)
			return role
		}
		r.handlers = true
		role.Handlers = r.blockList(n.Items, role.Block)
	}
	return role
}

// roleTasks reads the tasks of a role; a check of its arguments comes first.
func (r *reading) roleTasks(role *Role, use roleUse, specs *value.Dict) {
	role.Arguments = specs
	var check *Task
	if spec, ok := specs.Get(role.From); ok && !use.unchecked {
		if d, ok := spec.(*value.Dict); ok && d.Len() > 0 {
			check = r.argumentCheck(role, d)
		}
	}
	n := r.roleFile(role, "tasks", use.from["tasks"])
	var blocks []*Block
	if !n.Null() {
		if n.Kind != document.List {
			r.fail(n, "The tasks/main.yml file for role '%s' must contain a list of tasks.", use.name)
			return
		}
		blocks = r.blockList(n.Items, role.Block)
	}
	if check != nil {
		b := r.implied(role.Block, role.Block.Origin)
		b.Tasks = []Item{check}
		check.Parent = b
		blocks = append([]*Block{b}, blocks...)
	}
	for _, b := range blocks {
		role.Block.Tasks = append(role.Block.Tasks, b)
	}
}

// argumentCheck is the task that holds a role's arguments to its specification.
func (r *reading) argumentCheck(role *Role, spec *value.Dict) *Task {
	name := "Validating arguments against arg spec '" + role.From + "'"
	if short, ok := spec.Get("short_description"); ok {
		name += " - " + value.String(short)
	}
	options, ok := spec.Get("options")
	if !ok {
		options = &value.Dict{}
	}
	t := &Task{Node: Node{Keywords: Keywords{"tags": {Value: value.NewList("always")}, "name": {Value: name}}, Origin: role.Block.Origin},
		Number: r.l.next, Name: name, Action: "ansible.builtin.validate_argument_spec", Module: "ansible.builtin.validate_argument_spec",
		Args: value.NewDict("argument_spec", options, "provided_arguments", role.Params, "validate_args_context",
			value.NewDict("type", "role", "name", role.Short(), "argument_spec_name", role.From, "path", role.Path)),
		Role: role, Play: r.play, File: role.Block.Origin.File, Included: r.include}
	r.l.next++
	return t
}

// findRole finds the folder of a role.
func (r *reading) findRole(role *Role, use roleUse) bool {
	var searched []string
	for _, c := range use.collections {
		if c != "ansible.legacy" && c != "ansible.builtin" {
			searched = append(searched, c)
			if r.collectionRole(role, c, use.name) {
				return true
			}
		}
	}
	if ns, coll, rest, ok := qualified(use.name); ok && r.collectionRole(role, ns+"."+coll, rest) {
		return true
	}
	dirs := []string{path.Join(r.dir, "roles")}
	for _, d := range r.l.o.RolesPath {
		dirs = append(dirs, r.l.expand(d))
	}
	if use.near != "" {
		dirs = append(dirs, use.near)
	}
	dirs = append(dirs, r.dir)
	for _, d := range dirs {
		if p := r.l.below(d, use.name); r.isFolder(p) {
			role.Path = p
			return true
		}
	}
	if p := r.l.expand(use.name); r.isFolder(p) {
		role.Path, role.Name = p, path.Base(use.name)
		return true
	}
	if r.err == nil {
		r.failAt(use.origin, Missing, "the role '%s' was not found in %s%s", use.name, strings.Join(append(searched, dirs...), ":"), r.nearRole(use.name, dirs))
	}
	return false
}

// nearRole suggests one of the roles that are there.
func (r *reading) nearRole(name string, dirs []string) string {
	var there []string
	for _, d := range dirs[:len(dirs)-1] {
		for _, entry := range r.list(d) {
			if folder, ok := strings.CutSuffix(entry, "/"); ok {
				there = append(there, folder)
			}
		}
	}
	return didYouMean(name, there)
}

// collectionRole finds a role in a collection.
func (r *reading) collectionRole(role *Role, collection, name string) bool {
	ns, coll, ok := strings.Cut(collection, ".")
	if !ok || strings.Contains(name, "/") {
		return false
	}
	for _, d := range r.l.o.CollectionsPath {
		p := path.Join(r.l.expand(d), "ansible_collections", ns, coll, "roles", strings.ReplaceAll(name, ".", "/"))
		if r.isFolder(p) {
			role.Path, role.Name, role.Collection = p, collection+"."+name, collection
			return true
		}
	}
	return false
}

// Short is the role's name without its collection.
func (r *Role) Short() string {
	if r.Collection == "" {
		return r.Name
	}
	return strings.TrimPrefix(r.Name, r.Collection+".")
}

// Key is the same for two uses of a role that count as one: on a host where the first was
// completed the second is not run, unless AllowDuplicates.
func (r *Role) Key() string {
	var b strings.Builder
	part := func(s string) { b.WriteString(s); b.WriteByte(0) }
	part(r.Path)
	part(r.Name)
	for _, ks := range []string{"when", "tags"} {
		part(value.Repr(r.Block.Keywords[ks].Value))
	}
	part(value.Repr(r.Params))
	part(value.Repr(r.Block.Vars))
	for _, what := range []string{"tasks", "vars", "defaults", "handlers"} {
		part(r.from[what])
	}
	if r.Included {
		part("included")
	}
	return b.String()
}

// roleExtensions are the ends of names of a role's files.
var roleExtensions = []string{".yml", ".yaml", ".json"}

// roleMeta reads a role's meta: whether it may be run again, its collections, and the roles
// that come before it. It gives the specification of its arguments.
func (r *reading) roleMeta(role *Role, use roleUse) *value.Dict {
	n := r.roleFile(role, "meta", "")
	var own []string
	switch {
	case n.Null():
	case n.Kind != document.Dict:
		r.fail(n, "the 'meta/main.yml' for role %s is not a dictionary", role.Name)
		n = nil
	default:
		ks := r.keywordsOf(n, atMeta, nil)
		own = collectionsOf(ks)
		if k, v := n.Entry("allow_duplicates"); k != nil && !use.included {
			role.AllowDuplicates = truth(v)
		}
	}
	var collections []string
	if role.Collection != "" {
		collections = append(collections, role.Collection)
	}
	for _, c := range own {
		if !slices.Contains(collections, c) {
			collections = append(collections, c)
		}
	}
	r.roleDependencies(role, n, collections)
	if len(collections) > 0 && !slices.Contains(collections, "ansible.builtin") && !slices.Contains(collections, "ansible.legacy") {
		last := "ansible.legacy"
		if role.Collection != "" {
			last = "ansible.builtin"
		}
		collections = append(collections, last)
	}
	l := value.NewList()
	for _, c := range collections {
		l.Items = append(l.Items, c)
	}
	role.Block.Keywords["collections"] = Keyword{l, role.Block.Origin}
	return r.argumentSpecs(role, n)
}

// truth reads a boolean of a role's meta.
func truth(n *document.Node) bool {
	switch v := n.Scalar.(type) {
	case bool:
		return v
	case string:
		return slices.Contains([]string{"y", "yes", "on", "1", "true", "t"}, strings.ToLower(v))
	default:
		return value.Truth(v)
	}
}

func (r *reading) roleDependencies(role *Role, meta *document.Node, collections []string) {
	v := meta.Get("dependencies")
	switch {
	case v.Null():
		return
	case v.Kind != document.List:
		r.fail(v, "Expected role dependencies to be a list.")
		return
	}
	for _, item := range v.Items {
		if r.stopped {
			return
		}
		if dep := r.roleOf(item, role, role.Block, collections); dep != nil {
			role.Dependencies = append(role.Dependencies, dep)
		}
	}
}

// argumentSpecs reads meta/argument_specs.yml, or what of it stands in meta/main.yml.
func (r *reading) argumentSpecs(role *Role, meta *document.Node) *value.Dict {
	n := meta.Get("argument_specs")
	for _, ext := range roleExtensions {
		if name := path.Join(role.Path, "meta", "argument_specs"+ext); r.isFile(name) {
			if n = r.document(name, role.Block.Origin); n != nil {
				n = n.Get("argument_specs")
			}
			break
		}
	}
	if n.Null() || n.Kind != document.Dict {
		return nil
	}
	return n.Value().(*value.Dict)
}

// roleVars reads the variables of vars or defaults: one file, or all in a folder.
func (r *reading) roleVars(role *Role, what string) *value.Dict {
	out := &value.Dict{}
	for _, name := range r.roleFiles(role, what, role.from[what], true) {
		n := r.document(name, role.Block.Origin)
		switch {
		case n.Null():
		case n.Kind != document.Dict:
			r.fail(n, "The %s/main.yml file for role '%s' must contain a dictionary of variables", what, role.Name)
		case r.l.o.MergeDicts:
			out = mergeDicts(out, n.Value().(*value.Dict))
		default:
			out.Update(n.Value().(*value.Dict))
		}
	}
	return out
}

// mergeDicts puts one dict over another, dicts within them too.
func mergeDicts(a, b *value.Dict) *value.Dict {
	out := a.Shallow()
	for k, v := range b.All() {
		below, _ := out.Get(k)
		x, xOK := below.(*value.Dict)
		y, yOK := v.(*value.Dict)
		if xOK && yOK {
			v = mergeDicts(x, y)
		}
		out.Set(k, v)
	}
	return out
}

// roleFile reads the one file of tasks, handlers or meta; nil when there is none.
func (r *reading) roleFile(role *Role, what, main string) *document.Node {
	names := r.roleFiles(role, what, main, false)
	if len(names) == 0 {
		return nil
	}
	return r.document(names[0], role.Block.Origin)
}

// roleFiles finds a role's files: main, or the one that was asked for.
func (r *reading) roleFiles(role *Role, what, main string, folders bool) []string {
	dir := path.Join(role.Path, what)
	if !r.isFolder(dir) {
		return nil
	}
	name, ends := main, append([]string{""}, roleExtensions...)
	if main == "" {
		name, ends = "main", append(slices.Clone(roleExtensions), "")
	}
	for _, end := range ends {
		full := path.Join(dir, name+end)
		if r.isFile(full) && !strings.HasPrefix(full, dir+"/") {
			r.failAt(role.Block.Origin, Invalid, "Failed loading '%s' for role (%s) as it is not inside the expected role path: '%s'", full, role.Name, dir)
			return nil
		}
		switch {
		case r.isFile(full):
			return []string{full}
		case folders && r.isFolder(full):
			return r.varsFolder(full, 0)
		}
	}
	if main != "" && r.err == nil {
		r.failAt(role.Block.Origin, Invalid, "Could not find specified file in role: %s/%s", what, main)
	}
	return nil
}

// varsFolder gives the files of variables in a folder and its folders.
func (r *reading) varsFolder(dir string, depth int) []string {
	var out []string
	if depth > MaxImports {
		r.failAt(value.Origin{File: dir}, TooDeep, "Folders lie in each other more than %d deep: is one a link to another above it?", MaxImports)
		return nil
	}
	names := slices.Clone(r.list(dir))
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/")) })
	for _, entry := range names {
		name, folder := strings.CutSuffix(entry, "/")
		ext := path.Ext(name)
		switch {
		case strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~"):
		case folder && ext == "":
			out = append(out, r.varsFolder(path.Join(dir, name), depth+1)...)
		case !folder && (ext == "" || slices.Contains(roleExtensions, ext)):
			out = append(out, path.Join(dir, name))
		}
	}
	return out
}
