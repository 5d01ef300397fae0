package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseEvent reads what FormatEvent wrote for a machine that started at the given
// time. A Started event carries its own time, so start may be zero for it. Times
// are in UTC.
func ParseEvent(line string, start time.Time) (Event, error) {
	r := lineReader{rest: line, start: start}
	at := r.time()
	verb := r.word()
	var e Event
	switch verb {
	case "started":
		e = r.started()
	case "done":
		e = ActivityDone{At: at, ID: r.id(), Output: r.payload()}
	case "failed":
		e = ActivityFailed{At: at, ID: r.id(), Failure: r.failure()}
	case "fired":
		e = TimerFired{At: at, ID: r.id()}
	case "signal":
		e = Signaled{At: at, Name: r.name(), Payload: r.payload()}
	case "child":
		e = r.child(at)
	case "cancel":
		e = CancelRequested{At: at, Reason: r.attr("reason")}
	default:
		r.fail("%q is not an event", verb)
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("event %.200q: %w", line, err)
	}
	return e, nil
}

// ParseCommand reads what FormatCommand wrote for a machine that started at the
// given time.
func ParseCommand(line string, start time.Time) (Command, error) {
	r := lineReader{rest: line, start: start}
	verb := r.word()
	var c Command
	switch verb {
	case "do":
		c = r.do()
	case "cancel":
		c = CancelActivity{ID: r.id()}
	case "timer":
		c = SetTimer{ID: r.id(), At: r.time()}
	case "cancel-timer":
		c = CancelTimer{ID: r.id()}
	case "child":
		c = r.startChild()
	case "cancel-child":
		cancel := CancelChild{ID: r.id()}
		if r.has("reason") {
			cancel.Reason = r.attr("reason")
		}
		c = cancel
	case "record":
		c = Record{Text: r.quoted()}
	case "complete":
		c = Complete{Output: r.payload()}
	case "fail":
		c = Fail{Failure: r.failure()}
	default:
		r.fail("%q is not a command", verb)
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("command %.200q: %w", line, err)
	}
	return c, nil
}

// lineReader takes the parts of a line one by one and keeps the first error.
type lineReader struct {
	rest  string
	start time.Time
	err   error
}

func (r *lineReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *lineReader) end() error {
	if r.rest != "" {
		r.fail("%.60q is left over", r.rest)
	}
	return r.err
}

// word takes what stands before the next space.
func (r *lineReader) word() string {
	w, rest, _ := strings.Cut(r.rest, " ")
	r.rest = rest
	return w
}

func (r *lineReader) started() Event {
	at, ok := strings.CutPrefix(r.word(), "at=")
	if !ok {
		r.fail("expected at= after started")
	}
	t := r.absolute(at)
	seed, err := strconv.ParseInt(r.bare("seed"), 10, 64)
	if err != nil {
		r.fail("the seed is not a whole number")
	}
	return Started{At: t, Seed: seed, Input: r.payload()}
}

func (r *lineReader) do() Command {
	d := Do{ID: r.id(), Activity: r.name(), Input: r.payload()}
	if r.has("queue") {
		d.Queue = r.attr("queue")
	}
	switch r.bare("idempotent") {
	case "true":
		d.Idempotent = true
	case "false":
	default:
		r.fail("idempotent must be true or false")
	}
	return d
}

func (r *lineReader) startChild() Command {
	c := StartChild{ID: r.id(), Machine: r.name(), Input: r.payload()}
	if r.has("continues") {
		r.rest = r.rest[len("continues="):]
		c.Continues = r.id()
	}
	if r.has("redrive") {
		if c.Redrive = r.bare("redrive") == "true"; !c.Redrive {
			r.fail("redrive can only be true")
		}
	}
	return c
}

func (r *lineReader) child(at time.Time) Event {
	e := ChildDone{At: at, ID: r.id(), Output: r.payload()}
	if r.has("kind") {
		f := r.failure()
		e.Failure = &f
	}
	return e
}

func (r *lineReader) id() ID {
	w := r.word()
	n, err := strconv.ParseInt(strings.TrimPrefix(w, "#"), 10, 64)
	if err != nil || n <= 0 || !strings.HasPrefix(w, "#") {
		r.fail("%.60q is not a number such as #4", w)
	}
	return ID(n)
}

// name takes a plain or quoted name.
func (r *lineReader) name() string {
	if strings.HasPrefix(r.rest, `"`) {
		return r.quoted()
	}
	w := r.word()
	if !isPlain(w) {
		r.fail("%.60q is not a name", w)
	}
	return w
}

func (r *lineReader) quoted() string {
	q, err := strconv.QuotedPrefix(r.rest)
	if err != nil || !strings.HasPrefix(q, `"`) {
		r.fail("expected a quoted text at %.60q", r.rest)
		return ""
	}
	s, err := strconv.Unquote(q)
	if err != nil {
		r.fail("%.60q: %w", q, err)
	}
	r.skip(len(q))
	return s
}

// skip drops a part and the space behind it.
func (r *lineReader) skip(n int) {
	r.rest = r.rest[n:]
	if r.rest == "" {
		return
	}
	if r.rest[0] != ' ' || len(r.rest) == 1 {
		r.fail("expected a space and more at %.60q", r.rest)
	}
	r.rest = r.rest[1:]
}

func (r *lineReader) has(key string) bool { return strings.HasPrefix(r.rest, key+"=") }

// attr takes key="value".
func (r *lineReader) attr(key string) string {
	if !r.has(key) {
		r.fail("expected %s= at %.60q", key, r.rest)
		return ""
	}
	r.rest = r.rest[len(key)+1:]
	return r.quoted()
}

// bare takes key=value where the value has no quotes.
func (r *lineReader) bare(key string) string {
	if !r.has(key) {
		r.fail("expected %s= at %.60q", key, r.rest)
		return ""
	}
	return r.word()[len(key)+1:]
}

// payload takes a JSON value when one stands there. None starts as a key= does.
func (r *lineReader) payload() json.RawMessage {
	if r.rest == "" || r.has("queue") || r.has("idempotent") || r.has("kind") || r.has("continues") || r.has("redrive") || r.err != nil {
		return nil
	}
	var p json.RawMessage
	dec := json.NewDecoder(strings.NewReader(r.rest))
	if err := dec.Decode(&p); err != nil {
		r.fail("the payload is not JSON: %w", err)
		return nil
	}
	r.skip(int(dec.InputOffset()))
	return oneLine(p)
}

func (r *lineReader) failure() Failure {
	kind, err := ParseFailureKind(r.bare("kind"))
	if err != nil {
		r.fail("%w", err)
	}
	f := Failure{Kind: kind}
	if r.has("code") {
		f.Code = r.attr("code")
	}
	f.Message = r.attr("message")
	return f
}

// time takes a relative or absolute time.
func (r *lineReader) time() time.Time {
	w := r.word()
	if abs, ok := strings.CutPrefix(w, "at="); ok {
		return r.absolute(abs)
	}
	if w == "" || w[0] != '+' && w[0] != '-' {
		r.fail("%.60q is not a time such as +3.5s", w)
		return time.Time{}
	}
	d, err := time.ParseDuration(w)
	if err != nil || d == math.MinInt64 {
		r.fail("%.60q is not a time such as +3.5s", w)
		return time.Time{}
	}
	return r.start.Round(0).UTC().Add(d)
}

func (r *lineReader) absolute(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	t = t.UTC()
	if y := t.Year(); err != nil || y < 0 || y > 9999 {
		r.fail("%.60q is not a time such as 2026-11-23T14:08:43.5Z", s)
	}
	return t
}

// oneLine gives a payload without line breaks and outer blanks. JSON strings
// cannot hold a raw line break, so compacting takes away blanks only.
func oneLine(p json.RawMessage) json.RawMessage {
	p = bytes.TrimSpace(p)
	if bytes.IndexByte(p, '\n') < 0 && bytes.IndexByte(p, '\r') < 0 {
		return p
	}
	var b bytes.Buffer
	if err := json.Compact(&b, p); err != nil {
		panic(fmt.Sprintf("flow: invariant broken: a payload is not JSON: %v", err))
	}
	return b.Bytes()
}
