package play

import (
	"slices"
	gostrings "strings"

	"tutti/internal/ansible/value"
)

// end takes the task's result on this host in: counts, register, facts, notifications, and
// what a failure does to the host.
func (t *turn) end(r *value.Dict) {
	t.result = r
	it := t.first()
	m := t.m
	t.host.turn = nil
	t.failed, t.unreachable = truth(r, "failed"), truth(r, "unreachable")
	if !t.looping && it != nil {
		if t.unreachable {
			t.ignored = it.ignoreUnreachable
		} else {
			t.ignored = it.ignoreErrors
		}
	}
	included := t.inclusions()
	if t.task.Role != nil && !truth(r, "skipped") && !t.unreachable {
		t.host.ran[t.task.Role.Key()] = true
	}
	t.count(included)
	if !t.failed && !t.unreachable {
		t.effects()
	}
	if len(included) == 0 || t.failed {
		m.note(t.resultNote(it))
	}
	t.keep()
	m.later(func() { m.play.strategy.done(t) })
}

// first is the item that stands for the task; nil when it came to none.
func (t *turn) first() *item {
	for _, it := range t.states {
		if it != nil {
			return it
		}
	}
	return nil
}

func (t *turn) resultNote(it *item) Note {
	n := Note{Kind: NoteResult, Host: t.host.name, Number: t.task.Number, Task: t.name(), Action: t.task.Action, Path: t.task.Origin.String(), Label: t.looping,
		Status: statusOf(t.result, t.ignored, t.ignored), Elapsed: t.m.now.Sub(t.began).Milliseconds(), Handler: t.task.Handler}
	n.Diff = t.scope != nil && t.scope.diffMode()
	noLog := t.scope != nil && t.scope.constFlag("no_log", t.m.in.Settings.NoLog)
	for _, it := range t.states {
		if it != nil {
			noLog = noLog || it.noLog
			n.Unknown = n.Unknown || it.unknown != nil
		}
	}
	if it != nil && !t.looping {
		n.Delegate, n.About = it.delegate, it.about
	}
	shown := t.result
	if t.looping {
		// Items have been told one by one.
		shown = t.result.Shallow()
		shown.Delete("results")
	}
	n.Result = t.m.shown(shown, noLog)
	return n
}

// name is the task's as people see it.
func (t *turn) name() string {
	if t.scope == nil {
		return t.task.Action
	}
	name, err := t.m.taskName(t.scope, t.task)
	if err != nil {
		return t.task.Action
	}
	return name
}

// count adds the result to the recap and has a failure do what it does to the host.
func (t *turn) count(included []*inclusion) {
	m := t.m
	tally := m.stats.of(t.host.name)
	for _, it := range t.states {
		if it != nil && it.unknown != nil {
			tally.Unknown++
			break
		}
	}
	switch {
	case t.failed && !t.ignored:
		t.fail(tally)
	case t.failed:
		tally.OK++
		tally.Ignored++
		if truth(t.result, "changed") {
			tally.Changed++
		}
	case t.unreachable && !t.ignored:
		m.unreachable[t.host.name] = true
		tally.Unreachable++
	case t.unreachable:
		tally.OK++
		tally.Ignored++
	case truth(t.result, "skipped"):
		tally.Skipped++
	case len(included) > 0:
	default:
		tally.OK++
		if truth(t.result, "changed") {
			tally.Changed++
		}
	}
}

// fail fails the host, or all hosts when one did it for all, and goes on with what rescues.
func (t *turn) fail(tally *Tally) {
	hosts := []*host{t.host}
	if t.once {
		for _, h := range t.m.play.batch {
			if h != t.host && !t.m.unreachable[h.name] && !h.cursor.done {
				hosts = append(hosts, h)
			}
		}
	}
	for _, h := range hosts {
		rescued := h.cursor.fail()
		if h != t.host {
			continue
		}
		if !rescued {
			tally.Failed++
			continue
		}
		tally.Rescued++
		h.set.Set("ansible_failed_result", registered(t.result))
		h.set.Set("ansible_failed_task", t.described())
	}
}

// described is what ansible_failed_task tells of a task.
func (t *turn) described() *value.Dict {
	d := value.NewDict("action", t.task.Action, "args", known(t.task.Args), "name", nil)
	if t.task.Name != nil {
		d.Set("name", t.name())
	}
	if name := t.register(); name != "" {
		d.Set("register", name)
	}
	return d
}

func (t *turn) register() string {
	v, ok := own(t.task, "register")
	if !ok {
		return ""
	}
	return value.String(v)
}

// forHosts are the hosts that a result counts for: all of the batch when one did it for all.
func (t *turn) forHosts() []*host {
	if !t.once {
		return []*host{t.host}
	}
	var hosts []*host
	for _, h := range t.m.play.batch {
		if !t.m.unreachable[h.name] {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// keep registers the result; of what check mode did not run, nothing is known.
func (t *turn) keep() {
	name := t.register()
	if name == "" {
		return
	}
	var v any = t.registration()
	for _, h := range t.forHosts() {
		h.set.Set(name, v)
	}
}

func (t *turn) registration() any {
	if !t.looping {
		if it := t.first(); it != nil && it.unknown != nil {
			return it.unknown
		}
		return registered(t.result)
	}
	r := registered(t.result)
	results, _ := r.Get("results")
	items := append([]any(nil), list(results)...)
	unknown := false
	for i, x := range items {
		if it := t.states[i]; it != nil && it.unknown != nil {
			items[i], unknown = it.unknown, true
		} else if d, ok := x.(*value.Dict); ok {
			items[i] = registered(d)
		}
	}
	r.Set("results", &value.List{Items: items})
	if unknown {
		why := &value.Unknown{Why: "the result of task \"" + t.name() + "\""}
		for _, key := range []string{"changed", "failed", "skipped"} {
			r.Set(key, why)
		}
	}
	return r
}

// effects are what results do beside being registered: facts, statistics, notifications.
func (t *turn) effects() {
	if !t.looping {
		t.effect(t.result, t.first())
	}
	for i, r := range t.results {
		if t.looping && r != nil {
			t.effect(r, t.states[i])
		}
	}
	if truth(t.result, "changed") {
		t.notify()
	}
}

func (t *turn) effect(r *value.Dict, it *item) {
	if r == nil {
		return
	}
	if v, ok := r.Get("ansible_facts"); ok && !isAction(t.task, "debug") {
		if facts, isDict := v.(*value.Dict); isDict {
			t.facts(facts, r, it)
		}
	}
	if v, ok := r.Get("ansible_stats"); ok {
		if d, isDict := v.(*value.Dict); isDict {
			t.statistics(d)
		}
	}
}

// delegatedFacts are facts that belong to the host that the task ran on, whatever else.
var delegatedFacts = []string{"discovered_interpreter_"}

func (t *turn) facts(facts, r *value.Dict, it *item) {
	hosts := t.forHosts()
	if it != nil && it.delegate != "" {
		to, ok := t.m.known(it.delegate)
		if delegated, _ := it.scope.flag("delegate_facts", false); delegated && ok {
			hosts = []*host{to}
		} else {
			facts = facts.Shallow()
			for _, k := range slices.Clone(facts.Keys()) {
				if gostrings.HasPrefix(value.String(k), delegatedFacts[0]) {
					facts.Delete(k)
				}
			}
		}
	}
	isSet := isAction(t.task, "set_fact")
	for _, h := range hosts {
		switch {
		case isAction(t.task, "include_vars"):
			h.loaded = updated(h.loaded, facts)
		case isSet:
			h.set = updated(h.set, facts)
			if truth(r, "_ansible_facts_cacheable") {
				t.m.addFacts(h, facts)
			}
		default:
			t.m.addFacts(h, facts)
		}
	}
}

func updated(d, with *value.Dict) *value.Dict {
	for k, v := range with.All() {
		d.Set(k, v)
	}
	return d
}

// addFacts takes facts in: as ansible_facts, where names lose "ansible_", and as variables.
func (m *Machine) addFacts(h *host, facts *value.Dict) {
	h.gathered = true
	named, injected := h.facts.Shallow(), h.injected.Shallow()
	for k, v := range facts.All() {
		name := value.String(k)
		short, had := gostrings.CutPrefix(name, "ansible_")
		if name == "ansible_local" {
			short = name[len("ansible_"):]
			had = true
		}
		if !had {
			short = name
		}
		named.Set(short, v)
		if connectionFact(name) {
			continue
		}
		if m.in.Settings.InjectFacts || name == "ansible_local" {
			injected.Set(name, v)
		}
	}
	h.facts, h.injected = named, injected
}

// connectionFact tells that a fact would change how the host is reached, and is not made a
// variable: a host must not decide that.
func connectionFact(name string) bool {
	switch name {
	case "ansible_connection", "ansible_host", "ansible_port", "ansible_user", "ansible_password", "ansible_become", "ansible_become_user",
		"ansible_become_method", "ansible_become_password", "ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_private_key_file",
		"ansible_shell_executable", "ansible_python_interpreter", "ansible_remote_tmp", "ansible_delegated_vars":
		return true
	}
	return gostrings.HasSuffix(name, "_interpreter") && gostrings.HasPrefix(name, "ansible_") && !gostrings.HasPrefix(name, "ansible_python") ||
		gostrings.HasPrefix(name, "ansible_ssh_pass") || gostrings.HasPrefix(name, "ansible_sudo") || gostrings.HasPrefix(name, "ansible_su_")
}

func (t *turn) statistics(d *value.Dict) {
	data, _ := d.Get("data")
	values, ok := data.(*value.Dict)
	if !ok {
		return
	}
	hosts := []string{"_run"}
	if perHost, has := d.Get("per_host"); !has || perHost == true {
		hosts = names(t.forHosts())
	}
	for _, h := range hosts {
		for k, v := range values.All() {
			t.m.stats.set(h, value.String(k), v, truth(d, "aggregate"))
		}
	}
}
