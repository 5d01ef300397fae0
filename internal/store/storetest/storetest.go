// Package storetest is the conformance suite of stores: what every implementation
// of package store must do, seen from outside through its contract.
//
// In: how to open a store. Out: test results. It must not know any implementation.
package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/object"
	"tutti/internal/store"
)

// Open opens the store of the stack in dir, an existing folder; what was stored
// there before must be in it. It fails the test when it cannot.
type Open func(t testing.TB, dir string) store.Store

// Run runs all tests that need one process only.
func Run(t *testing.T, open Open) {
	for _, group := range []map[string]func(*testing.T, Open){stateTests(), runTests(), journalTests(), leaseTests(), beginTests(),
		documentTests(), deleteTests()} {
		names := make([]string, 0, len(group))
		for name := range group {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			t.Run(name, func(t *testing.T) { group[name](t, open) })
		}
	}
}

// fresh opens a new store that is closed with the test.
func fresh(t *testing.T, open Open) store.Store {
	t.Helper()
	s := open(t, t.TempDir())
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func instance(t testing.TB, text string) addr.Instance {
	t.Helper()
	i, err := addr.ParseInstance(text)
	check(t, err)
	return i
}

func key(t testing.TB, text string) object.RowKey {
	t.Helper()
	return object.RowKey{Addr: instance(t, text)}
}

// row makes a plain row whose attributes say what it is.
func row(t testing.TB, address, value string) *object.State {
	t.Helper()
	return &object.State{
		Addr: instance(t, address), Driver: "test", Attributes: fmt.Appendf(nil, `{"value":%q}`, value), Private: []byte("p-" + value),
	}
}

func put(t testing.TB, address, value string) store.Write {
	t.Helper()
	return store.Write{Put: row(t, address, value)}
}

func remove(t testing.TB, address string) store.Write {
	t.Helper()
	k := key(t, address)
	return store.Write{Delete: &k}
}

// values gives each row's address (with its deposed key) and value attribute.
func values(t testing.TB, s store.Store) map[string]string {
	t.Helper()
	snap, err := s.Snapshot(context.Background())
	check(t, err)
	out := map[string]string{}
	for _, r := range snap.Rows {
		var a struct{ Value string }
		check(t, json.Unmarshal(r.Attributes, &a))
		name := r.Addr.String()
		if r.Deposed != "" {
			name += " " + r.Deposed
		}
		out[name] = a.Value
		if !bytes.Equal(r.Private, []byte("p-"+a.Value)) {
			t.Errorf("%s: private %q beside value %q", name, r.Private, a.Value)
		}
	}
	return out
}

func expectValues(t testing.TB, s store.Store, want map[string]string) {
	t.Helper()
	if got := values(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("the rows are %v, want %v", got, want)
	}
}

func newRun(t testing.TB, s store.Store) store.RunID {
	t.Helper()
	id, err := s.CreateRun(context.Background(), store.Run{Machine: "test", Command: "up"})
	check(t, err)
	return id
}

// options compare rows and events: nil and empty are the same, times are instants.
func options() cmp.Options {
	return cmp.Options{
		cmpopts.EquateEmpty(),
		cmp.AllowUnexported(addr.Module{}, addr.Key{}),
		cmp.Comparer(func(a, b cty.Path) bool { return a.Equals(b) }),
	}
}
