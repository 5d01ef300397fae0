package planner_test

import (
	"context"
	"fmt"
	"testing"

	"tutti/internal/addr"
	"tutti/internal/object"
	"tutti/internal/object/objecttest"
	"tutti/internal/planner"
)

// BenchmarkPlan plans two times n instances, each of the second needing one of the
// first: its cost has to grow with n and not faster.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{500, 5000} {
		config := fmt.Sprintf("a count=%d\nb count=%d uses=a[.]", n, n)
		for _, bc := range []struct {
			name, config string
			mode         object.Mode
			empty        bool
		}{{"create", config, object.Normal, true}, {"nothing", config, object.Normal, false}, {"destroy", config, object.Destroy, false}, {"orphans", "", object.Normal, false}} {
			b.Run(fmt.Sprintf("%s/%d", bc.name, n), func(b *testing.B) {
				s := newStack()
				if !bc.empty {
					s.fill(n)
				}
				c, err := objecttest.Parse(bc.config)
				if err != nil {
					b.Fatal(err)
				}
				req := s.request(c, planner.Options{Mode: bc.mode})
				for b.Loop() {
					if _, d := planner.Plan(context.Background(), req); d.HasErrors() {
						b.Fatal(d.Err())
					}
				}
			})
		}
	}
}

// fill puts what the configuration of the benchmark asks for into the world.
func (s *stack) fill(n int) {
	at := func(name string, i int) addr.Instance {
		return addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "t", Name: name}}.Instance(addr.IntKey(i))
	}
	put := func(i addr.Instance, text string, needs ...addr.Instance) {
		t := objecttest.Thing{ID: i.String() + "#1", Text: text}
		s.world.Put(t)
		row := objecttest.RowOf(i, t)
		row.Needs, row.Serial = needs, 1
		s.rows[row.Key()] = row
	}
	for i := range n {
		put(at("a", i), "")
		put(at("b", i), " <"+at("a", i).String()+"#1>", at("a", i))
	}
}
