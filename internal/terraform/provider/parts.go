package provider

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"tutti/internal/terraform/provider/tfplugin6"
)

// part says what one piece of a provider's schema describes. The numbers are
// those of the fields of GetProviderSchema.Response and are stored in caches.
type part uint8

const (
	partProvider     part = 1
	partManaged      part = 2
	partData         part = 3
	partDiagnostics  part = 4
	partMeta         part = 5
	partCapabilities part = 6
	partFunction     part = 7
	partEphemeral    part = 8
	partIdentity     part = 100 // from GetResourceIdentitySchemas
)

// piece is one schema, encoded, in memory or in a cache file.
type piece struct {
	part   part
	name   string
	offset int64
	length int
	sum    uint32
	data   []byte // nil when it is in the file
}

// pieces are a provider's schemas cut apart but not decoded: a provider can have
// thousands of which a configuration uses ten. Sorted by part and name.
type pieces struct {
	version int // of the protocol
	list    []piece
	file    string // where pieces without data are
}

var errDamaged = errors.New("schema cache is damaged")

// cut takes apart the encoded answers of GetProviderSchema and, unless nil, of
// GetResourceIdentitySchemas.
func cut(version int, schema, identity []byte) (*pieces, error) {
	p := &pieces{version: version}
	if err := p.cutMessage(schema, func(n protowire.Number) (part, bool) {
		switch q := part(n); {
		case n >= 1 && n <= 8:
			return q, q == partManaged || q == partData || q == partFunction || q == partEphemeral
		}
		return 0, false
	}); err != nil {
		return nil, err
	}
	if err := p.cutMessage(identity, func(n protowire.Number) (part, bool) {
		if n == 1 {
			return partIdentity, true
		}
		return 0, false
	}); err != nil {
		return nil, err
	}
	slices.SortStableFunc(p.list, comparePieces)
	return p, nil
}

func comparePieces(a, b piece) int {
	if a.part != b.part {
		return int(a.part) - int(b.part)
	}
	return strings.Compare(a.name, b.name)
}

// cutMessage walks over the fields of a message; sort says which part a field is
// (0 to leave it out) and whether it is a map's entry.
func (p *pieces) cutMessage(raw []byte, sort func(protowire.Number) (part, bool)) error {
	for len(raw) > 0 {
		num, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		what, keyed := sort(num)
		if what == 0 || kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(num, kind, raw); n < 0 {
				return protowire.ParseError(n)
			}
			raw = raw[n:]
			continue
		}
		field, n := protowire.ConsumeBytes(raw)
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		name := ""
		if keyed {
			var err error
			if name, field, err = mapEntry(field); err != nil {
				return err
			}
		}
		p.list = append(p.list, piece{part: what, name: name, length: len(field), sum: checksum(field), data: field})
	}
	return nil
}

// mapEntry splits an entry of a map from string to message.
func mapEntry(raw []byte) (key string, value []byte, err error) {
	value = []byte{}
	for len(raw) > 0 {
		num, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return "", nil, protowire.ParseError(n)
		}
		raw = raw[n:]
		if kind != protowire.BytesType {
			return "", nil, fmt.Errorf("map entry has a field of wire type %d", kind)
		}
		b, n := protowire.ConsumeBytes(raw)
		if n < 0 {
			return "", nil, protowire.ParseError(n)
		}
		raw = raw[n:]
		switch num {
		case 1:
			key = string(b)
		case 2:
			value = b
		}
	}
	return key, value, nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// find gives the piece, or nil when the provider has none such.
func (p *pieces) find(what part, name string) *piece {
	i, ok := slices.BinarySearchFunc(p.list, piece{part: what, name: name}, comparePieces)
	if !ok {
		return nil
	}
	return &p.list[i]
}

// read gives a piece's encoded bytes, checked.
func (p *pieces) read(e *piece) ([]byte, error) {
	if e.data != nil {
		return e.data, nil
	}
	f, err := os.Open(p.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, e.length)
	if _, err := f.ReadAt(data, e.offset); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if checksum(data) != e.sum {
		return nil, errDamaged
	}
	return data, nil
}

// diagnostics are what the provider said instead of, or beside, its schemas.
func (p *pieces) diagnostics() ([]*tfplugin6.Diagnostic, error) {
	var out []*tfplugin6.Diagnostic
	for i := range p.list {
		if p.list[i].part != partDiagnostics {
			continue
		}
		raw, err := p.read(&p.list[i])
		if err != nil {
			return nil, err
		}
		var d tfplugin6.Diagnostic
		if err := proto.Unmarshal(raw, &d); err != nil {
			return nil, err
		}
		out = append(out, &d)
	}
	return out, nil
}

// types decodes resource types on first use. It is safe for concurrent use.
type types struct {
	mu      sync.Mutex
	pieces  *pieces
	decoded map[typeKey]*Type
	// reload asks the provider again when the cache turns out to be damaged.
	reload func() (*pieces, error)
}

type typeKey struct {
	kind Kind
	name string
}

var _ TypeSource = (*types)(nil)

func (k Kind) part() part {
	switch k {
	case Managed:
		return partManaged
	case Data:
		return partData
	case Ephemeral:
		return partEphemeral
	default:
		panic(fmt.Sprintf("provider: invalid kind %d", k))
	}
}

func (t *types) Names(kind Kind) []string {
	var out []string
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.pieces.list {
		if t.pieces.list[i].part == kind.part() {
			out = append(out, t.pieces.list[i].name)
		}
	}
	return out
}

// Type gives nil for a type whose schema cannot be understood, too; calls that
// need it say why.
func (t *types) Type(kind Kind, name string) *Type {
	ty, _ := t.lookup(kind, name)
	return ty
}

func (t *types) lookup(kind Kind, name string) (*Type, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := typeKey{kind, name}
	if ty, ok := t.decoded[key]; ok {
		return ty, nil
	}
	ty, err := t.pieces.decode(kind, name)
	if errors.Is(err, errDamaged) || errors.Is(err, os.ErrNotExist) {
		if fresh, reloadErr := t.reload(); reloadErr == nil {
			t.pieces = fresh
			ty, err = t.pieces.decode(kind, name)
		}
	}
	if err != nil {
		return nil, err
	}
	t.decoded[key] = ty
	return ty, nil
}

func (p *pieces) decode(kind Kind, name string) (*Type, error) {
	e := p.find(kind.part(), name)
	if e == nil {
		return nil, nil
	}
	raw, err := p.read(e)
	if err != nil {
		return nil, err
	}
	ty, err := decodeSchema(p.version, raw)
	if err != nil || kind != Managed {
		return ty, err
	}
	if e = p.find(partIdentity, name); e == nil {
		return ty, nil
	}
	if raw, err = p.read(e); err != nil {
		return nil, err
	}
	ty.Identity, ty.IdentityVersion, err = decodeIdentity(raw)
	return ty, err
}

// check sees that every piece can be understood, once, before it is kept: later
// a type is decoded where nobody expects an error.
func (p *pieces) check() error {
	if _, err := p.schema(nil); err != nil {
		return err
	}
	for i := range p.list {
		e := &p.list[i]
		for _, kind := range []Kind{Managed, Data, Ephemeral} {
			if e.part != kind.part() {
				continue
			}
			if _, err := p.decode(kind, e.name); err != nil {
				return fmt.Errorf("%s %s: %w", kind, e.name, err)
			}
		}
	}
	return nil
}

// schema decodes what every user of a provider needs; types are left for later.
func (p *pieces) schema(reload func() (*pieces, error)) (*Schema, error) {
	s := &Schema{
		Functions: map[string]*Function{},
		Types:     &types{pieces: p, decoded: map[typeKey]*Type{}, reload: reload},
		Provider:  &Block{},
	}
	for i := range p.list {
		if err := p.addTo(s, &p.list[i]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (p *pieces) addTo(s *Schema, e *piece) error {
	switch e.part {
	case partProvider, partMeta, partCapabilities, partFunction:
	default:
		return nil
	}
	raw, err := p.read(e)
	if err != nil {
		return err
	}
	switch e.part {
	case partProvider, partMeta:
		ty, err := decodeSchema(p.version, raw)
		if err != nil {
			return fmt.Errorf("schema of the provider itself: %w", err)
		}
		if e.part == partProvider {
			s.Provider = ty.Block
		} else {
			s.ProviderMeta = ty.Block
		}
	case partCapabilities:
		var c tfplugin6.ServerCapabilities
		if err := proto.Unmarshal(raw, &c); err != nil {
			return err
		}
		s.Capabilities = Capabilities{c.PlanDestroy, c.GetProviderSchemaOptional, c.MoveResourceState, c.GenerateResourceConfig}
	default:
		f, err := decodeFunction(raw)
		if err != nil {
			return fmt.Errorf("function %s: %w", e.name, err)
		}
		s.Functions[e.name] = f
	}
	return nil
}
