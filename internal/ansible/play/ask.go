package play

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/value"
	"tutti/internal/flow"
)

// desk keeps the answers to questions about the world that one evaluation asks. An
// evaluation that asks something new ends with a pending error; when the answer has come it
// is made again, and finds what it asked on the desk. Its zero value is an empty one.
type desk struct {
	answers map[string]Answer
	// seed is that of all evaluations at this desk until it is cleared.
	seed uint64
}

// pending is the error of an evaluation that has asked something.
type pending struct {
	ask  Ask
	desk *desk
}

// Error implements error. It is seen by nobody unless the machine is wrong.
func (p *pending) Error() string { return "waiting for " + p.ask.Kind + " " + p.ask.Name + p.ask.Path }

// Pending implements playbook.Pending.
func (p *pending) Pending() bool { return true }

// Unwrap makes it a jinja.Pending, which nothing in a template swallows.
func (p *pending) Unwrap() error {
	return &jinja.Pending{What: p.ask.Kind + " " + p.ask.Name + p.ask.Path}
}

// asked gives the answer to a question, or a pending error.
func (d *desk) asked(a Ask) (Answer, error) {
	if answer, ok := d.answers[a.key()]; ok {
		return answer, nil
	}
	return Answer{}, &pending{ask: a, desk: d}
}

func (a Ask) key() string {
	text, err := json.Marshal(a)
	if err != nil {
		panic(fmt.Sprintf("play: invariant broken: a question is no JSON: %v", err))
	}
	return string(text)
}

// clear forgets all answers.
func (d *desk) clear() { d.answers, d.seed = nil, 0 }

// await sees to it that what an evaluation waits for is asked, and has it made again. It
// reports whether the error was of that kind.
func (m *Machine) await(err error, again func()) bool {
	var p *pending
	if !errors.As(err, &p) {
		return false
	}
	key := p.ask.key()
	how := anyTime
	if p.ask.Kind == AskPerson || p.ask.Kind == AskLookup || p.ask.Kind == AskPlugin {
		how = ifCutOff
	}
	m.do(ActivityAsk, p.ask, how, func(out json.RawMessage, f *flow.Failure) {
		var a Answer
		switch {
		case f != nil:
			a.Error = f.Message
		default:
			if err := json.Unmarshal(out, &a); err != nil {
				a.Error = "the answer cannot be read: " + err.Error()
			}
		}
		for _, w := range a.Warnings {
			m.warn("%s", w)
		}
		if p.desk.answers == nil {
			p.desk.answers = map[string]Answer{}
		}
		p.desk.answers[key] = a
		again()
	})
	return true
}

// value gives what an answer holds, or its error.
func (a Answer) value() (any, error) {
	if a.Error != "" {
		return nil, errors.New(a.Error)
	}
	if len(a.Value) == 0 {
		return nil, nil
	}
	return value.Decode(a.Value)
}

// files is playbook.Files over what was recorded before the start and what the desk knows.
type files struct {
	m    *Machine
	desk *desk
	// fresh looks past what was recorded before the start: files that the play itself may
	// have made since.
	fresh bool
}

// Read implements playbook.Files.
func (f files) Read(path string) ([]byte, error) {
	r, err := f.look(AskRead, path)
	return r.Content, err
}

// List implements playbook.Files.
func (f files) List(path string) ([]string, error) {
	r, err := f.look(AskList, path)
	return r.Names, err
}

func (f files) look(kind, path string) (Recorded, error) {
	r, ok := f.m.in.Files[kind+":"+path]
	if !ok || f.fresh {
		a, err := f.desk.asked(Ask{Kind: kind, Path: path})
		if err != nil {
			return Recorded{}, err
		}
		if a.Recorded == nil {
			a.Recorded = &Recorded{Failed: a.Error}
		}
		r = *a.Recorded
	}
	switch {
	case r.Missing:
		return r, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	case r.Failed != "":
		return r, errors.New(r.Failed)
	}
	return r, nil
}

// sorted goes over a map in the order of its keys.
func sorted[K ~int64 | ~string, V any](m map[K]V) func(yield func(K, V) bool) {
	return func(yield func(K, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
