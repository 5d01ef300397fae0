package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"tutti/internal/aws/catalog"
)

func writeJSON(r *Request, c Call, input *record) error {
	r.Header.Set("X-Amz-Target", c.Service.TargetPrefix+"."+c.Operation.Name)
	r.Header.Set("Content-Type", "application/x-amz-json-"+c.Service.JSONVersion)
	queryMode(r, c)
	body, err := compact(jsonRecord(input))
	r.Body = body
	return err
}

// queryMode asks a service that once spoke the query protocol for that protocol's error codes.
func queryMode(r *Request, c Call) {
	if c.Service.QueryCompatible {
		r.Header.Set("X-Amzn-Query-Mode", "true")
	}
}

func jsonRecord(r *record) map[string]any {
	object := make(map[string]any, len(r.fields))
	for _, f := range r.fields {
		object[f.member.OnWire()] = jsonValue(f.member.Shape, f.value)
	}
	return object
}

func jsonValue(shape *catalog.Shape, v any) any {
	switch v := v.(type) {
	case *record:
		return jsonRecord(v)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case time.Time:
		if timeFormat(shape, catalog.Epoch) == catalog.Epoch {
			return json.Number(epoch(v))
		}
		return formatTime(v, shape, catalog.Epoch)
	case []entry:
		object := make(map[string]any, len(v))
		for _, e := range v {
			object[e.key] = jsonValue(shape.Element.Shape, e.value)
		}
		return object
	case []any:
		if shape.Kind == catalog.Document {
			return v
		}
		list := make([]any, len(v))
		for i := range v {
			list[i] = jsonValue(shape.Element.Shape, v[i])
		}
		return list
	case float64:
		if text, special := specialFloat(v); special && shape.Kind != catalog.Document {
			return text
		}
	}
	return v
}

// specialFloat names the numbers that have no digits.
func specialFloat(f float64) (string, bool) {
	switch {
	case math.IsNaN(f):
		return "NaN", true
	case math.IsInf(f, 1):
		return "Infinity", true
	case math.IsInf(f, -1):
		return "-Infinity", true
	}
	return "", false
}

// parseJSON reads a body that is one JSON value, numbers exactly as they stand; no body is an empty object.
func parseJSON(body []byte) (any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return map[string]any{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("the answer is not JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("the answer is more than one JSON value")
	}
	return v, nil
}

// reader turns answers into JSON values in the user's style.
type reader struct{ style Style }

// fromJSON reads a structure. Members that the model does not know are left out: what is not in it today may change its
// form tomorrow.
func (r reader) fromJSON(shape *catalog.Shape, v any, depth int) (any, error) {
	if v == nil || depth > maxDepth {
		return nil, tooDeep(depth)
	}
	switch shape.Kind {
	case catalog.Structure:
		object, is := v.(map[string]any)
		if !is {
			return nil, unexpected(shape, v)
		}
		return r.membersFromJSON(shape, object, depth)
	case catalog.List:
		list, is := v.([]any)
		if !is {
			return nil, unexpected(shape, v)
		}
		out := make([]any, 0, len(list))
		for _, element := range list {
			read, err := r.fromJSON(shape.Element.Shape, element, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, read)
		}
		return out, nil
	case catalog.Map:
		object, is := v.(map[string]any)
		if !is {
			return nil, unexpected(shape, v)
		}
		out := make(map[string]any, len(object))
		for key, element := range object {
			read, err := r.fromJSON(shape.Element.Shape, element, depth+1)
			if err != nil {
				return nil, err
			}
			if read != nil {
				out[key] = read
			}
		}
		return out, nil
	}
	return r.plainFromJSON(shape, v)
}

func tooDeep(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("the answer lies more than %d deep", maxDepth)
	}
	return nil
}

func unexpected(shape *catalog.Shape, v any) error {
	return fmt.Errorf("the answer has %s where a %s belongs", jsonKind(v), shape.Kind)
}

func (r reader) membersFromJSON(shape *catalog.Shape, object map[string]any, depth int) (map[string]any, error) {
	out := map[string]any{}
	for i := range shape.Members {
		m := &shape.Members[i]
		if m.Location != catalog.Body || i == shape.Payload {
			continue
		}
		v, err := r.fromJSON(m.Shape, object[m.OnWire()], depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		if v != nil {
			out[r.style.name(m)] = v
		}
	}
	return out, nil
}

// plainFromJSON reads a value without parts. Binary values stay in base64.
func (r reader) plainFromJSON(shape *catalog.Shape, v any) (any, error) {
	switch shape.Kind {
	case catalog.Timestamp:
		switch v := v.(type) {
		case string:
			return r.style.readTime(v)
		case json.Number:
			return r.style.readTime(v.String())
		}
		return nil, unexpected(shape, v)
	case catalog.String, catalog.Blob:
		// Some services answer with an object where their model says text.
		if _, is := v.(string); !is {
			text, err := compact(v)
			return string(text), err
		}
	}
	return v, nil
}
