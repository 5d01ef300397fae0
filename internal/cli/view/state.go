package view

import (
	"fmt"
	"io"
	"slices"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/object"
)

// Row writes one row as `state show` does.
func (s Style) Row(w io.Writer, row *object.State) error {
	v, err := s.Types.value(row)
	if err != nil {
		return err
	}
	p := &printer{s: s}
	suffix := ""
	if row.Deposed != "" {
		suffix = " (deposed object " + row.Deposed + ")"
	}
	if row.Tainted {
		suffix += " (tainted)"
	}
	p.WriteString("# " + row.Addr.String() + ":" + suffix + "\n" + header(row.Addr) + " {\n")
	var blocks Blocks
	if s.Blocks != nil {
		blocks = s.Blocks(row.Driver, row.Addr.Name)
	}
	p.stateBody(v, 4, blocks)
	p.WriteString("}\n")
	write(w, p.String())
	return nil
}

// stateBody writes attributes and blocks as they are.
func (p *printer) stateBody(v cty.Value, indent int, blocks Blocks) {
	vals := members(v)
	var attrs, nested []string
	width := 0
	for _, n := range sortedNames(vals, nil) {
		if !present(vals[n]) {
			continue
		}
		if _, ok := blocks[n]; ok {
			nested = append(nested, n)
			continue
		}
		attrs = append(attrs, n)
		width = max(width, columns(keyText(n, cty.EmptyObject)))
	}
	for _, n := range attrs {
		p.line(indent, same)
		p.name(n, cty.EmptyObject, width)
		p.whole(vals[n], indent, same)
		p.WriteByte('\n')
	}
	for _, n := range nested {
		for _, x := range p.pairs(group{name: n, blocks: blocks[n]}, cty.NilVal, vals[n]) {
			p.WriteByte('\n')
			p.line(indent, same)
			p.WriteString(n + x.label + " {\n")
			p.stateBody(x.after, indent+4, blocks[n])
			p.line(indent, same)
			p.WriteString("}\n")
		}
	}
}

// State writes all rows and outputs as `show` does.
func (s Style) State(w io.Writer, in StateInput) error {
	if len(in.Rows) == 0 && len(in.Outputs) == 0 {
		write(w, "The state is empty. No objects are represented.\n")
		return nil
	}
	rows := slices.Clone(in.Rows)
	slices.SortFunc(rows, func(a, b *object.State) int {
		if c := a.Addr.Compare(b.Addr); c != 0 {
			return c
		}
		return compareText(a.Deposed, b.Deposed)
	})
	for i, r := range rows {
		if i > 0 {
			write(w, "\n")
		}
		if err := s.Row(w, r); err != nil {
			return err
		}
	}
	if len(in.Outputs) == 0 {
		return nil
	}
	if len(rows) > 0 {
		write(w, "\n\n")
	}
	write(w, "Outputs:\n\n")
	return s.Outputs(w, in.Outputs)
}

// Outputs writes each output in a line, or several, as HCL; sensitive ones only by
// that word.
func (s Style) Outputs(w io.Writer, list []*object.OutputState) error {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b *object.OutputState) int { return compareText(a.Name, b.Name) })
	for _, o := range list {
		text := "<sensitive>"
		if !o.Sensitive {
			v, err := OutputValue(o)
			if err != nil {
				return err
			}
			text = s.HCL(v)
		}
		write(w, o.Name+" = "+text+"\n")
	}
	return nil
}

// OutputValue reads a stored output.
func OutputValue(o *object.OutputState) (cty.Value, error) {
	ty, err := ctyjson.UnmarshalType(o.Type)
	if err != nil {
		return cty.NilVal, fmt.Errorf("the state's type of output %s is damaged: %w", o.Name, err)
	}
	v, err := ctyjson.Unmarshal(o.Value, ty)
	if err != nil {
		return cty.NilVal, fmt.Errorf("the state's value of output %s is damaged: %w", o.Name, err)
	}
	return v, nil
}
