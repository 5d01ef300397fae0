package play

import (
	"slices"

	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// scope is what a template of one task on one host sees: variables in the order of
// precedence. It is made for a turn and knows where answers from the world are kept.
type scope struct {
	m    *Machine
	host *host
	task *playbook.Task
	// role and play are the task's; a scope for a play's own fields has no task.
	role *playbook.Role
	play *playState
	// own are the innermost: loop variables, the register while until is looked at.
	own *value.Dict
	// layers are all others, strongest first.
	layers []*value.Dict
	// desk keeps what was asked and answered for this evaluation; seed goes on with it.
	desk *desk
	// templateDir is the folder of the template that is being rendered.
	templateDir string
}

// newScope puts the layers of a task on a host together. host and task may be nil.
func (m *Machine) newScope(h *host, t *playbook.Task, d *desk) *scope {
	s := &scope{m: m, host: h, task: t, play: m.play, own: &value.Dict{}, desk: d}
	if t != nil {
		s.role = t.Role
	}
	s.layers = m.layers(h, t)
	return s
}

// layers gives the variables of a task on a host, strongest first, as Ansible orders them;
// magic variables are not among them. See "Variable precedence" in its documentation.
func (m *Machine) layers(h *host, t *playbook.Task) []*value.Dict {
	var l []*value.Dict
	add := func(d *value.Dict) {
		if d.Len() > 0 {
			l = append(l, d)
		}
	}
	add(m.extra)
	var of taskLayers
	if t != nil {
		of = m.taskLayers(t)
	}
	add(of.include)
	add(of.params)
	if h != nil {
		add(h.set)
		add(h.loaded)
	}
	add(of.vars)
	add(of.roleVars)
	if m.play != nil {
		for i := len(m.play.roles) - 1; i >= 0; i-- {
			if r := m.play.roles[i]; r.Public {
				add(m.roleLayer(r).exported)
			}
		}
		if h != nil {
			for i := len(h.varsFiles) - 1; i >= 0; i-- {
				add(h.varsFiles[i])
			}
		}
		add(m.play.prompted)
		add(m.play.source.Vars)
	}
	if h != nil {
		add(h.injected)
		add(h.vars)
	}
	add(of.defaults)
	if m.play != nil {
		for i := len(m.play.roles) - 1; i >= 0; i-- {
			if r := m.play.roles[i]; r.Public {
				add(m.roleLayer(r).defaults)
			}
		}
	}
	return l
}

// taskLayers are the variables that a task has on whatever host.
type taskLayers struct{ include, params, vars, roleVars, defaults *value.Dict }

// taskLayers are made once for a task.
func (m *Machine) taskLayers(t *playbook.Task) taskLayers {
	if l, ok := m.play.layers[t]; ok {
		return l
	}
	l := taskLayers{include: t.IncludeParams(), vars: t.AllVars()}
	if t.Role != nil {
		l.params, l.roleVars, l.defaults = t.Role.AllParams(), t.Role.AllVars(), t.Role.AllDefaults()
	}
	m.play.layers[t] = l
	return l
}

// roleLayers are the variables that a role has the play see.
type roleLayers struct{ exported, defaults *value.Dict }

func (m *Machine) roleLayer(r *playbook.Role) roleLayers {
	if l, ok := m.play.roleLayers[r]; ok {
		return l
	}
	l := roleLayers{exported: r.Exported(), defaults: r.AllDefaults()}
	m.play.roleLayers[r] = l
	return l
}

// Variable implements jinja.Variables.
func (s *scope) Variable(name string) (any, bool, error) {
	if v, ok := s.own.Get(name); ok {
		return v, true, nil
	}
	if v, ok := s.magic(name); ok {
		return v, true, nil
	}
	v, ok := s.layered(name)
	return v, ok, nil
}

// layered looks a variable up in the layers; with hash_behaviour=merge dicts of all layers
// are put together.
func (s *scope) layered(name string) (any, bool) {
	var merged *value.Dict
	for _, l := range s.layers {
		v, ok := l.Get(name)
		if !ok {
			continue
		}
		d, isDict := v.(*value.Dict)
		switch {
		case !s.m.in.Settings.HashMerge || !isDict:
			if merged != nil {
				return merged, true
			}
			return v, true
		case merged == nil:
			merged = d
		default:
			merged = merge(d, merged)
		}
	}
	return merged, merged != nil
}

// merge puts the strong dict on top of the weak one, all the way down.
func merge(weak, strong *value.Dict) *value.Dict {
	out := weak.Shallow()
	for k, v := range strong.All() {
		below, _ := out.Get(k)
		d, ok := v.(*value.Dict)
		w, under := below.(*value.Dict)
		if ok && under {
			v = merge(w, d)
		}
		out.Set(k, v)
	}
	return out
}

// names gives the names of all variables that do not begin with an underscore's module
// internals: what the lookups varnames and vars, and the variable "vars", go over.
func (s *scope) names() []string {
	seen := map[string]bool{}
	var names []string
	add := func(d *value.Dict) {
		for _, k := range d.Keys() {
			if name, ok := k.(string); ok && !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	add(s.own)
	for _, name := range magicNames {
		if _, ok := s.magic(name); ok && !seen[name] && name != "vars" {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, l := range s.layers {
		add(l)
	}
	return names
}

// with gives a scope with one more variable in front.
func (s *scope) with(name string, v any) *scope {
	c := *s
	c.own = s.own.Shallow()
	c.own.Set(name, v)
	return &c
}

// searchPath are the folders in which local files of a task are looked for, in order; that of
// the playbook is the last.
func (s *scope) searchPath() []string {
	var paths []string
	if s.task != nil && s.task.File != "" {
		paths = s.task.SearchPath()
	}
	if base := s.m.baseDir(); !slices.Contains(paths, base) {
		paths = append(paths, base)
	}
	return paths
}
