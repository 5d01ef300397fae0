package view

import (
	"strings"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// sign is what stands before an entry of a plan, three columns wide.
func (s Style) sign(c *object.PlannedChange) string {
	plus, minus, tilde := s.paint(green, "+"), s.paint(red, "-"), s.paint(yellow, "~")
	switch c.Verb {
	case object.Create:
		return "  " + plus
	case object.Update:
		return "  " + tilde
	case object.Delete:
		return "  " + minus
	case object.Replace:
		if c.CreateFirst {
			return plus + "/" + minus
		}
		return minus + "/" + plus
	case object.Read:
		return " " + s.paint(cyan, "<=")
	case object.Run:
		return "  " + s.paint(cyan, ">")
	case object.Forget:
		return "  " + s.paint(red, ".")
	case object.NoOp, object.Record:
		return "   "
	default:
		panic("view: invariant broken: a change cannot be to " + c.Verb.String())
	}
}

// outcome says what will become of the instance, after its address.
func (s Style) outcome(c *object.PlannedChange) string {
	switch c.Verb {
	case object.Create:
		return " will be created"
	case object.Update:
		return " will be updated in-place"
	case object.Delete:
		return " will be " + s.paint(boldRed, "destroyed")
	case object.Replace:
		return s.replacement(c)
	case object.Read:
		return " will be read during apply"
	case object.Run:
		return " will run"
	case object.Forget:
		return " will no longer be managed by " + s.name() + ", but will not be destroyed"
	case object.NoOp, object.Record:
		switch {
		case c.Imported != "":
			return " will be imported"
		case c.MovedFrom != nil:
			return " has moved from " + c.MovedFrom.String()
		default:
			return " will be recorded anew, as it is"
		}
	default:
		panic("view: invariant broken: a change cannot be to " + c.Verb.String())
	}
}

func (s Style) replacement(c *object.PlannedChange) string {
	replaced := s.paint(boldRed, "replaced")
	switch c.Reason {
	case object.ReplaceTainted:
		return " is tainted, so it must be " + replaced
	case object.ReplaceRequested:
		return " will be " + replaced + ", as requested"
	case object.ReplaceTriggered:
		return " will be " + replaced + " due to changes in replace_triggered_by"
	default:
		return " must be " + replaced
	}
}

// because is the line that gives the reason, where there is one.
func because(c *object.PlannedChange) string {
	switch c.Reason {
	case object.DeleteNoConfig:
		return "because " + c.Addr.Object.Config().String() + " is not in configuration"
	case object.DeleteNoModule:
		return "because " + c.Addr.Module.String() + " is not in configuration"
	case object.ForgetByState, object.ForgetByConfig:
		return "because lifecycle.destroy is false"
	case object.DeleteWrongRepetition:
		if c.Addr.Key.IsNone() {
			return "because it uses count or for_each now"
		}
		return "because it does not use count or for_each in this form now"
	case object.DeleteCountIndex:
		return "because index " + c.Addr.Key.String() + " is out of range for count"
	case object.DeleteEachKey:
		return "because key " + c.Addr.Key.String() + " is not in for_each map"
	case object.DeleteEnabledFalse:
		return "because enabled is false"
	case object.DeleteNoMoveTarget:
		return "because it was moved to an address that is not in configuration"
	case object.DeleteDeposed:
		return "left over from a replacement that was not finished"
	case object.ReadConfigUnknown:
		return "config refers to values not yet known"
	case object.ReadDependencyPending:
		return "depends on something with changes pending"
	default:
		return ""
	}
}

// change writes one entry of a plan.
func (p *printer) change(c *object.PlannedChange) {
	p.WriteString("  " + p.s.paint(bold, "# "+title(c)) + p.s.outcome(c) + "\n")
	for _, note := range notes(c) {
		p.WriteString("  # (" + note + ")\n")
	}
	if c.Verb == object.Forget || isNull(c.Before) && isNull(c.After) {
		p.parts(c.Parts, 6)
		return
	}
	p.forces, p.brief = c.ReplacePaths, c.Verb == object.Run
	p.WriteString(p.s.sign(c) + " " + header(c.Addr) + " {\n")
	before, after := c.Before, c.After
	if c.Verb == object.Read {
		before = cty.NilVal
	}
	p.body(before, after, 8, nil, p.blocks(c), true)
	p.parts(c.Parts, 8)
	p.WriteString("    }\n")
	p.forces, p.brief = nil, false
}

func (p *printer) blocks(c *object.PlannedChange) Blocks {
	if p.s.Blocks == nil {
		return nil
	}
	return p.s.Blocks(c.Driver, c.Addr.Name)
}

func title(c *object.PlannedChange) string {
	if c.Deposed != "" {
		return c.Addr.String() + " (deposed object " + c.Deposed + ")"
	}
	return c.Addr.String()
}

// notes are the lines below the title.
func notes(c *object.PlannedChange) []string {
	var out []string
	if why := because(c); why != "" {
		out = append(out, why)
	}
	if c.ReasonDetail != "" {
		out = append(out, strings.TrimSuffix(c.ReasonDetail, "."))
	}
	quiet := c.Verb == object.NoOp || c.Verb == object.Record
	if c.MovedFrom != nil && !(quiet && c.Imported == "") {
		out = append(out, "moved from "+c.MovedFrom.String())
	}
	if c.Imported != "" {
		out = append(out, "imported from "+quoted(c.Imported))
	}
	if c.Note != "" {
		out = append(out, printable(c.Note))
	}
	return out
}

// header is how the block begins in the files: resource "local_file" "x".
func header(i addr.Instance) string {
	name := quoted(i.Name.Name)
	if i.Kind.Typed() {
		return i.Kind.String() + " " + quoted(i.Type) + " " + name
	}
	return i.Kind.String() + " " + name
}

// parts writes the changes inside one entry.
func (p *printer) parts(parts []object.Part, indent int) {
	for _, part := range parts {
		p.line(indent, upd)
		p.WriteString(printable(part.Name))
		if !part.Known {
			p.WriteString("  (unknown until applied)")
		}
		p.WriteByte('\n')
		for _, x := range []struct {
			text string
			op   op
		}{{part.Before, del}, {part.After, add}} {
			if x.text == "" {
				continue
			}
			for _, l := range textLines(x.text) {
				p.textLine(l, indent+4, x.op)
			}
		}
	}
}
