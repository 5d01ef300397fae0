// Package facts holds the modules setup, gather_facts and mount_facts: what there is to know
// about a Linux host.
//
// In: which subsets of facts are wanted. Out: "ansible_facts" with the names, types and values
// of Ansible's own module. Facts are read from /proc, /sys, /etc and the kernel's netlink
// socket; a program is only run where nothing else can tell (lsb_release, capsh, LVM's tools,
// ethtool, lspci, facter, ohai), only if it is installed, and beside everything else. No
// Python is started: what is told about it is read from its files.
//
// A collector gathers the facts of one subset; they are listed in collectors. The package must
// not change anything on the host, and knows nothing of playbooks.
package facts

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

// Modules are the modules of this package. gather_facts is what a play calls at its start;
// it takes the same arguments.
func Modules() []module.Module {
	return []module.Module{
		{Name: "setup", Spec: setupSpec(), Run: setup},
		{Name: "gather_facts", Spec: gatherSpec(), Run: setup},
		{Name: "mount_facts", Spec: mountFactsSpec(), Run: mountFacts},
	}
}

func setupSpec() argument.Spec {
	return argument.Spec{
		Options: []argument.Option{
			{Name: "gather_subset", Type: argument.List, Elements: argument.Str, Default: []any{"all"}},
			{Name: "gather_timeout", Type: argument.Int, Default: int64(10)},
			{Name: "filter", Type: argument.List, Elements: argument.Str, Default: []any{}},
			{Name: "fact_path", Type: argument.Path, Default: "/etc/ansible/facts.d"},
		},
		Check: true,
	}
}

func gatherSpec() argument.Spec {
	s := setupSpec()
	s.Options = append(s.Options, argument.Option{Name: "parallel", Type: argument.Bool})
	return s
}

// facts are values by their names, without "ansible_".
type facts map[string]any

// collector gathers one subset.
type collector struct {
	name string
	// ids are other names of the subset.
	ids []string
	// needs are subsets whose facts it looks at.
	needs []string
	// minimal subsets are gathered unless "!min" says otherwise.
	minimal bool
	// prefix stands before the names of its facts instead of "ansible_".
	prefix  string
	collect func(h *host) facts
}

// collectors are all subsets, in an order in which what a subset needs comes before it.
func collectors() []collector {
	return []collector{
		{name: "platform", minimal: true, collect: (*host).platform,
			ids: []string{"system", "kernel", "kernel_version", "machine", "python_version", "architecture", "machine_id"}},
		{name: "distribution", minimal: true, collect: (*host).distribution,
			ids: []string{"distribution_version", "distribution_release", "distribution_major_version", "os_family"}},
		{name: "lsb", minimal: true, collect: (*host).lsb},
		{name: "selinux", minimal: true, collect: (*host).selinux},
		{name: "apparmor", minimal: true, collect: (*host).apparmor},
		{name: "chroot", ids: []string{"is_chroot"}, collect: (*host).chroot},
		{name: "fips", minimal: true, collect: (*host).fips},
		{name: "python", minimal: true, collect: (*host).python},
		{name: "caps", minimal: true, collect: (*host).capabilities,
			ids: []string{"system_capabilities", "system_capabilities_enforced"}},
		{name: "pkg_mgr", minimal: true, needs: []string{"distribution"}, collect: (*host).packageManager},
		{name: "service_mgr", minimal: true, needs: []string{"platform", "distribution"}, collect: (*host).serviceManager},
		{name: "cmdline", minimal: true, collect: (*host).commandLine},
		{name: "date_time", minimal: true, collect: (*host).dateTime},
		{name: "env", minimal: true, collect: (*host).environment},
		{name: "loadavg", collect: (*host).load},
		{name: "ssh_pub_keys", minimal: true, collect: (*host).hostKeys,
			ids: []string{"ssh_host_pub_keys", "ssh_host_key_dsa_public", "ssh_host_key_rsa_public",
				"ssh_host_key_ecdsa_public", "ssh_host_key_ed25519_public"}},
		{name: "user", minimal: true, collect: (*host).user,
			ids: []string{"user_id", "user_uid", "user_gid", "user_gecos", "user_dir", "user_shell",
				"real_user_id", "effective_user_id", "effective_group_ids"}},
		{name: "systemd", collect: (*host).systemd},
		{name: "virtual", collect: (*host).virtual,
			ids: []string{"virtualization_type", "virtualization_role", "virtualization_tech_guest", "virtualization_tech_host"}},
		{name: "hardware", needs: []string{"platform"}, collect: (*host).hardware,
			ids: []string{"processor", "processor_cores", "processor_count", "mounts", "devices"}},
		{name: "dns", minimal: true, collect: (*host).dns},
		{name: "fibre_channel_wwn", collect: (*host).fibreChannel},
		{name: "network", needs: []string{"distribution", "platform"}, collect: (*host).network,
			ids: []string{"interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"}},
		{name: "iscsi", collect: (*host).iscsi},
		{name: "nvme", collect: (*host).nvme},
		{name: "local", minimal: true, collect: (*host).local},
		{name: "facter", prefix: "facter_", collect: (*host).facter},
		{name: "ohai", prefix: "ohai_", collect: (*host).ohai},
	}
}

// setup is the module.
func setup(ctx context.Context, c *module.Call) module.Result {
	subsets := c.Strings("gather_subset")
	if len(subsets) == 0 {
		subsets = []string{"all"}
	}
	wanted, err := choose(collectors(), subsets)
	if err != nil {
		return module.Fail(err.Error())
	}
	timeout, _ := c.Int("gather_timeout")
	h := newHost(ctx, hostOptions{FactPath: c.String("fact_path"), TimeoutSeconds: timeout})
	found := h.gather(wanted)
	for _, w := range h.warnings {
		c.Warn("%s", w)
	}
	result := map[string]any{}
	for k, v := range filter(found, c.Strings("filter")) {
		result[k] = v
	}
	list := make([]any, len(subsets))
	for i, s := range subsets {
		list[i] = s
	}
	for k, v := range filter(facts{"gather_subset": list, "module_setup": true}, c.Strings("filter")) {
		result[k] = v
	}
	return module.Result{"ansible_facts": result}
}

// gather carries the collectors out side by side, each as soon as those that it needs are
// done, and gives their facts with their prefixes.
func (h *host) gather(wanted []collector) facts {
	done := make(map[string]chan struct{}, len(wanted))
	for _, c := range wanted {
		done[c.name] = make(chan struct{})
	}
	all := facts{}
	var lock sync.Mutex
	var wait sync.WaitGroup
	for _, c := range wanted {
		wait.Go(func() {
			defer close(done[c.name])
			for _, need := range c.needs {
				<-done[need]
			}
			found := h.attempt(c)
			prefix := c.prefix
			if prefix == "" {
				prefix = "ansible_"
				h.remember(found)
			}
			lock.Lock()
			defer lock.Unlock()
			for k, v := range found {
				all[prefix+strings.ReplaceAll(k, "-", "_")] = v
			}
		})
	}
	wait.Wait()
	return all
}

// attempt runs one collector. What a collector trips over on an unusual host costs its own
// facts and not those of the others.
func (h *host) attempt(c collector) (found facts) {
	defer func() {
		if p := recover(); p != nil {
			h.warn("the facts of the subset %s could not be gathered: %v", c.name, p)
			found = nil
		}
	}()
	return c.collect(h)
}

// choose gives the collectors that a list of subsets asks for, with those that they need.
func choose(all []collector, subsets []string) ([]collector, error) {
	valid, minimal, aliases := names(all)
	add, drop, explicit := set{}, set{}, set{}
	for _, subset := range append([]string{"min"}, subsets...) {
		name, exclude := strings.CutPrefix(subset, "!")
		switch {
		case subset == "min":
			add.addAll(minimal)
		case subset == "all":
			add.addAll(valid)
		case exclude && name == "min":
			drop.addAll(minimal)
		case exclude && name == "all":
			for n := range valid {
				if !minimal[n] {
					drop[n] = true
				}
			}
		case exclude:
			drop[name] = true
			drop.addAll(aliases[name])
		case !valid[name]:
			return nil, fmt.Errorf("Bad subset '%s' given to Ansible. gather_subset options allowed: all, %s", // Ansible's own words
				name, strings.Join(valid.sorted(), ", "))
		default:
			explicit[name], add[name] = true, true
		}
	}
	if len(add) == 0 {
		add.addAll(valid)
	}
	for n := range drop {
		if !explicit[n] {
			delete(add, n)
		}
	}
	return withNeeds(all, add), nil
}

// names gives what may be asked for, what is always gathered, and the other names of each
// subset.
func names(all []collector) (valid, minimal set, aliases map[string]set) {
	valid, minimal, aliases = set{}, set{}, map[string]set{}
	for _, c := range all {
		valid[c.name] = true
		if c.minimal {
			minimal[c.name] = true
		}
		aliases[c.name] = set{}
		for _, id := range c.ids {
			valid[id], aliases[c.name][id] = true, true
		}
	}
	// The one name that is a subset and an alias of itself.
	aliases["facter"] = set{"facter": true}
	return valid, minimal, aliases
}

// withNeeds gives the collectors that are named by any of their names, and those that they
// need. The list of all is in the order of needs, so one walk from its end is enough.
func withNeeds(all []collector, wanted set) []collector {
	chosen, needed := set{}, set{}
	for i := len(all) - 1; i >= 0; i-- {
		c := all[i]
		named := wanted[c.name] || needed[c.name]
		for _, id := range c.ids {
			named = named || wanted[id]
		}
		if !named {
			continue
		}
		chosen[c.name] = true
		for _, n := range c.needs {
			needed[n] = true
		}
	}
	var list []collector
	for _, c := range all {
		if chosen[c.name] {
			list = append(list, c)
		}
	}
	return list
}

type set map[string]bool

func (s set) addAll(other set) {
	for n := range other {
		s[n] = true
	}
}

func (s set) sorted() []string {
	list := make([]string, 0, len(s))
	for n := range s {
		list = append(list, n)
	}
	sort.Strings(list)
	return list
}

// filter keeps the facts whose names match one of the shell patterns, with or without
// "ansible_" before them. No pattern keeps all.
func filter(found facts, patterns []string) facts {
	if len(patterns) == 0 {
		return found
	}
	kept := facts{}
	for _, p := range patterns {
		for name, value := range found {
			short := !strings.HasPrefix(p, "ansible_") && !strings.HasPrefix(p, "facter") && !strings.HasPrefix(p, "ohai")
			if p == "" || fnmatch(p, name) || short && fnmatch("ansible_"+p, name) {
				kept[name] = value
			}
		}
	}
	return kept
}

// fnmatch tells whether the whole name matches a shell pattern, in which * also stands for
// slashes and leading points.
func fnmatch(pattern, name string) bool {
	for len(pattern) > 0 {
		switch pattern[0] {
		case '*':
			pattern = strings.TrimLeft(pattern, "*")
			for i := 0; i <= len(name); i++ {
				if fnmatch(pattern, name[i:]) {
					return true
				}
			}
			return false
		case '?':
			if name == "" {
				return false
			}
		case '[':
			matched, rest, ok := class(pattern, name)
			if ok {
				if !matched {
					return false
				}
				pattern, name = rest, name[1:]
				continue
			}
			fallthrough
		default:
			if name == "" || name[0] != pattern[0] {
				return false
			}
		}
		pattern, name = pattern[1:], name[1:]
	}
	return name == ""
}

// class matches the first byte of name against "[abc]", "[a-z]" or "[!abc]" at the start of
// the pattern; ok is false when no class stands there.
func class(pattern, name string) (matched bool, rest string, ok bool) {
	negated := strings.HasPrefix(pattern, "[!")
	begin := 1
	if negated {
		begin = 2
	}
	if begin >= len(pattern) {
		return false, "", false
	}
	end := strings.IndexByte(pattern[begin+1:], ']')
	if end < 0 {
		return false, "", false
	}
	members := pattern[begin : begin+1+end]
	rest = pattern[begin+1+end+1:]
	if name == "" {
		return false, rest, true
	}
	found := false
	for i := 0; i < len(members); i++ {
		if i+2 < len(members) && members[i+1] == '-' {
			found = found || members[i] <= name[0] && name[0] <= members[i+2]
			i += 2
			continue
		}
		found = found || members[i] == name[0]
	}
	return found != negated, rest, true
}
