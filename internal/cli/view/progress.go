package view

import (
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"tutti/internal/object"
)

// Progress shows the operations of a run while they go on. Piped, each line is
// final. Live, on a terminal, finished lines scroll by above a small block that is
// drawn again at each Tick: what is running, for how long, how much is done.
//
// Its methods may be called from any goroutine. It has no clock: whoever calls Tick
// says what time it is.
type Progress struct {
	s    Style
	out  io.Writer
	live bool

	mu      sync.Mutex
	plan    *object.Plan
	began   time.Time
	total   int
	done    int
	running map[*object.Action]*operation
	// held are operations whose beginning is not told yet, by what they need: that
	// something is done is known only when it is durable, and what follows from it
	// may begin before.
	held   map[*object.Action][]*operation
	paused bool
	// pending are lines that wait for the next drawing; block is what the
	// terminal shows below them.
	pending strings.Builder
	block   []string
}

// NewProgress shows on the writer, live when it is a terminal.
func NewProgress(s Style, out io.Writer, live bool) *Progress {
	return &Progress{s: s, out: out, live: live, running: map[*object.Action]*operation{}, held: map[*object.Action][]*operation{}}
}

// Begin is told of the plan that is carried out.
func (p *Progress) Begin(plan *object.Plan, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan, p.began, p.total, p.done = plan, at, 0, 0
	for i := range plan.Actions {
		if _, ok := wordsOf(&plan.Actions[i]); ok {
			p.total++
		}
	}
}

// Started is told that an operation begins.
func (p *Progress) Started(a *object.Action, at time.Time) {
	w, ok := wordsOf(a)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	op := &operation{action: a, words: w, started: at, id: bracketID(priorID(p.plan, a))}
	p.running[a] = op
	p.announce(op)
}

// announce says that an operation began, once all that it needs is told to be done.
func (p *Progress) announce(op *operation) {
	if p.live || op.announced {
		return
	}
	if p.plan != nil {
		for _, id := range op.action.Needs {
			need := &p.plan.Actions[id-1]
			if p.running[need] != nil {
				p.held[need] = append(p.held[need], op)
				return
			}
		}
	}
	p.begun(op)
}

// begun tells that an operation began, unless that was told.
func (p *Progress) begun(op *operation) {
	if !op.announced && !p.live {
		op.announced = true
		p.say(op.action, op.words.start+op.id)
	}
}

// over takes a finished operation away; ok is false when nobody knew of it.
func (p *Progress) over(a *object.Action) (op *operation, ok bool) {
	op, ok = p.running[a]
	if !ok {
		return nil, false
	}
	delete(p.running, a)
	p.done++
	p.begun(op)
	return op, true
}

// release tells of what waited for a finished operation.
func (p *Progress) release(a *object.Action) {
	waiting := p.held[a]
	delete(p.held, a)
	for _, op := range waiting {
		p.announce(op)
	}
}

// Log shows a line that an operation wrote. Secrets have been masked before.
func (p *Progress) Log(a *object.Action, line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if op := p.running[a]; op != nil {
		p.begun(op)
	}
	p.say(a, printable(strings.TrimRight(line, "\r\n")))
}

// Done is told that an operation has succeeded; id is "" when it has none.
func (p *Progress) Done(a *object.Action, at time.Time, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	op, ok := p.over(a)
	if !ok {
		return
	}
	p.say(a, op.words.done+" after "+elapsed(at.Sub(op.started))+bracketID(id))
	p.release(a)
}

// Failed is told that an operation has failed; its diagnostics come at the end of
// the run.
func (p *Progress) Failed(a *object.Action, at time.Time, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	took := ""
	if op, ok := p.over(a); ok {
		took = " after " + elapsed(at.Sub(op.started))
	}
	message, _, _ = strings.Cut(message, "\n")
	p.say(a, p.s.paint(red, "Failed")+took+": "+printable(message))
	p.release(a)
}

// Note shows a line that is about no single operation.
func (p *Progress) Note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending.WriteString(text + "\n")
	p.flush()
}

// say writes a finished line.
func (p *Progress) say(a *object.Action, text string) {
	p.pending.WriteString(p.s.paint(bold, actionTitle(a)+": ") + text + "\n")
	p.flush()
}

// flush writes lines at once when nothing has to be drawn again.
func (p *Progress) flush() {
	if p.live {
		return
	}
	write(p.out, p.pending.String())
	p.pending.Reset()
}

// stillEvery is how often a piped view says that an operation goes on.
const stillEvery = 10 * time.Second

// Tick draws the block anew, or says which operations still go on.
func (p *Progress) Tick(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live {
		if !p.paused {
			p.draw(p.lines(now))
		}
		return
	}
	for _, op := range p.byAge() {
		for ran := now.Sub(op.started); ran-op.told >= stillEvery; {
			op.told = ran.Truncate(stillEvery)
			inside := elapsed(op.told) + " elapsed"
			if id := strings.TrimSuffix(strings.TrimPrefix(op.id, " [id="), "]"); id != "" {
				inside = "id=" + id + ", " + inside
			}
			p.say(op.action, op.words.still+" ["+inside+"]")
		}
	}
}

// End removes the block and writes what is still to be written. What is told to
// the view afterwards is written at once.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw(nil)
	p.live = false
}

// Pause takes the block away while somebody is asked something, and shows it again.
func (p *Progress) Pause(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = on
	if on && p.live {
		p.draw(nil)
	}
}

// byAge lists the running operations, the oldest first.
func (p *Progress) byAge() []*operation {
	list := make([]*operation, 0, len(p.running))
	for _, op := range p.running {
		list = append(list, op)
	}
	slices.SortFunc(list, func(a, b *operation) int {
		if c := a.started.Compare(b.started); c != 0 {
			return c
		}
		return a.action.Addr.Compare(b.action.Addr)
	})
	return list
}

// maxRunning bounds the lines of the live block.
const maxRunning = 8

func (p *Progress) lines(now time.Time) []string {
	if p.total == 0 && len(p.running) == 0 {
		return nil
	}
	width := p.s.width() - 1
	list := p.byAge()
	out := []string{p.s.paint(bold, cut(itoa(len(list))+" running, "+itoa(p.done)+" of "+itoa(p.total)+" done, "+elapsed(now.Sub(p.began)), width))}
	more := 0
	if len(list) > maxRunning {
		more = len(list) - maxRunning + 1
		list = list[:maxRunning-1]
	}
	for _, op := range list {
		right := "  " + op.words.short + "  " + elapsed(now.Sub(op.started))
		out = append(out, "  "+cut(actionTitle(op.action), max(width-2-columns(right), 8))+p.s.paint(grey, right))
	}
	if more > 0 {
		out = append(out, p.s.paint(grey, "  and "+itoa(more)+" more"))
	}
	return out
}

// draw replaces the block on the terminal, with the pending lines above it.
func (p *Progress) draw(lines []string) {
	if p.pending.Len() == 0 && slices.Equal(lines, p.block) {
		return
	}
	var b strings.Builder
	if n := len(p.block); n > 0 {
		b.WriteString("\x1b[" + itoa(n) + "F\x1b[J")
	}
	b.WriteString(p.pending.String())
	p.pending.Reset()
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	p.block = lines
	if b.Len() > 0 {
		write(p.out, b.String())
	}
}
