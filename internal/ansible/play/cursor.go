package play

import "tutti/internal/ansible/playbook"

// section is which part of a block a host is in.
type section uint8

const (
	inTasks section = iota + 1
	inRescue
	inAlways
)

// frame is a block that a host is in.
type frame struct {
	block   *playbook.Block
	section section
	// items are those of the section, with what was included while it was carried out.
	items []playbook.Item
	index int
	// failed tells that something in the block failed and nothing has rescued it.
	failed bool
}

// cursor is where one host is in the play: a stack of blocks, outermost first. The outermost
// frame stands for the play itself and has no block.
type cursor struct {
	frames []frame
	// peeked is the task that is next, found already.
	peeked *playbook.Task
	// flushing tells that the host goes through the handlers; handlers are those of this flush.
	flushing bool
	handlers []*playbook.Task
	next     int
	// done tells that nothing is left; failed that a failure ended it.
	done, failed bool
	// left is told of blocks that the host leaves, for roles.
	left func(b *playbook.Block)
	// skip tells that a task is not for this host (any more).
	skip func(t *playbook.Task) bool
	// notified tells that a handler is to run.
	notified func(t *playbook.Task) bool
}

func newCursor(blocks []*playbook.Block) *cursor {
	items := make([]playbook.Item, len(blocks))
	for i, b := range blocks {
		items[i] = b
	}
	return &cursor{frames: []frame{{section: inTasks, items: items}}}
}

// peek gives the host's next task without taking it; nil when there is none.
func (c *cursor) peek() *playbook.Task {
	for c.peeked == nil && !c.done {
		t := c.step()
		if t != nil && (c.skip == nil || !c.skip(t)) {
			c.peeked = t
		}
	}
	return c.peeked
}

// take goes on to the next task.
func (c *cursor) take() *playbook.Task {
	t := c.peek()
	c.peeked = nil
	return t
}

// step goes one item on: it gives a task, or nil when it went into or out of a block.
func (c *cursor) step() *playbook.Task {
	if c.flushing {
		return c.stepHandlers()
	}
	f := &c.frames[len(c.frames)-1]
	if f.index < len(f.items) {
		item := f.items[f.index]
		f.index++
		switch item := item.(type) {
		case *playbook.Task:
			return item
		case *playbook.Block:
			c.frames = append(c.frames, frame{block: item, section: inTasks, items: item.Tasks})
		}
		return nil
	}
	c.leaveSection(f)
	return nil
}

func (c *cursor) stepHandlers() *playbook.Task {
	for c.next < len(c.handlers) {
		t := c.handlers[c.next]
		c.next++
		if c.notified(t) {
			return t
		}
	}
	c.flushing, c.handlers, c.next = false, nil, 0
	return nil
}

// leaveSection goes from the end of a section to the next one, or out of the block.
func (c *cursor) leaveSection(f *frame) {
	switch {
	case f.block == nil:
		c.done = true
		return
	case f.section == inRescue:
		f.failed = false
		fallthrough
	case f.section == inTasks:
		f.section, f.items, f.index = inAlways, f.block.Always, 0
		return
	}
	block, failed := f.block, f.failed
	c.frames = c.frames[:len(c.frames)-1]
	if c.left != nil {
		c.left(block)
	}
	if failed {
		c.fail()
	}
}

// fail says that the task just taken failed. It reports whether a rescue takes over.
func (c *cursor) fail() (rescued bool) {
	c.peeked = nil
	c.flushing, c.handlers, c.next = false, nil, 0
	for {
		f := &c.frames[len(c.frames)-1]
		switch {
		case f.block == nil:
			c.done, c.failed = true, true
			return false
		case f.section == inTasks && len(f.block.Rescue) > 0:
			f.section, f.items, f.index = inRescue, f.block.Rescue, 0
			f.failed = true
			return true
		case f.section != inAlways && len(f.block.Always) > 0:
			f.section, f.items, f.index = inAlways, f.block.Always, 0
			f.failed = true
			return c.rescuable()
		}
		c.frames = c.frames[:len(c.frames)-1]
	}
}

// rescuable tells that a block further out will rescue the failure that goes outwards.
func (c *cursor) rescuable() bool {
	for _, f := range c.frames[:len(c.frames)-1] {
		if f.block != nil && f.section == inTasks && len(f.block.Rescue) > 0 {
			return true
		}
	}
	return false
}

// clear takes failures back (meta: clear_host_errors).
func (c *cursor) clear() {
	for i := range c.frames {
		c.frames[i].failed = false
	}
}

// insert puts what was included behind the task just taken.
func (c *cursor) insert(blocks []*playbook.Block) {
	c.peeked = nil
	if c.flushing {
		var tasks []*playbook.Task
		for _, b := range blocks {
			tasks = append(tasks, flatten(b, nil)...)
		}
		rest := append(tasks, c.handlers[c.next:]...)
		c.handlers = append(c.handlers[:c.next:c.next], rest...)
		return
	}
	f := &c.frames[len(c.frames)-1]
	items := append([]playbook.Item(nil), f.items[:f.index]...)
	for _, b := range blocks {
		items = append(items, b)
	}
	f.items = append(items, f.items[f.index:]...)
}

// flush has the host go through the handlers before anything else.
func (c *cursor) flush(handlers []*playbook.Task) {
	c.peeked = nil
	c.flushing, c.handlers, c.next = true, handlers, 0
}

// endRole leaves the innermost role (meta: end_role). It reports whether there was one.
func (c *cursor) endRole(role *playbook.Role) bool {
	for i := len(c.frames) - 1; i > 0; i-- {
		if b := c.frames[i].block; b != nil && b.Role == role && (b.Parent == nil || b.Parent.Role != role) {
			c.peeked = nil
			c.frames = c.frames[:i]
			if c.left != nil {
				c.left(b)
			}
			return true
		}
	}
	return false
}

// flatten gives all tasks of a block in the order of text: what is rescued and always, too.
func flatten(b *playbook.Block, into []*playbook.Task) []*playbook.Task {
	for _, list := range [][]playbook.Item{b.Tasks, b.Rescue, b.Always} {
		for _, item := range list {
			switch item := item.(type) {
			case *playbook.Task:
				into = append(into, item)
			case *playbook.Block:
				into = flatten(item, into)
			}
		}
	}
	return into
}

// fork gives a cursor that goes on where this one is, with another's hooks: a host that is
// taken back into a play goes on where the others are.
func (c *cursor) fork(hooks *cursor) *cursor {
	f := *c
	f.frames = append([]frame(nil), c.frames...)
	f.skip, f.notified, f.left = hooks.skip, hooks.notified, hooks.left
	f.done, f.failed, f.peeked = false, false, nil
	return &f
}
