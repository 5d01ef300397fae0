package tfstate

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// large makes a state of n instances, each of which needs others.
func large(n int) *File {
	f := &File{Lineage: "L"}
	for i := range n / 2 {
		a := data("a", addr.IntKey(i), fmt.Sprintf("id-%d", i), fmt.Sprintf(`"value of %d"`, i))
		f.Rows = append(f.Rows, a, data("b", addr.IntKey(i), fmt.Sprintf("id-%d", i), `"b"`, a.Addr))
	}
	return f
}

func BenchmarkRead(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("%d instances", n), func(b *testing.B) {
			var src bytes.Buffer
			if err := large(n).Write(&src); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(src.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if f := mustRead(b, src.Bytes(), "x"); len(f.Rows) != n {
					b.Fatal(len(f.Rows))
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("%d instances", n), func(b *testing.B) {
			f := large(n)
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Write(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestLarge writes and reads 100,000 instances: the same ones come back.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("100,000 instances take a few seconds: not with -short")
	}
	const n = 100_000
	f := large(n)
	again := mustRead(t, []byte(text(t, f)), "x")
	if len(again.Rows) != n {
		t.Fatalf("%d rows", len(again.Rows))
	}
	byKey := map[object.RowKey]*object.State{}
	for _, r := range again.Rows {
		byKey[r.Key()] = r
	}
	for _, r := range f.Rows {
		if got := byKey[r.Key()]; got == nil || !bytes.Equal(got.Attributes, r.Attributes) || len(got.Needs) != len(r.Needs) {
			t.Fatalf("%s came back as %+v", r.Addr, got)
		}
	}
}
