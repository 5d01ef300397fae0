package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tutti/internal/schedule"
)

func TestDueTimes(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		v, err := time.Parse("2006-01-02 15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		expr, last, now string
		policy          Missed
		want            string
	}{
		{"cron(0 * * * ? *)", "2026-11-23 10:30:00", "2026-11-23 10:59:59", MissedLatest, "left 0"},
		{"cron(0 * * * ? *)", "2026-11-23 10:30:00", "2026-11-23 11:00:00", MissedLatest, "23 11:00 left 0"},
		{"cron(0 * * * ? *)", "2026-11-23 10:30:00", "2026-11-23 13:10:00", MissedLatest, "23 13:00 left 2"},
		{"cron(0 * * * ? *)", "2026-11-23 10:30:00", "2026-11-23 13:10:00", MissedAll, "23 11:00 23 12:00 23 13:00 left 0"},
		{"cron(0 * * * ? *)", "2026-11-23 10:30:00", "2026-11-23 13:10:00", MissedSkip, "left 3"},
		{"cron(0 * * * ? *)", "2026-11-23 12:30:00", "2026-11-23 13:00:05", MissedSkip, "23 13:00 left 0"},
		// Older than the window: nothing is made up for.
		{"cron(0 0 1 * ? *)", "2026-10-20 00:00:00", "2026-11-23 13:10:00", MissedLatest, "left 1"},
		{"cron(0 0 1 * ? *)", "2026-10-20 00:00:00", "2026-11-23 13:10:00", MissedAll, "01 00:00 left 0"},
		{"at(2026-11-23T12:00:00)", "2026-11-23 10:30:00", "2026-11-23 13:10:00", MissedLatest, "23 12:00 left 0"},
		{"at(2026-11-23T12:00:00)", "2026-11-23 12:00:00", "2026-11-23 13:10:00", MissedAll, "left 0"},
	} {
		sc, err := schedule.Parse(c.expr, schedule.Options{})
		if err != nil {
			t.Fatal(err)
		}
		due, left := dueTimes(sc, at(c.last), at(c.now), c.policy)
		var parts []string
		for _, d := range due {
			parts = append(parts, d.UTC().Format("02 15:04"))
		}
		if got := strings.Join(append(parts, fmt.Sprint("left ", left)), " "); got != c.want {
			t.Errorf("%s from %s to %s, %s: %s, want %s", c.expr, c.last, c.now, c.policy, got, c.want)
		}
	}
}

// TestDueTimesBounded has a schedule of every minute that nobody kept for a year.
func TestDueTimesBounded(t *testing.T) {
	t.Parallel()
	sc, err := schedule.Parse("* * * * *", schedule.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 12, 0, 30, 0, time.UTC)
	due, left := dueTimes(sc, now.AddDate(-1, 0, 0), now, MissedAll)
	if len(due) != maxMissed || left > 0 || !due[0].Equal(time.Date(2025, 11, 23, 12, 1, 0, 0, time.UTC)) {
		t.Errorf("%d due from %v, %d left out", len(due), due[0], left)
	}
	due, _ = dueTimes(sc, now.AddDate(-1, 0, 0), now, MissedLatest)
	if len(due) != 1 || !due[0].Equal(now.Truncate(time.Minute)) {
		t.Errorf("due %v", due)
	}
}
