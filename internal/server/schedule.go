package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tutti/internal/schedule"
	"tutti/internal/store"
)

// Schedules tells what is started by a schedule, as things are now.
type Schedules interface {
	Scheduled(ctx context.Context) ([]Scheduled, error)
}

// Scheduled is one thing that is started again and again.
type Scheduled struct {
	// Key names it and its schedule: a new key begins without a past.
	Key      string
	Schedule *schedule.Schedule
	// Start starts it for a time at which it was due. It may be called twice for the
	// same time, when the process ends in between, and must start it once.
	Start func(ctx context.Context, due time.Time) error
}

// Missed says what becomes of times that passed while nobody served.
type Missed string

// The policies.
const (
	// MissedLatest starts once for the latest missed time, when it is not older than
	// missedWindow. It is the default.
	MissedLatest Missed = "latest"
	// MissedAll starts for every missed time, one after the other.
	MissedAll Missed = "all"
	// MissedSkip starts for none.
	MissedSkip Missed = "skip"
)

// ParseMissed reads a policy; "" is MissedLatest.
func ParseMissed(text string) (Missed, error) {
	switch m := Missed(text); m {
	case "":
		return MissedLatest, nil
	case MissedLatest, MissedAll, MissedSkip:
		return m, nil
	default:
		return "", fmt.Errorf("%q is no policy for missed schedules: there are latest, all and skip", text)
	}
}

const (
	// missedWindow is how old a missed time may be to be made up for: what was due
	// longer ago is hardly wanted now.
	missedWindow = 24 * time.Hour
	// maxMissed bounds how many missed times are made up for before it is noted how far
	// that went.
	maxMissed = 1000
	// onTime is how late a time may be noticed and still not count as missed.
	onTime = 30 * time.Second
	// lookAgain is how often it is asked what is scheduled, and the longest sleep, so
	// that a clock that was set is noticed.
	lookAgain = 5 * time.Second
)

// documentSchedule is the kind of document that tells what a schedule was last
// started for, by its key.
const documentSchedule = "schedule"

// past is what is kept of a schedule.
type past struct {
	// Last is the time up to which everything that was due is done with.
	Last time.Time `json:"last"`
}

// keepSchedules starts what is due until the context ends.
func (s *Server) keepSchedules(ctx context.Context) {
	if s.o.Schedules == nil {
		return
	}
	for {
		wait := lookAgain
		list, err := s.o.Schedules.Scheduled(ctx)
		if err != nil && ctx.Err() == nil {
			s.o.Log.Error("what is scheduled cannot be read", "error", err)
		}
		for _, x := range list {
			next, err := s.keepSchedule(ctx, x, time.Now())
			if err != nil && ctx.Err() == nil {
				s.o.Log.Error("a schedule failed; it is tried again", "schedule", x.Key, "error", err)
			}
			if until := time.Until(next); !next.IsZero() && until < wait {
				wait = max(until, 0)
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// keepSchedule starts one thing for the times at which it was due, and gives the next.
func (s *Server) keepSchedule(ctx context.Context, x Scheduled, now time.Time) (next time.Time, err error) {
	p, known, err := s.past(ctx, x.Key)
	if err != nil {
		return next, err
	}
	if !known {
		p.Last = now
		if err := s.setPast(ctx, x.Key, p); err != nil {
			return next, err
		}
	}
	due, left := dueTimes(x.Schedule, p.Last, now, s.o.Missed)
	if left > 0 {
		s.metrics.missed.Add(float64(left))
		s.o.Log.Warn("times of a schedule were missed and left out", "schedule", x.Key, "count", left, "policy", s.o.Missed)
	}
	for _, t := range due {
		if err := x.Start(ctx, t); err != nil {
			return next, fmt.Errorf("start it for %s: %w", t.Format(time.RFC3339), err)
		}
		s.metrics.lag.Observe(now.Sub(t).Seconds())
		s.o.Log.Info("started by its schedule", "schedule", x.Key, "due", t.UTC().Format(time.RFC3339))
	}
	if len(due)+left > 0 {
		if len(due) == maxMissed {
			now = due[maxMissed-1] // there may be more
		}
		if err := s.setPast(ctx, x.Key, past{Last: now}); err != nil {
			return next, err
		}
	}
	next, _ = x.Schedule.Next(now)
	return next, nil
}

// dueTimes gives the times after last, up to now, for which something is to be
// started, and how many are left out.
func dueTimes(sc *schedule.Schedule, last, now time.Time, m Missed) (due []time.Time, left int) {
	if m == MissedSkip || m == MissedLatest || m == "" {
		return dueRecently(sc, last, now, m)
	}
	for t, ok := sc.Next(last); ok && !t.After(now) && len(due) < maxMissed; t, ok = sc.Next(t) {
		due = append(due, t)
	}
	return due, 0
}

// dueRecently looks at what was due within the window only, however long ago the last
// time was.
func dueRecently(sc *schedule.Schedule, last, now time.Time, m Missed) (due []time.Time, left int) {
	since := now.Add(-missedWindow)
	if last.Before(since) {
		if t, ok := sc.Next(last); ok && t.Before(since) {
			left++ // at least one
		}
		last = since
	}
	for t, ok := sc.Next(last); ok && !t.After(now); t, ok = sc.Next(t) {
		left += len(due)
		due = []time.Time{t}
	}
	if m == MissedSkip && len(due) > 0 && now.Sub(due[0]) > onTime {
		return nil, left + 1
	}
	return due, left
}

func (s *Server) past(ctx context.Context, key string) (p past, known bool, err error) {
	doc, err := s.store.Document(ctx, documentSchedule, key)
	if errors.Is(err, store.ErrNotFound) {
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	if err := json.Unmarshal(doc.Value, &p); err != nil {
		return p, false, fmt.Errorf("%w: the past of the schedule %s: %w", store.ErrCorrupt, key, err)
	}
	return p, true, nil
}

func (s *Server) setPast(ctx context.Context, key string, p past) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.store.PutDocuments(ctx, []store.DocumentWrite{{Kind: documentSchedule, Key: key, Value: text}})
}
