package callback

import (
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/ansible/filter/jsontext"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/value"
)

// results is the callback json: one document at the end, with all plays, tasks and results.
type results struct {
	*screen
	items gathered
	plays *value.List
	// tasks are those of the present play, current the present one's entry.
	tasks   *value.List
	entries map[int]*value.Dict
}

func newResults(s *screen) *results {
	return &results{screen: s, items: gathered{}, plays: value.NewList(), entries: map[int]*value.Dict{}}
}

// duration is when something began, and ended.
func (c *results) duration() *value.Dict {
	d := &value.Dict{}
	if c.o.Now != nil {
		d.Set("start", stamp(c.o.Now()))
	}
	return d
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func (c *results) ended(entry *value.Dict, key string) {
	about, _ := entry.Get(key)
	d, ok := about.(*value.Dict)
	if !ok || c.o.Now == nil {
		return
	}
	if times, ok := d.Get("duration"); ok {
		times.(*value.Dict).Set("end", stamp(c.o.Now()))
	}
}

// Note takes a note in.
func (c *results) Note(n play.Note) {
	switch n.Kind {
	case play.NotePlay:
		c.tasks = value.NewList()
		about := value.NewDict("duration", c.duration(), "id", fmt.Sprint(len(c.plays.Items)+1), "name", n.Play)
		c.plays.Items = append(c.plays.Items, value.NewDict("play", about, "tasks", c.tasks))
	case play.NoteTask:
		c.entry(n)
	case play.NoteItem:
		c.items.take(n)
	case play.NoteResult:
		c.result(c.items.whole(n))
	case play.NoteRecap:
		c.recap(n)
	case play.NoteWarning, play.NoteDeprecated:
		c.text(n)
	}
}

// entry gives the entry of a task.
func (c *results) entry(n play.Note) *value.Dict {
	if e, ok := c.entries[n.Number]; ok {
		return e
	}
	about := value.NewDict("duration", c.duration(), "id", fmt.Sprint(n.Number), "name", n.Task)
	if at := origin(n.Path); at.File != "" {
		about.Set("path", fmt.Sprintf("%s:%d", at.File, max(at.Line, 1)))
	}
	e := value.NewDict("hosts", &value.Dict{}, "task", about)
	c.entries[n.Number] = e
	if c.tasks != nil {
		c.tasks.Items = append(c.tasks.Items, e)
	}
	return e
}

func (c *results) result(n play.Note) {
	e := c.entry(n)
	r, _ := public(n.Result).(*value.Dict)
	r.Set("action", n.Action)
	if n.Unknown {
		r.Set("unknown", true)
	}
	hosts, _ := e.Get("hosts")
	hosts.(*value.Dict).Set(n.Host, r)
	c.ended(e, "task")
	c.ended(c.plays.Items[len(c.plays.Items)-1].(*value.Dict), "play")
}

func (c *results) recap(n play.Note) {
	stats := &value.Dict{}
	for _, t := range n.Recap {
		d := value.NewDict("ok", int64(t.OK), "changed", int64(t.Changed), "unreachable", int64(t.Unreachable), "failures", int64(t.Failed),
			"skipped", int64(t.Skipped), "rescued", int64(t.Rescued), "ignored", int64(t.Ignored))
		if t.Unknown > 0 {
			d.Set("unknown", int64(t.Unknown))
		}
		stats.Set(t.Host, d)
	}
	custom, global := &value.Dict{}, any(&value.Dict{})
	for k, v := range n.Custom.All() {
		if k == runStats {
			global = v
			continue
		}
		custom.Set(k, v)
	}
	whole := value.NewDict("custom_stats", custom, "global_custom_stats", global, "plays", c.plays, "stats", stats)
	text, err := jsontext.Format(whole, jsontext.Options{Lines: true, Indent: "    ", Item: ",", Key: ": ", SortKeys: true, ASCII: true})
	if err != nil {
		c.warning("The results could not be written as JSON: " + err.Error())
		return
	}
	c.write(c.o.Out, text, "", true)
}

// FormatVersion is that of the stream of -json.
const FormatVersion = "1.0"

// stream writes every note as a line of JSON.
type stream struct{ *screen }

// Stream is the view of -json: a line that tells the format, then a line for each note.
func Stream(o Options) View {
	s := stream{newScreen(o)}
	s.write(s.o.Out, `{"kind":"version","format_version":"`+FormatVersion+`"}`, "", false)
	return s
}

// Note writes a note.
func (c stream) Note(n play.Note) {
	text, err := json.Marshal(n)
	if err != nil {
		c.warning("A result could not be written as JSON: " + err.Error())
		return
	}
	c.write(c.o.Out, string(text), "", false)
}
