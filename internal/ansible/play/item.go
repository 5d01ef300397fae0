package play

import (
	"encoding/json"
	"fmt"
	gostrings "strings"
	"time"

	"tutti/internal/ansible/value"
	"tutti/internal/flow"
)

// item is one item of a task's loop on one host, or the task itself when there is no loop.
type item struct {
	t     *turn
	index int
	value any
	scope *scope
	desk  desk
	began time.Time

	attempt, tries int
	delay          time.Duration
	// call is what is carried out, made once for all attempts.
	call *Call

	result *value.Dict
	// unknown is set when check mode cannot tell what would become of the item.
	unknown  *value.Unknown
	delegate string
	// noLog hides the result.
	noLog                           bool
	ignoreErrors, ignoreUnreachable bool
	display                         string
	include                         *inclusion
	// about is what the task is about, such as a path.
	about string
}

func (t *turn) newItem(i int) *item {
	it := &item{t: t, index: i, value: t.items[i], began: t.m.now, attempt: 1, tries: 1}
	s := *t.scope
	s.desk = &it.desk
	s.own = &value.Dict{}
	it.scope = &s
	if t.looping {
		it.loopVariables()
	}
	return it
}

// loopVariables sets what loop_control makes of the item's place.
func (it *item) loopVariables() {
	c, n := it.t.control, len(it.t.items)
	own := it.scope.own
	own.Set("ansible_loop_var", c.name)
	own.Set(c.name, it.value)
	if c.index != "" {
		own.Set("ansible_index_var", c.index)
		own.Set(c.index, int64(it.index))
	}
	if !c.extended {
		return
	}
	i := int64(it.index)
	loop := value.NewDict("index", i+1, "index0", i, "first", i == 0, "last", int(i)+1 == n, "length", int64(n),
		"revindex", int64(n)-i, "revindex0", int64(n)-i-1)
	if c.allItems {
		loop.Set("allitems", value.NewList(it.t.items...))
	}
	if it.index+1 < n {
		loop.Set("nextitem", it.t.items[it.index+1])
	}
	if it.index > 0 {
		loop.Set("previtem", it.t.items[it.index-1])
	}
	own.Set("ansible_loop", loop)
}

// begin decides whether the item is carried out, and does.
func (it *item) begin() { it.again(it.open) }

// again calls a function, and once more when what it asked has been answered. Another error
// is the item's result.
func (it *item) again(f func() error) {
	err := f()
	switch {
	case err == nil:
	case it.t.m.await(err, func() { it.again(f) }):
	default:
		it.failWith(err)
	}
}

// failWith ends the item with an error in place of a result, or as unknown.
func (it *item) failWith(err error) {
	if u := unknownIn(err); u != nil && it.t.m.unknowns(it.scope) {
		it.leaveUnknown(u)
		return
	}
	if it.noLog = it.noLog || it.scope.constFlag("no_log", it.t.m.in.Settings.NoLog); it.result == nil {
		it.result = it.t.m.failure(err, it.t)
	}
	it.ignoreErrors = it.scope.constFlag("ignore_errors", false)
	if k, ok := it.scope.nearest("delegate_to"); ok && it.delegate == "" {
		it.delegate = value.String(plainText(k.Value)) // it could not be rendered
	}
	it.end()
}

// leaveUnknown ends an item of which check mode cannot tell anything.
func (it *item) leaveUnknown(u *value.Unknown) {
	it.unknown = u
	it.result = value.NewDict("changed", false, "skipped", true, "msg", "unknown until applied: it depends on "+u.Why)
	it.end()
}

func (it *item) open() error {
	yes, failed, err := it.scope.when()
	if err != nil {
		if it.t.loopError != nil {
			err = it.t.loopError
		}
		return err
	}
	switch yes {
	case isFalse:
		it.result = value.NewDict("changed", false, "skipped", true, "skip_reason", "Conditional result was False", "false_condition", failed)
		it.end()
		return nil
	case isUnknown:
		it.leaveUnknown(failed.(*value.Unknown))
		return nil
	}
	if it.t.loopError != nil {
		return it.t.loopError
	}
	if err := it.settings(); err != nil {
		return err
	}
	return it.dispatch()
}

// settings renders the keywords that say how the item is carried out.
func (it *item) settings() (err error) {
	s := it.scope
	if it.noLog, err = s.flag("no_log", it.t.m.in.Settings.NoLog); err != nil {
		return err
	}
	if it.ignoreErrors, err = s.flag("ignore_errors", false); err != nil {
		return err
	}
	if it.ignoreUnreachable, err = s.flag("ignore_unreachable", false); err != nil {
		return err
	}
	if it.delegate, err = s.text("delegate_to"); err != nil {
		return err
	}
	if k, ok := s.nearest("notify"); ok {
		if _, err := s.render(k.Value); err != nil && !pendingError(err) && unknownIn(err) == nil {
			return &taskError{at: k.Origin, message: "Error processing keyword 'notify': " + err.Error()}
		} else if err != nil {
			return err
		}
	}
	return it.retrying()
}

// retrying reads retries, delay and until.
func (it *item) retrying() error {
	until, has := own(it.t.task, "until")
	it.tries = 1
	switch v, given := own(it.t.task, "retries"); {
	case given:
		v, err := it.scope.render(v)
		if err != nil {
			return err
		}
		n, ok := integer(v)
		if !ok {
			return it.scope.fieldError("retries", v, "int")
		}
		it.tries += max(0, n)
	case has && len(list(until)) > 0:
		it.tries += 3
	}
	it.delay = 5 * time.Second
	if v, ok := own(it.t.task, "delay"); ok {
		v, err := it.scope.render(v)
		if err != nil {
			return err
		}
		if it.delay = time.Duration(seconds(v) * float64(time.Second)); it.delay < 0 {
			it.delay = time.Second
		}
	}
	return nil
}

// done takes the result of an attempt in.
func (it *item) done(r *value.Dict) {
	it.result = r
	it.again(it.judge)
}

// judge completes a result and decides by changed_when, failed_when and until.
func (it *item) judge() error {
	r := it.result
	addLines(r)
	it.unrun()
	if it.unknown != nil {
		it.end()
		return nil
	}
	if truth(r, "unreachable") {
		if msg := dictItem(r, "msg"); msg != "" {
			r.Set("msg", "Task failed: "+gostrings.TrimPrefix(msg, "Task failed: "))
		}
		it.end()
		return nil
	}
	if !r.Has("failed") {
		rc, has := r.Get("rc")
		r.Set("failed", has && !value.Equal(rc, int64(0)) && !value.Equal(rc, "0"))
	}
	if it.tries > 1 {
		r.Set("attempts", int64(it.attempt))
	}
	if !r.Has("changed") {
		r.Set("changed", false)
	}
	s := it.after()
	if !r.Has("skipped") {
		if err := it.decide(s); err != nil {
			return err
		}
	}
	if it.tries > 1 {
		return it.retry(s)
	}
	it.end()
	return nil
}

// after gives the scope in which a result is judged: with the register and new facts.
func (it *item) after() *scope {
	s := it.scope
	if name := it.register(); name != "" {
		s = s.with(name, registered(it.result))
	}
	if facts, ok := it.result.Get("ansible_facts"); ok && !isAction(it.t.task, "debug") {
		if d, ok := facts.(*value.Dict); ok {
			c := *s
			c.own = s.own.Shallow()
			c.own.Update(d)
			s = &c
		}
	}
	return s
}

// register is the name under which the result is kept; "" for none.
func (it *item) register() string { return it.t.register() }

// decide applies changed_when and failed_when.
func (it *item) decide(s *scope) error {
	r := it.result
	for _, w := range []struct{ keyword, key string }{{"changed_when", "changed"}, {"failed_when", "failed"}} {
		v, ok := own(it.t.task, w.keyword)
		if !ok {
			continue
		}
		yes, err := s.conditionList(list(v))
		switch {
		case err != nil && pendingError(err):
			return err
		case err != nil && unknownIn(err) == nil:
			r.Set("failed", true)
			r.Set(w.key+"_when_result", err.Error())
			return nil
		case yes == isUnknown || err != nil:
			continue
		}
		if w.key == "failed" && yes == isTrue && !truth(r, "failed") {
			it.blame()
		}
		r.Set(w.key, yes == isTrue)
		if w.key == "failed" {
			r.Set("failed_when_result", yes == isTrue)
			if e, had := r.Get("exception"); had && yes != isTrue {
				r.Delete("exception")
				r.Set("failed_when_suppressed_exception", e)
			}
		}
		s = it.after()
	}
	return nil
}

// blame says of a result with which the module itself was content why the task failed.
func (it *item) blame() {
	causes := value.NewList(value.NewDict("msg", "Task failed.", "origin", it.t.task.Origin.String()), value.NewDict("msg", "Action failed."))
	if msg := dictItem(it.result, "msg"); msg != "" && !it.noLog {
		causes.Items = append(causes.Items, value.NewDict("msg", msg))
	}
	it.result.Set(keyCauses, causes)
}

// retry ends the item when until is met or nothing is left to try, and waits otherwise.
func (it *item) retry(s *scope) error {
	r := it.result
	met := !truth(r, "failed")
	if v, ok := own(it.t.task, "until"); ok && len(list(v)) > 0 {
		yes, err := s.conditionList(list(v))
		if err != nil {
			return err
		}
		met = yes == isTrue
	}
	if met {
		it.end()
		return nil
	}
	if it.attempt >= it.tries {
		r.Set("attempts", int64(it.tries-1))
		if !truth(r, "failed") {
			it.blame()
		}
		r.Set("failed", true)
		it.end()
		return nil
	}
	it.t.m.note(Note{Kind: NoteRetry, Host: it.t.host.name, Delegate: it.delegate, Number: it.t.task.Number, Task: it.t.name(), Retries: it.tries,
		Attempt: it.attempt, Result: it.shown()})
	it.attempt++
	it.desk.clear()
	it.t.m.after(it.delay, func() { it.again(it.dispatch) })
	return nil
}

// unrun keeps what check mode did not run unknown.
func (it *item) unrun() {
	r := it.result
	if !truth(r, "skipped") || !it.t.m.unknowns(it.scope) {
		return
	}
	it.unknown = &value.Unknown{Why: fmt.Sprintf("the result of task %q", it.t.name())}
}

// end tells the turn that the item is over.
func (it *item) end() {
	if name := it.register(); name != "" && it.t.looping {
		it.scope.own.Set(name, registered(it.result))
	}
	if it.t.looping {
		c := it.t.control
		it.result.Set(c.name, known(it.value))
		it.result.Set("ansible_loop_var", c.name)
		if c.index != "" {
			it.result.Set(c.index, int64(it.index))
			it.result.Set("ansible_index_var", c.index)
		}
		if l, ok := it.scope.own.Get("ansible_loop"); ok {
			it.result.Set("ansible_loop", l)
		}
	}
	it.t.m.touch(it)
	it.t.m.later(func() { it.t.itemDone(it) })
}

// label is what stands for the item in what people see.
func (it *item) label() (any, error) {
	if it.t.control.label == nil {
		return it.scope.render(it.value)
	}
	return it.scope.render(it.t.control.label)
}

func (it *item) status() string { return statusOf(it.result, it.ignoreErrors, it.ignoreUnreachable) }

func statusOf(r *value.Dict, ignoreErrors, ignoreUnreachable bool) string {
	switch {
	case truth(r, "unreachable") && ignoreUnreachable:
		return "ignored"
	case truth(r, "unreachable"):
		return "unreachable"
	case truth(r, "failed") && ignoreErrors:
		return "ignored"
	case truth(r, "failed"):
		return "failed"
	case truth(r, "skipped"):
		return "skipped"
	case truth(r, "changed"):
		return "changed"
	default:
		return "ok"
	}
}

func (it *item) elapsed() int64 { return it.t.m.now.Sub(it.began).Milliseconds() }

// shown is the result as people may see it.
func (it *item) shown() *value.Dict { return it.t.m.shown(it.result, it.noLog) }

// shown gives a result without what is only for the machine; under no_log without anything.
func (m *Machine) shown(r *value.Dict, noLog bool) *value.Dict {
	if noLog {
		c := value.NewDict("censored", "the output has been hidden due to the fact that 'no_log: true' was specified for this result", "changed", truth(r, "changed"))
		for _, key := range []string{"failed", "skipped", "unreachable", "attempts", "retries"} {
			if v, ok := r.Get(key); ok {
				c.Set(key, v)
			}
		}
		return c
	}
	out := &value.Dict{}
	for k, v := range r.All() {
		name, _ := k.(string)
		if len(name) > 9 && name[:9] == "_ansible_" && name != "_ansible_verbose_always" && name != "_ansible_verbose_override" && name != keyCauses {
			continue
		}
		if name == "invocation" && m.in.Options.Verbosity < 3 {
			continue
		}
		out.Set(k, known(v))
	}
	return out
}

// registered is a result as a variable holds it.
func registered(r *value.Dict) *value.Dict {
	out := &value.Dict{}
	for k, v := range r.All() {
		name, _ := k.(string)
		if name == "invocation" || len(name) > 9 && name[:9] == "_ansible_" {
			continue
		}
		out.Set(k, v)
	}
	return out
}

// addLines gives outputs of commands as lines, too.
func addLines(r *value.Dict) {
	for _, key := range []string{"stdout", "stderr"} {
		text, ok := r.Get(key)
		if s, isText := text.(string); ok && isText && !r.Has(key+"_lines") {
			r.Set(key+"_lines", splitLines(s))
		}
	}
}

func splitLines(s string) *value.List {
	l := value.NewList()
	for len(s) > 0 {
		end := len(s)
		cut := end
		for i := range len(s) {
			if s[i] == '\n' || s[i] == '\r' {
				end, cut = i, i+1
				if s[i] == '\r' && cut < len(s) && s[cut] == '\n' {
					cut++
				}
				break
			}
		}
		l.Items = append(l.Items, s[:end])
		s = s[cut:]
	}
	return l
}

// run has a worker carry the item's call out.
func (it *item) run() {
	how := never
	switch {
	case it.call.Task.CheckMode || readOnly[shortName(it.call.Task.Module)]:
		how = anyTime
	case it.call.Rerunnable:
		how = ifCutOff
	}
	it.t.m.do(ActivityTask, it.call, how, func(out json.RawMessage, f *flow.Failure) {
		r := it.outcome(out, f)
		if it.call.Task.Async > 0 && it.call.Task.Poll > 0 && r.Has("ansible_job_id") && !truth(r, "failed") && !truth(r, "skipped") {
			it.poll(r)
			return
		}
		if it.call.Task.Async > 0 && r.Has("ansible_job_id") && !truth(r, "failed") && !truth(r, "skipped") {
			r.Set("changed", true) // a job was started
		}
		it.done(r)
	})
}

// outcome makes a result of what the worker answered.
func (it *item) outcome(out json.RawMessage, f *flow.Failure) *value.Dict {
	if f != nil {
		return value.NewDict("failed", true, "changed", false, "msg", f.Message)
	}
	v, err := value.ParseJSON(out)
	d, ok := v.(*value.Dict)
	if err != nil || !ok {
		return value.NewDict("failed", true, "changed", false, "msg", "the result of the module is no JSON object")
	}
	return d
}

// readOnly are the modules that change nothing, so that a call that was cut off can be made
// again without anybody knowing.
var readOnly = map[string]bool{"setup": true, "gather_facts": true, "stat": true, "find": true, "slurp": true, "ping": true, "getent": true,
	"wait_for": true, "wait_for_connection": true, "service_facts": true, "package_facts": true, "mount_facts": true, "async_status": true}
