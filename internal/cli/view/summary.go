package view

import (
	"io"
	"slices"
	"strings"

	"tutti/internal/addr"
	"tutti/internal/apply"
	"tutti/internal/object"
)

// Result is how a run ended, for Style.Result.
type Result struct {
	Run    int64
	Plan   *object.Plan
	Report apply.Report
	// Stopped is set when the run was stopped in order, Waiting when it waits for a
	// person or a timer.
	Stopped, Waiting bool
	// InDoubt are the addresses whose outcome cannot be told, and why.
	InDoubt []Doubt
}

// Doubt is an instance of which nobody knows whether it was changed.
type Doubt struct {
	Addr addr.Instance
	Verb object.Verb
	Why  string
}

// Done counts what a run did.
type Done struct{ Imported, Added, Changed, Destroyed, Forgotten, Tasks, Playbooks, Workflows, Approvals int }

// CountDone counts the actions of a report that were carried out.
func CountDone(plan *object.Plan, r apply.Report) Done {
	var d Done
	for i := range r.Actions {
		if r.Actions[i].Status == apply.Done {
			d.add(plan, &r.Actions[i].Action)
		}
	}
	return d
}

func (d *Done) add(plan *object.Plan, a *object.Action) {
	if plan != nil && a.Change >= 0 && plan.Changes[a.Change].Imported != "" && a.Verb != object.Delete {
		d.Imported++
	}
	switch a.Verb {
	case object.Create:
		d.Added++
	case object.Update:
		d.Changed++
	case object.Delete:
		d.Destroyed++
	case object.Forget:
		d.Forgotten++
	case object.Run:
		switch a.Addr.Kind {
		case addr.Approval:
			d.Approvals++
		case addr.Playbook:
			d.Playbooks++
		case addr.Workflow:
			d.Workflows++
		default:
			d.Tasks++
		}
	}
}

// Text is the last line of a run that succeeded: scripts look for it.
func (d Done) Text(mode object.Mode) string {
	if mode == object.Destroy {
		return "Destroy complete! Resources: " + itoa(d.Destroyed) + " destroyed." + d.extra()
	}
	text := "Apply complete! Resources: "
	if d.Imported > 0 {
		text += itoa(d.Imported) + " imported, "
	}
	text += d.resources()
	if d.Forgotten > 0 {
		text += ", " + itoa(d.Forgotten) + " forgotten"
	}
	return text + "." + d.extra()
}

func (d Done) resources() string {
	return itoa(d.Added) + " added, " + itoa(d.Changed) + " changed, " + itoa(d.Destroyed) + " destroyed"
}

func (d Done) extra() string {
	var parts []string
	if d.Tasks > 0 {
		parts = append(parts, "tasks: "+itoa(d.Tasks)+" run")
	}
	if d.Playbooks > 0 {
		parts = append(parts, "playbooks: "+itoa(d.Playbooks)+" run")
	}
	if d.Workflows > 0 {
		parts = append(parts, "workflows: "+itoa(d.Workflows)+" run")
	}
	if d.Approvals > 0 {
		parts = append(parts, "approvals: "+itoa(d.Approvals)+" given")
	}
	if len(parts) == 0 {
		return ""
	}
	text := strings.Join(parts, ", ")
	return " " + strings.ToUpper(text[:1]) + text[1:] + "."
}

// Result says how a run ended: in one line when all went well, otherwise what was
// done, what was not, and why.
func (s Style) Result(w io.Writer, r Result) {
	done := CountDone(r.Plan, r.Report)
	groups := groupsOf(r.Report)
	if len(groups[apply.Failed]) == 0 && len(r.InDoubt) == 0 && !r.Stopped && !r.Waiting {
		write(w, "\n"+s.paint(boldGreen, done.Text(r.Plan.Mode))+"\n")
		return
	}
	var b strings.Builder
	head := "Run " + itoa(int(r.Run)) + " did not finish. "
	switch {
	case r.Waiting:
		head = "Run " + itoa(int(r.Run)) + " waits. "
	case r.Stopped:
		head = "Run " + itoa(int(r.Run)) + " was stopped. "
	}
	b.WriteString("\n" + s.paint(boldRed, head) + "Resources: " + done.resources() + "." + done.extra() + "\n")
	s.groups(&b, r, groups)
	s.next(&b, r, groups)
	write(w, b.String())
}

// groupsOf sorts the actions by where they are; what is not worth a line is left out.
func groupsOf(r apply.Report) map[apply.Status][]*apply.ActionReport {
	out := map[apply.Status][]*apply.ActionReport{}
	for i := range r.Actions {
		a := &r.Actions[i]
		if a.Action.Verb == object.Join || a.Action.Verb == object.Set && a.Status != apply.Failed {
			continue
		}
		out[a.Status] = append(out[a.Status], a)
	}
	return out
}

// maxListed bounds how many addresses of a kind are listed at the end of a run;
// `run show` lists them all.
const maxListed = 20

func (s Style) groups(b *strings.Builder, r Result, groups map[apply.Status][]*apply.ActionReport) {
	if n := len(r.InDoubt); n > 0 {
		b.WriteString("\n" + s.paint(boldAmber, "In doubt") + ": cut off, and nobody can tell whether it was done (" + itoa(n) + ")\n")
		for _, d := range r.InDoubt {
			b.WriteString("  " + d.Addr.String() + " (" + d.Verb.String() + ")" + after(": ", d.Why) + "\n")
		}
	}
	for _, g := range []struct {
		status apply.Status
		title  string
	}{
		{apply.Failed, s.paint(boldRed, "Failed")},
		{apply.Cancelled, s.paint(boldAmber, "Cut off")},
		{apply.Skipped, "Not done, because something that it needs failed"},
		{apply.Asking, s.paint(boldAmber, "Waits for an approval")},
		{apply.Waiting, "Not begun"},
	} {
		list := groups[g.status]
		if len(list) == 0 {
			continue
		}
		b.WriteString("\n" + g.title + " (" + itoa(len(list)) + ")\n")
		slices.SortStableFunc(list, func(a, b *apply.ActionReport) int { return a.Action.Addr.Compare(b.Action.Addr) })
		for i, a := range list {
			if i == maxListed {
				b.WriteString("  and " + itoa(len(list)-i) + " more: \"" + s.name() + " run show " + itoa(int(r.Run)) + "\" lists them all\n")
				break
			}
			b.WriteString("  " + actionTitle(&a.Action) + " (" + a.Action.Verb.String() + ")" + after(": ", s.why(r.Report, a)) + "\n")
		}
	}
}

// why says in a line what kept an action from being done.
func (s Style) why(r apply.Report, a *apply.ActionReport) string {
	switch {
	case a.Failure != nil:
		text, _, _ := strings.Cut(a.Failure.Message, "\n")
		return cut(printable(text), max(s.width()-columns(actionTitle(&a.Action))-16, 40))
	case a.Because > 0 && a.Because <= len(r.Actions):
		return "needs " + actionTitle(&r.Actions[a.Because-1].Action)
	default:
		return ""
	}
}

// next says what a person can do now.
func (s Style) next(b *strings.Builder, r Result, groups map[apply.Status][]*apply.ActionReport) {
	run, name := itoa(int(r.Run)), s.name()
	again := name + " resume " + run + " -in-doubt=retry"
	b.WriteByte('\n')
	switch {
	case len(r.InDoubt) > 0:
		b.WriteString("Look whether these happened, then:\n" +
			"  " + again + "  do them again\n" +
			"  " + pad(name+" import ADDR ID", columns(again)) + "  take over what was made\n" +
			"  " + pad(name+" cancel "+run, columns(again)) + "  close the run, and plan again\n")
	case r.Waiting:
		for _, a := range groups[apply.Asking] {
			b.WriteString("  " + name + " approve " + run + " '" + a.Action.Addr.String() + "'\n")
		}
		b.WriteString("  " + name + " resume " + run + "  goes on with the run afterwards\n")
	case r.Stopped:
		b.WriteString("Nothing is lost: \"" + name + " resume " + run + "\" goes on where it stopped.\n")
	default:
		b.WriteString("What was done is recorded. When the cause is repaired, plan again: only what\nis missing will be done.\n")
	}
}

func after(sep, text string) string {
	if text == "" {
		return ""
	}
	return sep + text
}
