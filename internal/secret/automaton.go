package secret

// automaton is an Aho-Corasick searcher. Nodes lie in one slice with children as
// linked lists, since the patterns are few and long (keys, certificates): a dense
// table per node would take a kilobyte for each byte of a secret. The root alone
// is dense, because most text never leaves it.
type automaton struct {
	nodes []node
	root  [256]int32
	// pairs has a bit for each two bytes that a pattern begins with: with many
	// secrets most single letters begin one, but few pairs do.
	pairs [1 << 16 / 64]uint64
}

func pair(a, b byte) (word int, bit uint64) {
	n := int(a)<<8 | int(b)
	return n / 64, 1 << (n % 64)
}

type node struct {
	child, next int32 // first child, next sibling; 0 for none
	fail        int32
	depth       int32
	longest     int32 // length of the longest pattern that ends here; 0 for none
	char        byte
}

func newAutomaton(patterns map[string]struct{}) *automaton {
	a := &automaton{nodes: make([]node, 1)}
	for p := range patterns {
		a.insert(p)
	}
	a.link()
	return a
}

func (a *automaton) empty() bool { return len(a.nodes) == 1 }

// insert adds a pattern, which has MinLength bytes at least.
func (a *automaton) insert(p string) {
	word, bit := pair(p[0], p[1])
	a.pairs[word] |= bit
	at := int32(0)
	for i := 0; i < len(p); i++ {
		next := a.child(at, p[i])
		if next == 0 {
			next = int32(len(a.nodes))
			a.nodes = append(a.nodes, node{next: a.nodes[at].child, depth: a.nodes[at].depth + 1, char: p[i]})
			a.nodes[at].child = next
			if at == 0 {
				a.root[p[i]] = next
			}
		}
		at = next
	}
	a.nodes[at].longest = int32(len(p))
}

func (a *automaton) child(at int32, c byte) int32 {
	if at == 0 {
		return a.root[c]
	}
	for n := a.nodes[at].child; n != 0; n = a.nodes[n].next {
		if a.nodes[n].char == c {
			return n
		}
	}
	return 0
}

// link sets, breadth first, where to go on when no child fits.
func (a *automaton) link() {
	queue := make([]int32, 0, len(a.nodes))
	for n := a.nodes[0].child; n != 0; n = a.nodes[n].next {
		queue = append(queue, n)
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for n := a.nodes[at].child; n != 0; n = a.nodes[n].next {
			a.nodes[n].fail = a.step(a.nodes[at].fail, a.nodes[n].char)
			if a.nodes[n].longest == 0 {
				a.nodes[n].longest = a.nodes[a.nodes[n].fail].longest
			}
			queue = append(queue, n)
		}
	}
}

// step gives the state after one more byte.
func (a *automaton) step(at int32, c byte) int32 {
	for {
		if n := a.child(at, c); n != 0 || at == 0 {
			return n
		}
		at = a.nodes[at].fail
	}
}

// span is a stretch of text that is to be replaced.
type span struct{ from, to int }

// scanner runs an automaton over a text that comes in pieces.
type scanner struct {
	state int32
	base  int // where the next piece begins
	spans []span
}

// feed scans one piece and gives all spans so far, in order and not touching.
func (s *scanner) feed(a *automaton, text string) []span {
	at := s.state
	for i := 0; i < len(text); i++ {
		if at == 0 {
			if i+1 < len(text) {
				// Nothing begins with this byte and the next: the state after
				// both is that after the next alone.
				if word, bit := pair(text[i], text[i+1]); a.pairs[word]&bit == 0 {
					continue
				}
			}
			at = a.root[text[i]]
		} else {
			at = a.step(at, text[i])
		}
		if n := a.nodes[at].longest; n > 0 {
			end := s.base + i + 1
			s.add(span{end - int(n), end})
		}
	}
	s.state = at
	s.base += len(text)
	return s.spans
}

// add merges a span that ends after all others with those that it touches.
func (s *scanner) add(sp span) {
	for len(s.spans) > 0 && s.spans[len(s.spans)-1].to >= sp.from {
		sp.from = min(sp.from, s.spans[len(s.spans)-1].from)
		s.spans = s.spans[:len(s.spans)-1]
	}
	s.spans = append(s.spans, sp)
}

// decided gives the offset up to which no later text can change anything: a
// pattern that is still growing began at the state's depth before the end, and a
// span that reaches there may grow too.
func (s *scanner) decided(a *automaton, length int) int {
	limit := length - int(a.nodes[s.state].depth)
	for i := len(s.spans) - 1; i >= 0 && s.spans[i].to >= limit; i-- {
		limit = min(limit, s.spans[i].from)
	}
	return limit
}

// drop forgets the first n spans and the text before the offset.
func (s *scanner) drop(n, offset int) {
	s.spans = append(s.spans[:0], s.spans[n:]...)
	for i := range s.spans {
		s.spans[i].from -= offset
		s.spans[i].to -= offset
	}
	s.base -= offset
}
