package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// field is what one place in a cron expression may hold.
type field struct {
	name     string
	min, max int
	// names stand for numbers from min on.
	names []string
}

var (
	monthNames = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	dayNames   = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

	minuteField  = field{name: "minute", max: 59}
	hourField    = field{name: "hour", max: 23}
	dayField     = field{name: "day-of-month", min: 1, max: 31}
	monthField   = field{name: "month", min: 1, max: 12, names: monthNames}
	weekdayField = field{name: "day-of-week", min: 1, max: 7, names: dayNames}
	yearField    = field{name: "year", min: minYear, max: maxYear}
	// In cron(5) the week begins with 0, and 7 is Sunday too.
	cronWeekdayField = field{name: "day of week", max: 7, names: dayNames}
)

// The years that the service knows.
const (
	minYear = 1970
	maxYear = 2199
)

// set holds numbers, counted from its field's least.
type set struct {
	bits [4]uint64
	min  int
}

func (s *set) add(n int)     { i := n - s.min; s.bits[i/64] |= 1 << (i % 64) }
func (s set) has(n int) bool { i := n - s.min; return s.bits[i/64]&(1<<(i%64)) != 0 }

// parse reads a list of numbers, ranges and steps.
func (f field) parse(text string) (set, error) {
	out := set{min: f.min}
	for part := range strings.SplitSeq(text, ",") {
		if err := f.part(part, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// part reads one element of a list: *, 5, 5-10, */15, 5/15 or 5-10/2.
func (f field) part(part string, out *set) error {
	span, stepText, stepped := strings.Cut(part, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(stepText)
		if err != nil || n < 1 || n > f.max {
			return fmt.Errorf("the %s field holds the step %q; a step is a whole number from 1 to %d", f.name, stepText, f.max)
		}
		step = n
	}
	low, high := f.min, f.max
	if span != "*" {
		from, to, ranged := strings.Cut(span, "-")
		var err error
		if low, err = f.number(from); err != nil {
			return err
		}
		switch {
		case ranged:
			if high, err = f.number(to); err != nil {
				return err
			}
		case !stepped:
			high = low
		}
	}
	if high < low {
		return fmt.Errorf("the %s field holds the range %s, which ends before it begins", f.name, span)
	}
	for n := low; n <= high; n += step {
		out.add(n)
	}
	return nil
}

func (f field) number(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.min + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("the %s field holds %q; it may have %d to %d%s", f.name, text, f.min, f.max, f.examples())
	}
	return n, nil
}

func (f field) examples() string {
	if len(f.names) == 0 {
		return ""
	}
	return fmt.Sprintf(" or %s to %s", f.names[0], f.names[len(f.names)-1])
}
