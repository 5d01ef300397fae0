package view

import (
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// Plan writes what would be done, as a person reads it before saying yes.
func (s Style) Plan(w io.Writer, plan *object.Plan) {
	p := &printer{s: s}
	p.drift(plan.Drift, plan.Mode)
	listed := visible(plan.Changes)
	if len(listed) == 0 && !anyOutput(plan) && len(plan.Deferred) == 0 {
		p.WriteString(s.nothing(plan))
		write(w, p.String())
		return
	}
	if len(plan.Drift) == 0 {
		p.WriteByte('\n')
	}
	p.notes(plan)
	p.legend(listed)
	for _, c := range listed {
		p.change(c)
		p.WriteByte('\n')
		if p.Len() > 1<<16 {
			write(w, p.String())
			p.Reset()
		}
	}
	p.deferred(plan.Deferred)
	p.WriteString(s.Summary(plan) + "\n")
	p.outputs(plan.Outputs)
	write(w, p.String())
}

// notes come before the changes: what cannot be undone is to be read first.
func (p *printer) notes(plan *object.Plan) {
	if len(plan.Notes) == 0 {
		return
	}
	head := "Note:"
	if plan.Mode == object.Rollback {
		head = "What cannot be undone:"
	}
	p.WriteString(p.s.paint(bold, head) + "\n")
	for _, n := range plan.Notes {
		for i, line := range Wrap(n, p.s.Width-4) {
			lead := "  - "
			if i > 0 {
				lead = "    "
			}
			p.WriteString(lead + line + "\n")
		}
	}
	p.WriteByte('\n')
}

// visible are the changes that are shown: a row that is only brought up to date is
// not worth a line, unless it moved or was imported.
func visible(changes []object.PlannedChange) []*object.PlannedChange {
	out := make([]*object.PlannedChange, 0, len(changes))
	for i := range changes {
		c := &changes[i]
		quiet := c.Verb == object.NoOp || c.Verb == object.Record
		if !quiet || c.MovedFrom != nil || c.Imported != "" {
			out = append(out, c)
		}
	}
	return out
}

func anyOutput(plan *object.Plan) bool {
	for i := range plan.Outputs {
		if plan.Outputs[i].Verb != object.NoOp {
			return true
		}
	}
	return false
}

func (s Style) nothing(plan *object.Plan) string {
	switch {
	case plan.Mode == object.Destroy:
		return s.paint(boldGreen, "No changes.") + " No objects need to be destroyed.\n"
	case plan.Mode == object.RefreshOnly && len(plan.Drift) > 0:
		return s.paint(bold, "Plan:") + " the state takes over what has changed; nothing in the world is touched.\n"
	default:
		return s.paint(boldGreen, "No changes.") + s.paint(bold, " Your infrastructure matches the configuration.") + "\n"
	}
}

// legend explains the signs that occur.
func (p *printer) legend(changes []*object.PlannedChange) {
	if len(changes) == 0 {
		return
	}
	var seen [7]bool
	for _, c := range changes {
		if i := legendOf(c); i >= 0 {
			seen[i] = true
		}
	}
	plus, minus := p.s.paint(green, "+"), p.s.paint(red, "-")
	p.WriteString(p.s.name() + " would do this, where the signs mean:\n")
	for i, line := range [...]string{
		"  " + plus + " create", "  " + p.s.paint(yellow, "~") + " update in-place", "  " + minus + " destroy",
		minus + "/" + plus + " destroy and then create replacement", plus + "/" + minus + " create replacement and then destroy",
		" " + p.s.paint(cyan, "<=") + " read (data resources)", "  " + p.s.paint(cyan, ">") + " run",
	} {
		if seen[i] {
			p.WriteString(line + "\n")
		}
	}
	p.WriteByte('\n')
}

func legendOf(c *object.PlannedChange) int {
	switch c.Verb {
	case object.Create:
		return 0
	case object.Update:
		return 1
	case object.Delete:
		return 2
	case object.Replace:
		if c.CreateFirst {
			return 4
		}
		return 3
	case object.Read:
		return 5
	case object.Run:
		return 6
	default:
		return -1
	}
}

// drift shows what was found to differ from the stored state.
func (p *printer) drift(list []object.PlannedChange, mode object.Mode) {
	if len(list) == 0 {
		return
	}
	p.WriteString("\n" + p.s.paint(bold, "Note: ") + "these objects have changed outside of " + p.s.name() + ".\n")
	if mode != object.RefreshOnly {
		p.WriteString("The plan starts from how they are now.\n")
	}
	p.WriteByte('\n')
	for i := range list {
		c := &list[i]
		verb, sign := " has changed", upd
		if isNull(c.After) {
			verb, sign = " has been "+p.s.paint(boldRed, "deleted"), del
		}
		p.WriteString("  " + p.s.paint(bold, "# "+title(c)) + verb + "\n  " + p.sign(sign) + " " + header(c.Addr) + " {\n")
		p.body(c.Before, c.After, 8, nil, p.blocks(c), true)
		p.WriteString("    }\n\n")
	}
}

// deferred shows the next phases, by what they wait for.
func (p *printer) deferred(list []object.Deferred) {
	byCause := map[string][]object.Deferred{}
	var causes []string
	for _, d := range list {
		cause := joinInstances(d.On)
		if _, ok := byCause[cause]; !ok {
			causes = append(causes, cause)
		}
		byCause[cause] = append(byCause[cause], d)
	}
	slices.Sort(causes)
	for _, cause := range causes {
		group := byCause[cause]
		title := "Then, in the next phase: "
		if cause != "" {
			title = "Then, once " + cause + " " + isOrAre(group[0].On) + " known: "
		}
		p.WriteString("  " + p.s.paint(bold, title+count(len(group), "object", "objects")) + "\n")
		for _, d := range group {
			p.WriteString("    # " + d.Addr.Instance(d.Key).String() + " (" + strings.TrimSuffix(d.Reason, ".") + ")\n")
		}
		p.WriteByte('\n')
	}
}

func isOrAre(on []addr.Instance) string {
	if len(on) == 1 {
		return "is"
	}
	return "are"
}

// maxCauses bounds how many instances are named as what something waits for.
const maxCauses = 3

func joinInstances(list []addr.Instance) string {
	texts := make([]string, 0, maxCauses+1)
	for i, a := range list {
		if i == maxCauses {
			texts = append(texts, itoa(len(list)-i)+" more")
			break
		}
		texts = append(texts, a.String())
	}
	if n := len(texts); n > 1 {
		return strings.Join(texts[:n-1], ", ") + " and " + texts[n-1]
	}
	return strings.Join(texts, "")
}

func (p *printer) outputs(list []object.OutputChange) {
	var names []string
	shown := make([]*object.OutputChange, 0, len(list))
	for i := range list {
		if o := &list[i]; o.Verb != object.NoOp && opOf(o.Before, o.After) != same {
			shown = append(shown, o)
			names = append(names, o.Name)
		}
	}
	if len(shown) == 0 {
		return
	}
	p.WriteString("\nChanges to Outputs:\n")
	width := nameWidth(names, cty.EmptyObject)
	for _, o := range shown {
		b, a := o.Before, o.After
		if o.Sensitive {
			b, a = hide(b), hide(a)
		}
		p.member(member{name: o.Name, in: cty.EmptyObject, width: width, indent: 4, before: b, after: a})
	}
}

func hide(v cty.Value) cty.Value {
	if v == cty.NilVal {
		return v
	}
	return v.Mark(object.Sensitive)
}

// Tally counts what a plan would do.
type Tally struct {
	Import, Add, Change, Destroy, Forget, Moved, Deferred int
	// Runs are the tasks, approvals and the like, by their kind.
	Runs map[addr.Kind]int
}

// Count counts the changes of a plan as its summary gives them: a replacement
// counts as one added and one destroyed, reads do not count.
func Count(plan *object.Plan) Tally {
	t := Tally{Deferred: len(plan.Deferred), Runs: map[addr.Kind]int{}}
	for i := range plan.Changes {
		c := &plan.Changes[i]
		if c.Imported != "" {
			t.Import++
		}
		if c.MovedFrom != nil {
			t.Moved++
		}
		switch c.Verb {
		case object.Create:
			t.Add++
		case object.Update:
			t.Change++
		case object.Delete:
			t.Destroy++
		case object.Replace:
			t.Add, t.Destroy = t.Add+1, t.Destroy+1
		case object.Forget:
			t.Forget++
		case object.Run:
			t.Runs[c.Addr.Kind]++
		}
	}
	return t
}

// Running is how many things are to run.
func (t Tally) Running() int {
	n := 0
	for _, k := range t.Runs {
		n += k
	}
	return n
}

// Text is the line that scripts look for. What no Terraform plan has comes after a
// semicolon.
func (t Tally) Text() string {
	text := "Plan: "
	if t.Import > 0 {
		text += itoa(t.Import) + " to import, "
	}
	text += itoa(t.Add) + " to add, " + itoa(t.Change) + " to change, " + itoa(t.Destroy) + " to destroy"
	if t.Forget > 0 {
		text += ", " + itoa(t.Forget) + " to forget"
	}
	for _, k := range slices.Sorted(maps.Keys(t.Runs)) {
		text += "; " + count(t.Runs[k], k.String()+" to run", k.String()+"s to run")
	}
	if t.Deferred > 0 {
		text += "; " + count(t.Deferred, "object", "objects") + " later"
	}
	return text + "."
}

// Summary is the line that ends a plan.
func (s Style) Summary(plan *object.Plan) string {
	text := Count(plan).Text()
	return s.paint(bold, text[:5]) + text[5:]
}

// Drift writes what was found to differ from the stored state.
func (s Style) Drift(w io.Writer, list []object.PlannedChange) {
	p := &printer{s: s}
	p.drift(list, object.RefreshOnly)
	write(w, strings.TrimSuffix(p.String(), "\n"))
}

// Hosts writes what check mode found on hosts: playbooks with the tasks that would change
// something. Nothing is written when there are none.
func (s Style) Hosts(w io.Writer, list []object.PlannedChange) {
	if len(list) == 0 {
		return
	}
	p := &printer{s: s}
	p.WriteString("\nHosts are not as these playbooks left them:\n")
	for i := range list {
		c := &list[i]
		p.WriteString("\n  " + s.paint(bold, "# "+title(c)) + "\n")
		for _, note := range notes(c) {
			p.WriteString("  # (" + note + ")\n")
		}
		p.parts(c.Parts, 4)
	}
	write(w, p.String())
}
