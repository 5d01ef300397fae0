package view

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// HCL writes a value as `output` and `console` do: an expression that gives the
// value again, two spaces deep, with quoted keys. What may not be shown or is not
// known stands there by that word.
func (s Style) HCL(v cty.Value) string {
	var b strings.Builder
	writeHCL(&b, v, 0, true)
	return b.String()
}

func writeHCL(b *strings.Builder, v cty.Value, indent int, top bool) {
	if secret(v) != "" {
		b.WriteString(secret(v))
		return
	}
	if v == cty.NilVal || v.IsNull() {
		b.WriteString(nullText(v, top))
		return
	}
	if !v.IsKnown() {
		b.WriteString(afterApply)
		return
	}
	switch ty := v.Type(); {
	case ty == cty.String:
		hclString(b, v.AsString(), indent)
	case ty.IsPrimitiveType():
		b.WriteString(primitive(v))
	case isNamed(ty):
		hclMap(b, v, indent)
	case ty.IsSetType():
		b.WriteString("toset(")
		hclList(b, v, indent)
		b.WriteString(")")
	case ty.IsListType():
		b.WriteString("tolist(")
		hclList(b, v, indent)
		b.WriteString(")")
	case v.CanIterateElements():
		hclList(b, v, indent)
	default:
		b.WriteString("(" + ty.FriendlyName() + ")")
	}
}

// nullText says of which type a null is, where it stands alone.
func nullText(v cty.Value, top bool) string {
	if !top || v == cty.NilVal {
		return "null"
	}
	switch v.Type() {
	case cty.String:
		return "tostring(null)"
	case cty.Number:
		return "tonumber(null)"
	case cty.Bool:
		return "tobool(null)"
	default:
		return "null"
	}
}

func hclString(b *strings.Builder, s string, indent int) {
	if !strings.Contains(s, "\n") {
		b.WriteString(quoted(s))
		return
	}
	mark, pre := "EOT", spaces(indent)
	for strings.Contains(s, mark) {
		mark += "_"
	}
	if indent > 0 {
		b.WriteString("<<-" + mark + "\n")
	} else {
		b.WriteString("<<" + mark + "\n")
	}
	for _, l := range strings.Split(s, "\n") {
		b.WriteString(pre + printable(l) + "\n")
	}
	b.WriteString(pre + mark)
}

func hclMap(b *strings.Builder, v cty.Value, indent int) {
	typed := v.Type().IsMapType()
	if typed {
		b.WriteString("tomap(")
	}
	if v.LengthInt() == 0 {
		b.WriteString("{}")
	} else {
		vals := v.AsValueMap()
		b.WriteString("{\n")
		for _, n := range sortedNames(vals, nil) {
			b.WriteString(spaces(indent+2) + quoted(n) + " = ")
			writeHCL(b, vals[n], indent+2, false)
			b.WriteByte('\n')
		}
		b.WriteString(spaces(indent) + "}")
	}
	if typed {
		b.WriteString(")")
	}
}

func hclList(b *strings.Builder, v cty.Value, indent int) {
	if v.LengthInt() == 0 {
		b.WriteString("[]")
		return
	}
	b.WriteString("[\n")
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		b.WriteString(spaces(indent + 2))
		writeHCL(b, e, indent+2, false)
		b.WriteString(",\n")
	}
	b.WriteString(spaces(indent) + "]")
}
