package eval

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// circles tells of the circles that evaluation came upon: of those that share nodes,
// and so hang together, of the shortest through the first of them by name. Which one
// of them was closed, and where, depends on where evaluation happened to be.
func circles(closers []*Node) diag.List {
	var d diag.List
	p := parts{number: map[*Node]int{}, low: map[*Node]int{}, open: map[*Node]bool{}}
	slices.SortFunc(closers, compareNodes)
	for _, n := range closers {
		if p.number[n] == 0 {
			p.visit(n)
		}
	}
	for _, part := range p.found {
		if circle := shortest(part); circle != nil {
			d = append(d, cycleError(circle)...)
		}
	}
	return d
}

func compareNodes(a, b *Node) int { return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Kind, b.Kind)) }

// parts are the strongly connected parts of a graph of nodes, after Tarjan.
type parts struct {
	number, low map[*Node]int
	open        map[*Node]bool
	stack       []*Node
	found       [][]*Node
}

func (p *parts) visit(n *Node) {
	p.number[n] = len(p.number) + 1
	p.low[n] = p.number[n]
	p.stack = append(p.stack, n)
	p.open[n] = true
	for _, d := range n.Deps {
		if p.number[d] == 0 {
			p.visit(d)
			p.low[n] = min(p.low[n], p.low[d])
		} else if p.open[d] {
			p.low[n] = min(p.low[n], p.number[d])
		}
	}
	if p.low[n] != p.number[n] {
		return
	}
	at := slices.Index(p.stack, n)
	part := slices.Clone(p.stack[at:])
	p.stack = p.stack[:at]
	for _, m := range part {
		p.open[m] = false
	}
	p.found = append(p.found, part)
}

// shortest gives the shortest circle through the first node of a part; nil when the
// part is one node that does not need itself.
func shortest(part []*Node) []*Node {
	first := slices.MinFunc(part, compareNodes)
	within := make(map[*Node]bool, len(part))
	for _, n := range part {
		within[n] = true
	}
	from := map[*Node]*Node{}
	for queue := []*Node{first}; len(queue) > 0; queue = queue[1:] {
		n := queue[0]
		for _, d := range slices.SortedFunc(slices.Values(n.Deps), compareNodes) {
			if d == first {
				var circle []*Node
				for ; n != first; n = from[n] {
					circle = append(circle, n)
				}
				circle = append(circle, first)
				slices.Reverse(circle)
				return circle
			}
			if from[d] == nil && within[d] {
				from[d] = n
				queue = append(queue, d)
			}
		}
	}
	return nil
}

// member is one object on a circle.
type member struct {
	name string // of its instances that are on it; of itself where none is
	obj  object.Object
	addr addr.Object
}

// cycleError tells of a circle. All of it follows from the circle alone, the address
// too: which of its objects closes it depends on where evaluation happened to start,
// and what is said twice of one circle must read the same.
func cycleError(nodes []*Node) diag.List {
	members := cycleMembers(nodes)
	if len(members) == 1 {
		return diag.Errorf(nil, "Self-referential block", "%s refers to itself, directly or through its own count or for_each. Remove the reference, or use a local value that does not depend on it.", members[0].name).In(members[0].name)
	}
	text, blamed := "", members[0].name
	var first *hcl.Range
	for i, m := range members {
		at := m.refersTo(members[(i+1)%len(members)].addr)
		text += "\n  " + m.name + " needs"
		if at == nil {
			continue
		}
		text += fmt.Sprintf(" (%s:%d)", at.Filename, at.Start.Line)
		if first == nil {
			first, blamed = at, m.name
		}
	}
	return diag.Errorf(first, "Cycle", "These refer to each other in a circle, so none can be evaluated first:%s\n  %s\n\nRemove one of the references.", text, members[0].name).In(blamed)
}

// refersTo finds where the text of a member refers to the next one, or to the
// module that the next one lies in; nil when the edge stands in no text.
func (m member) refersTo(next addr.Object) *hcl.Range {
	if m.obj == nil {
		return nil
	}
	var call *hcl.Range
	for _, r := range m.obj.References() {
		switch {
		case r.Subject == next.Name:
			return &r.Range
		case r.Subject.Kind == addr.ModuleCall && next.Module != m.addr.Module && call == nil:
			call = &r.Range
		}
	}
	return call
}

// cycleMembers gives the members of a circle: of each object the instances on it,
// or the object itself where none is. They begin with the smallest name, so that the
// message does not depend on where evaluation happened to start.
func cycleMembers(nodes []*Node) []member {
	start := 0
	for start < len(nodes)-1 && nodes[start].Addr.Object == nodes[len(nodes)-1].Addr.Object {
		start++ // let no object's nodes lie at both ends
	}
	nodes = append(slices.Clone(nodes[start:]), nodes[:start]...)
	var out []member
	for i := 0; i < len(nodes); {
		end, found := i, false
		for ; end < len(nodes) && nodes[end].Addr.Object == nodes[i].Addr.Object; end++ {
			if nodes[end].Kind == Instance {
				out, found = append(out, nodes[end].member(nodes[end].Addr.String())), true
			}
		}
		if !found {
			out = append(out, nodes[i].member(nodes[i].Addr.Object.String()))
		}
		i = end
	}
	low := 0
	for i := range out {
		if out[i].name < out[low].name {
			low = i
		}
	}
	return append(out[low:], out[:low]...)
}

func (n *Node) member(name string) member {
	m := member{name: name, addr: n.Addr.Object}
	if n.entry != nil {
		m.obj = n.entry.obj
	}
	return m
}
