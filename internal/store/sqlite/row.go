package sqlite

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// keyCols are the columns of a row's key, in the order of keyArgs.
const keyCols = "module, kind, type, name, key, deposed"

// bodyCols are the other columns of state and preimage, in the order of body.args.
const bodyCols = "serial, driver, schema_version, attributes, detail, needs, sealed, sum"

func keyArgs(k object.RowKey) []any {
	a := k.Addr
	return []any{a.Module.String(), a.Kind.String(), a.Type, a.Name.Name, a.Key.String(), k.Deposed}
}

// binding ties a sealed value to its row.
func binding(k object.RowKey) []byte {
	return []byte("state\x00" + k.Addr.String() + "\x00" + k.Deposed)
}

// body is a row as it is stored, but for its key and serial.
type body struct {
	driver        string
	schemaVersion int64
	attributes    []byte // nil when they are sealed
	detail        []byte // JSON of detail; nil when it is all zero
	needs         string // addresses, one a line; addresses hold no line breaks
	sealed        []byte
}

// detail is what few rows have.
type detail struct {
	Tainted   bool              `json:"tainted,omitempty"`
	CBD       bool              `json:"create_before_destroy,omitempty"`
	Forget    bool              `json:"forget,omitempty"`
	Sensitive json.RawMessage   `json:"sensitive,omitempty"` // paths, see object.MarshalPaths
	IdentityV int64             `json:"identity_version,omitempty"`
	Identity  json.RawMessage   `json:"identity,omitempty"`
	Flatmap   map[string]string `json:"flatmap,omitempty"`
}

func (d *detail) isZero() bool {
	return !d.Tainted && !d.CBD && !d.Forget && d.Sensitive == nil && d.IdentityV == 0 && d.Identity == nil && d.Flatmap == nil
}

// encode turns a row into what is stored. Values of a row with sensitive paths are
// sealed as a whole: which part of them may be seen is for drivers to know.
func (s *Store) encode(r *object.State) (*body, error) {
	b := &body{driver: r.Driver, schemaVersion: r.SchemaVersion, needs: joinNeeds(r.Needs)}
	d := detail{Tainted: r.Tainted, CBD: r.CreateBeforeDestroy, Forget: r.Forget, IdentityV: r.IdentityVersion}
	var secrets secretParts
	secrets.private = r.Private
	if len(r.Sensitive) > 0 {
		var err error
		if d.Sensitive, err = object.MarshalPaths(r.Sensitive); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Addr, err)
		}
		secrets.attributes, secrets.identity = r.Attributes, r.Identity
		if r.Flatmap != nil {
			if secrets.flatmap, err = json.Marshal(r.Flatmap); err != nil {
				return nil, fmt.Errorf("%s: %w", r.Addr, err)
			}
		}
	} else {
		b.attributes, d.Identity, d.Flatmap = r.Attributes, r.Identity, r.Flatmap
	}
	if !d.isZero() {
		var err error
		if b.detail, err = json.Marshal(&d); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Addr, err)
		}
	}
	if secrets.empty() {
		return b, nil
	}
	var err error
	b.sealed, err = s.box.Seal(secrets.pack(), binding(r.Key()))
	return b, err
}

// decode is the inverse of encode, for the columns of one row.
func (s *Store) decode(key object.RowKey, serial int64, b *body, needs *needsReader) (*object.State, error) {
	r := &object.State{
		Addr: key.Addr, Deposed: key.Deposed, Driver: b.driver, SchemaVersion: b.schemaVersion,
		Attributes: b.attributes, Serial: serial,
	}
	var err error
	if r.Needs, err = needs.read(b.needs); err != nil {
		return nil, err
	}
	if b.detail != nil {
		if err := decodeDetail(r, b.detail); err != nil {
			return nil, err
		}
	}
	if b.sealed == nil {
		return r, nil
	}
	plain, err := s.box.Open(b.sealed, binding(key))
	if err != nil {
		return nil, s.unsealError(key.Addr.String(), err)
	}
	var secrets secretParts
	if err := secrets.unpack(plain); err != nil {
		return nil, err
	}
	r.Private = secrets.private
	if len(r.Sensitive) == 0 {
		return r, nil
	}
	r.Attributes, r.Identity = secrets.attributes, secrets.identity
	if secrets.flatmap != nil {
		err = json.Unmarshal(secrets.flatmap, &r.Flatmap)
	}
	return r, err
}

func decodeDetail(r *object.State, text []byte) error {
	var d detail
	if err := json.Unmarshal(text, &d); err != nil {
		return err
	}
	r.Tainted, r.CreateBeforeDestroy, r.Forget = d.Tainted, d.CBD, d.Forget
	r.IdentityVersion, r.Identity, r.Flatmap = d.IdentityV, d.Identity, d.Flatmap
	if d.Sensitive == nil {
		return nil
	}
	var err error
	r.Sensitive, err = object.UnmarshalPaths(d.Sensitive)
	return err
}

// args gives the values of bodyCols.
func (b *body) args(serial int64) []any {
	return []any{serial, b.driver, b.schemaVersion, blob(b.attributes), blob(b.detail), b.needs, blob(b.sealed), b.sum()}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is a checksum of the parts that are not authenticated by their encryption.
// SQLite has none of its own: a flipped bit in a row would go unseen.
func (b *body) sum() int64 {
	sum := crc32.Update(0, castagnoli, b.attributes)
	sum = crc32.Update(sum, castagnoli, b.detail)
	sum = crc32.Update(sum, castagnoli, []byte(b.driver))
	sum = crc32.Update(sum, castagnoli, []byte(b.needs))
	return int64(crc32.Update(sum, castagnoli, strconv.AppendInt(nil, b.schemaVersion, 10)))
}

// blob keeps nil apart from empty for the driver.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// secretParts are the values that lie together in the sealed column.
type secretParts struct{ attributes, private, identity, flatmap []byte }

func (p *secretParts) all() [4]*[]byte {
	return [4]*[]byte{&p.attributes, &p.private, &p.identity, &p.flatmap}
}

func (p *secretParts) empty() bool {
	return len(p.attributes) == 0 && len(p.private) == 0 && len(p.identity) == 0 && len(p.flatmap) == 0
}

// pack writes each part with its length before it.
func (p *secretParts) pack() []byte {
	out := make([]byte, 0, len(p.attributes)+len(p.private)+len(p.identity)+len(p.flatmap)+4*binary.MaxVarintLen32)
	for _, part := range p.all() {
		out = binary.AppendUvarint(out, uint64(len(*part)))
		out = append(out, *part...)
	}
	return out
}

func (p *secretParts) unpack(data []byte) error {
	for _, part := range p.all() {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return errors.New("the sealed parts of a row are cut short")
		}
		if n > 0 {
			*part = data[size : size+int(n) : size+int(n)]
		}
		data = data[size+int(n):]
	}
	return nil
}

func joinNeeds(needs []addr.Instance) string {
	if len(needs) == 0 {
		return ""
	}
	var b strings.Builder
	for i, n := range needs {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(n.String())
	}
	return b.String()
}

// needsReader reads needs columns. Instances of one object mostly need the same,
// so the last text that was read is kept, with each object's address.
type needsReader struct {
	text    string
	needs   []addr.Instance
	objects map[string]addr.Object
}

func (n *needsReader) read(text string) ([]addr.Instance, error) {
	if text == "" {
		return nil, nil
	}
	if text == n.text {
		return n.needs, nil
	}
	if n.objects == nil {
		n.objects = map[string]addr.Object{}
	}
	out := make([]addr.Instance, 0, strings.Count(text, "\n")+1)
	for line := range strings.SplitSeq(text, "\n") {
		i, err := n.instance(line)
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	n.text, n.needs = text, out
	return out, nil
}

// instance parses an address; that of an object seen before only as far as its
// key, when that is a number.
func (n *needsReader) instance(text string) (addr.Instance, error) {
	object, key := text, addr.NoKey
	if open := strings.LastIndexByte(text, '['); open >= 0 && strings.HasSuffix(text, "]") {
		if k, ok := intKey(text[open:]); ok {
			object, key = text[:open], k
		}
	}
	if o, ok := n.objects[object]; ok {
		return o.Instance(key), nil
	}
	i, err := addr.ParseInstance(text)
	if err == nil && i.Key == key {
		n.objects[object] = i.Object
	}
	return i, err
}

// intKey reads a key of the form [3].
func intKey(text string) (addr.Key, bool) {
	if len(text) < 3 || text[0] != '[' || text[len(text)-1] != ']' {
		return addr.NoKey, false
	}
	i, err := strconv.Atoi(text[1 : len(text)-1])
	if err != nil || i < 0 {
		return addr.NoKey, false
	}
	return addr.IntKey(i), true
}

// keyReader turns key columns into addresses. Modules, types, names and drivers
// repeat from row to row: each text is kept once.
type keyReader struct {
	modules map[string]addr.Module
	names   map[string]string
}

func newKeyReader() *keyReader {
	return &keyReader{modules: map[string]addr.Module{}, names: map[string]string{}}
}

func (r *keyReader) intern(s string) string {
	if have, ok := r.names[s]; ok {
		return have
	}
	r.names[s] = s
	return s
}

func (r *keyReader) read(c *keyColumns) (object.RowKey, error) {
	mod, ok := r.modules[c.module]
	if !ok {
		var err error
		if mod, err = addr.ParseModule(c.module); err != nil {
			return object.RowKey{}, err
		}
		r.modules[c.module] = mod
	}
	kind := addr.Resource
	if c.kind != kind.String() {
		if kind, ok = addr.Root(c.kind); !ok {
			return object.RowKey{}, fmt.Errorf("%q is not a kind of object", c.kind)
		}
	}
	key, err := parseKey(c.key)
	if err != nil {
		return object.RowKey{}, err
	}
	name := addr.Name{Kind: kind, Type: r.intern(c.typ), Name: r.intern(c.name)}
	return object.RowKey{Addr: addr.Object{Module: mod, Name: name}.Instance(key), Deposed: c.deposed}, nil
}

// keyColumns are the texts of keyCols.
type keyColumns struct{ module, kind, typ, name, key, deposed string }

func (c *keyColumns) dest() []any {
	return []any{&c.module, &c.kind, &c.typ, &c.name, &c.key, &c.deposed}
}

func parseKey(text string) (addr.Key, error) {
	if text == "" {
		return addr.NoKey, nil
	}
	if k, ok := intKey(text); ok {
		return k, nil
	}
	// Package addr reads keys as parts of addresses.
	i, err := addr.ParseInstance("a.b" + text)
	return i.Key, err
}
