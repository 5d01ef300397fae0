package graph

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tutti/internal/ansible/play"
	"tutti/internal/ansible/session"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// looked is what a plan found out about a play.
type looked struct {
	files map[string]play.Recorded
	// hash is that of the files; "" when they cannot all be known yet.
	hash string
	// would is what check mode says; nil when it was not tried.
	would *would
	// why tells why it was not.
	why string
}

// would is what a play would do.
type would struct {
	// sorted is how many of the parts are in the order of their hosts.
	sorted                   int
	hosts                    int
	tasks                    int
	changed, unknown, failed int
	unreachable              []string
	parts                    []object.Part
	names                    []string
}

// notKnown says why a play is not tried.
const notKnown = "its inventory or variables are not known yet"

// checkTime bounds how long a plan tries a play in check mode.
const checkTime = 10 * time.Minute

// look reads the play's files and, when all is known, tries it in check mode.
func (d *driver) look(ctx context.Context, s spec) (looked, diag.List) {
	if len(s.sources) == 0 {
		return looked{why: "its source is not known yet"}, nil
	}
	// Single variables may be unknown: what depends on them is shown as unknown.
	known := s.inventory.IsWhollyKnown() && s.variables.IsKnown()
	whole := s.known && known
	r, err := d.request(s, s.part, nil)
	if err != nil {
		return looked{}, diag.FromError("Play cannot be prepared", err)
	}
	r.Options.Check, r.Options.Diff, r.Options.Wait = true, true, 0
	ready, dl, err := session.Open(ctx, r)
	switch {
	case err != nil && !whole:
		return looked{why: notKnown}, nil
	case err != nil:
		return looked{}, append(dl, diag.FromError("Play cannot be prepared", err)...)
	case ready == nil && !whole:
		return looked{why: notKnown}, nil
	case ready == nil:
		return looked{}, dl
	}
	defer ready.Close()
	l := looked{files: ready.Input.Files, hash: hashOf(ready)}
	switch {
	case !known:
		l.why = notKnown
		return l, dl
	case !s.check:
		l.why = "check = false"
		return l, dl
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	w := &would{}
	f, err := ready.Rehearse(ctx, w.note)
	if err != nil {
		l.why = fmt.Sprintf("check mode did not end within %s", checkTime)
		return l, dl
	}
	if f != nil && f.Code == "Play.Error" {
		return looked{}, append(dl, diag.Errorf(nil, "Play cannot be tried", "Check mode of %s ended with an error: %s", strings.Join(s.sources, ", "), f.Message)...)
	}
	l.would = w
	return l, dl
}

// hashOf is that of everything that decides what a play does and lies in files: playbooks,
// roles, group_vars, inventories that are files.
func hashOf(s *session.Session) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	_ = enc.Encode(s.Input.Files)
	_ = enc.Encode(s.Input.Beside)
	if len(s.Input.Sources) > 0 {
		h.Write(s.Input.Inventory)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// maxParts bounds how many changes of one play are shown.
const maxParts = 200

// note counts what check mode tells.
func (w *would) note(n play.Note) {
	switch n.Kind {
	case play.NoteTask:
		w.inOrder()
		w.tasks++
	case play.NotePlay:
		w.names = n.Hosts
	case play.NoteItem, play.NoteResult:
		if n.Kind == play.NoteResult && n.Label {
			return // its items were told
		}
		w.result(n)
	case play.NoteRecap:
		w.inOrder()
		w.hosts = len(n.Recap)
		for _, t := range n.Recap {
			if t.Unreachable > 0 {
				w.unreachable = append(w.unreachable, t.Host)
			}
		}
	}
}

func (w *would) result(n play.Note) {
	switch {
	case n.Unknown:
		w.unknown++
		w.part(object.Part{Name: name(n)})
	case n.Status == "changed":
		w.changed++
		before, after := difference(n.Result)
		w.part(object.Part{Name: name(n), Before: before, After: after, Known: true})
	case n.Status == "failed":
		w.failed++
		msg, _ := n.Result.Get("msg")
		w.part(object.Part{Name: name(n) + " would fail: " + value.String(msg), Known: true})
	}
}

func (w *would) part(p object.Part) {
	if len(w.parts) < maxParts {
		w.parts = append(w.parts, p)
	}
}

// inOrder puts the lines of the task that has ended in the order of its hosts: they answer in
// any order, and two plans of the same must read the same.
func (w *would) inOrder() {
	slices.SortStableFunc(w.parts[w.sorted:], func(a, b object.Part) int {
		x, _, _ := strings.Cut(a.Name, "  ")
		y, _, _ := strings.Cut(b.Name, "  ")
		return strings.Compare(x, y)
	})
	w.sorted = len(w.parts)
}

// name is a line's: the host, the module and what it is about.
func name(n play.Note) string {
	text := n.Host + "  " + n.Action
	if n.About != "" {
		return text + " " + n.About
	}
	if n.Task != "" && n.Task != n.Action {
		text += " (" + n.Task + ")"
	}
	return text
}

// shownLines is how many differing lines of a text are shown.
const shownLines = 5

// difference gives the lines of a diff that go and that come.
func difference(r *value.Dict) (before, after string) {
	d, _ := r.Get("diff")
	list, ok := d.(*value.List)
	if !ok {
		list = value.NewList(d)
	}
	var gone, come []string
	for _, x := range list.Items {
		one, ok := x.(*value.Dict)
		if !ok {
			continue
		}
		b, _ := one.Get("before")
		a, _ := one.Get("after")
		was, is := lines(b), lines(a)
		gone = append(gone, only(was, is)...)
		come = append(come, only(is, was)...)
	}
	return strings.Join(gone[:min(len(gone), shownLines)], "\n"), strings.Join(come[:min(len(come), shownLines)], "\n")
}

func lines(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.Split(strings.TrimSuffix(v, "\n"), "\n")
	case *value.Dict:
		var out []string
		for k, x := range v.All() {
			out = append(out, value.String(k)+"="+value.String(x))
		}
		return out
	}
	return nil
}

// only gives the lines of one text that another does not have.
func only(of, without []string) []string {
	have := map[string]bool{}
	for _, l := range without {
		have[l] = true
	}
	var out []string
	for _, l := range of {
		if !have[l] && strings.TrimSpace(l) != "" {
			out = append(out, l)
		}
	}
	return out
}

// tell puts what was found into words.
func (l looked) tell(why string, hidden bool) (string, []object.Part) {
	switch {
	case l.would == nil:
		return why + "; will run, not tried in check mode: " + l.why, nil
	case len(l.would.unreachable) > 0:
		return fmt.Sprintf("%s; will run: %s did not answer yet", why, strings.Join(l.would.unreachable, ", ")), nil
	}
	w := l.would
	text := fmt.Sprintf("%s; %d hosts, %d tasks: %d would change", why, w.hosts, w.tasks, w.changed)
	if w.hosts == 1 {
		text = fmt.Sprintf("%s; %s, %d tasks: %d would change", why, strings.Join(w.names, ""), w.tasks, w.changed)
	}
	if w.unknown > 0 {
		text += fmt.Sprintf(", %d unknown until applied", w.unknown)
	}
	if w.failed > 0 {
		text += fmt.Sprintf(", %d would fail", w.failed)
	}
	if hidden {
		for i := range w.parts {
			w.parts[i].Before, w.parts[i].After = "", ""
		}
	}
	return text, w.parts
}
