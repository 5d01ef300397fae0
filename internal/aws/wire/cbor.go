package wire

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"tutti/internal/aws/catalog"
)

// epochTag is the tag of a timestamp: RFC 8949, section 3.4.2.
const epochTag = 1

func writeCBOR(r *Request, c Call, input *record) error {
	r.Path = "/service/" + c.Service.TargetPrefix + "/operation/" + c.Operation.Name
	r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	r.Header.Set("Accept", "application/cbor")
	queryMode(r, c)
	if c.Operation.Input == nil {
		return nil
	}
	r.Header.Set("Content-Type", "application/cbor")
	v, err := toCBOR(input)
	if err != nil {
		return err
	}
	r.Body = cbor.Encode(v)
	return nil
}

func toCBOR(v any) (cbor.Value, error) {
	switch v := v.(type) {
	case *record:
		m := cbor.Map{}
		for _, f := range v.fields {
			if f.member.Shape.Kind == catalog.Document {
				return nil, errors.New("the protocol has no way to write a document")
			}
			one, err := toCBOR(f.value)
			if err != nil {
				return nil, err
			}
			m[f.member.OnWire()] = one
		}
		return m, nil
	case []entry:
		m := cbor.Map{}
		for _, e := range v {
			one, err := toCBOR(e.value)
			if err != nil {
				return nil, err
			}
			m[e.key] = one
		}
		return m, nil
	case []any:
		list := cbor.List{}
		for _, element := range v {
			one, err := toCBOR(element)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	}
	return plainToCBOR(v), nil
}

func plainToCBOR(v any) cbor.Value {
	switch v := v.(type) {
	case string:
		return cbor.String(v)
	case []byte:
		return cbor.Slice(v)
	case bool:
		return cbor.Bool(v)
	case int64:
		if v < 0 {
			return cbor.NegInt(uint64(-(v + 1)) + 1)
		}
		return cbor.Uint(v)
	case float64:
		return cbor.Float64(v)
	case time.Time:
		return &cbor.Tag{ID: epochTag, Value: cbor.Float64(float64(v.UnixMilli()) / 1000)}
	}
	panic(fmt.Sprintf("wire: a settled value is a %T", v))
}

func (r reader) readCBOR(shape *catalog.Shape, body []byte) (map[string]any, error) {
	if shape == nil {
		return map[string]any{}, nil
	}
	v, err := parseCBOR(body)
	if err != nil {
		return nil, err
	}
	return r.object(shape, v)
}

// parseCBOR reads a body as the JSON value that it would be in the JSON protocol.
func parseCBOR(body []byte) (any, error) {
	if len(body) == 0 {
		return map[string]any{}, nil
	}
	v, err := cbor.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("the answer is not CBOR: %w", err)
	}
	return fromCBOR(v)
}

func fromCBOR(v cbor.Value) (any, error) {
	switch v := v.(type) {
	case cbor.Map:
		object := make(map[string]any, len(v))
		for key, element := range v {
			one, err := fromCBOR(element)
			if err != nil {
				return nil, err
			}
			object[key] = one
		}
		return object, nil
	case cbor.List:
		list := make([]any, 0, len(v))
		for _, element := range v {
			one, err := fromCBOR(element)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	case *cbor.Tag:
		return fromCBOR(v.Value)
	}
	return plainFromCBOR(v)
}

func plainFromCBOR(v cbor.Value) (any, error) {
	switch v := v.(type) {
	case cbor.String:
		return string(v), nil
	case cbor.Slice:
		return base64.StdEncoding.EncodeToString(v), nil
	case cbor.Bool:
		return bool(v), nil
	case *cbor.Nil, *cbor.Undefined:
		return nil, nil
	case cbor.Uint:
		return json.Number(strconv.FormatUint(uint64(v), 10)), nil
	case cbor.NegInt:
		if v == 0 || v > math.MaxInt64+1 { // 0 stands for -2^64
			return nil, errors.New("the answer has a number that is too small")
		}
		return json.Number(strconv.FormatInt(-int64(v-1)-1, 10)), nil
	case cbor.Float32:
		return numberOrName(float64(v)), nil
	case cbor.Float64:
		return numberOrName(float64(v)), nil
	}
	return nil, fmt.Errorf("the answer has a %T, which no shape has", v)
}

func numberOrName(f float64) any {
	if name, special := specialFloat(f); special {
		return name
	}
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}
