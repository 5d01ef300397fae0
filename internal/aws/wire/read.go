package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"tutti/internal/aws/catalog"
)

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Read gives what an answer says: an object in the call's style, timestamps in ISO 8601, a body as its text (in base64
// where it is none), other binary values in base64. What the service tells as an error is a *Fault.
func Read(c Call, a Answer) (map[string]any, error) {
	if a.Status >= 300 {
		return nil, readFault(c, a)
	}
	r := reader{style: c.Style}
	var out map[string]any
	var err error
	switch c.Service.Protocol {
	case catalog.JSON:
		out, err = r.readJSON(c.Operation.Output, a.Body)
	case catalog.CBOR:
		out, err = r.readCBOR(c.Operation.Output, a.Body)
	case catalog.Query, catalog.EC2:
		out, err = r.readQuery(c, a.Body)
	case catalog.RESTJSON, catalog.RESTXML:
		out, err = r.readREST(c, a)
	default:
		panic(fmt.Sprintf("wire: %s has no protocol", c.Service.Name))
	}
	if err != nil {
		if _, told := err.(*Fault); told {
			return nil, err
		}
		return nil, fmt.Errorf("%s %s: %w", c.Service.ID, c.Operation.Name, err)
	}
	return out, nil
}

func (r reader) readJSON(shape *catalog.Shape, body []byte) (map[string]any, error) {
	if shape == nil {
		return map[string]any{}, nil
	}
	v, err := parseJSON(body)
	if err != nil {
		return nil, err
	}
	return r.object(shape, v)
}

// object reads a structure's members, of null none.
func (r reader) object(shape *catalog.Shape, v any) (map[string]any, error) {
	switch object := v.(type) {
	case nil:
		return map[string]any{}, nil
	case map[string]any:
		return r.membersFromJSON(shape, object, 0)
	}
	return nil, unexpected(shape, v)
}

func (r reader) readQuery(c Call, body []byte) (map[string]any, error) {
	shape := c.Operation.Output
	if shape == nil {
		return map[string]any{}, nil
	}
	n, err := parseXML(body)
	if err != nil {
		return nil, err
	}
	if c.Operation.ResultWrapper != "" {
		n = n.child(c.Operation.ResultWrapper)
	}
	if n == nil {
		n = &node{}
	}
	return r.membersFromXML(shape, n)
}

func (r reader) readREST(c Call, a Answer) (map[string]any, error) {
	shape := c.Operation.Output
	if shape == nil {
		return map[string]any{}, nil
	}
	out := map[string]any{}
	var err error
	switch {
	case shape.Payload >= 0:
		m := &shape.Members[shape.Payload]
		var v any
		if v, err = r.payload(c, m, a); v != nil {
			out[r.style.name(m)] = v
		}
	case c.Service.Protocol == catalog.RESTJSON && hasBody(shape):
		out, err = r.readJSON(shape, a.Body)
	case hasBody(shape):
		out, err = r.readXML(c, shape, a)
	}
	if err != nil {
		return nil, err
	}
	return out, r.fromHeaders(shape, a, out)
}

func (r reader) readXML(c Call, shape *catalog.Shape, a Answer) (map[string]any, error) {
	n, err := parseXML(a.Body)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return map[string]any{}, nil
	}
	if n.name == "Error" {
		// S3 begins to answer long operations before it knows how they end.
		return nil, readFault(c, a)
	}
	for i := range shape.Members {
		// GetBucketLocation's answer is its one member, without an element around it.
		if shape.Members[i].OnWire() == n.name && len(n.children) == 0 {
			n = &node{children: []*node{n}}
		}
	}
	return r.membersFromXML(shape, n)
}

// payload reads the member that makes the whole body.
func (r reader) payload(c Call, m *catalog.Member, a Answer) (any, error) {
	switch {
	case m.Shape.Kind == catalog.Blob || m.Shape.Kind == catalog.String:
		if utf8.Valid(a.Body) {
			return string(a.Body), nil
		}
		return base64.StdEncoding.EncodeToString(a.Body), nil
	case len(a.Body) == 0:
		return nil, nil
	case c.Service.Protocol == catalog.RESTJSON:
		v, err := parseJSON(a.Body)
		if err != nil {
			return nil, err
		}
		return r.fromJSON(m.Shape, v, 0)
	}
	n, err := parseXML(a.Body)
	if err != nil || n == nil {
		return nil, err
	}
	if n.name == "Error" {
		return nil, readFault(c, a)
	}
	return r.fromXML(m.Shape, n)
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// plainFromText reads a value without parts from an element or a header.
func (r reader) plainFromText(shape *catalog.Shape, text string) (any, error) {
	if shape.Kind == catalog.String {
		return text, nil
	}
	text = strings.TrimSpace(text)
	switch shape.Kind {
	case catalog.Blob:
		return text, nil
	case catalog.Boolean:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a boolean", text)
		}
		return v, nil
	case catalog.Timestamp:
		return r.style.readTime(text)
	case catalog.Integer, catalog.Long:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number", text)
		}
		return number(n), nil
	case catalog.Float, catalog.Double:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number", text)
		}
		if name, special := specialFloat(f); special {
			return name, nil
		}
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), nil
	}
	return nil, fmt.Errorf("the answer has a text where a %s belongs", shape.Kind)
}
