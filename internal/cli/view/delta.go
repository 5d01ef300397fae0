package view

import (
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
)

// present reports whether there is something to show.
func present(v cty.Value) bool { return !isNull(v) }

// isNull reports whether nothing stands there, whatever its marks.
func isNull(v cty.Value) bool {
	if v == cty.NilVal {
		return true
	}
	v, _ = v.Unmark()
	return v.IsKnown() && v.IsNull()
}

// equal compares values whatever their marks.
func equal(b, a cty.Value) bool {
	if b == cty.NilVal || a == cty.NilVal {
		return isNull(b) && isNull(a)
	}
	if b.ContainsMarked() {
		b, _ = object.Unmark(b)
	}
	if a.ContainsMarked() {
		a, _ = object.Unmark(a)
	}
	return b.RawEquals(a)
}

// opOf says what happens between two values.
func opOf(b, a cty.Value) op {
	switch nb, na := isNull(b), isNull(a); {
	case nb && na:
		return same
	case nb:
		return add
	case na:
		return del
	case equal(b, a):
		return same
	default:
		return upd
	}
}

// member writes an attribute or element that has a name, when it changes, and
// reports whether it did. nulled adds "-> null" to what is removed.
func (p *printer) member(m member) bool {
	o := opOf(m.before, m.after)
	if o == same {
		return false
	}
	p.line(m.indent, o)
	p.name(m.name, m.in, m.width)
	note := p.replaceNote(m.path)
	switch o {
	case add:
		p.whole(m.after, m.indent, o)
		p.WriteString(note)
	case del:
		p.whole(m.before, m.indent, o)
		p.WriteString(" " + p.s.paint(grey, "-> null") + note)
	default:
		p.delta(m.before, m.after, m.indent, m.path, note)
	}
	p.WriteByte('\n')
	return true
}

// member is one name in a body, an object or a map, with both its values.
type member struct {
	name          string
	in            cty.Type // of what it belongs to
	width, indent int
	before, after cty.Value
	path          cty.Path
}

// delta writes what becomes of a value that changes and is not null on either
// side. It begins in the middle of a line, like whole; the note stands at the end
// of the first.
func (p *printer) delta(b, a cty.Value, indent int, path cty.Path, note string) {
	if s := max(secret(b), secret(a)); s != "" {
		p.WriteString(s + note)
		return
	}
	bt, at := b.Type(), a.Type()
	switch {
	case !a.IsKnown():
		p.whole(b, indent, del)
		p.WriteString(p.arrow() + afterApply + note)
	case bt == cty.String && at == cty.String:
		p.textDelta(b.AsString(), a.AsString(), indent, note)
	case isNamed(bt) && isNamed(at):
		p.mapDelta(b, a, indent, path, note)
	case isSequence(bt) && isSequence(at):
		p.listDelta(b, a, indent, path, note)
	case bt.IsSetType() && bt.Equals(at):
		p.setDelta(b, a, indent, note)
	default:
		p.whole(b, indent, del)
		p.WriteString(p.arrow())
		p.whole(a, indent, add)
		p.WriteString(note)
	}
}

func isNamed(t cty.Type) bool    { return t.IsMapType() || t.IsObjectType() }
func isSequence(t cty.Type) bool { return t.IsListType() || t.IsTupleType() }

func (p *printer) mapDelta(b, a cty.Value, indent int, path cty.Path, note string) {
	p.WriteString("{" + note + "\n")
	bv, av := b.AsValueMap(), a.AsValueMap()
	names := sortedNames(bv, av)
	ty := a.Type()
	width := nameWidth(names, ty)
	hidden := 0
	for _, n := range names {
		m := member{name: n, in: ty, width: width, indent: indent + 4, before: bv[n], after: av[n], path: p.step(path, n, ty)}
		if !p.member(m) && (present(bv[n]) || present(av[n])) {
			hidden++
		}
	}
	one, many := "attribute", "attributes"
	if ty.IsMapType() {
		one, many = "element", "elements"
	}
	p.hidden(indent+4, hidden, one, many)
	p.line(indent, same)
	p.WriteByte('}')
}

// step lengthens a path where somebody will compare it.
func (p *printer) step(path cty.Path, name string, in cty.Type) cty.Path {
	switch {
	case len(p.forces) == 0:
		return nil
	case in.IsMapType():
		return path.Copy().Index(cty.StringVal(name))
	default:
		return path.Copy().GetAttr(name)
	}
}

// at lengthens a path by an index where somebody will compare it.
func (p *printer) at(path cty.Path, i int) cty.Path {
	if len(p.forces) == 0 {
		return nil
	}
	return path.Copy().Index(cty.NumberIntVal(int64(i)))
}

func (p *printer) replaceNote(path cty.Path) string {
	if len(path) == 0 {
		return ""
	}
	for _, f := range p.forces {
		if f.Equals(path) {
			return " " + p.s.paint(red, "# forces replacement")
		}
	}
	return ""
}

func (p *printer) listDelta(b, a cty.Value, indent int, path cty.Path, note string) {
	p.WriteString("[" + note + "\n")
	l := &listEdits{p: p, before: b.AsValueSlice(), after: a.AsValueSlice(), indent: indent + 4, path: path,
		paired: b.Type().IsTupleType() || a.Type().IsTupleType()}
	walkEdits(len(l.before), len(l.after), func(i, j int) bool { return equal(l.before[i], l.after[j]) }, l)
	p.line(indent, same)
	p.WriteByte(']')
}

// listEdits writes the steps between two lists.
type listEdits struct {
	p             *printer
	before, after []cty.Value
	indent        int
	path          cty.Path
	// paired shows what is replaced by as much as one line each.
	paired bool
}

func (l *listEdits) keep(i, _, n int, first, last bool) {
	head, tail := 1, 1
	if first {
		head = 0
	}
	if last {
		tail = 0
	}
	if n <= head+tail {
		head, tail = n, 0
	}
	for k := range head {
		l.p.element(l.before[i+k], l.indent, same)
	}
	l.p.hidden(l.indent, n-head-tail, "element", "elements")
	for k := n - tail; k < n; k++ {
		l.p.element(l.before[i+k], l.indent, same)
	}
}

func (l *listEdits) change(i, n, j, m int) {
	pairs := 0
	for pairs < min(n, m) && l.pair(l.before[i+pairs], l.after[j+pairs]) {
		b, a := l.before[i+pairs], l.after[j+pairs]
		path := l.p.at(l.path, j+pairs)
		l.p.line(l.indent, upd)
		l.p.delta(b, a, l.indent, path, l.p.replaceNote(path))
		l.p.WriteString(",\n")
		pairs++
	}
	for k := pairs; k < n; k++ {
		l.p.element(l.before[i+k], l.indent, del)
	}
	for k := pairs; k < m; k++ {
		l.p.element(l.after[j+k], l.indent, add)
	}
}

// pair reports whether two elements are shown as one that changes.
func (l *listEdits) pair(b, a cty.Value) bool {
	if isNull(b) || isNull(a) {
		return false
	}
	return l.paired || isNamed(b.Type()) && isNamed(a.Type()) || isSequence(b.Type()) && isSequence(a.Type())
}

func (p *printer) setDelta(b, a cty.Value, indent int, note string) {
	p.WriteString("[" + note + "\n")
	gone, stay, come := setSteps(b, a)
	for _, v := range gone {
		p.element(v, indent+4, del)
	}
	for _, v := range come {
		p.element(v, indent+4, add)
	}
	p.hidden(indent+4, stay, "element", "elements")
	p.line(indent, same)
	p.WriteByte(']')
}

// setSteps says what a set loses, keeps and gains.
func setSteps(b, a cty.Value) (gone []cty.Value, stay int, come []cty.Value) {
	bs, as := b.AsValueSet(), a.AsValueSet()
	for it := b.ElementIterator(); it.Next(); {
		_, v := it.Element()
		if as.Has(v) {
			stay++
		} else {
			gone = append(gone, v)
		}
	}
	for it := a.ElementIterator(); it.Next(); {
		if _, v := it.Element(); !bs.Has(v) {
			come = append(come, v)
		}
	}
	return gone, stay, come
}
