package play

import (
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/value"
)

// magicNames are the variables that Ansible sets itself.
var magicNames = []string{
	"ansible_check_mode", "ansible_collection_name", "ansible_config_file", "ansible_dependent_role_names", "ansible_diff_mode",
	"ansible_facts", "ansible_forks", "ansible_inventory_sources", "ansible_limit", "ansible_play_batch", "ansible_play_hosts",
	"ansible_play_hosts_all", "ansible_play_name", "ansible_play_role_names", "ansible_playbook_python", "ansible_role_name",
	"ansible_role_names", "ansible_run_tags", "ansible_search_path", "ansible_skip_tags", "ansible_verbosity", "ansible_version",
	"environment", "group_names", "groups", "hostvars", "inventory_dir", "inventory_file", "inventory_hostname",
	"inventory_hostname_short", "omit", "play_hosts", "playbook_dir", "role_name", "role_names", "role_path", "vars",
}

// AnsibleVersion is the version whose behaviour a play has: ansible_version.full.
const AnsibleVersion = "2.19.14"

func (s *scope) magic(name string) (any, bool) {
	switch name {
	case "inventory_hostname", "inventory_hostname_short", "inventory_dir", "inventory_file", "group_names", "ansible_facts":
		return s.hostMagic(name)
	case "role_name", "role_path", "ansible_role_name", "ansible_collection_name":
		return s.roleMagic(name)
	case "ansible_play_hosts", "play_hosts", "ansible_play_batch", "ansible_play_hosts_all", "ansible_play_name",
		"ansible_role_names", "ansible_play_role_names", "role_names", "ansible_dependent_role_names":
		return s.playMagic(name)
	case "hostvars":
		return &hostvars{s: s}, true
	case "vars":
		return &allVars{s: s}, true
	case "groups":
		return s.m.groups(), true
	case "omit":
		return jinja.Omit{}, true
	case "environment":
		return s.environmentMagic()
	default:
		return s.runMagic(name)
	}
}

func (s *scope) hostMagic(name string) (any, bool) {
	if s.host == nil {
		return nil, false
	}
	switch name {
	case "inventory_hostname":
		return s.host.name, true
	case "inventory_hostname_short":
		return short(s.host.name), true
	case "ansible_facts":
		return s.host.facts, true
	case "group_names":
		return texts(s.m.inv.GroupNames(s.host.name)), true
	case "inventory_dir":
		return s.m.inv.Dir(s.host.name)
	default:
		return s.m.inv.File(s.host.name)
	}
}

func (s *scope) roleMagic(name string) (any, bool) {
	if s.role == nil {
		return nil, false
	}
	switch name {
	case "role_name":
		return lastName(s.role.Name), true
	case "ansible_role_name":
		return s.role.Name, true
	case "role_path":
		return s.role.Path, true
	default:
		return s.role.Collection, true
	}
}

func (s *scope) playMagic(name string) (any, bool) {
	p := s.play
	if p == nil {
		return nil, false
	}
	switch name {
	case "ansible_play_hosts", "play_hosts":
		var left []string
		for _, h := range p.inOrder {
			if !s.m.gone[h.name] && !h.lost() {
				left = append(left, h.name)
			}
		}
		return texts(left), true
	case "ansible_play_batch":
		var batch []string
		for _, h := range p.batch {
			if !s.m.gone[h.name] && !h.lost() {
				batch = append(batch, h.name)
			}
		}
		return texts(batch), true
	case "ansible_play_hosts_all":
		return texts(names(p.inOrder)), true
	case "ansible_play_name":
		return p.name, true
	case "ansible_dependent_role_names":
		return texts(dependentRoles(p.roles)), true
	case "ansible_role_names":
		return texts(append(dependentRoles(p.roles), roleNames(p.roles)...)), true
	default:
		return texts(roleNames(p.roles)), true
	}
}

func (s *scope) runMagic(name string) (any, bool) {
	o := &s.m.in.Options
	switch name {
	case "playbook_dir":
		return s.m.baseDir(), true
	case "ansible_check_mode":
		return s.checkMode(), true
	case "ansible_diff_mode":
		return s.diffMode(), true
	case "ansible_verbosity":
		return int64(o.Verbosity), true
	case "ansible_forks":
		return int64(o.Forks), true
	case "ansible_limit":
		return o.LimitText, o.LimitText != ""
	case "ansible_run_tags":
		if len(o.Tags) == 0 {
			return value.NewList("all"), true
		}
		return texts(o.Tags), true
	case "ansible_skip_tags":
		return texts(o.SkipTags), true
	case "ansible_inventory_sources":
		return texts(s.m.in.Sources), true
	case "ansible_config_file":
		if s.m.in.Settings.ConfigFile == "" {
			return nil, true
		}
		return s.m.in.Settings.ConfigFile, true
	case "ansible_playbook_python":
		return s.m.in.Settings.Python, s.m.in.Settings.Python != ""
	case "ansible_search_path":
		return texts(s.searchPath()), true
	case "ansible_version":
		return value.NewDict("full", AnsibleVersion, "major", int64(2), "minor", int64(19), "revision", int64(14), "string", AnsibleVersion), true
	}
	return nil, false
}

func (s *scope) environmentMagic() (any, bool) {
	if s.task == nil {
		return nil, false
	}
	list := value.NewList()
	list.Items = append(list.Items, s.environments()...)
	return list, true
}

func texts(list []string) *value.List {
	l := &value.List{Items: make([]any, len(list))}
	for i, s := range list {
		l.Items[i] = s
	}
	return l
}

// hostvars is the variable of that name: the variables of every host, found when asked for.
type hostvars struct{ s *scope }

// Item gives a host's variables.
func (h *hostvars) Item(key any) (any, bool, error) {
	name, _ := key.(string)
	host, ok := h.s.m.known(name)
	if !ok {
		return nil, false, nil
	}
	other := h.s.m.newScope(host, nil, h.s.desk)
	return &allVars{s: other}, true, nil
}

// Keys gives the names of all hosts.
func (h *hostvars) Keys() []any { return texts(h.s.m.inv.HostNames()).Items }

// allVars are all variables of a scope as one dict, found when asked for: hostvars[x], vars.
type allVars struct{ s *scope }

// Item gives a variable.
func (a *allVars) Item(key any) (any, bool, error) {
	name, ok := key.(string)
	if !ok {
		return nil, false, nil
	}
	return a.s.Variable(name)
}

// Keys gives the names of all variables.
func (a *allVars) Keys() []any { return texts(a.s.names()).Items }

// groups gives the variable of that name, made anew when the inventory has changed.
func (m *Machine) groups() *value.Dict {
	if m.groupDict == nil || m.groupSerial != m.inv.Serial() {
		m.groupDict, m.groupSerial = groupDict(m.inv), m.inv.Serial()
	}
	return m.groupDict
}

func groupDict(inv *inventory.Inventory) *value.Dict {
	d := &value.Dict{}
	for _, g := range inv.GroupList() {
		d.Set(g.Name, texts(inv.HostsOf(g.Name)))
	}
	return d
}

func short(name string) string {
	for i := range len(name) {
		if name[i] == '.' {
			return name[:i]
		}
	}
	return name
}

func lastName(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			return name[i+1:]
		}
	}
	return name
}
