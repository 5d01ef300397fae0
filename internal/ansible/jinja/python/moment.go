package python

import (
	"fmt"
	"math"
	"strings"
	"time"

	"tutti/internal/ansible/value"
)

// Wall gives the time that a clock on the wall shows, as naive datetimes hold it.
func Wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1000*1000, time.UTC)
}

func timeAttribute(v any, attribute string) (any, bool) {
	if d, ok := v.(value.Duration); ok {
		return durationAttribute(d, attribute)
	}
	t := v.(*value.Time)
	switch attribute {
	case "year":
		return int64(t.Time.Year()), true
	case "month":
		return int64(t.Time.Month()), true
	case "day":
		return int64(t.Time.Day()), true
	}
	if !t.DateOnly {
		switch attribute {
		case "hour":
			return int64(t.Time.Hour()), true
		case "minute":
			return int64(t.Time.Minute()), true
		case "second":
			return int64(t.Time.Second()), true
		case "microsecond":
			return int64(t.Time.Nanosecond() / 1000), true
		}
	}
	s, ok := timeMethods[attribute]
	if !ok {
		return nil, false
	}
	return &Method{On: v, Name: attribute, spec: s}, true
}

func durationAttribute(d value.Duration, attribute string) (any, bool) {
	const day = 24 * time.Hour
	days := math.Floor(float64(d) / float64(day))
	rest := time.Duration(d) - time.Duration(days)*day
	switch attribute {
	case "days":
		return int64(days), true
	case "seconds":
		return int64(rest / time.Second), true
	case "microseconds":
		return int64(rest % time.Second / time.Microsecond), true
	case "total_seconds":
		return &Method{On: d, Name: attribute, spec: spec{run: func(on any, _ args) (any, error) {
			return time.Duration(on.(value.Duration)).Seconds(), nil
		}}}, true
	}
	return nil, false
}

func ofTime(f func(t *value.Time) any) spec {
	return spec{run: func(on any, _ args) (any, error) { return f(on.(*value.Time)), nil }}
}

var timeMethods = map[string]spec{
	"strftime": {params: "format", required: 1, run: func(on any, a args) (any, error) {
		format, err := a.text(0, "strftime")
		return Strftime(on.(*value.Time), format), err
	}},
	"isoformat": {params: "sep timespec", run: func(on any, a args) (any, error) {
		text := on.(*value.Time).ISO()
		if sep, ok := a.all[0].(string); ok {
			text = strings.Replace(text, "T", sep, 1)
		}
		return text, nil
	}},
	"timestamp": ofTime(func(t *value.Time) any { return float64(t.Time.UnixMicro()) / 1e6 }),
	"date": ofTime(func(t *value.Time) any {
		y, m, d := t.Time.Date()
		return &value.Time{Time: time.Date(y, m, d, 0, 0, 0, 0, time.UTC), DateOnly: true, Naive: true}
	}),
	"weekday":    ofTime(func(t *value.Time) any { return int64(t.Time.Weekday()+6) % 7 }),
	"isoweekday": ofTime(func(t *value.Time) any { return int64(t.Time.Weekday()+6)%7 + 1 }),
	"isocalendar": ofTime(func(t *value.Time) any {
		y, w := t.Time.ISOWeek()
		return value.NewTuple(int64(y), int64(w), int64(t.Time.Weekday()+6)%7+1)
	}),
	"toordinal": ofTime(func(t *value.Time) any { return int64(math.Floor(float64(t.Time.Unix())/86400)) + 719163 }),
	"ctime":     ofTime(func(t *value.Time) any { return Strftime(t, "%a %b %e %H:%M:%S %Y") }),
	"replace": {params: "year month day hour minute second microsecond tzinfo", run: func(on any, a args) (any, error) {
		t := on.(*value.Time)
		parts := []int64{int64(t.Time.Year()), int64(t.Time.Month()), int64(t.Time.Day()), int64(t.Time.Hour()),
			int64(t.Time.Minute()), int64(t.Time.Second()), int64(t.Time.Nanosecond() / 1000)}
		for i := range parts {
			n, err := a.number(i, parts[i])
			if err != nil {
				return nil, err
			}
			parts[i] = n
		}
		return &value.Time{Time: time.Date(int(parts[0]), time.Month(parts[1]), int(parts[2]), int(parts[3]), int(parts[4]),
			int(parts[5]), int(parts[6])*1000, t.Time.Location()), DateOnly: t.DateOnly, Naive: t.Naive || a.has(7)}, nil
	}},
}

// Strftime formats a time as strftime does in the C locale.
func Strftime(t *value.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		trim := false
		if format[i] == '-' && i+1 < len(format) {
			trim = true
			i++
		}
		text, ok := directive(t, format[i])
		switch {
		case !ok:
			text = "%" + format[i:i+1]
		case trim:
			if text = strings.TrimLeft(text, "0 "); text == "" {
				text = "0"
			}
		}
		b.WriteString(text)
	}
	return b.String()
}

func directive(v *value.Time, c byte) (string, bool) {
	t := v.Time
	if layout, ok := layouts[c]; ok {
		return t.Format(layout), true
	}
	switch c {
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case '%':
		return "%", true
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay()), true
	case 'u':
		return fmt.Sprint((int(t.Weekday())+6)%7 + 1), true
	case 'w':
		return fmt.Sprint(int(t.Weekday())), true
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7), true
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7), true
	case 'V':
		_, w := t.ISOWeek()
		return fmt.Sprintf("%02d", w), true
	case 'G', 'g':
		y, _ := t.ISOWeek()
		if c == 'g' {
			return fmt.Sprintf("%02d", y%100), true
		}
		return fmt.Sprint(y), true
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), true
	case 's':
		return fmt.Sprint(t.Unix()), true
	case 'k':
		return fmt.Sprintf("%2d", t.Hour()), true
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), true
	case 'z', 'Z':
		if v.Naive {
			return "", true
		}
		if c == 'z' {
			return t.Format("-0700"), true
		}
		return t.Format("MST"), true
	}
	return "", false
}

// layouts are the directives that package time knows too.
var layouts = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'I': "03", 'p': "PM", 'P': "pm",
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'e': "_2", 'D': "01/02/06", 'F': "2006-01-02",
	'T': "15:04:05", 'R': "15:04", 'r': "03:04:05 PM", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05",
}
