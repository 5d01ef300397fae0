package schedule_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tutti/internal/schedule"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// upcoming gives the next times in the zone, as clocks there show them.
func upcoming(t *testing.T, expression, zone, after string, n int) string {
	t.Helper()
	s, err := schedule.Parse(expression, schedule.Options{Zone: zone})
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for now := at(t, after); len(list) < n; {
		next, ok := s.Next(now)
		if !ok {
			list = append(list, "never")
			break
		}
		list = append(list, next.In(place).Format("Mon 2006-01-02 15:04 -07"))
		now = next
	}
	return strings.Join(list, "; ")
}

func TestNext(t *testing.T) {
	t.Parallel()
	const from = "2026-11-23T14:08:43Z" // a Monday
	tests := []struct {
		expression, zone, after string
		want                    string
	}{
		{"cron(0 10 ? * MON-FRI *)", "UTC", "2026-11-27T10:00:00Z", "Mon 2026-11-30 10:00 +00; Tue 2026-12-01 10:00 +00"},
		{"cron(0/10 8-9 ? * 2-6 *)", "UTC", from, "Tue 2026-11-24 08:00 +00; Tue 2026-11-24 08:10 +00"},
		{"cron(15 12 * * ? *)", "UTC", from, "Tue 2026-11-24 12:15 +00; Wed 2026-11-25 12:15 +00"},
		{"cron(0 8 1 * ? *)", "UTC", from, "Tue 2026-12-01 08:00 +00; Fri 2027-01-01 08:00 +00"},
		{"cron(0 8 L * ? *)", "UTC", "2027-12-31T09:00:00Z", "Mon 2028-01-31 08:00 +00; Tue 2028-02-29 08:00 +00"},
		{"cron(0 8 LW * ? *)", "UTC", "2027-01-01T00:00:00Z", "Fri 2027-01-29 08:00 +00; Fri 2027-02-26 08:00 +00"},
		// 1 August 2026 is a Saturday, 31 January 2027 a Sunday: never into another month.
		{"cron(0 8 1W 8 ? *)", "UTC", "2026-01-01T00:00:00Z", "Mon 2026-08-03 08:00 +00; Mon 2027-08-02 08:00 +00"},
		{"cron(0 8 31W JAN ? *)", "UTC", from, "Fri 2027-01-29 08:00 +00; Mon 2028-01-31 08:00 +00"},
		{"cron(0 8 15W,L * ? *)", "UTC", from, "Mon 2026-11-30 08:00 +00; Tue 2026-12-15 08:00 +00"},
		{"cron(0 9 ? * 6#2 *)", "UTC", from, "Fri 2026-12-11 09:00 +00; Fri 2027-01-08 09:00 +00"},
		{"cron(0 9 ? * MON#5 *)", "UTC", from, "Mon 2026-11-30 09:00 +00; Mon 2027-03-29 09:00 +00"},
		{"cron(0 9 ? * 6L *)", "UTC", from, "Fri 2026-11-27 09:00 +00; Fri 2026-12-25 09:00 +00"},
		{"cron(0 9 ? * L *)", "UTC", from, "Sat 2026-11-28 09:00 +00; Sat 2026-12-05 09:00 +00"},
		{"cron(30 6 ? jan,jul sun 2027-2028/2)", "UTC", from, "Sun 2027-01-03 06:30 +00; Sun 2027-01-10 06:30 +00"},
		{"cron(0 0 29 2 ? *)", "UTC", from, "Tue 2028-02-29 00:00 +00; Sun 2032-02-29 00:00 +00"},
		{"cron(0 0 30 2 ? *)", "UTC", from, "never"},
		{"cron(0 0 1 1 ? 2020-2026)", "UTC", from, "never"},
		{"at(2026-12-01T10:00:00)", "Europe/Paris", from, "Tue 2026-12-01 10:00 +01; never"},
		{"at(2020-12-01T10:00:00)", "UTC", from, "never"},
		{"0 10 * * 1-5", "UTC", from, "Tue 2026-11-24 10:00 +00; Wed 2026-11-25 10:00 +00"},
		{"*/20 * * * *", "UTC", from, "Mon 2026-11-23 14:20 +00; Mon 2026-11-23 14:40 +00"},
		{"0 0 * * 7", "UTC", from, "Sun 2026-11-29 00:00 +00; Sun 2026-12-06 00:00 +00"},
		// Two restricted days: either is enough. One that begins with a star restricts both.
		{"0 0 13 * 5", "UTC", from, "Fri 2026-11-27 00:00 +00; Fri 2026-12-04 00:00 +00; Fri 2026-12-11 00:00 +00; Sun 2026-12-13 00:00 +00"},
		{"0 0 */13 * 5", "UTC", "2026-10-25T00:00:00Z", "Fri 2026-11-27 00:00 +00; Fri 2027-01-01 00:00 +00"},
		{"@daily", "Asia/Tokyo", from, "Tue 2026-11-24 00:00 +09; Wed 2026-11-25 00:00 +09"},
		{"@yearly", "UTC", from, "Fri 2027-01-01 00:00 +00"},
		// In Paris the clocks go from 02:00 to 03:00 on 28 March 2027, and from 03:00 back
		// to 02:00 on 31 October.
		{"cron(30 2 * * ? *)", "Europe/Paris", "2027-03-26T12:00:00Z", "Sat 2027-03-27 02:30 +01; Mon 2027-03-29 02:30 +02"},
		{"cron(30 2 * * ? *)", "Europe/Paris", "2027-10-30T12:00:00Z", "Sun 2027-10-31 02:30 +02; Mon 2027-11-01 02:30 +01"},
		{"cron(0/30 2 * * ? *)", "Europe/Paris", "2027-10-31T00:30:00Z", "Mon 2027-11-01 02:00 +01"},
		{"*/30 * * * *", "Europe/Paris", "2027-10-31T00:30:00Z", "Sun 2027-10-31 03:00 +01; Sun 2027-10-31 03:30 +01"},
		// In Apia there was no 30 December 2011.
		{"0 12 * * *", "Pacific/Apia", "2011-12-29T22:00:00Z", "Sat 2011-12-31 12:00 +14"},
	}
	for _, tt := range tests {
		if got := upcoming(t, tt.expression, tt.zone, tt.after, strings.Count(tt.want, ";")+1); got != tt.want {
			t.Errorf("%s in %s after %s:\n got %s\nwant %s", tt.expression, tt.zone, tt.after, got, tt.want)
		}
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	start := at(t, "2026-03-01T12:00:30Z")
	tests := []struct {
		expression string
		o          schedule.Options
		after      string
		want       string
	}{
		{"rate(5 minutes)", schedule.Options{Start: start}, "2026-01-01T00:00:00Z", "2026-03-01T12:00:30Z"},
		{"rate(5 minutes)", schedule.Options{Start: start}, "2026-03-01T12:00:30Z", "2026-03-01T12:05:30Z"},
		{"rate(5 minutes)", schedule.Options{Created: start}, "2026-03-01T12:05:30.5Z", "2026-03-01T12:10:30Z"},
		{"rate(1 hour)", schedule.Options{Start: start, Created: start.Add(-time.Hour)}, "2026-03-01T11:00:00Z", "2026-03-01T12:00:30Z"},
		// A day is 24 hours, whatever the clocks do.
		{"rate(1 days)", schedule.Options{Start: at(t, "2027-03-27T02:30:00+01:00"), Zone: "Europe/Paris"}, "2027-03-27T02:30:00+01:00", "2027-03-28T01:30:00Z"},
		{"rate(7 days)", schedule.Options{Start: start, End: at(t, "2026-03-08T12:00:31Z")}, "2026-03-02T00:00:00Z", "2026-03-08T12:00:30Z"},
		{"rate(7 days)", schedule.Options{Start: start, End: at(t, "2026-03-08T12:00:30Z")}, "2026-03-02T00:00:00Z", ""},
		// The zero time is farther away than a Duration reaches.
		{"rate(2 minutes)", schedule.Options{}, "2026-03-01T00:01:00Z", "2026-03-01T00:02:00Z"},
	}
	for _, tt := range tests {
		s, err := schedule.Parse(tt.expression, tt.o)
		if err != nil {
			t.Fatal(err)
		}
		next, ok := s.Next(at(t, tt.after))
		got := ""
		if ok {
			got = next.UTC().Format(time.RFC3339Nano)
		}
		if got != tt.want {
			t.Errorf("%s after %s: got %s, want %s", tt.expression, tt.after, got, tt.want)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	o := schedule.Options{Start: at(t, "2026-12-01T10:00:00Z"), End: at(t, "2026-12-03T10:00:00Z")}
	s, err := schedule.Parse("cron(0 10 * * ? *)", o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for now, ok := s.Next(at(t, "2020-01-01T00:00:00Z")); ok; now, ok = s.Next(now) {
		got = append(got, now.Format("02"))
	}
	if text := strings.Join(got, " "); text != "01 02" {
		t.Errorf("the start counts and the end does not: got %s", text)
	}
	// As the service has it, bounds do not concern what is due once.
	once, err := schedule.Parse("at(2027-01-01T00:00:00)", o)
	if err != nil {
		t.Fatal(err)
	}
	if next, ok := once.Next(o.Start); !ok || !next.Equal(at(t, "2027-01-01T00:00:00Z")) {
		t.Errorf("at is due at %v, %v", next, ok)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"":                             "is no schedule",
		"daily":                        "is no schedule",
		"@reboot":                      "@reboot is not known",
		"every(5 minutes)":             "is no kind of schedule",
		"rate(5)":                      "must have a number and a unit",
		"rate(0 minutes)":              "no whole number above 0",
		"rate(5 weeks)":                "weeks is no unit",
		"rate(52560001 minutes)":       "longer than 100 years",
		"cron(0 10 * * 1-5)":           "has 5 fields and must have six",
		"cron(0 10 * * * *)":           "must be ?",
		"cron(0 10 ? * ? *)":           "must be ?",
		"cron(60 10 * * ? *)":          `minute field holds "60"`,
		"cron(0 24 * * ? *)":           `hour field holds "24"`,
		"cron(0 10 0 * ? *)":           `day-of-month field holds "0"`,
		"cron(0 10 32W * ? *)":         `day-of-month field holds "32"`,
		"cron(0 10 ? * 0 *)":           "it may have 1 to 7 or SUN to SAT",
		"cron(0 10 ? * 3#6 *)":         "one number from 1 to 5",
		"cron(0 10 ? * 3#1,6#3 *)":     "and nothing else",
		"cron(0 10 * FOO ? *)":         "JAN to DEC",
		"cron(0 10 * * ? 1969)":        "1970 to 2199",
		"cron(0 10-8 * * ? *)":         "ends before it begins",
		"cron(0 */0 * * ? *)":          `the step "0"`,
		"cron(0 ,1 * * ? *)":           `holds ""`,
		"at(2026-12-01)":               "must have a date and time",
		"at(2026-13-01T10:00:00)":      "must have a date and time",
		"0 10 L * *":                   `holds "L"`,
		"0 10 * * 8":                   `day of week field holds "8"`,
		"99999999999999999999 * * * *": "minute field",
	} {
		if _, err := schedule.Parse(expression, schedule.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", expression, err, want)
		}
	}
	refuse := func(o schedule.Options, want string) {
		if _, err := schedule.Parse("at(2027-03-28T02:30:00)", o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	refuse(schedule.Options{Zone: "Local"}, "no time zone")
	refuse(schedule.Options{Zone: "Europe/Nowhere"}, "no time zone")
	refuse(schedule.Options{Zone: "Europe/Paris"}, "does not exist")
	refuse(schedule.Options{Start: time.Unix(10, 0), End: time.Unix(10, 0)}, "not after its start")
}

// TestAgainstEveryMinute holds Next against a twin that looks at every minute of what
// clocks in the zone show.
func TestAgainstEveryMinute(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu"}
	rapid.Check(t, func(t *rapid.T) {
		minute := rapid.SampledFrom([]string{"0", "30", "*/15", "1-59/29", "5,45"}).Draw(t, "minute")
		hour := rapid.SampledFrom([]string{"*", "0", "1", "2", "23", "0-3"}).Draw(t, "hour")
		day := rapid.SampledFrom([]string{"*", "1", "28-31", "*/2"}).Draw(t, "day")
		weekday := rapid.SampledFrom([]string{"*", "0", "6,7", "MON-FRI"}).Draw(t, "weekday")
		expression := strings.Join([]string{minute, hour, day, "*", weekday}, " ")
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := schedule.Parse(expression, schedule.Options{Zone: zone.String()})
		if err != nil {
			t.Fatal(err)
		}
		after := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "after"), 0)
		next, ok := s.Next(after)
		if !ok || !next.After(after) {
			t.Fatalf("after %s comes %s, %v", after, next, ok)
		}
		if further, ok := s.Next(next.Add(-time.Second)); ok && !further.Equal(next) {
			t.Fatalf("a second before %s comes %s", next, further)
		}
		limit := after.Add(40 * 24 * time.Hour)
		for m := after.Truncate(time.Minute).Add(time.Minute); m.Before(limit); m = m.Add(time.Minute) {
			if naive(expression, m.In(zone)) {
				if !m.Equal(next) {
					t.Fatalf("%s after %s: got %s, the twin %s", expression, after.In(zone), next, m.In(zone))
				}
				return
			}
		}
		if next.Before(limit) {
			t.Fatalf("%s after %s: got %s, the twin nothing", expression, after.In(zone), next)
		}
	})
}

// naive says whether a minute is meant, by lists written out; a minute that clocks
// show for the second time is not.
func naive(expression string, m time.Time) bool {
	f := strings.Fields(expression)
	holds := func(field string, n int, lists map[string]func(int) bool) bool {
		return field == "*" || lists[field](n)
	}
	in := func(list ...int) func(int) bool {
		return func(n int) bool {
			for _, x := range list {
				if x == n {
					return true
				}
			}
			return false
		}
	}
	lists := map[string]func(int) bool{"0": in(0), "1": in(1), "2": in(2), "23": in(23), "30": in(30), "5,45": in(5, 45), "*/15": in(0, 15, 30, 45),
		"1-59/29": in(1, 30, 59), "0-3": in(0, 1, 2, 3), "28-31": in(28, 29, 30, 31), "*/2": func(n int) bool { return n%2 == 1 },
		"6,7": in(6, 0), "MON-FRI": in(1, 2, 3, 4, 5)}
	day, weekday := holds(f[2], m.Day(), lists), holds(f[4], int(m.Weekday()), lists)
	days := day && weekday
	if f[2][0] != '*' && f[4][0] != '*' {
		days = day || weekday
	}
	if !days || !holds(f[0], m.Minute(), lists) || !holds(f[1], m.Hour(), lists) {
		return false
	}
	const shown = "2006-01-02 15:04"
	for back := time.Minute; back <= 3*time.Hour; back += time.Minute {
		if m.Add(-back).Format(shown) == m.Format(shown) {
			return false
		}
	}
	return true
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"rate(5 minutes)", "cron(0 10 ? * 6#2 2027/3)", "at(2026-12-01T10:00:00)", "*/5 1-3 * * MON", "cron(0 8 15W,L * ? *)"} {
		f.Add(s, int64(1_800_000_000))
	}
	f.Fuzz(func(t *testing.T, text string, after int64) {
		s, err := schedule.Parse(text, schedule.Options{Zone: "Europe/Paris"})
		if err != nil {
			return
		}
		now := time.Unix(after%10_000_000_000, 0)
		for range 3 {
			next, ok := s.Next(now)
			if !ok {
				return
			}
			if !next.After(now) {
				t.Fatalf("%s: after %s comes %s", text, now, next)
			}
			now = next
		}
	})
}
