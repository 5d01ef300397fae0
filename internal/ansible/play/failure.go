package play

import (
	"errors"
	gostrings "strings"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/value"
)

// wrapped is an error with what it made fail, as a sentence of its own.
type wrapped struct {
	message string
	at      value.Origin
	err     error
}

// Error implements error.
func (w *wrapped) Error() string {
	return gostrings.TrimSuffix(w.message, ".") + ": " + w.err.Error()
}

// Unwrap gives the cause.
func (w *wrapped) Unwrap() error { return w.err }

// keyCauses is where a result holds why it failed: a list of dicts with msg and origin.
const keyCauses = "_ansible_causes"

// failure makes an error the result of a task, with the places that it is about.
func (m *Machine) failure(err error, t *turn) *value.Dict {
	if loop := (*loopError)(nil); errors.As(err, &loop) {
		// As Ansible, which has not begun with the task by then.
		cause := value.NewDict("msg", loop.message, "origin", loop.at.String(), "help", "Provide a list of items/templates, or a template resolving to a list.")
		return value.NewDict("failed", true, "msg", loop.message, keyCauses, value.NewList(cause))
	}
	r := value.NewDict("failed", true, "changed", false, "msg", "Task failed: "+err.Error())
	causes := value.NewList(value.NewDict("msg", "Task failed.", "origin", t.task.Origin.String()))
	for err != nil {
		var w *wrapped
		if !errors.As(err, &w) {
			causes.Items = append(causes.Items, value.NewDict("msg", err.Error(), "origin", originOf(err).String(), "help", helpOf(err)))
			break
		}
		causes.Items = append(causes.Items, value.NewDict("msg", w.message, "origin", w.at.String()))
		err = w.err
	}
	r.Set(keyCauses, causes)
	return r
}

// originOf is the place that an error is about.
func originOf(err error) value.Origin {
	var e *jinja.Error
	var k *taskError
	switch {
	case errors.As(err, &e):
		return e.Place()
	case errors.As(err, &k):
		return k.at
	}
	return value.Origin{}
}

// loopError is about a loop over what is no list.
type loopError struct {
	message string
	at      value.Origin
}

// Error implements error.
func (e *loopError) Error() string { return e.message }

// helpOf is what an error has to add for people.
func helpOf(err error) string {
	var e *jinja.Error
	if errors.As(err, &e) && e.Reason == jinja.BrokenCondition {
		return "Broken conditionals can be temporarily allowed with the `ALLOW_BROKEN_CONDITIONALS` configuration option."
	}
	return ""
}

// argumentError says that an argument of a module cannot be rendered.
func argumentError(module string, err error, key any) error {
	if pendingError(err) || unknownIn(err) != nil {
		return err
	}
	at := originOf(err)
	inner := &taskError{at: at, message: "Error while resolving value for '" + value.String(key) + "': " + err.Error()}
	return &wrapped{message: "Finalization of task args for '" + module + "' failed.", err: inner}
}
