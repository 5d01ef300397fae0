package execution

import (
	"fmt"
	"time"

	"tutti/internal/stepfunctions/data"
)

// MaxWaitSeconds is the longest wait, and the longest timeout, that the language
// has: about three years.
const MaxWaitSeconds = 99_999_999

// runWait sets a timer. A time that is past is due at once.
func (m *Machine) runWait(f *frame) {
	w := f.state.Wait
	if w.Timestamp != nil {
		v, err := w.Timestamp.Eval(m.scopeOf(f, f.effective))
		if err != nil {
			m.fail(f, asFailure(err))
			return
		}
		text, _ := v.(string)
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			m.fail(f, failure{name: f.typeError(), cause: fmt.Sprintf("The Timestamp of the state '%s' must be an RFC 3339 timestamp such as 2026-11-23T14:08:43Z, and is: %s",
				f.state.Name, data.Encode(v))})
			return
		}
		f.backoff = m.timerAt(f, at, waitOver)
		return
	}
	seconds, err := m.whole(f, w.Seconds, "Seconds", 0)
	if err != nil {
		m.fail(f, *err)
		return
	}
	f.backoff = m.timer(f, time.Duration(seconds)*time.Second, waitOver)
}

func (m *Machine) waited(f *frame) {
	f.backoff = 0
	m.leave(f, outcome{result: f.effective, onInput: true}, f.state.Next, f.state.Assign)
}
