package secret

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
)

func TestBoxRoundTrip(t *testing.T) {
	b := NewBox(RingOf(NewKey()))
	for _, plain := range [][]byte{{}, []byte("x"), bytes.Repeat([]byte("long"), 100_000)} {
		sealed, err := b.Seal(plain, []byte("row 1"))
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) != len(plain)+Overhead {
			t.Errorf("%d bytes became %d", len(plain), len(sealed))
		}
		got, err := b.Open(sealed, []byte("row 1"))
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("opened to %d bytes, %v", len(got), err)
		}
		if _, err := b.Open(sealed, []byte("row 2")); !errors.Is(err, ErrDamaged) {
			t.Errorf("opened in another place: %v", err)
		}
	}
}

func TestBoxTellsWrongKeyFromDamage(t *testing.T) {
	b := NewBox(RingOf(NewKey()))
	sealed, err := b.Seal([]byte("hunter2"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewBox(RingOf(NewKey())).Open(sealed, nil); !errors.Is(err, ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	if _, err := NewBox(NewRing("", filepath.Join(t.TempDir(), "key"))).Open(sealed, nil); !errors.Is(err, ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		want := ErrDamaged
		if i >= 1 && i < headerSize {
			want = ErrWrongKey
		}
		if _, err := b.Open(bad, nil); !errors.Is(err, want) {
			t.Errorf("byte %d changed: %v, want %v", i, err, want)
		}
	}
	for n := range sealed {
		if _, err := b.Open(sealed[:n], nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

func TestBoxSealsDifferentlyEachTime(t *testing.T) {
	b := NewBox(RingOf(NewKey()))
	one, _ := b.Seal([]byte("same"), nil)
	two, _ := b.Seal([]byte("same"), nil)
	if bytes.Equal(one, two) {
		t.Error("equal values are sealed equally, which shows that they are equal")
	}
}
