package process

import (
	"bytes"
	"fmt"
	"os"
)

// pipe reads one stream of a command: it splits it into lines and keeps its
// beginning.
type pipe struct {
	read, write *os.File
	lines       splitter
	limit       int
	text        []byte
	dropped     int64
}

func newPipe(limit int, emit func(string)) (*pipe, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe for a command's output: %w", err)
	}
	return &pipe{read: r, write: w, limit: limit, lines: splitter{emit: emit}}, nil
}

// readSize is as much as a pipe of Linux holds.
const readSize = 64 << 10

// pump reads to the end of the stream. Any error is an end: there is nobody left
// who could write.
func (p *pipe) pump() {
	buf := make([]byte, readSize)
	for {
		n, err := p.read.Read(buf)
		p.take(buf[:n])
		if err != nil {
			p.lines.flush()
			return
		}
	}
}

func (p *pipe) take(b []byte) {
	room := max(p.limit-len(p.text), 0)
	keep := min(room, len(b))
	p.text = append(p.text, b[:keep]...)
	p.dropped += int64(len(b) - keep)
	p.lines.write(b)
}

func (p *pipe) kept() Captured { return Captured{Text: p.text, Dropped: p.dropped} }

// splitter cuts a stream into lines of at most MaxLine bytes.
type splitter struct {
	emit    func(string)
	partial []byte
	// over counts what the current line has beyond MaxLine.
	over int
}

func (s *splitter) write(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			s.add(b)
			return
		}
		s.add(b[:i])
		s.end()
		b = b[i+1:]
	}
}

func (s *splitter) add(b []byte) {
	keep := min(max(MaxLine-len(s.partial), 0), len(b))
	s.partial = append(s.partial, b[:keep]...)
	s.over += len(b) - keep
}

func (s *splitter) end() {
	line := string(bytes.TrimSuffix(s.partial, []byte{'\r'}))
	if s.over > 0 {
		line += fmt.Sprintf(" [%d more bytes of this line are not shown]", s.over)
	}
	s.partial, s.over = s.partial[:0], 0
	s.emit(line)
}

// flush gives out a last line that has no end.
func (s *splitter) flush() {
	if len(s.partial) > 0 {
		s.end()
	}
}
