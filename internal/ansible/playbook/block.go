package playbook

import (
	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
)

// isBlock reports whether an entry of a list of tasks is a block.
func isBlock(n *document.Node) bool {
	for _, name := range []string{"block", "rescue", "always"} {
		if k, _ := n.Entry(name); k != nil {
			return true
		}
	}
	return false
}

// blockList reads a list of tasks and blocks: tasks in a row make one implied block.
func (r *reading) blockList(items []*document.Node, parent *Block) []*Block {
	var out []*Block
	for i := 0; i < len(items) && !r.stopped; {
		if isBlock(items[i]) {
			out = append(out, r.block(items[i], parent))
			i++
			continue
		}
		first := i
		for i < len(items) && !items[i].Null() && !isBlock(items[i]) {
			i++
		}
		if first == i { // nothing at all between two dashes
			i++
			continue
		}
		b := r.implied(parent, items[first].Origin)
		b.Tasks = r.tasks(items[first:i], b, "a block.")
		out = append(out, b)
	}
	return out
}

// implied makes a block that nobody wrote.
func (r *reading) implied(parent *Block, at value.Origin) *Block {
	return &Block{Node: Node{Parent: parent, Origin: at}, Role: r.role, Play: r.play, Implied: true}
}

// block reads a block.
func (r *reading) block(n *document.Node, parent *Block) *Block {
	b := &Block{Node: Node{Parent: parent, Origin: n.Origin}, Role: r.role, Play: r.play}
	if r.blocks++; r.blocks > MaxBlocks {
		r.fail(n, "Blocks lie in each other more than %d deep. Put the inner ones into a file and include it.", MaxBlocks)
		r.stopped = true
		return b
	}
	defer func() { r.blocks-- }()
	b.Keywords = r.keywordsOf(n, atBlock, nil)
	b.Name = b.Keywords["name"].Value
	b.Vars = dictOf(b.Keywords, "vars")
	list := func(name, what string) []Item {
		k, v := n.Entry(name)
		switch {
		case k == nil:
			return nil
		case v.Kind != document.List:
			r.fail(n, "A malformed block was encountered while loading %s Expected a list of tasks, got a %s.", what, v.TypeName())
			return nil
		}
		return r.tasks(v.Items, b, what)
	}
	b.Tasks = list("block", "a block.")
	b.Rescue = list("rescue", "rescue.")
	b.Always = list("always", "always.")
	if v := n.Get("block"); v.Null() || v.Kind == document.List && len(v.Items) == 0 {
		for _, name := range []string{"rescue", "always"} {
			if v := n.Get(name); !v.Null() {
				r.fail(n, "'%s' keyword cannot be used without 'block'", name)
			}
		}
	}
	return b
}

// tasks reads a list of tasks within a block.
func (r *reading) tasks(items []*document.Node, parent *Block, what string) []Item {
	out := make([]Item, 0, len(items))
	for _, n := range items {
		switch block, _ := n.Entry("block"); {
		case r.stopped:
			return out
		case n.Kind != document.Dict:
			r.fail(n, "A malformed block was encountered while loading %s Expected a task, got a %s.", what, n.TypeName())
		case block != nil && r.handlers:
			r.fail(n, "Using a block as a handler is not supported.")
		case block != nil:
			out = append(out, r.block(n, parent))
		default:
			out = append(out, r.task(n, parent)...)
		}
	}
	return out
}
