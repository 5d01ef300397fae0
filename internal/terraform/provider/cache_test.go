package provider

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"tutti/internal/terraform/provider/tfplugin6"
)

// answer is an encoded schema with one resource type of the given description.
func answer(t testing.TB, description string) []byte {
	t.Helper()
	raw, err := proto.Marshal(&tfplugin6.GetProviderSchema_Response{
		Provider: &tfplugin6.Schema{Block: &tfplugin6.Schema_Block{}},
		ResourceSchemas: map[string]*tfplugin6.Schema{
			"a_b": {Version: 3, Block: &tfplugin6.Schema_Block{Description: description}},
			"a_c": {},
		},
		ServerCapabilities: &tfplugin6.ServerCapabilities{PlanDestroy: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func stored(t testing.TB, c *cache) *pieces {
	t.Helper()
	p, err := cut(6, answer(t, "text"), nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := c.store("key", p)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestCacheRoundTrip(t *testing.T) {
	kept := stored(t, &cache{dir: filepath.Join(t.TempDir(), "deep", "down")})
	for i := range kept.list {
		if kept.list[i].data != nil {
			t.Errorf("piece %q is in memory", kept.list[i].name)
		}
	}
	s, err := kept.schema(nil)
	if err != nil {
		t.Fatal(err)
	}
	ty := s.Types.Type(Managed, "a_b")
	if ty == nil || ty.Version != 3 || ty.Block.Description != "text" || !s.Capabilities.PlanDestroy {
		t.Errorf("read back %+v, %+v", ty, s.Capabilities)
	}
	if got := s.Types.Names(Managed); len(got) != 2 || got[0] != "a_b" || got[1] != "a_c" {
		t.Errorf("names %v", got)
	}
	if s.Types.Type(Managed, "a_d") != nil || s.Types.Type(Data, "a_b") != nil {
		t.Error("a type that is not there was found")
	}
}

// TestCacheDamage damages each byte in turn: what is read is right or refused.
func TestCacheDamage(t *testing.T) {
	c := &cache{dir: t.TempDir()}
	stored(t, c)
	whole, err := os.ReadFile(c.file("key"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x5a
		if err := os.WriteFile(c.file("key"), damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		readsWholeOrNot(t, c, i)
		if err := os.WriteFile(c.file("key"), whole[:i], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.load("key"); err == nil {
			t.Errorf("cut to %d bytes it was taken", i)
		}
	}
}

func readsWholeOrNot(t *testing.T, c *cache, at int) {
	kept, err := c.load("key")
	if err != nil {
		return
	}
	asked := 0
	fresh, err := cut(6, answer(t, "text"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := kept.schema(func() (*pieces, error) { asked++; return fresh, nil })
	if err != nil {
		return
	}
	if ty := s.Types.Type(Managed, "a_b"); ty == nil || ty.Block.Description != "text" {
		t.Errorf("byte %d damaged: read %+v", at, ty)
	}
	if asked > 1 {
		t.Errorf("byte %d damaged: the provider was asked %d times", at, asked)
	}
}

func TestDigestIsRemembered(t *testing.T) {
	c := &cache{dir: t.TempDir()}
	file := filepath.Join(t.TempDir(), "provider")
	put := func(text string, age time.Duration) string {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
		key, err := c.key(file)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	one := put("one", time.Hour)
	if again, err := c.key(file); err != nil || again != one {
		t.Errorf("again: %s, %v", again, err)
	}
	if memos, _ := filepath.Glob(filepath.Join(c.dir, "digest", "*")); len(memos) != 1 {
		t.Errorf("remembered %v", memos)
	}
	if put("two", time.Minute) == one {
		t.Error("a changed file has the old digest")
	}
	// Written just now: neither taken from memory nor remembered.
	three := put("thr", 0)
	if four := put("for", 0); four == three {
		t.Error("a file that was just written has the digest of what it was before")
	}
}

func TestPrune(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	put := func(name string, age time.Duration) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for i := range maxKept {
		put(fmt.Sprintf("recent%d", i), time.Duration(i)*time.Minute)
	}
	surplus, old := put("surplus", 30*24*time.Hour), put("old", maxUnused+time.Hour)
	if err := os.Mkdir(filepath.Join(dir, "digest"), 0o700); err != nil {
		t.Fatal(err)
	}
	prune(dir, now)
	for _, path := range []string{surplus, old} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != maxKept+1 {
		t.Errorf("%d entries are left, %v", len(left), err)
	}
}

func TestUseKeepsACacheYoung(t *testing.T) {
	c := &cache{dir: t.TempDir()}
	stored(t, c)
	long := time.Now().Add(-30 * 24 * time.Hour)
	if err := os.Chtimes(c.file("key"), long, long); err != nil {
		t.Fatal(err)
	}
	if _, err := c.load("key"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(c.file("key")); err != nil || info.ModTime().Equal(long) {
		t.Errorf("last used %v, %v", info.ModTime(), err)
	}
}

func TestCutRefusesGarbage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		p, err := cut(6, raw, raw)
		if err != nil {
			return
		}
		s, err := p.schema(func() (*pieces, error) { return nil, errors.New("none") })
		if err != nil {
			return
		}
		for _, kind := range []Kind{Managed, Data, Ephemeral} {
			for _, name := range s.Types.Names(kind) {
				s.Types.Type(kind, name)
			}
		}
	})
}

func FuzzParseIndex(f *testing.F) {
	p, err := cut(6, answer(f, "text"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.index())
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p pieces
		if p.parseIndex(raw, 0) == nil && len(p.list) > len(raw) {
			t.Errorf("%d pieces from %d bytes", len(p.list), len(raw))
		}
	})
}

func FuzzDecodeSchema(f *testing.F) {
	raw, err := proto.Marshal(&tfplugin6.Schema{Block: &tfplugin6.Schema_Block{
		Attributes: []*tfplugin6.Schema_Attribute{{Name: "a", Type: []byte(`"string"`)}, {Name: "n", NestedType: &tfplugin6.Schema_Object{Nesting: 2}}},
		BlockTypes: []*tfplugin6.Schema_NestedBlock{{TypeName: "b", Nesting: 3, Block: &tfplugin6.Schema_Block{}}},
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(true, raw)
	f.Fuzz(func(t *testing.T, six bool, raw []byte) {
		version := 5
		if six {
			version = 6
		}
		ty, err := decodeSchema(version, raw)
		if err == nil {
			ty.Block.ImpliedType()
		}
	})
}

// largeAnswer is a schema like that of a large cloud provider: 1,500 types,
// about 30 MB.
func largeAnswer(b *testing.B) []byte {
	b.Helper()
	block := func(n int) *tfplugin6.Schema_Block {
		out := &tfplugin6.Schema_Block{}
		for i := range n {
			out.Attributes = append(out.Attributes, &tfplugin6.Schema_Attribute{
				Name: fmt.Sprintf("attribute_%d", i), Type: []byte(`["map","string"]`), Optional: true,
				Description: strings.Repeat("what it is for ", 14),
			})
		}
		return out
	}
	msg := &tfplugin6.GetProviderSchema_Response{ResourceSchemas: map[string]*tfplugin6.Schema{}}
	for i := range 1500 {
		top := block(40)
		top.BlockTypes = []*tfplugin6.Schema_NestedBlock{{TypeName: "nested", Nesting: tfplugin6.Schema_NestedBlock_LIST, Block: block(40)}}
		msg.ResourceSchemas[fmt.Sprintf("large_type_%d", i)] = &tfplugin6.Schema{Block: top}
	}
	raw, err := proto.Marshal(msg)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// BenchmarkLargeSchema: what a provider costs once, when its schema is first
// seen, and what it costs a command that needs ten of its types from the cache.
func BenchmarkLargeSchema(b *testing.B) {
	raw, c := largeAnswer(b), &cache{dir: b.TempDir()}
	b.Run("first", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			p, err := cut(6, raw, nil)
			if err != nil {
				b.Fatal(err)
			}
			if err := p.check(); err != nil {
				b.Fatal(err)
			}
			if _, err := c.store("key", p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p, err := c.load("key")
			if err != nil {
				b.Fatal(err)
			}
			s, err := p.schema(nil)
			if err != nil {
				b.Fatal(err)
			}
			for i := range 10 {
				if s.Types.Type(Managed, fmt.Sprintf("large_type_%d", i*100)) == nil {
					b.Fatal("no such type")
				}
			}
		}
	})
}
