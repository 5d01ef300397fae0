package playbook

import (
	"path"
	"slices"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// includeOptions checks the arguments of include_tasks and import_tasks; the file comes to
// stand under _raw_params.
func (r *reading) includeOptions(n *document.Node, t *Task) bool {
	var bad []string
	for _, k := range t.Args.Keys() {
		if k != "file" && k != "_raw_params" && k != "apply" && k != "_variable_params" {
			bad = append(bad, value.String(k))
		}
	}
	apply, hasApply := t.Args.Get("apply")
	raw, _ := t.Args.Get("_raw_params")
	if file, ok := t.Args.Get("file"); ok && !value.Truth(raw) {
		raw = file
		t.Args.Set("_raw_params", file)
		t.Args.Delete("file")
	}
	switch _, isDict := apply.(*value.Dict); {
	case len(bad) > 0:
		r.fail(n, "Invalid options for %s: %s", t.Action, strings.Join(bad, ","))
	case !value.Truth(raw) && !t.Args.Has("_variable_params"):
		r.fail(n, "No file specified for %s", t.Action)
	case hasApply && value.Truth(apply) && !is(t.Action, "include_tasks"):
		r.fail(n, "Invalid options for %s: apply", t.Action)
	case hasApply && !isDict:
		r.fail(n, "Expected a dict for apply but got %s instead", value.TypeName(apply))
	default:
		return true
	}
	return false
}

// importTasks reads the file that an import_tasks names, and gives what is to stand there.
func (r *reading) importTasks(n *document.Node, t *Task) []Item {
	if t.HasLoop {
		r.fail(n, "You cannot use loops on 'import_tasks' statements. You should use 'include_tasks' instead.")
		return nil
	}
	raw, _ := t.Args.Get("_raw_params")
	target, ok := r.text(raw, r.variables(t.Parent, t.Vars), n.Origin, "import path")
	if !ok {
		return nil
	}
	file := r.findTasks(t, target)
	if file == "" || !r.deeper(n.Origin, "The file '%s' is imported within more than %d others: does it import itself?", file, MaxImports) {
		return nil
	}
	defer func() { r.imports-- }()
	b := r.stand(t)
	b.Import, b.dir = t, path.Dir(target)
	var out []Item
	for _, block := range r.tasksFile(file, b, n.Origin) {
		if r.handlers { // handlers stand in one list
			out = append(out, block.Tasks...)
			continue
		}
		out = append(out, block)
	}
	return out
}

// stand makes the block that stands for an import: what is below inherits its keywords.
func (r *reading) stand(t *Task) *Block {
	b := r.implied(t.Parent, t.Origin)
	b.Keywords, b.Vars, b.Name = t.Keywords, t.Vars, t.Name
	return b
}

// tasksFile reads a file of tasks.
func (r *reading) tasksFile(name string, parent *Block, from value.Origin) []*Block {
	n := r.document(name, from)
	switch {
	case n == nil:
		return nil
	case n.Null(), n.Kind != document.Scalar && len(n.Items) == 0:
		r.warn(from, Unused, "file %s is empty and had no tasks to include", name)
		return nil
	case n.Kind != document.List:
		r.fail(n, "included task files must contain a list of tasks")
		return nil
	}
	return r.blockList(n.Items, parent)
}

// taskFolder is the folder in a role where the files of tasks, or handlers, lie.
func (t *Task) taskFolder() string {
	if t.Handler {
		return "handlers"
	}
	return "tasks"
}

// findTasks finds the file of a static import: beside the files that import it, from the
// innermost, then where the role or playbook has its own.
func (r *reading) findTasks(t *Task, target string) string {
	if full := r.l.expand(target); path.IsAbs(full) {
		return full
	}
	sub, so := t.taskFolder(), ""
	var tried []string
	for b := t.Parent; b != nil && (b.Role == nil || b != b.Role.Block); b = b.Parent {
		if b.Import == nil && b.Include == nil {
			continue
		}
		so = joinUnless(b.dir, so)
		if t.Role != nil {
			base := path.Join(t.Role.Path, sub, so)
			tried = append(tried, path.Join(base, sub, target), path.Join(base, target))
		} else {
			tried = append(tried, path.Join(joinUnless(r.dir, so), target))
		}
	}
	if t.Role != nil {
		tried = append(tried, path.Join(t.Role.Path, sub, target), path.Join(t.Role.Path, "tasks", target), path.Join(t.Role.Path, target),
			path.Join(r.dir, sub, target))
	}
	return r.firstFile(append(tried, path.Join(r.dir, target)))
}

// joinUnless is a name within a folder, unless it is absolute itself.
func joinUnless(dir, name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(dir, name)
}

// firstFile gives the first of these files that is there; the last when none is.
func (r *reading) firstFile(names []string) string {
	for _, name := range names {
		if r.isFile(name) {
			return name
		}
	}
	return names[len(names)-1]
}

// FindTasks gives the file that an include_tasks means by a name that has been rendered.
func (l *Loader) FindTasks(include *Task, name string) (string, error) {
	r := l.reading()
	r.dir = include.Play.Dir
	file := r.findIncluded(include, name)
	_, err := r.done(l.next)
	return file, err
}

// findIncluded finds the file of a dynamic include: where the role or playbook has its own,
// or beside what included the include.
func (r *reading) findIncluded(t *Task, target string) string {
	if full := r.l.expand(target); path.IsAbs(full) {
		return full
	}
	sub, so := t.taskFolder(), ""
	var tried []string
	own := func() {
		tried = append(tried, path.Join(t.Role.Path, sub, target), path.Join(t.Role.Path, "tasks", target), path.Join(t.Role.Path, target),
			path.Join(r.dir, sub, target), path.Join(r.dir, target))
	}
	for b := t.Parent; b != nil; b = b.Parent {
		if b.Import == nil && b.Include == nil {
			continue
		}
		so = joinUnless(b.dir, so)
		if t.Role == nil {
			tried = append(tried, path.Join(joinUnless(r.dir, so), target), path.Join(r.dir, target))
			continue
		}
		base := joinUnless(path.Join(t.Role.Path, sub), so)
		tried = append(tried, path.Join(t.Role.Path, sub, target), path.Join(t.Role.Path, target), path.Join(base, sub, target), path.Join(base, target))
	}
	if t.Role != nil {
		own()
	}
	return r.firstFile(append(tried, path.Join(r.dir, target)))
}

// Tasks reads the file that an include_tasks brings in, by the path that FindTasks gave.
// name is the include's argument as it was rendered; vars are those of its loop (item, ...).
// The blocks' parents lead to where the include stands.
func (l *Loader) Tasks(include *Task, name, file string, vars *value.Dict) ([]*Block, diag.List, error) {
	r, next := l.at(include), l.next
	b := r.standForInclude(include, vars)
	b.dir = path.Dir(name)
	var blocks []*Block
	if !r.stopped {
		blocks = r.tasksFile(file, b, include.Origin)
	}
	diags, err := r.done(next)
	if err != nil {
		return nil, nil, err
	}
	return blocks, diags, nil
}

// at begins a call for what an include brings in.
func (l *Loader) at(include *Task) *reading {
	r := l.reading()
	r.play, r.role, r.dir, r.handlers, r.include = include.Play, include.Role, include.Play.Dir, include.Handler, include.Number
	depth := 0
	for b := include.Parent; b != nil; b = b.Parent {
		if b.Include != nil {
			depth++
		}
	}
	if depth >= MaxIncludes {
		r.failAt(include.Origin, TooDeep, "This include lies within %d others: does it include itself for ever?", depth)
		r.stopped = true
	}
	return r
}

// standForInclude makes the block that stands for an include. Of the include's keywords only what it
// applies is inherited, but its variables are.
func (r *reading) standForInclude(t *Task, vars *value.Dict) *Block {
	b := r.implied(t.Parent, t.Origin)
	b.Include, b.Vars = t, merged(t.Vars, vars)
	if apply, ok := t.Args.Get("apply"); ok {
		if d, ok := apply.(*value.Dict); ok {
			b.Keywords = r.apply(d, t)
			b.Vars = merged(b.Vars, dictOf(b.Keywords, "vars"))
		}
	}
	return b
}

// apply reads the keywords that an include applies to what it brings in.
func (r *reading) apply(d *value.Dict, t *Task) Keywords {
	n := nodeOf(d, t.Origin)
	return r.keywordsOf(n, atBlock, nil)
}

// nodeOf makes a document of a value.
func nodeOf(v any, at value.Origin) *document.Node {
	switch v := v.(type) {
	case *value.Dict:
		n := &document.Node{Kind: document.Dict, Origin: at}
		for k, item := range v.All() {
			n.Keys = append(n.Keys, nodeOf(k, at))
			n.Items = append(n.Items, nodeOf(item, at))
		}
		return n
	case *value.List:
		n := &document.Node{Kind: document.List, Tuple: v.Tuple, Origin: at}
		for _, item := range v.Items {
			n.Items = append(n.Items, nodeOf(item, at))
		}
		return n
	default:
		return &document.Node{Kind: document.Scalar, Scalar: v, Origin: at}
	}
}

// The arguments that include_role and import_role take.
var (
	fromArguments = []string{"tasks_from", "vars_from", "defaults_from", "handlers_from"}
	roleArguments = append([]string{"name", "role", "apply", "public", "allow_duplicates", "rolespec_validate", "_variable_params"}, fromArguments...)
)

// roleOptions checks the arguments of include_role and import_role.
func (r *reading) roleOptions(n *document.Node, t *Task) (*value.Dict, bool) {
	name, ok := t.Args.Get("name")
	if !ok {
		name, ok = t.Args.Get("role")
	}
	if t.Args.Has("_variable_params") {
		return t.Args, true
	}
	if !ok || name == nil {
		r.fail(n, "'name' is a required field for %s.", t.Action)
		return nil, false
	}
	var bad []string
	for _, k := range t.Args.Keys() {
		if s, ok := k.(string); !ok || !slices.Contains(roleArguments, s) {
			bad = append(bad, value.String(k))
		}
	}
	if len(bad) > 0 {
		r.fail(n, "Invalid options for %s: %s", t.Action, strings.Join(bad, ","))
		return nil, false
	}
	for _, k := range fromArguments {
		v, ok := t.Args.Get(k)
		switch v.(type) {
		case string, *value.Template:
			continue
		}
		if ok {
			r.fail(n, "Expected a string for %s but got %s instead", k, value.TypeName(v))
			return nil, false
		}
	}
	apply, ok := t.Args.Get("apply")
	_, isDict := apply.(*value.Dict)
	switch {
	case ok && value.Truth(apply) && !is(t.Action, "include_role"):
		r.fail(n, "Invalid options for %s: apply", t.Action)
	case ok && !isDict:
		r.fail(n, "Expected a dict for apply but got %s instead", value.TypeName(apply))
	default:
		return t.Args, true
	}
	return nil, false
}

// importRole reads the role that an import_role names.
func (r *reading) importRole(n *document.Node, t *Task, args *value.Dict) []Item {
	if t.HasLoop {
		r.fail(n, "You cannot use loops on 'import_role' statements. You should use 'include_role' instead.")
		return nil
	}
	rendered, ok := r.render(args, r.variables(t.Parent, t.Vars), n.Origin, "import path")
	d, isDict := rendered.(*value.Dict)
	if !ok || !isDict {
		return nil
	}
	b := r.stand(t)
	b.Import = t
	use, ok := r.useOf(t, d, b)
	if !ok {
		return nil
	}
	use.fixed = true
	role := r.readRole(use)
	if role == nil {
		return nil
	}
	b.dir = role.Path
	if r.play != nil {
		r.play.Imported = append(r.play.Imported, role)
		r.play.Handlers = append(r.play.Handlers, role.AllHandlers()...)
	}
	var out []Item
	for _, block := range role.AllBlocks() {
		out = append(out, block)
	}
	return out
}

// AllBlocks are the blocks of the roles that a role depends on, then its own: one for each
// role, in the order in which they run.
func (r *Role) AllBlocks() []*Block {
	var out []*Block
	for _, dep := range r.Dependencies {
		out = append(out, dep.AllBlocks()...)
	}
	return append(out, r.Block)
}

// AllHandlers are the handlers of a role, behind those of the roles that it depends on.
func (r *Role) AllHandlers() []*Block {
	var out []*Block
	for _, dep := range r.Dependencies {
		out = append(out, dep.AllHandlers()...)
	}
	return append(out, r.Handlers...)
}

// useOf makes a use of a role of the rendered arguments of an import or include.
func (r *reading) useOf(t *Task, args *value.Dict, b *Block) (roleUse, bool) {
	use := roleUse{origin: t.Origin, parent: t.Role, block: b, vars: b.Vars, from: map[string]string{}, included: true, duplicates: true,
		collections: r.collections(t), public: is(t.Action, "import_role")}
	name, _ := args.Get("name")
	if name == nil {
		name, _ = args.Get("role")
	}
	var ok bool
	if use.name, ok = name.(string); !ok || use.name == "" {
		r.failAt(t.Origin, Misused, "role definitions must contain a role name, not a value of type '%s'", value.TypeName(name))
		return use, false
	}
	if strings.Contains(use.name, ",") {
		r.failAt(t.Origin, Misused, "Invalid old style role requirement: %s", use.name)
		return use, false
	}
	for _, k := range fromArguments {
		if v, ok := args.Get(k); ok {
			use.from[strings.TrimSuffix(k, "_from")] = value.String(v)
		}
	}
	flag := func(name string, to *bool) {
		if v, ok := args.Get(name); ok && v != nil {
			if !isBool(v) {
				r.failAt(t.Origin, Invalid, "Error processing keyword '%s': The value %s could not be converted to 'bool'.", name, value.Repr(v))
			}
			*to = truth(&document.Node{Kind: document.Scalar, Scalar: v})
		}
	}
	flag("public", &use.public)
	flag("allow_duplicates", &use.duplicates)
	checked := true
	flag("rolespec_validate", &checked)
	use.unchecked = !checked
	return use, true
}

// Role reads the role that an include_role brings in. args are its rendered arguments, vars
// those of its loop. What runs are AllBlocks, and AllHandlers join the play's.
func (l *Loader) Role(include *Task, args, vars *value.Dict) (*Role, diag.List, error) {
	r, next := l.at(include), l.next
	r.given = vars
	b := r.standForInclude(include, vars)
	var role *Role
	if use, ok := r.useOf(include, args, b); ok && !r.stopped {
		if role = r.readRole(use); role != nil {
			b.dir = role.Path
		}
	}
	diags, err := r.done(next)
	if err != nil {
		return nil, nil, err
	}
	return role, diags, nil
}
