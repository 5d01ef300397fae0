package callback

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tutti/internal/ansible/play"
)

// timer says how long the playbook took.
type timer struct {
	*screen
	began time.Time
}

// Note takes a note in.
func (c *timer) Note(n play.Note) {
	if c.o.Now == nil {
		return
	}
	switch {
	case c.began.IsZero():
		c.began = c.o.Now()
	case n.Kind == play.NoteRecap:
		d := c.o.Now().Sub(c.began)
		day := 24 * time.Hour
		c.show(fmt.Sprintf("Playbook run took %d days, %d hours, %d minutes, %d seconds", d/day, d%day/time.Hour, d%time.Hour/time.Minute,
			d%time.Minute/time.Second), "")
	}
}

// profiled is how many tasks profile_tasks shows.
const profiled = 20

// profile says when each task began, and which took longest.
type profile struct {
	*screen
	began, last time.Time
	tasks       []*taskTime
}

type taskTime struct {
	name string
	took time.Duration
}

// Note takes a note in.
func (c *profile) Note(n play.Note) {
	if c.o.Now == nil {
		return
	}
	now := c.o.Now()
	if c.began.IsZero() {
		c.began, c.last = now, now
	}
	switch n.Kind {
	case play.NoteTask:
		c.lap(now)
		c.tasks = append(c.tasks, &taskTime{name: n.Task})
	case play.NoteRecap:
		c.lap(now)
		c.summary()
	}
}

// lap ends the present task and shows the time.
func (c *profile) lap(now time.Time) {
	took := now.Sub(c.last)
	if len(c.tasks) > 0 {
		c.tasks[len(c.tasks)-1].took = took
	}
	c.last = now
	c.show(c.filled(fmt.Sprintf("%s (%s)       %s", now.Format("Monday 02 January 2006  15:04:05 -0700"), clock(took), clock(now.Sub(c.began)))), "")
}

// clock is a time in hours, minutes, seconds and thousandths.
func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d:%02d.%03d", d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second, d%time.Second/time.Millisecond)
}

// filled is a text with stars to the end of the line.
func (c *profile) filled(text string) string {
	return text + " " + strings.Repeat("*", max(minStars, c.o.Width-len(text)-1))
}

func (c *profile) summary() {
	c.show(strings.Repeat("=", c.o.Width)+" ", "")
	sorted := slices.Clone(c.tasks)
	slices.SortStableFunc(sorted, func(a, b *taskTime) int { return cmp.Compare(b.took, a.took) })
	for _, t := range sorted[:min(profiled, len(sorted))] {
		took := fmt.Sprintf("%.2fs", t.took.Seconds())
		dashes := max(1, c.o.Width-len(t.name)-len(took)-2)
		c.show(t.name+" "+strings.Repeat("-", dashes)+" "+took, "")
	}
}

// tree writes the latest result of every host to a file of its name.
type tree struct{ *screen }

// Note takes a note in.
func (c *tree) Note(n play.Note) {
	if n.Kind != play.NoteResult {
		return
	}
	err := os.MkdirAll(c.o.Folder, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(c.o.Folder, filepath.Base(n.Host)), []byte(dumpJSON(c.abridged(without(n.Result)), 0)), 0o644)
	}
	if err != nil {
		c.warning(fmt.Sprintf("Unable to write to %s's file: %s", n.Host, err))
	}
}
