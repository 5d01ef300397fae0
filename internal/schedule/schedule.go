// Package schedule tells when something that recurs is due: the expressions of
// EventBridge Scheduler and the five fields of cron(5).
//
// In: an expression, a time zone, bounds. Out: the next time after a given one. The
// package is pure: it knows no clock, and the same question has the same answer. It
// must not know what is due, nor what becomes of times that were missed.
//
//	rate(5 minutes)                every 5 minutes, counted from the start
//	cron(0 10 ? * MON-FRI *)       six fields: minute hour day-of-month month day-of-week year
//	at(2026-12-01T10:00:00)        once
//	0 10 * * 1-5                   five fields, as cron(5) reads them; also @daily and its kind
//
// Files: schedule.go expressions and their bounds, cron.go the fields and the days
// of a calendar, field.go one field.
//
// Sources: the EventBridge Scheduler user guide ("Schedule types"), cron(5).
package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones are known wherever the program runs, with or without files of the system
)

// Options say where and when an expression counts. The zero value is UTC, without
// bounds.
type Options struct {
	// Zone is the IANA name of the time zone in which cron and at are read, such as
	// Europe/Paris; "" is UTC. Start and End are moments, whatever the zone.
	Zone string
	// Start is the first moment at which it may be due; zero is none. Rates count from
	// it.
	Start time.Time
	// End is the moment from which it is not due any more; zero is none.
	End time.Time
	// Created is what rates count from when there is no Start.
	Created time.Time
}

// Schedule is an expression with its bounds. It is immutable.
type Schedule struct {
	text string
	o    Options
	rule rule
}

// rule gives the first time after a moment, without regard to bounds.
type rule interface {
	next(after time.Time) (time.Time, bool)
}

// Parse reads an expression. Its errors are about what the user wrote, and say what
// would be right.
func Parse(text string, o Options) (*Schedule, error) {
	zone, err := loadZone(o.Zone)
	if err != nil {
		return nil, err
	}
	if !o.Start.IsZero() && !o.End.IsZero() && !o.End.After(o.Start) {
		return nil, fmt.Errorf("it ends at %s, which is not after its start at %s", o.End.Format(time.RFC3339), o.Start.Format(time.RFC3339))
	}
	s := &Schedule{text: strings.TrimSpace(text), o: o}
	kind, inner, wrapped := unwrap(s.text)
	switch {
	case wrapped && kind == "rate":
		s.rule, err = parseRate(inner, o)
	case wrapped && kind == "cron":
		s.rule, err = parseSix(inner, zone)
	case wrapped && kind == "at":
		s.rule, err = parseAt(inner, zone)
	case wrapped:
		err = fmt.Errorf("%s(...) is no kind of schedule: there are rate(5 minutes), cron(0 10 * * ? *) and at(2026-12-01T10:00:00)", kind)
	default:
		s.rule, err = parseFive(s.text, zone)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// String gives the expression.
func (s *Schedule) String() string { return s.text }

// Next gives the first time after the given moment at which it is due; false when
// there is none any more.
func (s *Schedule) Next(after time.Time) (time.Time, bool) {
	_, once := s.rule.(once)
	// The bounds do not concern what is due only once, as the service has it.
	if start := s.o.Start; !once && !start.IsZero() && after.Before(start) {
		after = start.Add(-time.Nanosecond)
	}
	t, ok := s.rule.next(after)
	if !ok || !once && !s.o.End.IsZero() && !t.Before(s.o.End) {
		return time.Time{}, false
	}
	return t, true
}

// loadZone knows IANA's names only: what "Local" means would depend on the machine.
func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone: zones have names such as Europe/Paris, America/New_York and UTC", name)
	}
	return zone, nil
}

// unwrap takes kind(inner) apart.
func unwrap(text string) (kind, inner string, ok bool) {
	kind, rest, ok := strings.Cut(text, "(")
	if !ok || strings.ContainsAny(kind, " \t*") {
		return "", "", false
	}
	inner, ok = strings.CutSuffix(rest, ")")
	return strings.TrimSpace(kind), inner, ok
}

// every is a rate. A day of it is 24 hours, also when the clocks change.
type every struct {
	period time.Duration
	from   time.Time
}

// maxRate bounds a rate, so that no sum of durations can overflow.
const maxRate = 100 * 365 * 24 * time.Hour

func parseRate(inner string, o Options) (rule, error) {
	words := strings.Fields(inner)
	if len(words) != 2 {
		return nil, fmt.Errorf("rate(%s) must have a number and a unit, such as rate(5 minutes)", inner)
	}
	n, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("rate(%s): %s is no whole number above 0", inner, words[0])
	}
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	unit, ok := units[strings.TrimSuffix(words[1], "s")]
	if !ok {
		return nil, fmt.Errorf("rate(%s): %s is no unit: there are minutes, hours and days", inner, words[1])
	}
	if n > int64(maxRate/unit) {
		return nil, fmt.Errorf("rate(%s) is longer than 100 years", inner)
	}
	r := every{period: time.Duration(n) * unit, from: o.Start}
	if r.from.IsZero() {
		r.from = o.Created
	}
	return r, nil
}

func (e every) next(after time.Time) (time.Time, bool) {
	if after.Before(e.from) {
		return e.from, true
	}
	// In seconds, because a Duration holds no more than 292 years.
	period := int64(e.period / time.Second)
	passed := (after.Unix() - e.from.Unix()) / period
	t := addSeconds(e.from, passed*period)
	for !t.After(after) {
		t = addSeconds(t, period)
	}
	return t, true
}

func addSeconds(t time.Time, n int64) time.Time {
	return time.Unix(t.Unix()+n, int64(t.Nanosecond())).In(t.Location())
}

// once is a single moment.
type once time.Time

func parseAt(inner string, zone *time.Location) (rule, error) {
	text := strings.TrimSpace(inner)
	wall, err := time.Parse("2006-01-02T15:04:05", text)
	if err != nil {
		return nil, fmt.Errorf("at(%s) must have a date and time such as at(2026-12-01T10:00:00)", inner)
	}
	t, ok := moment(wall, zone)
	if !ok {
		return nil, fmt.Errorf("at(%s): the clocks in %s are set forward over this time, so it does not exist", inner, zone)
	}
	return once(t), nil
}

func (o once) next(after time.Time) (time.Time, bool) {
	return time.Time(o), time.Time(o).After(after)
}

// moment gives when clocks in the zone show what wall shows: the first time when
// they do so twice, false when they never do.
func moment(wall time.Time, zone *time.Location) (time.Time, bool) {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	if !shows(t, wall) {
		return time.Time{}, false
	}
	begin, _ := t.ZoneBounds()
	if begin.IsZero() {
		return t, true
	}
	_, offset := begin.Add(-time.Second).Zone()
	earlier := time.Unix(wall.Unix()-int64(offset), 0).In(zone)
	if earlier.Before(begin) && shows(earlier, wall) {
		return earlier, true
	}
	return t, true
}

// shows compares what clocks show; wall is in UTC.
func shows(t, wall time.Time) bool {
	_, offset := t.Zone()
	return t.Unix()+int64(offset) == wall.Unix()
}
