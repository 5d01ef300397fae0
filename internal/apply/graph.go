package apply

import (
	"fmt"
	"strings"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// graph is the actions with their edges turned round. It never changes.
type graph struct {
	actions []object.Action
	// edges[first[i]:first[i+1]] are the indices of the actions that need i,
	// ascending.
	first, edges []int32
	// approvals finds an approval by its address.
	approvals map[addr.Instance]int32
}

func newGraph(text string) (graph, error) {
	actions, err := object.ParseActions(text)
	if err != nil {
		return graph{}, fmt.Errorf("read the plan's actions: %w", err)
	}
	g := graph{actions: actions, first: make([]int32, len(actions)+1), approvals: map[addr.Instance]int32{}}
	total := 0
	for i := range actions {
		if isApproval(&actions[i]) {
			g.approvals[actions[i].Addr] = int32(i)
		}
		total += len(actions[i].Needs)
		for _, n := range actions[i].Needs {
			g.first[n]++
		}
	}
	for i := range actions {
		g.first[i+1] += g.first[i]
	}
	g.edges = make([]int32, total)
	next := append([]int32(nil), g.first[:len(actions)]...)
	for i := range actions {
		for _, n := range actions[i].Needs {
			g.edges[next[n-1]] = int32(i)
			next[n-1]++
		}
	}
	return g, g.checkAcyclic()
}

// dependents gives the actions that need action i.
func (g *graph) dependents(i int32) []int32 { return g.edges[g.first[i]:g.first[i+1]] }

// checkAcyclic takes away, again and again, what needs nothing that is left.
func (g *graph) checkAcyclic() error {
	missing := make([]int, len(g.actions))
	var list []int32
	for i := range g.actions {
		if missing[i] = len(g.actions[i].Needs); missing[i] == 0 {
			list = append(list, int32(i))
		}
	}
	taken := 0
	for len(list) > 0 {
		i := list[len(list)-1]
		list = list[:len(list)-1]
		taken++
		for _, d := range g.dependents(i) {
			if missing[d]--; missing[d] == 0 {
				list = append(list, d)
			}
		}
	}
	if taken == len(g.actions) {
		return nil
	}
	return fmt.Errorf("the plan's actions need each other in a circle: %s", g.cycle(missing))
}

// cycle walks from an action that is left to one that it needs and that is left
// too, until it comes to one for the second time.
func (g *graph) cycle(missing []int) string {
	at := 0
	for missing[at] == 0 {
		at++
	}
	seen := map[int]int{}
	var path []string
	for {
		if from, ok := seen[at]; ok {
			return strings.Join(append(path[from:], fmt.Sprintf("#%d", at+1)), " needs ")
		}
		seen[at] = len(path)
		path = append(path, fmt.Sprintf("#%d", at+1))
		for _, n := range g.actions[at].Needs {
			if missing[n-1] > 0 {
				at = n - 1
				break
			}
		}
	}
}

// queue is a binary heap of action indices, the smallest first.
type queue []int32

func (q *queue) push(i int32) {
	h := append(*q, i)
	at := len(h) - 1
	for at > 0 && h[(at-1)/2] > h[at] {
		h[(at-1)/2], h[at] = h[at], h[(at-1)/2]
		at = (at - 1) / 2
	}
	*q = h
}

func (q *queue) pop() int32 {
	h := *q
	least := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	at := 0
	for {
		c := 2*at + 1
		if c >= last {
			break
		}
		if c+1 < last && h[c+1] < h[c] {
			c++
		}
		if h[at] <= h[c] {
			break
		}
		h[at], h[c] = h[c], h[at]
		at = c
	}
	*q = h
	return least
}
