package ansible

import (
	"fmt"
	"slices"
	"strings"

	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/session"
	"tutti/internal/ansible/value"
)

// list answers --syntax-check, --list-hosts, --list-tasks and --list-tags.
func (p *Program) list(s *session.Session, o *playbookFlags) error {
	if o.list.tags && len(o.choice.tags)+len(o.choice.skip) == 0 {
		s.Input.Options.Tags = []string{"never", "all"}
	}
	for _, pb := range s.Playbooks {
		if _, err := fmt.Fprintf(p.Stdout, "\nplaybook: %s\n", shortPath(s.Input.Dir, pb.File)); err != nil {
			return err
		}
		if o.list.syntax {
			continue
		}
		for i, pl := range pb.Plays {
			l := listing{p: p, s: s, o: o, play: pl}
			if err := l.show(i + 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// shortPath is a path as it was typed.
func shortPath(dir, name string) string {
	if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
		return rest
	}
	return name
}

// listing shows one play.
type listing struct {
	p    *Program
	s    *session.Session
	o    *playbookFlags
	play *playbook.Play
	tags []string
	out  strings.Builder
	// seen are the roles that were listed.
	seen map[string]bool
}

func (l *listing) show(number int) error {
	hosts := patterns(l.play.Hosts)
	name := strings.Join(hosts, ",")
	if k, ok := l.play.Keywords["name"]; ok && k.Value != nil {
		name = plain(k.Value)
	}
	own := l.texts(l.play.Keywords["tags"].Value)
	fmt.Fprintf(&l.out, "\n  play #%d (%s): %s\tTAGS: [%s]", number, strings.Join(hosts, ","), name, strings.Join(own, ","))
	if l.o.inventory.listHosts {
		var all []string
		for _, h := range hosts {
			all = append(all, inventory.SplitPattern(h)...)
		}
		found, said, err := l.s.Inventory.Select(inventory.Selection{Patterns: all, Limit: l.s.Input.Options.Limit})
		if err != nil {
			return err
		}
		if err := l.p.diagnostics(said); err != nil {
			return err
		}
		fmt.Fprintf(&l.out, "\n    pattern: %s\n    hosts (%d):", value.Repr(textList(hosts)), len(found))
		for _, h := range found {
			fmt.Fprintf(&l.out, "\n      %s", h.Name)
		}
	}
	l.out.WriteByte('\n')
	if l.o.list.tasks || l.o.list.tags {
		l.tasks(own)
	}
	_, err := fmt.Fprint(l.p.Stdout, l.out.String())
	return err
}

func textList(all []string) *value.List {
	out := value.NewList()
	for _, s := range all {
		out.Items = append(out.Items, s)
	}
	return out
}

// patterns are a play's hosts.
func patterns(v any) []string {
	l, ok := v.(*value.List)
	if !ok {
		return []string{plain(v)}
	}
	var out []string
	for _, item := range l.Items {
		out = append(out, plain(item))
	}
	return out
}

// plain is a value as it was written.
func plain(v any) string {
	if t, ok := v.(*value.Template); ok {
		return t.Text
	}
	return value.String(v)
}

func (l *listing) texts(v any) []string {
	list, ok := v.(*value.List)
	if !ok {
		return nil
	}
	var out []string
	for _, item := range list.Items {
		if s := plain(item); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// tasks lists the play's tasks in the order in which they run.
func (l *listing) tasks(own []string) {
	if l.o.list.tasks {
		l.out.WriteString("    tasks:\n")
	}
	l.seen = map[string]bool{}
	l.blocks(l.play.PreTasks)
	for _, role := range l.play.Roles {
		l.blocks(role.AllBlocks())
	}
	l.blocks(l.play.Tasks)
	l.blocks(l.play.PostTasks)
	if l.o.list.tags {
		all := slices.Concat(l.tags, own)
		slices.Sort(all)
		fmt.Fprintf(&l.out, "      TASK TAGS: [%s]\n", strings.Join(slices.Compact(all), ", "))
	}
}

func (l *listing) blocks(all []*playbook.Block) {
	for _, b := range all {
		l.items(b.Tasks)
	}
}

func (l *listing) items(all []playbook.Item) {
	for _, item := range all {
		switch item := item.(type) {
		case *playbook.Block:
			l.items(item.Tasks)
		case *playbook.Task:
			l.task(item)
		}
	}
}

func (l *listing) task(t *playbook.Task) {
	var tags []string
	for _, k := range t.KeywordList("tags") {
		if s := plain(k.Value); !slices.Contains(tags, s) {
			tags = append(tags, s)
		}
	}
	if !chosen(tags, l.s.Input.Options.Tags, l.s.Input.Options.SkipTags) {
		return
	}
	l.tags = append(l.tags, tags...)
	if !l.o.list.tasks {
		return
	}
	name := t.Action
	if t.Name != nil {
		if name = plain(t.Name); t.Role != nil {
			name = t.Role.Name + " : " + name
		}
	}
	slices.Sort(tags)
	fmt.Fprintf(&l.out, "      %s\tTAGS: [%s]\n", name, strings.Join(tags, ", "))
}

// chosen reports whether a task with these tags is to be carried out.
func chosen(tags, only, skip []string) bool {
	has := func(list []string, name string) bool { return slices.Contains(list, name) }
	untagged := len(tags) == 0
	if untagged {
		tags = []string{"untagged"}
	}
	common := func(list []string) bool {
		return slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(list, t) })
	}
	if len(only) == 0 {
		only = []string{"all"}
	}
	switch {
	case has(tags, "always"), has(only, "all") && !has(tags, "never"), common(only), has(only, "tagged") && !untagged && !has(tags, "never"):
	default:
		return false
	}
	switch {
	case len(skip) == 0:
		return true
	case has(skip, "all"):
		return has(tags, "always") && !has(skip, "always")
	case common(skip), has(skip, "tagged") && !untagged:
		return false
	}
	return true
}
