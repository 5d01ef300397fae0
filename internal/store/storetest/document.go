package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"tutti/internal/store"
)

func documentTests() map[string]func(*testing.T, Open) {
	return map[string]func(*testing.T, Open){
		"document/put and read": documentPut,
		"document/conditions":   documentConditions,
		"document/list":         documentList,
		"document/counter":      documentCounter,
	}
}

func documentPut(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	if _, err := s.Document(ctx, "machine", "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a document that does not exist: %v", err)
	}
	check(t, s.PutDocuments(ctx, nil))
	check(t, s.PutDocuments(ctx, []store.DocumentWrite{{Kind: "machine", Key: "a", Value: []byte("1\x00\xff")}, {Kind: "alias", Key: "a", Value: []byte("2")},
		{Kind: "machine", Key: "", Value: nil}}))
	check(t, s.Close())
	s = open(t, dir)
	defer s.Close()
	expect := func(kind, key, want string) int64 {
		t.Helper()
		d, err := s.Document(ctx, kind, key)
		check(t, err)
		if string(d.Value) != want || d.Serial <= 0 || d.Kind != kind || d.Key != key {
			t.Errorf("%+v, want %q", d, want)
		}
		return d.Serial
	}
	first := expect("machine", "a", "1\x00\xff")
	expect("alias", "a", "2")
	expect("machine", "", "")
	check(t, s.PutDocuments(ctx, []store.DocumentWrite{{Kind: "machine", Key: "a", Value: []byte("3")}, {Kind: "alias", Key: "a", Delete: true},
		{Kind: "alias", Key: "never", Delete: true}}))
	second := expect("machine", "a", "3")
	if second <= first {
		t.Errorf("serial %d after %d", second, first)
	}
	if _, err := s.Document(ctx, "alias", "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a document that was deleted: %v", err)
	}
	check(t, s.PutDocuments(ctx, []store.DocumentWrite{{Kind: "machine", Key: "a", Delete: true}}))
	check(t, s.PutDocuments(ctx, []store.DocumentWrite{{Kind: "machine", Key: "a", Value: []byte("3")}}))
	if third := expect("machine", "a", "3"); third <= second {
		t.Errorf("made again with serial %d after %d", third, second)
	}
}

func documentConditions(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	absent := store.Condition{Absent: true}
	check(t, s.PutDocuments(ctx, []store.DocumentWrite{{Kind: "k", Key: "a", Value: []byte("1"), If: absent}}))
	d, err := s.Document(ctx, "k", "a")
	check(t, err)
	for name, w := range map[string]store.DocumentWrite{
		"put where one is":     {Kind: "k", Key: "a", Value: []byte("x"), If: absent},
		"put over a new one":   {Kind: "k", Key: "a", Value: []byte("x"), If: store.Condition{Serial: d.Serial + 1}},
		"delete a new one":     {Kind: "k", Key: "a", Delete: true, If: store.Condition{Serial: d.Serial + 1}},
		"put over none":        {Kind: "k", Key: "none", Value: []byte("x"), If: store.Condition{Serial: 1}},
		"delete where none is": {Kind: "k", Key: "none", Delete: true, If: store.Condition{Serial: 1}},
	} {
		var conflict *store.ConflictError
		// All of a call's writes are refused with the one.
		err := s.PutDocuments(ctx, []store.DocumentWrite{{Kind: "k", Key: "beside", Value: []byte("x")}, w})
		if !errors.As(err, &conflict) || conflict.Key != w.Key || conflict.Kind != "k" || (conflict.Serial == 0) != (w.Key == "none") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := s.ListDocuments(ctx, store.DocumentFilter{Kind: "k"}); err != nil || len(all) != 1 || all[0].Serial != d.Serial {
		t.Errorf("%+v, %v", all, err)
	}
	check(t, s.PutDocuments(ctx, []store.DocumentWrite{{Kind: "k", Key: "a", Value: []byte("2"), If: store.Condition{Serial: d.Serial}},
		{Kind: "k", Key: "b", Value: []byte("3"), If: absent}}))
}

func documentList(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	var writes []store.DocumentWrite
	for _, key := range []string{"b", "a", "ab", "a\xff", "a\xffz", "abc", "ä", "B"} {
		writes = append(writes, store.DocumentWrite{Kind: "k", Key: key, Value: []byte("v" + key)})
	}
	check(t, s.PutDocuments(ctx, append(writes, store.DocumentWrite{Kind: "other", Key: "ab"})))
	for name, c := range map[string]struct {
		filter store.DocumentFilter
		want   []string
	}{
		"all":                {store.DocumentFilter{Kind: "k"}, []string{"B", "a", "ab", "abc", "a\xff", "a\xffz", "b", "ä"}},
		"a page":             {store.DocumentFilter{Kind: "k", Limit: 3}, []string{"B", "a", "ab"}},
		"the next page":      {store.DocumentFilter{Kind: "k", Limit: 3, After: "ab"}, []string{"abc", "a\xff", "a\xffz"}},
		"prefix":             {store.DocumentFilter{Kind: "k", Prefix: "a"}, []string{"a", "ab", "abc", "a\xff", "a\xffz"}},
		"a page of a prefix": {store.DocumentFilter{Kind: "k", Prefix: "a", After: "ab", Limit: 2}, []string{"abc", "a\xff"}},
		"prefix with 0xff":   {store.DocumentFilter{Kind: "k", Prefix: "a\xff"}, []string{"a\xff", "a\xffz"}},
		"after a prefix":     {store.DocumentFilter{Kind: "k", Prefix: "a", After: "b"}, nil},
		"before a prefix":    {store.DocumentFilter{Kind: "k", Prefix: "ab", After: "B"}, []string{"ab", "abc"}},
		"no such kind":       {store.DocumentFilter{Kind: "x"}, nil},
	} {
		found, err := s.ListDocuments(ctx, c.filter)
		check(t, err)
		var keys []string
		for _, d := range found {
			keys = append(keys, d.Key)
			if string(d.Value) != "v"+d.Key || d.Kind != "k" || d.Serial <= 0 {
				t.Errorf("%s: %+v", name, d)
			}
		}
		if fmt.Sprintf("%q", keys) != fmt.Sprintf("%q", c.want) {
			t.Errorf("%s: %q, want %q", name, keys, c.want)
		}
	}
}

// documentCounter has many count one document up, each on the condition that nobody
// else has meanwhile.
func documentCounter(t *testing.T, open Open) {
	const callers, times = 4, 25
	s := fresh(t, open)
	ctx := context.Background()
	check(t, s.PutDocuments(ctx, []store.DocumentWrite{{Kind: "k", Key: "n", Value: []byte("0")}}))
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for done := 0; done < times; {
				d, err := s.Document(ctx, "k", "n")
				if err != nil {
					t.Error(err)
					return
				}
				var n int
				_, _ = fmt.Sscan(string(d.Value), &n)
				err = s.PutDocuments(ctx, []store.DocumentWrite{{Kind: "k", Key: "n", Value: fmt.Append(nil, n+1), If: store.Condition{Serial: d.Serial}}})
				var conflict *store.ConflictError
				switch {
				case err == nil:
					done++
				case !errors.As(err, &conflict):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if d, err := s.Document(ctx, "k", "n"); err != nil || string(d.Value) != fmt.Sprint(callers*times) {
		t.Errorf("%s, %v", d.Value, err)
	}
}
