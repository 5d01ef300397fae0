package playbook

import (
	"path"

	"tutti/internal/ansible/value"
)

// Inherits tells how a keyword is inherited; Own also when there is no such keyword.
func Inherits(name string) Inheritance {
	for _, k := range keywords {
		if k.name == name {
			return k.inherit
		}
	}
	return Own
}

// Keyword gives what holds for a task: its own word, or the nearest of what is around it.
func (t *Task) Keyword(name string) (Keyword, bool) {
	if k, ok := t.Keywords[name]; ok || Inherits(name) == Own {
		return k, ok
	}
	return t.Parent.around(name, t.Play)
}

// Keyword gives what holds for a block.
func (b *Block) Keyword(name string) (Keyword, bool) {
	if k, ok := b.Keywords[name]; ok || Inherits(name) == Own {
		return k, ok
	}
	return b.Parent.around(name, b.Play)
}

// around looks for a keyword in the blocks around something, then in its play.
func (b *Block) around(name string, p *Play) (Keyword, bool) {
	for ; b != nil; b = b.Parent {
		if k, ok := b.Keywords[name]; ok {
			return k, true
		}
	}
	if p == nil {
		return Keyword{}, false
	}
	k, ok := p.Keywords[name]
	return k, ok
}

// KeywordList gives all that is said around a task by a keyword that is a list: the task's
// own first (tags), or the outermost first (when, environment, module_defaults). An item
// keeps the origin of its list.
func (t *Task) KeywordList(name string) []Keyword {
	var levels []Keyword
	add := func(ks Keywords) {
		if k, ok := ks[name]; ok {
			levels = append(levels, k)
		}
	}
	add(t.Keywords)
	mode := Inherits(name)
	if mode == Extend || mode == Prepend {
		for b := t.Parent; b != nil; b = b.Parent {
			add(b.Keywords)
		}
		if t.Play != nil {
			add(t.Play.Keywords)
		}
	}
	var out []Keyword
	for i := range levels {
		k := levels[i]
		if mode == Prepend {
			k = levels[len(levels)-1-i]
		}
		l, ok := k.Value.(*value.List)
		if !ok {
			out = append(out, k)
			continue
		}
		for _, item := range l.Items {
			out = append(out, Keyword{item, k.Origin})
		}
	}
	return out
}

// AllVars are the variables of the blocks and imports around a task, and its own.
func (t *Task) AllVars() *value.Dict {
	out := t.Parent.AllVars()
	out.Update(t.Vars)
	out.Delete("tags")
	out.Delete("when")
	return out
}

// AllVars are the variables of a block and those around it. The dict is the caller's.
func (b *Block) AllVars() *value.Dict {
	if b == nil {
		return &value.Dict{}
	}
	out := b.Parent.AllVars()
	if b.Role != nil && b == b.Role.Block { // those are the role's, not a block's
		return out
	}
	out.Update(b.Vars)
	return out
}

// IncludeParams are the variables of the includes that brought a task in, and its own when it
// is an include: they count for more than what hosts have. The roles in which the includes
// stand are named too.
func (t *Task) IncludeParams() *value.Dict {
	out := &value.Dict{}
	t.Parent.includeParams(out)
	if is(t.Action, "include_tasks", "include_role") {
		out.Update(t.Vars)
	}
	return out
}

func (b *Block) includeParams(out *value.Dict) {
	if b == nil {
		return
	}
	b.Parent.includeParams(out)
	from := b.Include
	if from != nil {
		out.Update(b.Vars)
	} else {
		from = b.Import
	}
	if from == nil || from.Role == nil || !is(from.Action, "include_role", "import_role") {
		return
	}
	out.Update(from.Role.AllParams())
	prepend(out, "ansible_parent_role_names", from.Role.Name)
	prepend(out, "ansible_parent_role_paths", from.Role.Path)
}

func prepend(d *value.Dict, key, item string) {
	l := value.NewList(item)
	if old, ok := d.Get(key); ok {
		l.Items = append(l.Items, old.(*value.List).Items...)
	}
	d.Set(key, l)
}

// AllDefaults are the default variables that hold in a role: those of the roles it depends
// on, then of those it was reached through, then its own.
func (r *Role) AllDefaults() *value.Dict {
	out := &value.Dict{}
	for _, dep := range r.AllDependencies() {
		out.Update(dep.AllDefaults())
	}
	for _, parent := range r.Parents {
		out.Update(parent.Defaults)
	}
	out.Update(r.Defaults)
	return out
}

// AllVars are the variables that hold in a role: those of its parents, of what it depends
// on, of its own files, and those of the "vars" at its use.
func (r *Role) AllVars() *value.Dict {
	out := &value.Dict{}
	for _, parent := range r.Parents {
		out.Update(parent.Block.Vars)
		out.Update(parent.Vars)
	}
	out.Update(r.exportedBelow())
	out.Update(r.Block.Vars)
	return out
}

// Exported are the variables that a public role has the whole play see.
func (r *Role) Exported() *value.Dict {
	out := &value.Dict{}
	for _, parent := range r.Parents {
		out.Update(parent.Vars)
	}
	out.Update(r.exportedBelow())
	return out
}

func (r *Role) exportedBelow() *value.Dict {
	out := &value.Dict{}
	for _, dep := range r.AllDependencies() {
		out.Update(dep.Vars)
	}
	out.Update(r.Vars)
	return out
}

// AllParams are the parameters of the roles that a role was reached through, and its own.
func (r *Role) AllParams() *value.Dict {
	out := &value.Dict{}
	for _, parent := range r.Parents {
		out.Update(parent.Params)
	}
	out.Update(r.Params)
	return out
}

// AllDependencies are the roles that run before a role, in order.
func (r *Role) AllDependencies() []*Role {
	var out []*Role
	for _, dep := range r.Dependencies {
		out = append(out, dep.AllDependencies()...)
		out = append(out, dep)
	}
	return out
}

// SearchPath are the folders in which files that a task names are looked for, in order.
func (t *Task) SearchPath() []string {
	var out []string
	if t.Role != nil {
		out = append(out, t.Role.Path)
		for i := len(t.Role.Parents) - 1; i >= 0; i-- {
			out = append(out, t.Role.Parents[i].Path)
		}
	}
	dir := path.Dir(t.File)
	for _, d := range out {
		if d == dir {
			return out
		}
	}
	return append(out, dir)
}

// variables gives what imports can be rendered with, at a place in a play.
func (r *reading) variables(parent *Block, own *value.Dict) func() *value.Dict {
	return func() *value.Dict {
		out := &value.Dict{}
		if r.role != nil {
			out.Update(r.role.AllDefaults())
		}
		if r.play != nil {
			out.Update(r.play.Vars)
			out.Update(r.playFiles())
		}
		if r.role != nil {
			out.Update(r.role.AllVars())
		}
		out.Update(parent.AllVars())
		out.Update(own)
		out.Update(r.given)
		if r.role != nil {
			out.Update(r.role.AllParams())
		}
		out.Update(r.l.o.Extra)
		out.Set("playbook_dir", r.dir)
		if r.role != nil {
			out.Set("role_name", r.role.Short())
			out.Set("role_path", r.role.Path)
			out.Set("ansible_role_name", r.role.Name)
		}
		return out
	}
}

// playFiles reads the play's files of variables, as far as they can be named before any host
// is known.
func (r *reading) playFiles() *value.Dict {
	out := &value.Dict{}
	for _, item := range r.play.VarsFiles {
		names := []any{item}
		if l, ok := item.(*value.List); ok {
			names = l.Items
		}
		if v := r.firstVars(names); v != nil {
			out.Update(v)
		}
	}
	return out
}

func (r *reading) firstVars(names []any) *value.Dict {
	for _, name := range names {
		s, ok := name.(string)
		if t, isTemplate := name.(*value.Template); isTemplate && r.l.o.Render != nil {
			got, err := r.l.o.Render(t, merged(r.play.Vars, r.l.o.Extra))
			if err != nil {
				continue // it needs a host
			}
			s, ok = got.(string)
		}
		if !ok {
			continue
		}
		for _, candidate := range r.l.varsCandidates(r.dir, s) {
			if r.isFile(candidate) {
				return r.varsFile(candidate)
			}
		}
	}
	return nil
}
