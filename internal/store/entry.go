package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tutti/internal/flow"
)

// FormatEntry gives an entry as one line, which is what stores keep and what
// `tutti run show -journal` prints: an event in its own text form, or one of
//
//	sent #4
//	note 2026-11-23T14:08:43.5Z "text"
//
// start is Run.Created. Index, Writes and Took are not part of it.
func FormatEntry(e Entry, start time.Time) string {
	switch {
	case e.Event != nil && e.Sent == 0 && e.Note == "":
		return flow.FormatEvent(e.Event, start)
	case e.Event == nil && e.Sent > 0 && e.Note == "":
		return "sent #" + strconv.FormatInt(int64(e.Sent), 10)
	case e.Event == nil && e.Sent == 0:
		return "note " + e.NoteAt.UTC().Format(time.RFC3339Nano) + " " + strconv.Quote(e.Note)
	default:
		panic(fmt.Sprintf("store: invariant broken: an entry has one of event, sent and note: %+v", e))
	}
}

// ParseEntry reads what FormatEntry wrote.
func ParseEntry(line string, start time.Time) (Entry, error) {
	if id, ok := strings.CutPrefix(line, "sent #"); ok {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= 0 {
			return Entry{}, fmt.Errorf("%q: not the number of an activity", line)
		}
		return Entry{Sent: flow.ID(n)}, nil
	}
	if note, ok := strings.CutPrefix(line, "note "); ok {
		at, text, _ := strings.Cut(note, " ")
		when, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			return Entry{}, fmt.Errorf("a note's time: %w", err)
		}
		if text, err = strconv.Unquote(text); err != nil {
			return Entry{}, fmt.Errorf("a note's text is a quoted string: %w", err)
		}
		return Entry{Note: text, NoteAt: when}, nil
	}
	e, err := flow.ParseEvent(line, start)
	if err != nil {
		return Entry{}, err
	}
	return Entry{Event: e}, nil
}
