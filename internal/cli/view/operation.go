package view

import (
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// words are what is said of an operation while it begins, lasts, ends and fails.
type words struct{ start, still, done, short string }

// wordsOf gives the words; ok is false for what is not worth a line.
func wordsOf(a *object.Action) (w words, ok bool) {
	switch a.Verb {
	case object.Create:
		return words{"Creating...", "Still creating...", "Creation complete", "creating"}, true
	case object.Update:
		return words{"Modifying...", "Still modifying...", "Modifications complete", "modifying"}, true
	case object.Delete:
		return words{"Destroying...", "Still destroying...", "Destruction complete", "destroying"}, true
	case object.Read:
		return words{"Reading...", "Still reading...", "Read complete", "reading"}, true
	case object.Run:
		if a.Addr.Kind == addr.Approval {
			return words{"Asking for approval...", "Still waiting for approval...", "Answered", "waiting for approval"}, true
		}
		return words{"Running...", "Still running...", "Run complete", "running"}, true
	default:
		return words{}, false
	}
}

// operation is one action that is under way.
type operation struct {
	action  *object.Action
	words   words
	id      string // " [id=...]", or ""
	started time.Time
	told    time.Duration // of which "still" was said last
	// announced is set when it was said that it began.
	announced bool
}

// title is the address, and which deposed object of it.
func actionTitle(a *object.Action) string {
	if a.Deposed != "" && a.Verb == object.Delete {
		return a.Addr.String() + " (deposed object " + a.Deposed + ")"
	}
	return a.Addr.String()
}

// idOf gives the id attribute of a value that may be shown; "" when it has none.
func idOf(v cty.Value) string {
	if v == cty.NilVal || v.IsMarked() || !v.IsKnown() || v.IsNull() || !v.Type().IsObjectType() || !v.Type().HasAttribute("id") {
		return ""
	}
	id := v.GetAttr("id")
	if id.IsMarked() || !id.IsKnown() || id.IsNull() || id.Type() != cty.String {
		return ""
	}
	return id.AsString()
}

// priorID is the id that an action's object has before it is changed.
func priorID(plan *object.Plan, a *object.Action) string {
	if plan == nil || a.Change < 0 || a.Verb == object.Create {
		return ""
	}
	return idOf(plan.Changes[a.Change].Before)
}

func bracketID(id string) string {
	if id == "" {
		return ""
	}
	return " [id=" + printable(id) + "]"
}

// elapsed writes a time as Terraform does: 3s, 1m3s, 1h0m3s.
func elapsed(d time.Duration) string {
	return max(d, 0).Truncate(time.Second).String()
}
