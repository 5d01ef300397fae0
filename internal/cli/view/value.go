package view

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/object"
)

// op is what happens to one line of a value.
type op uint8

const (
	same op = iota
	add
	del
	upd
)

const (
	afterApply = "(known after apply)"
	sensitive  = "(sensitive value)"
	ephemeral  = "(ephemeral value)"
)

// printer writes values and their differences. Columns are counted in spaces: a
// line's text stands at its indent, the sign of its op two before it.
type printer struct {
	strings.Builder
	s Style
	// forces are the paths whose change requires a replacement.
	forces []cty.Path
	// brief names, in one line at the end of a body, what is only known after apply:
	// the results of a task are no news.
	brief bool
}

func (p *printer) sign(o op) string {
	switch o {
	case add:
		return p.s.paint(green, "+")
	case del:
		return p.s.paint(red, "-")
	case upd:
		return p.s.paint(yellow, "~")
	default:
		return " "
	}
}

// line begins a line whose text stands at the indent.
func (p *printer) line(indent int, o op) {
	p.WriteString(spaces(indent - 2))
	p.WriteString(p.sign(o))
	p.WriteByte(' ')
}

// hidden notes how much of what did not change is left out.
func (p *printer) hidden(indent, n int, one, many string) {
	if n == 0 {
		return
	}
	p.line(indent, same)
	p.WriteString(p.s.paint(grey, "# ("+count(n, "unchanged "+one, "unchanged "+many)+" hidden)"))
	p.WriteByte('\n')
}

// secret says by which word a value stands that may not be shown; "" when it may.
func secret(v cty.Value) string {
	if v == cty.NilVal || !v.IsMarked() {
		return ""
	}
	_, marks := v.Unmark()
	if _, ok := marks[object.Ephemeral]; ok {
		return ephemeral
	}
	return sensitive
}

// whole writes one value, all of whose lines carry the op. The text begins in the
// middle of a line whose text stands at the indent, and ends without a newline.
func (p *printer) whole(v cty.Value, indent int, o op) {
	if s := secret(v); s != "" {
		p.WriteString(s)
		return
	}
	switch {
	case v == cty.NilVal || v.IsNull():
		p.WriteString(p.s.paint(grey, "null"))
	case !v.IsKnown():
		p.WriteString(afterApply)
	case v.Type() == cty.String:
		p.text(v.AsString(), indent, o)
	case v.Type().IsPrimitiveType():
		p.WriteString(primitive(v))
	case v.Type().IsMapType() || v.Type().IsObjectType():
		p.wholeMap(v, indent, o)
	case v.CanIterateElements():
		p.wholeList(v, indent, o)
	default:
		p.WriteString("(" + v.Type().FriendlyName() + ")")
	}
}

func primitive(v cty.Value) string {
	switch v.Type() {
	case cty.String:
		return quoted(v.AsString())
	case cty.Number:
		return v.AsBigFloat().Text('f', -1)
	case cty.Bool:
		if v.True() {
			return "true"
		}
		return "false"
	default:
		panic("view: invariant broken: not a primitive value: " + v.GoString())
	}
}

func (p *printer) wholeMap(v cty.Value, indent int, o op) {
	if v.LengthInt() == 0 {
		p.WriteString("{}")
		return
	}
	vals := v.AsValueMap()
	names := sortedNames(vals, nil)
	width := nameWidth(names, v.Type())
	p.WriteString("{\n")
	for _, n := range names {
		p.line(indent+4, o)
		p.name(n, v.Type(), width)
		p.whole(vals[n], indent+4, o)
		p.WriteByte('\n')
	}
	p.line(indent, same)
	p.WriteByte('}')
}

func (p *printer) wholeList(v cty.Value, indent int, o op) {
	if v.LengthInt() == 0 {
		p.WriteString("[]")
		return
	}
	p.WriteString("[\n")
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		p.element(e, indent+4, o)
	}
	p.line(indent, same)
	p.WriteByte(']')
}

// element writes one line, or several, of a list.
func (p *printer) element(v cty.Value, indent int, o op) {
	p.line(indent, o)
	p.whole(v, indent, o)
	p.WriteString(",\n")
}

// name writes the name of an attribute or the key of a map, and the equals sign.
func (p *printer) name(n string, ty cty.Type, width int) {
	n = keyText(n, ty)
	p.WriteString(n)
	p.WriteString(spaces(max(width-columns(n), 0)))
	p.WriteString(" = ")
}

// keyText is how a key is written: those of maps are quoted, names of attributes
// only where they must be.
func keyText(n string, ty cty.Type) string {
	if ty.IsMapType() || !plainName(n) && !hclsyntax.ValidIdentifier(n) {
		return quoted(n)
	}
	return n
}

// plainName recognises what nearly all names are; HCL's own way to tell starts a
// scanner, for each attribute of each change several times.
func plainName(n string) bool {
	for i, c := range []byte(n) {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return n != ""
}

func nameWidth(names []string, ty cty.Type) int {
	w := 0
	for _, n := range names {
		w = max(w, columns(keyText(n, ty)))
	}
	return w
}

// sortedNames gives the names in either.
func sortedNames(a, b map[string]cty.Value) []string {
	names := make([]string, 0, max(len(a), len(b)))
	for n := range a {
		names = append(names, n)
	}
	for n := range b {
		if _, ok := a[n]; !ok {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// quoted writes a string in one line as HCL does.
func quoted(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case (r == '$' || r == '%') && strings.HasPrefix(s[i+1:], "{"):
			b.WriteRune(r)
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0:
			const hex = "0123456789abcdef"
			b.WriteString(`\u00` + string(hex[r>>4]) + string(hex[r&15]))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// jsonValue reads a string that holds a JSON object or array.
func jsonValue(s string) (cty.Value, bool) {
	t := strings.TrimSpace(s)
	if len(t) < 2 || !(t[0] == '{' && t[len(t)-1] == '}' || t[0] == '[' && t[len(t)-1] == ']') || !json.Valid([]byte(t)) {
		return cty.NilVal, false
	}
	ty, err := ctyjson.ImpliedType([]byte(t))
	if err != nil {
		return cty.NilVal, false
	}
	v, err := ctyjson.Unmarshal([]byte(t), ty)
	return v, err == nil
}
