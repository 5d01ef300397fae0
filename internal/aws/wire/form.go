package wire

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tutti/internal/aws/catalog"
)

// form writes the parameters of the query protocol and of EC2's variant, in their order.
type form struct {
	ec2  bool
	text strings.Builder
}

func writeForm(r *Request, c Call, input *record) {
	f := &form{ec2: c.Service.Protocol == catalog.EC2}
	f.add("Action", c.Operation.Name)
	f.add("Version", c.Service.APIVersion)
	f.record("", input)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Body = []byte(f.text.String())
}

func (f *form) add(name, value string) {
	if f.text.Len() > 0 {
		f.text.WriteByte('&')
	}
	f.text.WriteString(url.QueryEscape(name))
	f.text.WriteByte('=')
	f.text.WriteString(url.QueryEscape(value))
}

// name gives a member's name; EC2's all begin in upper case.
func (f *form) name(m *catalog.Member) string {
	if !f.ec2 {
		return m.OnWire()
	}
	if m.QueryName != "" {
		return m.QueryName
	}
	if m.Wire == "" {
		return m.Name
	}
	first, size := utf8.DecodeRuneInString(m.Wire)
	return string(unicode.ToUpper(first)) + m.Wire[size:]
}

func (f *form) record(prefix string, r *record) {
	for _, one := range r.fields {
		f.value(under(prefix, f.name(one.member)), one.member, one.value)
	}
}

func (f *form) value(name string, m *catalog.Member, v any) {
	switch v := v.(type) {
	case *record:
		f.record(name, v)
	case []any:
		f.list(name, m, v)
	case []entry:
		f.entries(name, m, v)
	default:
		f.add(name, plainText(m.Shape, v, catalog.ISO8601))
	}
}

func (f *form) list(name string, m *catalog.Member, list []any) {
	element := m.Shape.Element
	switch {
	case f.ec2:
	case len(list) == 0:
		f.add(name, "") // an empty list differs from none
	case m.Flat:
		if element.Wire != "" {
			above, _ := cutLast(name)
			name = under(above, element.Wire)
		}
	default:
		name += "." + cmp.Or(element.Wire, "member")
	}
	for i, v := range list {
		f.value(fmt.Sprintf("%s.%d", name, i+1), element, v)
	}
}

func cutLast(name string) (above, last string) {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

func (f *form) entries(name string, m *catalog.Member, entries []entry) {
	if !m.Flat {
		name += ".entry"
	}
	for i, e := range entries {
		f.add(fmt.Sprintf("%s.%d.%s", name, i+1, cmp.Or(m.Shape.Key.Wire, "key")), e.key)
		f.value(fmt.Sprintf("%s.%d.%s", name, i+1, cmp.Or(m.Shape.Element.Wire, "value")), m.Shape.Element, e.value)
	}
}

// plainText writes a value without parts in text: in forms, XML, paths, query strings.
func plainText(shape *catalog.Shape, v any, times catalog.TimeFormat) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		if text, special := specialFloat(v); special {
			return text
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case time.Time:
		return formatTime(v, shape, times)
	}
	panic(fmt.Sprintf("wire: a settled %s is a %T", shape.Kind, v))
}
