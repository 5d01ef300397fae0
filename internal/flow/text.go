package flow

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The text form: one line an event or command, stable for ever, because journals
// and scenario tests are kept in it.
//
//	+0s started at=2026-11-23T14:08:43.5Z seed=7 {"n":1}
//	+3.5s done #4 {"rows":1}
//	+4s failed #5 kind=terminal code="Rejected" message="no"
//	+5s fired #6
//	+6s signal approve {"by":"ann"}
//	+7s child #7 {"rows":1}
//	+8s cancel reason="Ctrl-C"
//
//	do #1 change {"action":4} queue="eu" idempotent=false
//	cancel #1
//	timer #2 +2s
//	cancel-timer #2
//	child #3 fulfil {"n":1}
//	child #7 fulfil {"n":1} continues=#3 redrive=true
//	cancel-child #7 reason="late"
//	cancel-child #3
//	record "text"
//	complete {"rows":1}
//	fail kind=cancelled message="stopped"
//
// Times are relative to the machine's start, or absolute (at=) where a duration
// does not reach (292 years). Payloads are JSON and may be missing; a payload over
// several lines is written in one, otherwise it stays as it is, byte for byte.

var failureKinds = [...]string{Terminal: "terminal", Retryable: "retryable", Cancelled: "cancelled"}

// String gives the stable text of the kind.
func (k FailureKind) String() string {
	if k == 0 || int(k) >= len(failureKinds) {
		return fmt.Sprintf("invalid kind of failure %d", uint8(k))
	}
	return failureKinds[k]
}

// ParseFailureKind reads what String wrote.
func ParseFailureKind(s string) (FailureKind, error) {
	for k := Terminal; int(k) < len(failureKinds); k++ {
		if failureKinds[k] == s {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%q is not a kind of failure", s)
}

// FormatEvent gives the text form of an event of a machine that started at the
// given time. It panics when a payload is not JSON, which a runtime must have
// checked before it took the event in.
func FormatEvent(e Event, start time.Time) string {
	w := lineWriter{start: start}
	if s, ok := e.(Started); ok {
		w.raw("+0s started at=" + formatTime(s.At))
		w.raw(" seed=" + strconv.FormatInt(s.Seed, 10))
		w.payload(s.Input)
		return w.String()
	}
	w.time(e.When())
	switch e := e.(type) {
	case ActivityDone:
		w.id(" done", e.ID)
		w.payload(e.Output)
	case ActivityFailed:
		w.id(" failed", e.ID)
		w.failure(e.Failure)
	case TimerFired:
		w.id(" fired", e.ID)
	case Signaled:
		w.raw(" signal ")
		w.name(e.Name)
		w.payload(e.Payload)
	case ChildDone:
		w.id(" child", e.ID)
		w.payload(e.Output)
		if e.Failure != nil {
			w.failure(*e.Failure)
		}
	case CancelRequested:
		w.raw(" cancel")
		w.attr("reason", e.Reason)
	default:
		panic(fmt.Sprintf("flow: an event of unknown type %T", e))
	}
	return w.String()
}

// FormatCommand gives the text form of a command of a machine that started at the
// given time. It panics when a payload is not JSON.
func FormatCommand(c Command, start time.Time) string {
	w := lineWriter{start: start}
	switch c := c.(type) {
	case Do:
		w.id("do", c.ID)
		w.raw(" ")
		w.name(c.Activity)
		w.payload(c.Input)
		if c.Queue != "" {
			w.attr("queue", c.Queue)
		}
		w.raw(" idempotent=" + strconv.FormatBool(c.Idempotent))
	case CancelActivity:
		w.id("cancel", c.ID)
	case SetTimer:
		w.id("timer", c.ID)
		w.raw(" ")
		w.time(c.At)
	case CancelTimer:
		w.id("cancel-timer", c.ID)
	case StartChild:
		w.id("child", c.ID)
		w.raw(" ")
		w.name(c.Machine)
		w.payload(c.Input)
		if c.Continues != 0 {
			w.raw(" continues=#" + strconv.FormatInt(int64(c.Continues), 10))
		}
		if c.Redrive {
			w.raw(" redrive=true")
		}
	case CancelChild:
		w.id("cancel-child", c.ID)
		if c.Reason != "" {
			w.attr("reason", c.Reason)
		}
	case Record:
		w.raw("record " + strconv.Quote(c.Text))
	case Complete:
		w.raw("complete")
		w.payload(c.Output)
	case Fail:
		w.raw("fail")
		w.failure(c.Failure)
	default:
		panic(fmt.Sprintf("flow: a command of unknown type %T", c))
	}
	return w.String()
}

// lineWriter writes the parts of one line.
type lineWriter struct {
	strings.Builder
	start time.Time
}

func (w *lineWriter) raw(s string) { w.WriteString(s) }

func (w *lineWriter) id(verb string, id ID) {
	w.WriteString(verb)
	w.WriteString(" #")
	w.WriteString(strconv.FormatInt(int64(id), 10))
}

// name writes a plain name as it is and any other one quoted.
func (w *lineWriter) name(s string) {
	if isPlain(s) {
		w.WriteString(s)
		return
	}
	w.WriteString(strconv.Quote(s))
}

func (w *lineWriter) attr(key, value string) {
	w.WriteString(" " + key + "=" + strconv.Quote(value))
}

func (w *lineWriter) payload(p json.RawMessage) {
	if len(p) == 0 {
		return
	}
	if !json.Valid(p) {
		panic(fmt.Sprintf("flow: invariant broken: a payload is not JSON: %.200q", string(p)))
	}
	w.WriteByte(' ')
	w.Write(oneLine(p))
}

func (w *lineWriter) failure(f Failure) {
	w.WriteString(" kind=" + f.Kind.String())
	if f.Code != "" {
		w.attr("code", f.Code)
	}
	w.attr("message", f.Message)
}

func (w *lineWriter) time(t time.Time) {
	t, start := t.Round(0), w.start.Round(0)
	d := t.Sub(start)
	switch {
	case !start.Add(d).Equal(t):
		w.WriteString("at=" + formatTime(t))
	case d >= 0:
		w.WriteString("+" + d.String())
	default:
		w.WriteString(d.String())
	}
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// isPlain reports whether a name can stand without quotes: a word that no other
// part of a line can be mistaken for.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':' || c == '/'):
		default:
			return false
		}
	}
	return s != ""
}
