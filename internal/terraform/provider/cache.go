package provider

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// cacheMagic begins each cache file; its last byte is the layout's version.
const cacheMagic = "tuttisc\x01"

// maxIndex bounds the index that is read from a cache file: 64 MiB is room for
// half a million types.
const maxIndex = 64 << 20

// headSize: magic, protocol version, length of the index, checksum of the index.
const headSize = len(cacheMagic) + 3*4

// cache keeps providers' schemas on disk by the digest of the executable, so
// that one schema serves every path that the executable lies at.
type cache struct{ dir string }

// openCache gives nil when nothing is to be kept.
func openCache(dir string) *cache {
	if dir == NoCache {
		return nil
	}
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		dir = filepath.Join(user, "tutti", "schema")
	}
	return &cache{dir: dir}
}

// key gives the name under which an executable's schema is kept.
func (c *cache) key(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", err
	}
	name := sha256.Sum256([]byte(abs))
	memo := filepath.Join(c.dir, "digest", hex.EncodeToString(name[:16]))
	stamp := fmt.Sprintf("%d %d ", info.Size(), info.ModTime().UnixNano())
	if known, err := os.ReadFile(memo); err == nil {
		if digest, ok := strings.CutPrefix(string(known), stamp); ok && len(digest) == 2*sha256.Size {
			return digest, nil
		}
	}
	digest, err := fileDigest(abs)
	if err != nil {
		return "", err
	}
	// A file that was written just now may be written again without its time
	// showing it, so that it is not remembered yet.
	if time.Since(info.ModTime()) > 2*time.Second {
		_ = writeAtomic(memo, []byte(stamp+digest))
	}
	return digest, nil
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (c *cache) file(key string) string { return filepath.Join(c.dir, key) }

// load opens what is kept under a key. Only the index is read. Anything that is
// not whole gives an error and is as good as nothing.
func (c *cache) load(key string) (*pieces, error) {
	f, err := os.Open(c.file(key))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, headSize)
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, errDamaged
	}
	version, length, sum, ok := parseHead(head)
	if !ok || int64(length) > info.Size() {
		return nil, errDamaged
	}
	index := make([]byte, length)
	if _, err := io.ReadFull(f, index); err != nil || checksum(index) != sum {
		return nil, errDamaged
	}
	p := &pieces{version: version, file: f.Name()}
	if err := p.parseIndex(index, int64(headSize+len(index))); err != nil {
		return nil, err
	}
	if n := len(p.list); n > 0 && p.end() != info.Size() {
		return nil, errDamaged
	}
	touch(f.Name(), info)
	return p, nil
}

func parseHead(head []byte) (version, length int, sum uint32, ok bool) {
	numbers, ok := bytes.CutPrefix(head, []byte(cacheMagic))
	if !ok {
		return 0, 0, 0, false
	}
	version = int(binary.LittleEndian.Uint32(numbers))
	length = int(binary.LittleEndian.Uint32(numbers[4:]))
	sum = binary.LittleEndian.Uint32(numbers[8:])
	return version, length, sum, (version == 5 || version == 6) && length <= maxIndex
}

// end is the offset behind the last piece.
func (p *pieces) end() int64 {
	var end int64
	for i := range p.list {
		end = max(end, p.list[i].offset+int64(p.list[i].length))
	}
	return end
}

// index writes what parseIndex reads: per piece its part, name, length and
// checksum. Offsets follow from the lengths.
func (p *pieces) index() []byte {
	out := binary.AppendUvarint(nil, uint64(len(p.list)))
	for i := range p.list {
		e := &p.list[i]
		out = append(out, byte(e.part))
		out = binary.AppendUvarint(out, uint64(len(e.name)))
		out = append(out, e.name...)
		out = binary.AppendUvarint(out, uint64(e.length))
		out = binary.LittleEndian.AppendUint32(out, e.sum)
	}
	return out
}

func (p *pieces) parseIndex(raw []byte, offset int64) error {
	r := indexReader{rest: raw}
	count := r.uvarint()
	if count > uint64(len(raw)) {
		return errDamaged
	}
	p.list = make([]piece, 0, count)
	for range count {
		e := piece{offset: offset}
		e.part = part(r.bytes(1)[0])
		e.name = string(r.bytes(r.uvarint()))
		length := r.uvarint()
		e.sum = binary.LittleEndian.Uint32(r.bytes(4))
		if r.bad || length > 1<<31 {
			return errDamaged
		}
		e.length = int(length)
		offset += int64(length)
		p.list = append(p.list, e)
	}
	if len(r.rest) > 0 {
		return errDamaged
	}
	return nil
}

// indexReader reads an index; what is missing reads as zero and sets bad.
type indexReader struct {
	rest []byte
	bad  bool
}

func (r *indexReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *indexReader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return make([]byte, 4)
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

// store writes the pieces under a key and gives them as they are in the file.
func (c *cache) store(key string, p *pieces) (*pieces, error) {
	index := p.index()
	size := headSize + len(index)
	for i := range p.list {
		size += p.list[i].length
	}
	out := make([]byte, 0, size)
	out = append(out, cacheMagic...)
	out = binary.LittleEndian.AppendUint32(out, uint32(p.version))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(index)))
	out = binary.LittleEndian.AppendUint32(out, checksum(index))
	out = append(out, index...)
	for i := range p.list {
		if p.list[i].data == nil {
			return nil, errors.New("schema cache: a piece is not in memory")
		}
		out = append(out, p.list[i].data...)
	}
	if err := writeAtomic(c.file(key), out); err != nil {
		return nil, err
	}
	prune(c.dir, time.Now())
	prune(filepath.Join(c.dir, "digest"), time.Now())
	return c.load(key)
}

// writeAtomic replaces a file in one step, so that a reader sees the old or the
// new whole. It is not synced: what a power cut damages is noticed and made anew.
func writeAtomic(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
