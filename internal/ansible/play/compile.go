package play

import (
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// compile makes the play's list of blocks: the gathering of facts, pre_tasks, roles and tasks,
// post_tasks, each of the three followed by its handlers; what tags leave out is not in it.
func (m *Machine) compile() {
	p := m.play
	src := p.source
	p.handlers = nil
	for _, r := range src.Roles {
		for _, b := range r.AllHandlers() {
			p.handlers = flatten(b, p.handlers)
		}
	}
	for _, b := range src.Handlers {
		p.handlers = flatten(b, p.handlers)
	}
	s := m.newScope(nil, nil, &p.desk)
	blocks := append(m.waiting(), m.gathering(s))
	var middle []*playbook.Block
	for _, r := range src.Roles {
		middle = append(middle, r.AllBlocks()...)
	}
	middle = append(middle, src.Tasks...)
	for _, part := range [][]*playbook.Block{src.PreTasks, middle, src.PostTasks} {
		blocks = append(blocks, m.flushed(part)...)
	}
	p.blocks = nil
	for _, b := range blocks {
		if f := m.tagged(b, s); f != nil {
			p.blocks = append(p.blocks, f)
		}
	}
	if !m.started {
		m.findStart()
	}
}

// flushed puts the flush of handlers behind a part of the play; with force_handlers it happens
// whatever becomes of the part.
func (m *Machine) flushed(part []*playbook.Block) []*playbook.Block {
	flush := &playbook.Task{Action: "meta", Module: "ansible.builtin.meta", Args: value.NewDict("_raw_params", "flush_handlers"),
		Implicit: true, Play: m.play.source}
	block := &playbook.Block{Implied: true, Play: m.play.source, Tasks: []playbook.Item{flush}}
	flush.Parent = block
	if !m.play.force {
		return append(append([]*playbook.Block(nil), part...), block)
	}
	all := &playbook.Block{Implied: true, Play: m.play.source, Always: []playbook.Item{block}}
	for _, b := range part {
		all.Tasks = append(all.Tasks, b)
	}
	return []*playbook.Block{all}
}

// gathering is the block of the task that gathers facts first; whether it runs is decided
// host by host.
func (m *Machine) gathering(s *scope) *playbook.Block {
	args := &value.Dict{}
	for _, name := range []string{"gather_subset", "gather_timeout", "fact_path"} {
		if k, ok := m.play.source.Keywords[name]; ok && k.Value != nil {
			args.Set(name, k.Value)
		}
	}
	t := &playbook.Task{Name: "Gathering Facts", Action: "gather_facts", Module: "ansible.builtin.gather_facts", Args: args,
		Implicit: true, Play: m.play.source}
	t.Keywords = playbook.Keywords{"run_once": {Value: false}}
	if len(m.play.source.Conditions) > 0 {
		t.Keywords["when"] = playbook.Keyword{Value: value.NewList(m.play.source.Conditions...)}
	}
	if len(collected(m.play.source, nil, "tags")) == 0 {
		t.Keywords["tags"] = playbook.Keyword{Value: value.NewList("always")}
	}
	b := &playbook.Block{Implied: true, Play: m.play.source, Tasks: []playbook.Item{t}}
	t.Parent = b
	return b
}

// waiting is the block of the task that waits until a host answers, before the first play.
func (m *Machine) waiting() []*playbook.Block {
	if m.in.Options.Wait == 0 || m.index > 0 || m.book > 0 {
		return nil
	}
	t := &playbook.Task{Name: "Waiting for the hosts", Action: "wait_for_connection", Module: "ansible.builtin.wait_for_connection",
		Args: value.NewDict("timeout", int64(m.in.Options.Wait)), Implicit: true, Play: m.play.source}
	t.Keywords = playbook.Keywords{"tags": {Value: value.NewList("always")}}
	b := &playbook.Block{Implied: true, Play: m.play.source, Tasks: []playbook.Item{t}}
	t.Parent = b
	return []*playbook.Block{b}
}

// gathers tells whether facts are gathered first on a host.
func (m *Machine) gathers(h *host) bool {
	k, written := m.play.source.Keywords["gather_facts"]
	want, ok := boolean(k.Value)
	if written && !ok {
		if v, err := m.newScope(h, nil, &m.play.desk).render(k.Value); err == nil {
			want, _ = boolean(v)
		}
	}
	switch m.in.Settings.Gathering {
	case "explicit":
		return written && want
	case "smart":
		return (!written || want) && !h.gathered
	default:
		return !written || want
	}
}

// tagged gives a block with only the tasks that tags let through; nil when none is left.
func (m *Machine) tagged(b *playbook.Block, s *scope) *playbook.Block {
	if len(m.in.Options.Tags) == 0 && len(m.in.Options.SkipTags) == 0 {
		return m.neverLeft(b, s)
	}
	return m.filter(b, s)
}

// neverLeft is tagged when no tags were asked for: only tasks that say "never" go.
func (m *Machine) neverLeft(b *playbook.Block, s *scope) *playbook.Block { return m.filter(b, s) }

func (m *Machine) filter(b *playbook.Block, s *scope) *playbook.Block {
	c := *b
	left := 0
	pick := func(items []playbook.Item) []playbook.Item {
		var out []playbook.Item
		for _, item := range items {
			switch item := item.(type) {
			case *playbook.Block:
				if f := m.filter(item, s); f != nil {
					out = append(out, f)
					left++
				}
			case *playbook.Task:
				if m.wanted(item, s) {
					out = append(out, item)
					left++
				}
			}
		}
		return out
	}
	c.Tasks, c.Rescue, c.Always = pick(b.Tasks), pick(b.Rescue), pick(b.Always)
	if left == 0 {
		return nil
	}
	if b.Role != nil && b.Role.Block == b {
		// Who leaves the role's block is recognised by it.
		b.Role.Block = &c
	}
	return &c
}

// wanted tells whether tags let a task through.
func (m *Machine) wanted(t *playbook.Task, s *scope) bool {
	if t.Implicit && t.Action == "meta" {
		return true
	}
	return wantedTags(m.tagsOf(t, s), m.in.Options.Tags, m.in.Options.SkipTags)
}

// tagsOf gives a task's tags, rendered; what cannot be rendered yet stays as it is.
func (m *Machine) tagsOf(t *playbook.Task, s *scope) []string {
	var p *playbook.Play
	if s.play != nil {
		p = s.play.source
	}
	var tags []string
	for _, raw := range collected(p, t, "tags") {
		v, err := s.render(raw)
		if err != nil {
			v = raw
		}
		for _, x := range list(v) {
			tags = append(tags, stringList(value.String(x))...)
		}
	}
	return tags
}

// wantedTags is Ansible's rule for tags: only are those asked for (none is "all"), skip those
// to be left out; always, never, tagged, untagged and all are words of their own.
func wantedTags(tags, only, skip []string) bool {
	has := func(list []string, tag string) bool {
		for _, x := range list {
			if x == tag {
				return true
			}
		}
		return false
	}
	common := func(a, b []string) bool {
		for _, x := range a {
			if has(b, x) {
				return true
			}
		}
		return false
	}
	if len(only) == 0 {
		only = []string{"all"}
	}
	named := tags
	if len(named) == 0 {
		named = []string{"untagged"}
	}
	run := false
	switch {
	case has(named, "always"), has(only, "all") && !has(named, "never"), common(named, only),
		has(only, "tagged") && len(tags) > 0 && !has(named, "never"):
		run = true
	}
	if !run || len(skip) == 0 {
		return run
	}
	switch {
	case has(skip, "all") && (!has(named, "always") || has(skip, "always")), common(named, skip),
		has(skip, "tagged") && len(tags) > 0:
		return false
	}
	return true
}
