package play

import (
	"errors"
	"fmt"
	gostrings "strings"
	"time"

	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// turn is one task on one host: its loop is evaluated, its items are carried out, its result
// is taken in.
type turn struct {
	m    *Machine
	host *host
	task *playbook.Task
	// once tells that the host does it for all of the batch.
	once bool
	// round is that of the linear strategy; nil in others.
	round *round
	desk  desk
	scope *scope
	began time.Time

	looping bool
	items   []any
	control loopControl
	// running are the items that are carried out, next the place of the one behind them.
	running, next int
	results       []*value.Dict
	states        []*item
	broken        bool
	// loopError is why the loop could not be evaluated; it counts unless "when" is false.
	loopError error

	result              *value.Dict
	failed, unreachable bool
	// ignored tells that the failure is not one.
	ignored bool
}

// loopControl is a task's loop_control, rendered but for its label.
type loopControl struct {
	name, index        string
	label              any
	pause              float64
	extended, allItems bool
	breakWhen          any
	// parallel is how many items are carried out at a time; see parallelVariable.
	parallel int
}

// parallelVariable is the variable by which a task says how many items of its loop may be
// carried out at a time. It is a variable and no keyword, so that Ansible reads the playbook, too.
const parallelVariable = "tutti_parallel"

// maxParallel bounds it.
const maxParallel = 1000

func (m *Machine) newTurn(h *host, t *playbook.Task, once bool) *turn {
	r := &turn{m: m, host: h, task: t, once: once, began: m.now}
	h.turn = r
	if t.Handler {
		delete(m.play.handlerHosts[t], h.name)
		if once {
			delete(m.play.handlerHosts, t)
		}
	}
	return r
}

// begin starts the turn, once what the host's variables need has been read.
func (t *turn) begin() { t.again(t.open) }

// again calls a function, and once more when what it asked has been answered. Another error
// ends the turn as failed.
func (t *turn) again(f func() error) {
	err := f()
	switch {
	case err == nil:
	case t.m.await(err, func() { t.again(f) }):
	default:
		t.end(t.m.failure(err, t))
	}
}

func (t *turn) open() error {
	m := t.m
	if name := metaOf(t.task); name != "" {
		return t.meta(name)
	}
	if t.task.Implicit && t.task.Action == "gather_facts" && !m.gathers(t.host) {
		t.leave()
		return nil
	}
	if err := m.readVarsFiles(t.host); err != nil {
		return err
	}
	t.scope = m.newScope(t.host, t.task, &t.desk)
	if err := m.announce(t); err != nil {
		return err
	}
	err := t.loop()
	if err != nil && pendingError(err) {
		return err
	}
	t.loopError = err
	t.desk.clear()
	if !t.looping || err != nil {
		t.looping = false
		t.items = []any{nil}
	}
	t.results = make([]*value.Dict, len(t.items))
	t.states = make([]*item, len(t.items))
	if t.looping && len(t.items) == 0 {
		t.end(value.NewDict("changed", false, "skipped", true, "skipped_reason", "No items in the list", "results", value.NewList()))
		return nil
	}
	t.m.later(t.fill)
	return nil
}

func pendingError(err error) bool {
	var p *pending
	return errors.As(err, &p)
}

// loop evaluates what the task goes over.
func (t *turn) loop() error {
	if !t.task.HasLoop {
		return nil
	}
	t.looping = true
	if err := t.readControl(); err != nil {
		return err
	}
	if t.task.With != "" {
		items, err := t.scope.loopItems(t.task.With, t.task.Loop)
		t.items = items
		return err
	}
	v, err := t.scope.render(t.task.Loop)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case *value.List:
		t.items = v.Items
	case *value.Unknown:
		return &unknownError{v}
	default:
		return &loopError{at: t.task.LoopAt, message: fmt.Sprintf("The `loop` value must resolve to a 'list', not '%s'.", value.TypeName(v))}
	}
	return nil
}

func (t *turn) readControl() error {
	c := loopControl{name: "item", allItems: true, parallel: 1}
	d := t.task.LoopControl
	render := func(key string) (any, error) {
		v, ok := d.Get(key)
		if !ok || v == nil {
			return nil, nil
		}
		return t.scope.render(v)
	}
	fields := []struct {
		key string
		set func(v any)
	}{
		{"loop_var", func(v any) { c.name = value.String(v) }},
		{"index_var", func(v any) { c.index = value.String(v) }},
		{"pause", func(v any) { c.pause = seconds(v) }},
		{"extended", func(v any) { c.extended, _ = boolean(v) }},
		{"extended_allitems", func(v any) { c.allItems, _ = boolean(v) }},
	}
	for _, f := range fields {
		v, err := render(f.key)
		if err != nil {
			return err
		}
		if v != nil {
			f.set(v)
		}
	}
	c.label, _ = d.Get("label")
	c.breakWhen, _ = d.Get("break_when")
	if v, ok, _ := t.scope.Variable(parallelVariable); ok {
		v, err := t.scope.render(v)
		if err != nil {
			return err
		}
		n, isNumber := integer(v)
		if !isNumber || n < 1 || n > maxParallel {
			return &taskError{message: fmt.Sprintf("%s is how many items of a loop are carried out at a time: expected a number from 1 to %d, got %s", parallelVariable, maxParallel, value.Repr(v))}
		}
		c.parallel = n
	}
	t.control = c
	return nil
}

func seconds(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case string:
		if n, err := value.Number(v); err == nil {
			return seconds(n)
		}
	}
	return 0
}

// fill begins with items as long as there is room, and ends the turn behind the last.
func (t *turn) fill() {
	room := max(1, t.control.parallel)
	for t.running < room && t.next < len(t.items) && !t.broken {
		i := t.next
		t.next++
		t.running++
		it := t.newItem(i)
		t.states[i] = it
		if t.looping && i > 0 && t.control.pause > 0 {
			t.m.after(time.Duration(t.control.pause*float64(time.Second)), it.begin)
			continue
		}
		it.begin()
	}
	if t.running == 0 && (t.next == len(t.items) || t.broken) {
		t.allDone()
	}
}

// itemDone takes an item's result in.
func (t *turn) itemDone(it *item) {
	t.running--
	t.results[it.index] = it.result
	if t.looping {
		t.again(func() error { return t.tell(it) })
		return
	}
	t.m.later(t.fill)
}

// tell says how an item ended, and looks whether the loop is to be left.
func (t *turn) tell(it *item) error {
	label, err := it.label()
	if err != nil {
		if pendingError(err) {
			return err
		}
		it.result.Set("failed", true)
		it.result.Set("msg", "Failed to template loop_control.label: "+err.Error())
	}
	if it.include != nil {
		it.include.label = label
	}
	if it.include == nil || it.status() != "ok" {
		t.tellItem(it, label)
	}
	if t.control.breakWhen != nil && !t.broken {
		stop, err := it.scope.conditionList(list(t.control.breakWhen))
		if err != nil {
			return err
		}
		t.broken = stop == isTrue
	}
	t.m.later(t.fill)
	return nil
}

func (t *turn) tellItem(it *item, label any) {
	if it.noLog {
		label = nil
	}
	t.m.note(Note{Kind: NoteItem, Host: t.host.name, Delegate: it.delegate, Number: t.task.Number, Task: t.name(), Action: t.task.Action, About: it.about, Item: known(label), Label: true,
		Status: it.status(), Result: it.shown(), Unknown: it.unknown != nil, Elapsed: it.elapsed(), Diff: it.scope.diffMode(), Display: it.display})
}

// allDone makes one result of the items'.
func (t *turn) allDone() {
	if !t.looping {
		t.end(t.results[0])
		return
	}
	done := t.results[:t.next]
	res := value.NewDict("results", nil, "skipped", true)
	var all []any
	for i, r := range done {
		all = append(all, r)
		t.add(res, r, t.states[i])
	}
	res.Set("results", &value.List{Items: all})
	switch skipped, _ := res.Get("skipped"); {
	case skipped == true:
		res.Set("msg", "All items skipped")
	case !truth(res, "failed"):
		res.Set("msg", "All items completed")
	}
	if !res.Has("changed") {
		res.Set("changed", false)
	}
	t.end(res)
}

// add brings one item's outcome into that of the loop.
func (t *turn) add(res, r *value.Dict, it *item) {
	if truth(r, "changed") {
		res.Set("changed", true)
	}
	if !truth(r, "skipped") {
		res.Set("skipped", false)
	}
	if truth(r, "failed") {
		if !truth(res, "failed") {
			res.Set("failed", true)
			res.Set("msg", "One or more items failed")
			t.ignored = it.ignoreErrors
		}
		t.ignored = t.ignored && it.ignoreErrors
	}
	if truth(r, "unreachable") {
		res.Set("unreachable", true)
		t.ignored = it.ignoreUnreachable
	}
	for _, key := range []string{"warnings", "deprecations"} {
		v, ok := r.Get(key)
		if !ok {
			continue
		}
		old, _ := res.Get(key)
		res.Set(key, value.NewList(append(append([]any(nil), list(old)...), list(v)...)...))
		r.Delete(key)
	}
}

func truth(d *value.Dict, key string) bool {
	v, _ := d.Get(key)
	b, _ := boolean(v)
	return b
}

// leave ends a turn that says nothing to anybody: a meta task, a gathering that is not wanted.
func (t *turn) leave() {
	t.host.turn = nil
	t.m.later(func() { t.m.play.strategy.done(t) })
}

// announce tells that a task begins, the first time that one of its hosts has its turn.
func (m *Machine) announce(t *turn) error {
	if t.round != nil && t.round.announced {
		return nil
	}
	name, err := m.taskName(t.scope, t.task)
	if err != nil {
		return err
	}
	m.note(Note{Kind: NoteTask, Task: name, Number: t.task.Number, Host: t.host.name, Action: t.task.Action, Path: t.task.Origin.String(),
		Handler: t.task.Handler, Check: t.scope.checkMode()})
	if t.round != nil {
		t.round.announced = true
	}
	return nil
}

// taskName is the name of a task as banners show it.
func (m *Machine) taskName(s *scope, t *playbook.Task) (string, error) {
	name := t.Action
	if t.Name == nil && isAction(t, "include_role") {
		role, _ := t.Args.Get("name")
		if role == nil {
			role, _ = t.Args.Get("role")
		}
		return name + " : " + value.String(plainText(role)), nil
	}
	if t.Name != nil {
		v, err := s.render(t.Name)
		switch {
		case err != nil && pendingError(err):
			return "", err
		case err != nil:
			if v, err = s.lenient(t.Name); err != nil {
				return "", err
			}
		}
		name = value.String(v)
	}
	if t.Role != nil {
		name = t.Role.Name + " : " + name
	}
	return gostrings.TrimSpace(name), nil
}
