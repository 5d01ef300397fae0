package catalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// maxDepth bounds how deep shapes lie in one another in a table. The deepest of AWS lie some 30 deep, and the tables are
// ours, so this stops only a damaged one.
const maxDepth = 500

var errCut = errors.New("the table ends too early")

type decoder struct {
	texts  []string
	said   int // how many of texts have been met
	shapes []*Shape
	fields []byte
	err    error // the first; after it everything reads as zero
}

// Decode reads a table that Encode wrote. A damaged table gives an error.
func Decode(table []byte) (*Service, error) {
	if len(table) == 0 || table[0] != tableVersion {
		return nil, errors.New("not a service's table, or one of another version")
	}
	length, n := binary.Uvarint(table[1:])
	if n <= 0 || length > uint64(len(table)-1-n) {
		return nil, errCut
	}
	texts := string(table[1+n : 1+n+int(length)])
	d := &decoder{texts: strings.Split(strings.TrimSuffix(texts, "\n"), "\n"), fields: table[1+n+int(length):]}
	s := d.service()
	if d.err == nil && len(d.fields) > 0 {
		d.err = fmt.Errorf("%d bytes follow the table", len(d.fields))
	}
	if d.err != nil {
		return nil, d.err
	}
	return s, nil
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.fields = nil
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.fields)
	if size <= 0 {
		d.fail(errCut)
		return 0
	}
	d.fields = d.fields[size:]
	return n
}

// count reads how many things follow, each of which takes at least a byte.
func (d *decoder) count() int {
	n := d.number()
	if n > uint64(len(d.fields)) {
		d.fail(errCut)
		return 0
	}
	return int(n)
}

// below reads a number that has to be smaller than limit.
func (d *decoder) below(limit uint64) uint64 {
	n := d.number()
	if n >= limit {
		d.fail(fmt.Errorf("the table has the number %d where the largest is %d", n, limit-1))
		return 0
	}
	return n
}

func (d *decoder) text() string {
	n := d.number()
	if n == 0 {
		n = uint64(d.said) + 1
		d.said++
	}
	if n > uint64(len(d.texts)) {
		d.fail(fmt.Errorf("the table has no text %d", n-1))
		return ""
	}
	return d.texts[n-1]
}

func (d *decoder) service() *Service {
	s := &Service{}
	for _, text := range []*string{&s.Name, &s.ID, &s.JSONVersion, &s.TargetPrefix, &s.APIVersion, &s.Namespace, &s.EndpointPrefix, &s.SigningName} {
		*text = d.text()
	}
	s.Protocol = Protocol(d.below(uint64(CBOR) + 1))
	s.QueryCompatible = d.number() != 0
	s.Endpoints = make([]Endpoint, d.count())
	for i := range s.Endpoints {
		p := &s.Endpoints[i]
		for _, text := range []*string{&p.Partition, &p.Region, &p.URL, &p.SigningRegion, &p.SigningName} {
			*text = d.text()
		}
	}
	s.Errors = make([]Fault, d.count())
	for i := range s.Errors {
		s.Errors[i] = Fault{Name: d.text(), Code: d.text(), Status: int(d.below(1000)), Retryable: d.number() != 0}
	}
	s.Operations = make([]Operation, d.count())
	for i := range s.Operations {
		d.operation(&s.Operations[i])
	}
	return s
}

func (d *decoder) operation(o *Operation) {
	o.Name, o.Method, o.URI = d.text(), d.text(), d.text()
	bits := d.number()
	o.ReadOnly = bits&operationReadOnly != 0
	o.Idempotent = bits&operationIdempotent != 0
	o.Deprecated = bits&operationDeprecated != 0
	o.Unsigned = bits&operationUnsigned != 0
	o.UnsignedPayload = bits&operationUnsignedPayload != 0
	o.ChecksumRequired = bits&operationChecksum != 0
	if bits&operationNamed != 0 {
		o.InputName, o.Namespace = d.text(), d.text()
	}
	switch {
	case bits&operationOwnWrapper != 0:
		o.ResultWrapper = d.text()
	case bits&operationWrapped != 0:
		o.ResultWrapper = o.Name + "Result"
	}
	if bits&operationHost != 0 {
		o.HostPrefix = d.text()
	}
	if bits&operationChecksumMember != 0 {
		o.ChecksumMember = d.text()
	}
	if d.number() != 0 {
		o.Input = d.shape(0)
	}
	if d.number() != 0 {
		o.Output = d.shape(0)
	}
}

func (d *decoder) shape(depth int) *Shape {
	if depth > maxDepth {
		d.fail(fmt.Errorf("shapes lie more than %d deep", maxDepth))
	}
	code := d.below(plain + uint64(len(d.shapes)))
	if code >= plain {
		return d.shapes[code-plain]
	}
	if code >= uint64(String)*4 {
		return &Shape{Kind: Kind(code / 4), Time: TimeFormat(code % 4), Payload: -1}
	}
	s := &Shape{Kind: Kind(code), Payload: -1}
	d.shapes = append(d.shapes, s)
	switch s.Kind {
	case List:
		s.Element = &Member{}
		d.member(s.Element, depth)
	case Map:
		s.Key, s.Element = &Member{}, &Member{}
		d.member(s.Key, depth)
		d.member(s.Element, depth)
	case Structure:
		s.Members = make([]Member, d.count())
		s.Payload = int(d.below(uint64(len(s.Members))+1)) - 1
		s.EventStream = d.number() != 0
		for i := range s.Members {
			d.member(&s.Members[i], depth)
		}
	default:
		d.fail(fmt.Errorf("the table has no shape %d", code))
	}
	return s
}

func (d *decoder) member(m *Member, depth int) {
	m.Name = d.text()
	place := d.number()
	m.Location = Location(place / 4)
	if m.Location > StatusCode {
		d.fail(fmt.Errorf("the table has no location %d", m.Location))
	}
	bits := d.number()
	m.Required = bits&memberRequired != 0
	m.Token = bits&memberToken != 0
	m.JSONText = bits&memberJSON != 0
	m.Host = bits&memberHost != 0
	m.Attribute = bits&memberAttribute != 0
	m.Flat = bits&memberFlat != 0
	m.Streaming = bits&memberStreaming != 0
	m.BoundsLength = bits&memberBounds != 0
	switch place % 4 {
	case lowerWire:
		m.Wire = lowerFirst(m.Name)
	case explicitWire:
		m.Wire = d.text()
	}
	if bits&memberQueryName != 0 {
		m.QueryName = d.text()
	}
	if bits&memberNamespace != 0 {
		m.Namespace, m.Prefix = d.text(), d.text()
	}
	m.Shape = d.shape(depth + 1)
}
