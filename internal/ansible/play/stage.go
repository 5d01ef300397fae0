package play

import (
	"fmt"
	"math"
	"slices"
	gostrings "strings"

	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// host is a host of the inventory as the run knows it.
type host struct {
	name string
	// vars are those of the inventory and of group_vars and host_vars, of the current play.
	vars *value.Dict
	// facts is ansible_facts; injected are the same as variables of their own.
	facts, injected *value.Dict
	// set are the host's variables of set_fact and register, loaded those of include_vars.
	set, loaded *value.Dict
	// varsFiles are what the play's vars_files held for this host; varsNames what they were
	// read from.
	varsFiles []*value.Dict
	varsDesk  desk
	varsNames string
	// cursor is where it is in the play; nil when it takes no part in it.
	cursor *cursor
	// notified are the notifications that no flush has looked at yet, in order.
	notified []string
	// completed are the roles that ran, by their key; ran those of which a task ran.
	completed, ran map[string]bool
	// seeking tells that the host has not come to the task to start at yet.
	seeking bool
	// gathered tells that facts were gathered in this run.
	gathered bool
	// turn is the task that the host is at.
	turn *turn
}

// lost tells that the host failed in this play and takes no further part.
func (h *host) lost() bool { return h.cursor != nil && h.cursor.failed }

// playState is the play that is carried out.
type playState struct {
	source   *playbook.Play
	name     string
	roles    []*playbook.Role
	prompted *value.Dict
	// hosts are all of the play, batch those of the current batch.
	hosts, batch []*host
	// inOrder are all of the play in the order of the inventory, whatever "order" says.
	inOrder  []*host
	batches  [][]*host
	handlers []*playbook.Task
	blocks   []*playbook.Block
	strategy strategy
	// startStatic tells that the task to start at is there without any include.
	startStatic bool
	// handlerHosts tells which hosts a handler is to run on.
	handlerHosts map[*playbook.Task]map[string]bool
	handlerNames map[*playbook.Task]string
	// maxFail is max_fail_percentage; negative for none.
	maxFail float64
	force   bool
	// check tells that the play as a whole is one of check mode.
	check bool
	ended bool
	desk  desk
	// layers and roleLayers are variables that are put together once.
	layers     map[*playbook.Task]taskLayers
	roleLayers map[*playbook.Role]roleLayers
}

// strategy decides whose turn it is.
type strategy interface {
	// begin starts with a batch.
	begin()
	// done is told when a host's turn is over, with all that follows from it.
	done(t *turn)
}

// nextBook goes on to the next playbook, or ends the run.
func (m *Machine) nextBook() {
	for m.plays == nil || m.index >= len(m.plays) {
		if m.plays != nil {
			m.book++
		}
		if m.book >= len(m.in.Playbooks) || m.book > 0 && (m.stats.anyFailed() || m.stats.anyUnreachable()) {
			m.finish()
			return
		}
		var pb *playbook.Playbook
		var diags diag.List
		err := m.sure(&m.desk, func() (err error) {
			pb, diags, err = m.loader(&m.desk, false).Playbook(m.in.Playbooks[m.book])
			return err
		})
		if err != nil {
			if !m.await(err, m.nextBook) {
				m.fail(err.Error())
			}
			return
		}
		if diags.HasErrors() {
			m.fail(diags.Err().Error())
			return
		}
		m.note(Note{Kind: NotePlaybook, Text: m.in.Playbooks[m.book]})
		m.plays, m.index = pb.Plays, 0
		if m.plays == nil {
			m.plays = []*playbook.Play{}
		}
	}
	m.beginPlay(m.plays[m.index])
}

func (m *Machine) beginPlay(p *playbook.Play) {
	m.play = &playState{source: p, roles: p.Roles, prompted: &value.Dict{}, maxFail: -1,
		handlerHosts: map[*playbook.Task]map[string]bool{}, handlerNames: map[*playbook.Task]string{},
		layers: map[*playbook.Task]taskLayers{}, roleLayers: map[*playbook.Role]roleLayers{}}
	m.play.roles = append(append([]*playbook.Role(nil), p.Roles...), p.Imported...)
	m.stagePlay()
}

// nextPlay goes on behind the current play.
func (m *Machine) nextPlay() {
	m.index++
	m.play = nil
	m.nextBook()
}

// stagePlay asks for the play's prompts, finds its hosts and begins with the first batch. It
// is called again when something had to be asked.
func (m *Machine) stagePlay() {
	err := m.staged()
	switch {
	case err == nil:
	case m.await(err, m.stagePlay):
	default:
		m.fail(err.Error())
	}
}

func (m *Machine) staged() error {
	p := m.play
	if err := m.prompts(); err != nil {
		return err
	}
	s := m.newScope(nil, nil, &p.desk)
	pattern, err := s.render(p.source.Hosts)
	if err != nil {
		return fmt.Errorf("the hosts of a play: %w", err)
	}
	text := gostrings.Join(stringList(pattern), ",")
	name, err := s.playName(text)
	if err != nil {
		return err
	}
	p.name = name
	order, err := s.text("order")
	if err != nil {
		return err
	}
	found, err := m.selected(text, order)
	if err != nil {
		return err
	}
	if err := m.playOptions(s); err != nil {
		return err
	}
	for _, n := range found {
		if m.gone[n] || m.unreachable[n] {
			continue
		}
		p.hosts = append(p.hosts, m.host(n))
	}
	p.check = s.checkMode()
	if len(found) == 0 {
		m.note(Note{Kind: NotePlay, Play: p.name, Hosts: names(p.hosts), Check: s.checkMode()})
	}
	if len(p.hosts) == 0 {
		if len(found) == 0 {
			m.note(Note{Kind: NoteNoHosts})
		}
		m.nextPlay()
		return nil
	}
	p.inOrder = p.hosts
	if order != "" && order != "inventory" {
		found, err := m.selected(text, "")
		if err != nil {
			return err
		}
		p.inOrder = nil
		for _, n := range found {
			if h := m.hosts[n]; h != nil && slices.Contains(p.hosts, h) {
				p.inOrder = append(p.inOrder, h)
			}
		}
	}
	return m.beginBatches(s)
}

func (s *scope) playName(pattern string) (string, error) {
	k, ok := s.play.source.Keywords["name"]
	if !ok || k.Value == nil {
		return pattern, nil
	}
	v, err := s.render(k.Value)
	if err != nil {
		return "", err
	}
	return gostrings.TrimSpace(value.String(v)), nil
}

// playOptions reads the keywords that are about the play as a whole.
func (m *Machine) playOptions(s *scope) error {
	p := m.play
	name, err := s.text("strategy")
	if err != nil {
		return err
	}
	if name == "" {
		name = m.in.Settings.Strategy
	}
	if p.strategy, err = m.strategy(name); err != nil {
		return err
	}
	if v, err := s.field("max_fail_percentage"); err != nil {
		return err
	} else if v != nil {
		f, ok := percent(v)
		if !ok {
			return s.fieldError("max_fail_percentage", v, "percent")
		}
		p.maxFail = f
	}
	p.force, err = s.flag("force_handlers", m.in.Options.ForceHandlers)
	return err
}

// percent reads "30", 30 or "30%".
func percent(v any) (float64, bool) {
	if t, ok := v.(string); ok {
		v, _ = value.Number(gostrings.TrimSuffix(gostrings.TrimSpace(t), "%"))
	}
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v)
	}
	return 0, false
}

// beginBatches divides the play's hosts by serial and begins with the first part.
func (m *Machine) beginBatches(s *scope) error {
	sizes, err := s.field("serial")
	if err != nil {
		return err
	}
	m.play.batches, err = batches(m.play.hosts, list(sizes))
	if err != nil {
		return err
	}
	m.compile()
	m.nextBatch()
	return nil
}

// batches divides hosts into groups of the sizes given, the last of which repeats; 0 and "all"
// are all, "30%" is a part of all, at least one.
func batches(hosts []*host, sizes []any) ([][]*host, error) {
	if len(sizes) == 0 {
		return [][]*host{hosts}, nil
	}
	var out [][]*host
	for i, rest := 0, hosts; len(rest) > 0; i++ {
		size := sizes[min(i, len(sizes)-1)]
		n, ok := integer(size)
		if text, is := size.(string); is && gostrings.HasSuffix(text, "%") {
			f, isPercent := percent(text)
			n, ok = max(1, int(f/100*float64(len(hosts)))), isPercent
		}
		if !ok {
			return nil, fmt.Errorf("serial: %s is no number of hosts and no percentage", value.Repr(size))
		}
		if n <= 0 || n > len(rest) {
			n = len(rest)
		}
		out = append(out, rest[:n])
		rest = rest[n:]
	}
	return out, nil
}

// nextBatch begins with the next hosts of the play, or goes on to the next play.
func (m *Machine) nextBatch() {
	p := m.play
	if len(p.batches) == 0 || p.ended {
		m.nextPlay()
		return
	}
	p.batch, p.batches = p.batches[0], p.batches[1:]
	m.note(Note{Kind: NotePlay, Play: p.name, Hosts: names(p.batch), Check: p.check})
	for _, h := range p.batch {
		m.enter(h)
	}
	p.strategy.begin()
}

// enter puts a host at the beginning of the play.
func (m *Machine) enter(h *host) {
	p := m.play
	h.vars = m.hostVariables(h.name)
	h.varsFiles, h.varsNames, h.notified = nil, "", nil
	h.completed, h.ran, h.seeking = map[string]bool{}, map[string]bool{}, !m.started
	h.cursor = newCursor(p.blocks)
	h.cursor.skip = func(t *playbook.Task) bool { return m.passesBy(h, t) }
	h.cursor.notified = func(t *playbook.Task) bool { return p.handlerHosts[t][h.name] }
	h.cursor.left = func(b *playbook.Block) {
		if b.Role != nil && b.Role.Block == b && h.ran[b.Role.Key()] {
			h.completed[b.Role.Key()] = true
		}
	}
}

// passesBy tells that a task is not for a host: a role that ran already, a flush of handlers
// when nothing was notified.
func (m *Machine) passesBy(h *host, t *playbook.Task) bool {
	if h.seeking && m.seeks(h, t) {
		return true
	}
	if t.Implicit && metaOf(t) == "flush_handlers" && len(h.notified) == 0 {
		for _, handler := range m.play.handlers {
			if m.play.handlerHosts[handler][h.name] {
				return false
			}
		}
		return true
	}
	return t.Role != nil && !t.Handler && !t.Role.AllowDuplicates && h.completed[t.Role.Key()]
}

// batchOver is called by the strategy when no host of the batch has anything left.
func (m *Machine) batchOver() {
	p := m.play
	failed := 0
	for _, h := range p.batch {
		if h.cursor.failed {
			m.gone[h.name] = true
		}
		if m.gone[h.name] || m.unreachable[h.name] {
			failed++
		}
	}
	// As Ansible: when all hosts of a batch are lost, nothing more is played.
	if failed == len(p.batch) {
		m.finish()
		return
	}
	m.nextBatch()
}

// host gives a host of the inventory, made when first asked for.
func (m *Machine) host(name string) *host {
	h := m.hosts[name]
	if h == nil {
		h = &host{name: name, facts: &value.Dict{}, injected: &value.Dict{}, set: &value.Dict{}, loaded: &value.Dict{}}
		h.vars = m.hostVariables(name)
		m.hosts[name] = h
	}
	return h
}

// known gives a host that the inventory has, or that is this machine.
func (m *Machine) known(name string) (*host, bool) {
	if m.inv.Host(name) == nil {
		return nil, false
	}
	return m.host(name), true
}

// order gives all hosts that took part, in the order of the recap: as Ansible, by name.
func (m *Machine) order() []string {
	var list []string
	for name := range sorted(m.hosts) {
		list = append(list, name)
	}
	return list
}

func names(hosts []*host) []string {
	list := make([]string, len(hosts))
	for i, h := range hosts {
		list[i] = h.name
	}
	return list
}

func roleNames(roles []*playbook.Role) []string {
	var list []string
	for _, r := range roles {
		list = append(list, r.Name)
	}
	return list
}

func dependentRoles(roles []*playbook.Role) []string {
	var list []string
	for _, r := range roles {
		list = append(append(list, dependentRoles(r.Dependencies)...), roleNames(r.Dependencies)...)
	}
	return list
}

// selected gives the names of the hosts that a pattern means, within the limit.
func (m *Machine) selected(pattern, order string) ([]string, error) {
	s := inventory.Selection{Patterns: []string{pattern}, Limit: m.in.Options.Limit, Order: order, Seed: m.seed}
	hosts, warnings, err := m.inv.Select(s)
	for _, w := range warnings {
		m.warn("%s", w.Detail)
	}
	if err != nil {
		return nil, err
	}
	list := make([]string, len(hosts))
	for i, h := range hosts {
		list[i] = h.Name
	}
	return list, nil
}

// hostVariables are those of the inventory, of group_vars and of host_vars.
func (m *Machine) hostVariables(name string) *value.Dict {
	h := m.inv.Host(name)
	if h == nil {
		return &value.Dict{}
	}
	var beside *inventory.Vars
	if m.play != nil {
		beside = m.in.Beside[m.play.source.Dir]
	}
	vars, err := m.inv.HostVars(h, beside)
	if err != nil {
		m.fail(err.Error())
		return &value.Dict{}
	}
	return vars
}

// baseDir is the folder of the playbook.
func (m *Machine) baseDir() string {
	if m.play != nil && m.play.source.Dir != "" {
		return m.play.source.Dir
	}
	return m.in.Dir
}
