package wire

import (
	"encoding/base64"
	"net/http"
	"strings"

	"tutti/internal/aws/catalog"
)

// writeREST spreads the input over path, query string, headers and body.
func writeREST(r *Request, c Call, input *record) error {
	o := c.Operation
	path, query, _ := strings.Cut(o.URI, "?")
	var pairs []string
	if query != "" {
		pairs = append(pairs, query)
	}
	body := &record{}
	for _, f := range input.fields {
		switch m := f.member; m.Location {
		case catalog.URI:
			var err error
			v := f.value
			if text, is := v.(string); is && c.Service.Name == "route53" {
				v = text[strings.LastIndexByte(text, '/')+1:] // it answers with "/hostedzone/Z1" and wants "Z1"
			}
			if path, err = fill(path, m, v); err != nil {
				return err
			}
		case catalog.QueryString:
			pairs = append(pairs, queryPairs(m, f.value)...)
		case catalog.Header:
			if text, is := headerText(m, f.value); is {
				r.Header.Set(m.OnWire(), text)
			}
		case catalog.PrefixHeaders:
			for _, e := range f.value.([]entry) {
				r.Header.Set(m.Wire+e.key, plainText(m.Shape.Element.Shape, e.value, catalog.HTTPDate))
			}
		default:
			body.fields = append(body.fields, f)
		}
	}
	r.Path, r.Query = path, strings.Join(pairs, "&")
	if c.Service.Name == "apigateway" && r.Header.Get("Accept") == "" {
		// It answers in HAL to those who do not ask for what its model says.
		r.Header.Set("Accept", "application/json")
	}
	if o.Input != nil && o.Input.Payload >= 0 {
		return writePayload(r, c, &o.Input.Members[o.Input.Payload], body)
	}
	return writeBody(r, c, body)
}

// fill puts a value into its place in a path. A label with a plus keeps its slashes.
func fill(path string, m *catalog.Member, v any) (string, error) {
	text := plainText(m.Shape, v, catalog.ISO8601)
	if text == "" {
		// An empty label would make it the path of another operation.
		return "", &InputError{Problems: []Problem{{Kind: Wrong, Path: m.Name, Text: "may not be empty"}}}
	}
	path = strings.ReplaceAll(path, "{"+m.OnWire()+"+}", escape(text, "/~"))
	return strings.ReplaceAll(path, "{"+m.OnWire()+"}", escape(text, "~")), nil
}

// escape writes all but letters, digits, "-", "_", "." and what is safe as %XX.
func escape(text, safe string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.", c) >= 0 || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func queryPairs(m *catalog.Member, v any) []string {
	pair := func(name, text string) string { return escape(name, "~") + "=" + escape(text, "~") }
	var pairs []string
	switch v := v.(type) {
	case []entry:
		for _, e := range v {
			if list, is := e.value.([]any); is {
				for _, one := range list {
					pairs = append(pairs, pair(e.key, plainText(m.Shape.Element.Shape.Element.Shape, one, catalog.ISO8601)))
				}
				continue
			}
			pairs = append(pairs, pair(e.key, plainText(m.Shape.Element.Shape, e.value, catalog.ISO8601)))
		}
	case []any:
		for _, one := range v {
			pairs = append(pairs, pair(m.OnWire(), plainText(m.Shape.Element.Shape, one, catalog.ISO8601)))
		}
	default:
		pairs = append(pairs, pair(m.OnWire(), plainText(m.Shape, v, catalog.ISO8601)))
	}
	return pairs
}

// headerText gives a header's value; an empty list makes none.
func headerText(m *catalog.Member, v any) (string, bool) {
	if list, is := v.([]any); is {
		var texts []string
		for _, one := range list {
			text := plainText(m.Shape.Element.Shape, one, catalog.HTTPDate)
			if m.Shape.Element.Shape.Kind == catalog.String && strings.ContainsAny(text, `",`) {
				text = `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
			}
			texts = append(texts, text)
		}
		return strings.Join(texts, ","), len(list) > 0
	}
	text := plainText(m.Shape, v, catalog.HTTPDate)
	if m.JSONText {
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
	return text, true
}

// writePayload writes the one member that makes the body.
func writePayload(r *Request, c Call, m *catalog.Member, body *record) error {
	v, is := body.get(m)
	if raw, binary := v.([]byte); binary {
		r.Body = raw
		return nil
	}
	if text, plain := v.(string); plain {
		r.Body = []byte(text)
		return nil
	}
	if !is && (m.Shape.Kind == catalog.Blob || m.Shape.Kind == catalog.String) {
		return nil
	}
	var err error
	switch {
	case c.Service.Protocol == catalog.RESTXML:
		if is {
			r.Body = writeXML(m, v)
		}
	case is:
		r.Body, err = compact(jsonValue(m.Shape, v))
	default:
		r.Body = []byte("{}")
	}
	bodyType(r, c)
	return err
}

// writeBody writes the members that have no other place.
func writeBody(r *Request, c Call, body *record) error {
	var err error
	switch {
	case c.Service.Protocol == catalog.RESTXML:
		if len(body.fields) > 0 {
			r.Body = writeXML(&catalog.Member{Name: c.Operation.InputName, Namespace: c.Operation.Namespace, Shape: c.Operation.Input}, body)
		}
	case len(body.fields) > 0 || hasBody(c.Operation.Input):
		r.Body, err = compact(jsonRecord(body))
	}
	bodyType(r, c)
	return err
}

// hasBody reports whether any member would travel in the body: JSON services want an empty object then.
func hasBody(shape *catalog.Shape) bool {
	if shape == nil {
		return false
	}
	for i := range shape.Members {
		if shape.Members[i].Location == catalog.Body {
			return true
		}
	}
	return false
}

func bodyType(r *Request, c Call) {
	switch {
	case len(r.Body) == 0 || r.Header.Get("Content-Type") != "":
	case c.Service.Protocol == catalog.RESTXML:
		r.Header.Set("Content-Type", "application/xml")
	default:
		r.Header.Set("Content-Type", "application/json")
	}
}

// fromHeaders reads what of an answer travels outside its body.
func (r reader) fromHeaders(shape *catalog.Shape, a Answer, out map[string]any) error {
	for i := range shape.Members {
		m := &shape.Members[i]
		var v any
		var err error
		switch m.Location {
		case catalog.StatusCode:
			v = number(int64(a.Status))
		case catalog.Header:
			if text := a.Header.Get(m.OnWire()); text != "" {
				v, err = r.fromHeader(m, text)
			}
		case catalog.PrefixHeaders:
			v = prefixed(m, a.Header)
		}
		if err != nil {
			return err
		}
		if v != nil {
			out[r.style.name(m)] = v
		}
	}
	return nil
}

func (r reader) fromHeader(m *catalog.Member, text string) (any, error) {
	switch {
	case m.JSONText:
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, err
		}
		return string(decoded), nil
	case m.Shape.Kind == catalog.List:
		var list []any
		for part := range strings.SplitSeq(text, ",") {
			v, err := r.plainFromText(m.Shape.Element.Shape, strings.Trim(strings.TrimSpace(part), `"`))
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	v, err := r.plainFromText(m.Shape, text)
	if err != nil && m.Shape.Kind == catalog.Timestamp {
		return text, nil // S3 gives back as Expires whatever somebody once put there
	}
	return v, err
}

// prefixed gathers the headers that begin alike, as S3 keeps an object's metadata. A model may say that all do: Wire is
// then empty.
func prefixed(m *catalog.Member, header http.Header) any {
	found := map[string]any{}
	for name, values := range header {
		if prefix := m.Wire; len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			found[strings.ToLower(name[len(prefix):])] = strings.Join(values, ",")
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}
