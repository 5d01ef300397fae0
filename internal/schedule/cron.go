package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cron is a rule of the calendar. A time that the clocks pass over is passed over; of
// one that they show twice the first counts, as the service has it.
type cron struct {
	zone           *time.Location
	minutes, hours set
	months, years  set
	days           []dayRule
}

// dayRule says whether a day is meant; all rules must agree.
type dayRule func(day time.Time) bool

// next walks over the days and not over the minutes, so that a rule which is met
// once in decades is found as fast as one of every day.
func (c *cron) next(after time.Time) (time.Time, bool) {
	local := after.In(c.zone)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	if day.Year() < minYear {
		day = time.Date(minYear, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	for day.Year() <= maxYear {
		switch {
		case !c.years.has(day.Year()):
			day = time.Date(day.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case !c.months.has(int(day.Month())):
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if c.meant(day) {
			if t, ok := c.within(day, after); ok {
				return t, true
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

func (c *cron) meant(day time.Time) bool {
	for _, rule := range c.days {
		if !rule(day) {
			return false
		}
	}
	return true
}

// within gives the first time of a day after a moment.
func (c *cron) within(day, after time.Time) (time.Time, bool) {
	for h := range hourField.max + 1 {
		if !c.hours.has(h) {
			continue
		}
		for m := range minuteField.max + 1 {
			if !c.minutes.has(m) {
				continue
			}
			wall := day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
			if t, ok := moment(wall, c.zone); ok && t.After(after) {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// anyYear holds all years.
func anyYear() set {
	s := set{min: minYear}
	for y := minYear; y <= maxYear; y++ {
		s.add(y)
	}
	return s
}

// parseSix reads the fields of cron(...).
func parseSix(inner string, zone *time.Location) (rule, error) {
	f := strings.Fields(inner)
	if len(f) != 6 {
		return nil, fmt.Errorf("cron(%s) has %d fields and must have six: minute, hour, day-of-month, month, day-of-week and year, such as cron(0 10 * * ? *); five fields, as crontab has them, stand without cron()", inner, len(f))
	}
	c := &cron{zone: zone}
	var err error
	if c.minutes, err = minuteField.parse(f[0]); err != nil {
		return nil, err
	}
	if c.hours, err = hourField.parse(f[1]); err != nil {
		return nil, err
	}
	if c.months, err = monthField.parse(f[3]); err != nil {
		return nil, err
	}
	if c.years, err = yearField.parse(f[5]); err != nil {
		return nil, err
	}
	var day dayRule
	switch {
	case (f[2] == "?") == (f[4] == "?"):
		return nil, fmt.Errorf("cron(%s): exactly one of day-of-month and day-of-week must be ?, and the other say which days are meant", inner)
	case f[4] == "?":
		day, err = monthDays(f[2])
	default:
		day, err = weekDays(f[4])
	}
	if err != nil {
		return nil, err
	}
	c.days = []dayRule{day}
	return c, nil
}

// monthDays reads day-of-month: besides numbers, L is the month's last day, 15W the
// weekday that is nearest to the 15th in the same month, and LW the last weekday.
func monthDays(text string) (dayRule, error) {
	var rules []dayRule
	var plain []string
	for part := range strings.SplitSeq(text, ",") {
		upper := strings.ToUpper(part)
		nearest, w := strings.CutSuffix(upper, "W")
		switch {
		case upper == "L":
			rules = append(rules, func(d time.Time) bool { return d.Day() == lastDay(d) })
		case upper == "LW":
			rules = append(rules, func(d time.Time) bool { return d.Day() == nearestWeekday(d, lastDay(d)) })
		case w:
			n, err := dayField.number(nearest)
			if err != nil {
				return nil, err
			}
			rules = append(rules, func(d time.Time) bool { return n <= lastDay(d) && d.Day() == nearestWeekday(d, n) })
		default:
			plain = append(plain, part)
		}
	}
	return anyOf(rules, plain, dayField, func(d time.Time) int { return d.Day() })
}

// weekDays reads day-of-week: besides numbers from 1 (Sunday), L is the week's last
// day, 6L the month's last Friday, and 6#2 its second Friday.
func weekDays(text string) (dayRule, error) {
	if name, nth, ok := strings.Cut(text, "#"); ok {
		n, err := weekdayField.number(name)
		if err != nil {
			return nil, err
		}
		k, err := strconv.Atoi(nth)
		if err != nil || k < 1 || k > 5 {
			return nil, fmt.Errorf("the day-of-week field holds %q: behind # stands one number from 1 to 5, the week of the month, and nothing else", text)
		}
		return func(d time.Time) bool { return weekday(d) == n && (d.Day()-1)/7+1 == k }, nil
	}
	var rules []dayRule
	var plain []string
	for part := range strings.SplitSeq(text, ",") {
		upper := strings.ToUpper(part)
		name, last := strings.CutSuffix(upper, "L")
		switch {
		case upper == "L":
			plain = append(plain, "SAT")
		case last:
			n, err := weekdayField.number(name)
			if err != nil {
				return nil, err
			}
			rules = append(rules, func(d time.Time) bool { return weekday(d) == n && d.Day()+7 > lastDay(d) })
		default:
			plain = append(plain, part)
		}
	}
	return anyOf(rules, plain, weekdayField, weekday)
}

// anyOf joins special days with the numbers of a plain list.
func anyOf(rules []dayRule, plain []string, f field, number func(time.Time) int) (dayRule, error) {
	if len(plain) > 0 {
		days, err := f.parse(strings.Join(plain, ","))
		if err != nil {
			return nil, err
		}
		rules = append(rules, func(d time.Time) bool { return days.has(number(d)) })
	}
	return func(d time.Time) bool {
		for _, r := range rules {
			if r(d) {
				return true
			}
		}
		return false
	}, nil
}

// weekday counts from Sunday, which is 1.
func weekday(d time.Time) int { return int(d.Weekday()) + 1 }

func lastDay(d time.Time) int { return time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() }

// nearestWeekday gives the weekday nearest to a day of d's month, within the month.
func nearestWeekday(d time.Time, day int) int {
	switch time.Date(d.Year(), d.Month(), day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == lastDay(d) {
			return day - 2
		}
		return day + 1
	default:
		return day
	}
}

// parseFive reads a line as crontab has it: when both days are restricted, either is
// enough.
func parseFive(text string, zone *time.Location) (rule, error) {
	if strings.HasPrefix(text, "@") {
		short := map[string]string{"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
			"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *"}
		line, ok := short[strings.ToLower(text)]
		if !ok {
			return nil, fmt.Errorf("%s is not known: there are @hourly, @daily, @weekly, @monthly and @yearly", text)
		}
		text = line
	}
	f := strings.Fields(text)
	if len(f) != 5 {
		return nil, fmt.Errorf("%q is no schedule: write rate(5 minutes), cron(0 10 * * ? *), at(2026-12-01T10:00:00), or the five fields of crontab, such as 0 10 * * 1-5", text)
	}
	c := &cron{zone: zone, years: anyYear()}
	var days, weekdays set
	for _, part := range []struct {
		f    field
		text string
		into *set
	}{{minuteField, f[0], &c.minutes}, {hourField, f[1], &c.hours}, {dayField, f[2], &days}, {monthField, f[3], &c.months}, {cronWeekdayField, f[4], &weekdays}} {
		var err error
		if *part.into, err = part.f.parse(part.text); err != nil {
			return nil, err
		}
	}
	inMonth := func(d time.Time) bool { return days.has(d.Day()) }
	inWeek := func(d time.Time) bool {
		return weekdays.has(int(d.Weekday())) || d.Weekday() == time.Sunday && weekdays.has(7)
	}
	if strings.HasPrefix(f[2], "*") || strings.HasPrefix(f[4], "*") {
		c.days = []dayRule{inMonth, inWeek}
	} else {
		c.days = []dayRule{func(d time.Time) bool { return inMonth(d) || inWeek(d) }}
	}
	return c, nil
}
