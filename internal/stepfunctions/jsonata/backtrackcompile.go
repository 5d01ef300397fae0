package jsonata

import (
	"errors"
	"fmt"
	"strings"
)

// maxProgram bounds how many instructions a regular expression may have: {n,m} writes its term out.
const maxProgram = 1 << 15

// compiler makes a program of a tree.
type treeCompiler struct {
	program []instruction
	slots   int
	err     error
}

// newBacktracker makes the machine for an expression.
func newBacktracker(source, flags string) (*backtracker, error) {
	fold := strings.Contains(flags, "i")
	read, tree, err := readTree(source, fold)
	if err != nil {
		return nil, err
	}
	c := &treeCompiler{slots: 2 * (read.groups + 1)}
	c.compile(tree, false)
	c.emit(instruction{op: opDone})
	if c.err != nil {
		return nil, c.err
	}
	return &backtracker{program: c.program, groups: read.groups, slots: c.slots, fold: fold, lines: strings.Contains(flags, "m")}, nil
}

// emit adds an instruction and gives its number.
func (c *treeCompiler) emit(in instruction) int {
	if len(c.program) >= maxProgram {
		c.err = errors.New("it is too large")
		return 0
	}
	c.program = append(c.program, in)
	return len(c.program) - 1
}

// compile adds what a part matches; back is from right to left.
func (c *treeCompiler) compile(n part, back bool) {
	if c.err != nil {
		return
	}
	switch n := n.(type) {
	case oneOf:
		c.emit(instruction{op: opRune, set: n.set, back: back})
	case sequence:
		for i := range n {
			if back {
				i = len(n) - 1 - i
			}
			c.compile(n[i], back)
		}
	case alternate:
		c.alternatives(n, back)
	case edge:
		op := opBegin
		if n.end {
			op = opEnd
		}
		c.emit(instruction{op: op})
	case word:
		c.emit(instruction{op: opWord, negate: n.not})
	case *capture:
		from, to := 2*n.number, 2*n.number+1
		if back {
			from, to = to, from
		}
		c.emit(instruction{op: opSave, x: from})
		c.compile(n.inner, back)
		c.emit(instruction{op: opSave, x: to})
	case *look:
		at := c.emit(instruction{op: opLook, negate: n.negate})
		c.program[at].x = len(c.program)
		c.compile(n.inner, n.behind)
		c.emit(instruction{op: opDone})
		c.program[at].y = len(c.program)
	case *backReference:
		c.emit(instruction{op: opBackRef, x: n.number, back: back})
	case *repetition:
		c.repeat(n, back)
	default:
		panic(fmt.Sprintf("jsonata: invariant broken: a regular expression has a %T", n))
	}
}

func (c *treeCompiler) alternatives(all alternate, back bool) {
	var ends []int
	for i, one := range all {
		last := i == len(all)-1
		split := 0
		if !last {
			split = c.emit(instruction{op: opSplit})
			c.program[split].x = len(c.program)
		}
		c.compile(one, back)
		if !last {
			ends = append(ends, c.emit(instruction{op: opJump}))
			c.program[split].y = len(c.program)
		}
	}
	for _, at := range ends {
		c.program[at].x = len(c.program)
	}
}

func (c *treeCompiler) repeat(q *repetition, back bool) {
	for range q.min {
		c.once(q, back)
	}
	if q.max == q.min || c.err != nil {
		return
	}
	mark := c.slots
	c.slots++
	times := q.max - q.min
	if q.max < 0 {
		times = 1
	}
	var splits []int
	for range times {
		split := c.emit(instruction{op: opSplit})
		splits = append(splits, split)
		c.emit(instruction{op: opSave, x: mark})
		c.once(q, back)
		c.emit(instruction{op: opProgress, x: mark})
		if q.max < 0 {
			c.emit(instruction{op: opJump, x: split})
		}
	}
	for _, split := range splits {
		in := &c.program[split]
		in.x, in.y = split+1, len(c.program)
		if q.lazy {
			in.x, in.y = in.y, in.x
		}
	}
}

// once adds one round, in which the groups have not matched yet.
func (c *treeCompiler) once(q *repetition, back bool) {
	if c.err == nil && q.last > q.first {
		c.emit(instruction{op: opClear, x: 2 * q.first, y: 2 * q.last})
	}
	c.compile(q.inner, back)
}
