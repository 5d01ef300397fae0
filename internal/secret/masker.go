package secret

import (
	"io"
	"sync"
	"sync/atomic"
)

// Masked stands where a sensitive value stood.
const Masked = "(sensitive value)"

// Masker replaces known sensitive values, and the usual encodings of them, in
// text. Its zero value knows none. Safe for concurrent use; what is added takes
// effect for all that is masked later.
//
// Overlapping and touching occurrences are replaced as one, so that the rest of a
// longer value is never left standing beside the mask of a shorter one. The cost
// grows with the length of the text, not with the number of values.
type Masker struct {
	mu       sync.Mutex
	patterns map[string]struct{}
	stale    bool

	current atomic.Pointer[automaton]
}

// Add makes values known. Those too short or too common to be masked (see Maskable)
// are left out.
func (m *Masker) Add(values ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.patterns == nil {
		m.patterns = map[string]struct{}{}
	}
	for _, v := range values {
		for _, p := range forms(v) {
			if _, known := m.patterns[p]; !known {
				m.patterns[p] = struct{}{}
				m.stale = true
			}
		}
	}
	if m.stale {
		m.current.Store(nil)
	}
}

// automaton gives the searcher for all patterns, building it when values were
// added: adding a thousand values builds once.
func (m *Masker) automaton() *automaton {
	if a := m.current.Load(); a != nil {
		return a
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.current.Load(); a != nil {
		return a
	}
	a := newAutomaton(m.patterns)
	m.stale = false
	m.current.Store(a)
	return a
}

// String gives the text with every known value replaced.
func (m *Masker) String(s string) string {
	a := m.automaton()
	if a.empty() {
		return s
	}
	var sc scanner
	spans := sc.feed(a, s)
	if len(spans) == 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	at := 0
	for _, sp := range spans {
		out = append(out, s[at:sp.from]...)
		out = append(out, Masked...)
		at = sp.to
	}
	return string(append(out, s[at:]...))
}

// Bytes is String for bytes; the input is not changed.
func (m *Masker) Bytes(b []byte) []byte {
	return []byte(m.String(string(b)))
}

// Writer masks a stream. A value that is split over several writes is found too:
// the end of a write that may be the beginning of a value is held back until more
// comes, or until Close. Close writes the rest; it does not close w. A Writer is
// used by one goroutine at a time.
func (m *Masker) Writer(w io.Writer) io.WriteCloser { return &maskingWriter{masker: m, out: w} }

type maskingWriter struct {
	masker *Masker
	out    io.Writer
	held   []byte
	auto   *automaton
	sc     scanner
}

func (w *maskingWriter) Write(p []byte) (int, error) {
	a := w.masker.automaton()
	fresh := string(p)
	if a != w.auto {
		// What is held back was scanned for other values: scan it again.
		w.auto, w.sc = a, scanner{}
		fresh = string(w.held) + fresh
		w.held = w.held[:0]
	}
	w.sc.base = len(w.held)
	w.held = append(w.held, fresh...)
	w.sc.feed(a, fresh)
	if err := w.emit(w.sc.decided(a, len(w.held))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *maskingWriter) Close() error { return w.emit(len(w.held)) }

// emit writes what is held up to the offset, which does not lie inside a span.
func (w *maskingWriter) emit(upTo int) error {
	if upTo == 0 {
		return nil
	}
	out := make([]byte, 0, upTo)
	at, n := 0, 0
	for _, sp := range w.sc.spans {
		if sp.from >= upTo {
			break
		}
		out = append(out, w.held[at:sp.from]...)
		out = append(out, Masked...)
		at = sp.to
		n++
	}
	out = append(out, w.held[at:upTo]...)
	w.held = append(w.held[:0], w.held[upTo:]...)
	w.sc.drop(n, upTo)
	_, err := w.out.Write(out)
	return err
}
