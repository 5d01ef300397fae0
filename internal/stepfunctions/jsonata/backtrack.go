package jsonata

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// backtracker matches a regular expression with look-around or back-references, which can take exponential time: each
// step counts as one of the evaluation. A wall clock would not do, for an evaluation must come to the same when it is
// made again.
type backtracker struct {
	program []instruction
	groups  int
	slots   int // the places of groups, and of loops
	fold    bool
	lines   bool // the flag m
}

type operation uint8

const (
	opRune     operation = iota + 1 // one rune of the set
	opSplit                         // x first, and then y
	opJump                          // to x
	opSave                          // the place, in slot x
	opClear                         // the slots from x, before y
	opProgress                      // fails where nothing was matched since slot x was saved
	opBegin
	opEnd
	opWord    // \b, or \B when negated
	opLook    // the program at x; goes on at y
	opBackRef // the text of group x
	opDone
)

type instruction struct {
	op   operation
	x, y int
	set  []rune
	// back goes from right to left, as look-behind does.
	back, negate bool
}

// attempt is one search in a text.
type attempt struct {
	*backtracker
	r     *run
	text  string
	place []int
	stack []choice
	steps int
}

// choice is where to go on when a match fails: at an instruction, or, when that is -1, further back with a slot as it
// was.
type choice struct{ pc, at, was int }

// maxChoices bounds the memory of a search.
const maxChoices = 1 << 20

// stepsAtOnce is how many steps are counted together.
const stepsAtOnce = 256

// find gives the places of the first match at or behind start, as package regexp does.
func (b *backtracker) find(r *run, text string, start int) ([]int, error) {
	m := &attempt{backtracker: b, r: r, text: text, place: make([]int, b.slots)}
	for at := start; ; {
		for i := range m.place {
			m.place[i] = -1
		}
		if err := m.count(1 + b.slots>>4); err != nil {
			return nil, err
		}
		end, ok, err := m.run(0, at)
		if err == nil {
			err = r.work(m.steps)
			m.steps = 0
		}
		if err != nil {
			return nil, err
		}
		if ok {
			m.place[0], m.place[1] = at, end
			return m.place[:2*(b.groups+1)], nil
		}
		if at >= len(text) {
			return nil, nil
		}
		_, width := utf8.DecodeRuneInString(text[at:])
		at += width
	}
}

// count counts steps.
func (m *attempt) count(n int) error {
	if m.steps += n; m.steps < stepsAtOnce {
		return nil
	}
	n, m.steps = m.steps, 0
	return m.r.work(n)
}

// run carries the program out from an instruction to its opDone.
func (m *attempt) run(pc, at int) (end int, ok bool, err error) {
	base := len(m.stack)
	for {
		if err := m.count(1); err != nil {
			return 0, false, err
		}
		in := &m.program[pc]
		pc++
		holds := true
		switch in.op {
		case opRune:
			at, holds = m.one(in, at)
		case opSplit:
			holds = len(m.stack) < maxChoices
			if !holds {
				return 0, false, limitError("a regular expression has too many ways to match")
			}
			m.stack = append(m.stack, choice{in.y, at, 0})
			pc = in.x
		case opJump:
			pc = in.x
		case opSave:
			m.save(in.x, at)
		case opClear:
			for slot := in.x; slot < in.y; slot++ {
				m.save(slot, -1)
			}
		case opProgress:
			holds = m.place[in.x] != at
		case opBegin:
			holds = at == 0 || m.lines && isLineEnd(m.before(at))
		case opEnd:
			holds = at == len(m.text) || m.lines && isLineEnd(m.behind(at))
		case opWord:
			holds = (isWord(m.before(at)) != isWord(m.behind(at))) != in.negate
		case opLook:
			pc = in.y
			holds, err = m.look(in, at)
		case opBackRef:
			at, holds, err = m.again(in, at)
		case opDone:
			m.stack = m.stack[:base]
			return at, true, nil
		}
		if err != nil {
			return 0, false, err
		}
		if !holds {
			if pc, at, ok = m.back(base); !ok {
				return 0, false, nil
			}
		}
	}
}

// save sets a slot, which is undone when the match fails from here on.
func (m *attempt) save(slot, at int) {
	if m.place[slot] == at {
		return
	}
	m.stack = append(m.stack, choice{-1, slot, m.place[slot]})
	m.place[slot] = at
}

// back goes back to the latest choice.
func (m *attempt) back(base int) (pc, at int, ok bool) {
	for len(m.stack) > base {
		c := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		if c.pc >= 0 {
			return c.pc, c.at, true
		}
		m.place[c.at] = c.was
	}
	return 0, 0, false
}

// look looks ahead or behind. What a group in it matched stays; there is no way back into it.
func (m *attempt) look(in *instruction, at int) (bool, error) {
	was := slices.Clone(m.place)
	if err := m.count(len(was)); err != nil {
		return false, err
	}
	_, found, err := m.run(in.x, at)
	if err != nil || !found {
		return in.negate, err // all slots are as they were
	}
	now := slices.Clone(m.place)
	copy(m.place, was)
	if in.negate {
		return false, nil
	}
	for slot, place := range now {
		m.save(slot, place)
	}
	return true, nil
}

// one takes a rune of a set.
func (m *attempt) one(in *instruction, at int) (next int, ok bool) {
	var c rune
	var width int
	if in.back {
		c, width = utf8.DecodeLastRuneInString(m.text[:at])
		next = at - width
	} else {
		c, width = utf8.DecodeRuneInString(m.text[at:])
		next = at + width
	}
	if width == 0 {
		return at, false
	}
	for i := 0; i < len(in.set); i += 2 {
		if c >= in.set[i] && c <= in.set[i+1] {
			return next, true
		}
	}
	return at, false
}

// again takes what a group matched; one that took no part has matched nothing.
func (m *attempt) again(in *instruction, at int) (next int, ok bool, err error) {
	from, to := m.place[2*in.x], m.place[2*in.x+1]
	if from < 0 || to < 0 {
		return at, true, nil
	}
	want := m.text[from:to]
	if err := m.count(1 + len(want)>>3); err != nil {
		return at, false, err
	}
	next = at + len(want)
	if in.back {
		next = at - len(want)
	}
	if next < 0 || next > len(m.text) {
		return at, false, nil
	}
	got := m.text[min(at, next):max(at, next)]
	return next, got == want || m.fold && sameFolded(got, want), nil
}

// sameFolded compares texts of one length as the flag i has it.
func sameFolded(x, y string) bool {
	for x != "" && y != "" {
		cx, nx := utf8.DecodeRuneInString(x)
		cy, ny := utf8.DecodeRuneInString(y)
		if cx != cy && unicode.ToUpper(cx) != unicode.ToUpper(cy) {
			return false
		}
		x, y = x[nx:], y[ny:]
	}
	return x == y
}

func (m *attempt) before(at int) rune {
	c, n := utf8.DecodeLastRuneInString(m.text[:at])
	if n == 0 {
		return -1
	}
	return c
}

func (m *attempt) behind(at int) rune {
	c, n := utf8.DecodeRuneInString(m.text[at:])
	if n == 0 {
		return -1
	}
	return c
}

func isLineEnd(c rune) bool { return c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029 }

func isWord(c rune) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
