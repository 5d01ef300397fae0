package catalog

import (
	"encoding/binary"
	"strings"
)

// A table is: the format's version; the length of the texts; the texts, each ended by a newline; the fields. Whatever is
// said again (a text, a shape) is said by its number: 0 announces one that follows, n+1 repeats the nth. Shapes are
// numbered as they are first met on the way down from the operations, and their parts follow where they are met, so what
// belongs together lies together and compresses well.

const tableVersion = 1

// What the codes of a member's name on the wire say; the text follows an explicitWire.
const (
	sameWire = iota
	lowerWire
	explicitWire
)

// Bits of a member, an operation.
const (
	memberRequired = 1 << iota
	memberToken
	memberJSON
	memberHost
	memberAttribute
	memberFlat
	memberStreaming
	memberBounds
	memberQueryName
	memberNamespace
)

const (
	operationReadOnly = 1 << iota
	operationIdempotent
	operationDeprecated
	operationUnsigned
	operationUnsignedPayload
	operationChecksum
	operationNamed      // InputName, Namespace
	operationOwnWrapper // ResultWrapper, where it is not the name and "Result"
	operationHost
	operationChecksumMember
	operationWrapped
)

type encoder struct {
	texts  strings.Builder
	text   map[string]uint64
	shapes map[*Shape]uint64
	fields []byte
}

// Encode writes a service as a table; Decode is its inverse. Shapes that are one in s are one in the table.
func Encode(s *Service) []byte {
	e := &encoder{text: map[string]uint64{}, shapes: map[*Shape]uint64{}}
	for _, text := range []string{s.Name, s.ID, s.JSONVersion, s.TargetPrefix, s.APIVersion, s.Namespace, s.EndpointPrefix, s.SigningName} {
		e.putText(text)
	}
	e.put(uint64(s.Protocol))
	e.putBits(s.QueryCompatible)
	e.put(uint64(len(s.Endpoints)))
	for _, p := range s.Endpoints {
		for _, text := range []string{p.Partition, p.Region, p.URL, p.SigningRegion, p.SigningName} {
			e.putText(text)
		}
	}
	e.put(uint64(len(s.Errors)))
	for _, f := range s.Errors {
		e.putText(f.Name)
		e.putText(f.Code)
		e.put(uint64(f.Status))
		e.putBits(f.Retryable)
	}
	e.put(uint64(len(s.Operations)))
	for i := range s.Operations {
		e.operation(&s.Operations[i])
	}
	table := []byte{tableVersion}
	table = binary.AppendUvarint(table, uint64(e.texts.Len()))
	table = append(table, e.texts.String()...)
	return append(table, e.fields...)
}

func (e *encoder) put(n uint64) { e.fields = binary.AppendUvarint(e.fields, n) }

// putBits writes booleans, the first as the lowest bit.
func (e *encoder) putBits(bits ...bool) {
	var all uint64
	for i, bit := range bits {
		if bit {
			all |= 1 << i
		}
	}
	e.put(all)
}

func (e *encoder) putText(text string) {
	if n, known := e.text[text]; known {
		e.put(n + 1)
		return
	}
	if strings.Contains(text, "\n") {
		panic("catalog: a name has more than one line")
	}
	e.text[text] = uint64(len(e.text))
	e.texts.WriteString(text)
	e.texts.WriteByte('\n')
	e.put(0)
}

func (e *encoder) operation(o *Operation) {
	named, wrapped := o.InputName != "" || o.Namespace != "", o.ResultWrapper != "" && o.ResultWrapper != o.Name+"Result"
	e.putText(o.Name)
	e.putText(o.Method)
	e.putText(o.URI)
	e.putBits(o.ReadOnly, o.Idempotent, o.Deprecated, o.Unsigned, o.UnsignedPayload, o.ChecksumRequired,
		named, wrapped, o.HostPrefix != "", o.ChecksumMember != "", o.ResultWrapper != "")
	if named {
		e.putText(o.InputName)
		e.putText(o.Namespace)
	}
	if wrapped {
		e.putText(o.ResultWrapper)
	}
	if o.HostPrefix != "" {
		e.putText(o.HostPrefix)
	}
	if o.ChecksumMember != "" {
		e.putText(o.ChecksumMember)
	}
	e.optionalShape(o.Input)
	e.optionalShape(o.Output)
}

func (e *encoder) optionalShape(s *Shape) {
	if s == nil {
		e.put(0)
		return
	}
	e.put(1)
	e.shape(s)
}

// plain is the number of the codes that stand for shapes without parts: four formats for each kind.
const plain = (uint64(Document) + 1) * 4

func (e *encoder) shape(s *Shape) {
	if s.Kind >= String {
		e.put(uint64(s.Kind)*4 + uint64(s.Time))
		return
	}
	if n, known := e.shapes[s]; known {
		e.put(plain + n)
		return
	}
	e.put(uint64(s.Kind))
	e.shapes[s] = uint64(len(e.shapes))
	switch s.Kind {
	case List:
		e.member(s.Element)
	case Map:
		e.member(s.Key)
		e.member(s.Element)
	default:
		e.put(uint64(len(s.Members)))
		e.put(uint64(s.Payload + 1))
		e.putBits(s.EventStream)
		for i := range s.Members {
			e.member(&s.Members[i])
		}
	}
}

func (e *encoder) member(m *Member) {
	namespaced := m.Namespace != "" || m.Prefix != ""
	wire := sameWire
	switch {
	case m.Wire == "" || m.Wire == m.Name:
	case m.Name != "" && m.Wire == lowerFirst(m.Name):
		wire = lowerWire
	default:
		wire = explicitWire
	}
	e.putText(m.Name)
	e.put(uint64(wire) + 4*uint64(m.Location))
	e.putBits(m.Required, m.Token, m.JSONText, m.Host, m.Attribute, m.Flat, m.Streaming, m.BoundsLength, m.QueryName != "", namespaced)
	if wire == explicitWire {
		e.putText(m.Wire)
	}
	if m.QueryName != "" {
		e.putText(m.QueryName)
	}
	if namespaced {
		e.putText(m.Namespace)
		e.putText(m.Prefix)
	}
	e.shape(m.Shape)
}
