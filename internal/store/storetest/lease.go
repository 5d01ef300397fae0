package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tutti/internal/addr"
	"tutti/internal/store"
)

func leaseTests() map[string]func(*testing.T, Open) {
	return map[string]func(*testing.T, Open){
		"lease/overlap":           leaseOverlap,
		"lease/renew and release": leaseRenew,
		"lease/break":             leaseBreak,
	}
}

func lease(t testing.TB, run store.RunID, objects ...string) store.Lease {
	t.Helper()
	l := store.Lease{Run: run, Holder: "ann@host, process 1", Reason: "tutti up", Whole: len(objects) == 0}
	for _, text := range objects {
		o, err := addr.ParseObject(text)
		check(t, err)
		l.Objects = append(l.Objects, o)
	}
	return l
}

func leaseOverlap(t *testing.T, open Open) {
	tests := []struct {
		name       string
		have, want []string
		both       string // objects named in the error; "-" when there must be none
	}{
		{"disjoint", []string{"a.x", "a.y"}, []string{"a.z", "b.x"}, "-"},
		{"one", []string{"a.x", "a.y"}, []string{"a.z", "a.y"}, "a.y"},
		{"modules differ", []string{"module.m.a.x"}, []string{"a.x", "module.n.a.x", "module.m[0].a.x"}, "-"},
		{"all", []string{`module.m["k"].a.x`, "b.y"}, []string{`module.m["k"].a.x`, "b.y"}, `b.y module.m["k"].a.x`},
		{"whole against some", nil, []string{"a.x"}, ""},
		{"some against whole", []string{"a.x"}, nil, ""},
		{"whole against whole", nil, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := fresh(t, open)
			ctx := context.Background()
			check(t, s.Acquire(ctx, lease(t, 1, tt.have...)))
			err := s.Acquire(ctx, lease(t, 2, tt.want...))
			if tt.both == "-" {
				check(t, err)
				return
			}
			var held *store.HeldError
			if !errors.As(err, &held) {
				t.Fatalf("acquired beside the other: %v", err)
			}
			var names []string
			for _, o := range held.Objects {
				names = append(names, o.String())
			}
			if got := strings.Join(names, " "); got != tt.both {
				t.Errorf("the error names %q, want %q", got, tt.both)
			}
			if held.Holder.Run != 1 || !strings.Contains(err.Error(), "ann@host") || !strings.Contains(err.Error(), "tutti up") {
				t.Errorf("the error does not tell who: %v", err)
			}
			if all, err := s.Held(ctx); err != nil || len(all) != 1 {
				t.Errorf("a refused lease left something: %+v, %v", all, err)
			}
		})
	}
}

func leaseRenew(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	first := lease(t, 1, "a.x")
	first.Since = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	check(t, s.Acquire(ctx, first))
	check(t, s.Acquire(ctx, lease(t, 1, "a.x")))
	check(t, s.Acquire(ctx, lease(t, 1, "a.x", "a.y")))
	held, err := s.Held(ctx)
	check(t, err)
	if len(held) != 1 || len(held[0].Objects) != 2 || !held[0].Since.Equal(first.Since) {
		t.Errorf("after renewing: %+v", held)
	}
	if err := s.Acquire(ctx, lease(t, 2, "a.y")); err == nil {
		t.Error("what was added by renewing is not held")
	}
	check(t, s.Release(ctx, 2)) // of another run: nothing
	check(t, s.Release(ctx, 1))
	check(t, s.Release(ctx, 1))
	check(t, s.Acquire(ctx, lease(t, 2, "a.y")))
}

func leaseBreak(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	check(t, s.Acquire(ctx, lease(t, 1)))
	check(t, s.Break(ctx, 1))
	check(t, s.Acquire(ctx, lease(t, 2)))
	held, err := s.Held(ctx)
	check(t, err)
	if len(held) != 1 || held[0].Run != 2 || !held[0].Whole {
		t.Errorf("held: %+v", held)
	}
}
