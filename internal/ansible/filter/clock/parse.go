package clock

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tutti/internal/ansible/value"
)

// pattern gives the expression that a directive of strptime stands for.
func pattern(letter rune) (string, bool) {
	switch letter {
	case 'd':
		return `3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9]`, true
	case 'f':
		return `[0-9]{1,6}`, true
	case 'H':
		return `2[0-3]|[0-1]\d|\d`, true
	case 'I', 'm':
		return `1[0-2]|0[1-9]|[1-9]`, true
	case 'j':
		return `36[0-6]|3[0-5]\d|[1-2]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9]`, true
	case 'M':
		return `[0-5]\d|\d`, true
	case 'S':
		return `6[0-1]|[0-5]\d|\d`, true
	case 'U', 'W':
		return `5[0-3]|[0-4]\d|\d`, true
	case 'w':
		return `[0-6]`, true
	case 'u':
		return `[1-7]`, true
	case 'V':
		return `5[0-3]|0[1-9]|[1-4]\d|\d`, true
	case 'y':
		return `\d\d`, true
	case 'Y', 'G':
		return `\d\d\d\d`, true
	case 'z':
		return `[+-]\d\d:?[0-5]\d(?::?[0-5]\d(?:\.\d{1,6})?)?|(?-i:Z)`, true
	case 'A':
		return weekdays(0), true
	case 'a':
		return weekdays(3), true
	case 'B':
		return months(0), true
	case 'b':
		return months(3), true
	case 'p':
		return `am|pm`, true
	case 'Z':
		return `utc|gmt`, true
	}
	return "", false
}

// weekdays gives the names of the days, the longest first; short ones when n is not 0.
func weekdays(n int) string {
	var names []string
	for day := time.Sunday; day <= time.Saturday; day++ {
		names = append(names, short(day.String(), n))
	}
	return alternatives(names)
}

func months(n int) string {
	var names []string
	for month := time.January; month <= time.December; month++ {
		names = append(names, short(month.String(), n))
	}
	return alternatives(names)
}

func short(name string, n int) string {
	if n > 0 {
		name = name[:n]
	}
	return strings.ToLower(name)
}

func alternatives(names []string) string {
	slices.SortStableFunc(names, func(a, b string) int { return len(b) - len(a) })
	return strings.Join(names, "|")
}

// expression turns a layout into an expression with a group for each directive, and gives
// the directives in order.
func expression(layout string) (string, []rune, error) {
	var b strings.Builder
	var letters []rune
	b.WriteString(`(?i)^`)
	text := []rune(layout)
	for i := 0; i < len(text); i++ {
		switch r := text[i]; {
		case strings.ContainsRune(" \t\n\r\f\v", r):
			for i+1 < len(text) && strings.ContainsRune(" \t\n\r\f\v", text[i+1]) {
				i++
			}
			b.WriteString(`\s+`)
		case r != '%':
			b.WriteString(regexp.QuoteMeta(string(r)))
		case i+1 == len(text):
			return "", nil, fmt.Errorf("stray %% in format '%s'", layout)
		default:
			i++
			found, err := directives(&b, text[i], layout)
			if err != nil {
				return "", nil, err
			}
			letters = append(letters, found...)
		}
	}
	seen := map[rune]bool{}
	for i, letter := range letters {
		if seen[letter] {
			return "", nil, fmt.Errorf("redefinition of group name '%c' as group %d; was group %d", letter, i+1, slices.Index(letters, letter)+1)
		}
		seen[letter] = true
	}
	return b.String(), letters, nil
}

// directives writes the expression of one letter, which may be short for several.
func directives(b *strings.Builder, letter rune, layout string) ([]rune, error) {
	long := ""
	switch letter {
	case '%':
		b.WriteString("%")
		return nil, nil
	case 'c':
		long = "%a %b %d %H:%M:%S %Y"
	case 'x':
		long = "%m/%d/%y"
	case 'X':
		long = "%H:%M:%S"
	default:
		p, ok := pattern(letter)
		if !ok {
			bad := string(letter)
			if strings.ContainsRune(`.^$*+?(){}[]|\`, letter) || strings.ContainsRune(" \t\n\r\f\v", letter) {
				bad = "%" // Python has put a backslash there by then
			}
			return nil, fmt.Errorf("'%s' is a bad directive in format '%s'", bad, layout)
		}
		b.WriteString("(" + p + ")")
		return []rune{letter}, nil
	}
	p, letters, err := expression(long)
	b.WriteString(strings.TrimPrefix(p, "(?i)^"))
	return letters, err
}

// maxLayout bounds a layout, and so the expression made of it.
const maxLayout = 4096

// Parse reads text by a layout, as datetime.strptime does.
func Parse(text, layout string) (*value.Time, error) {
	if len(layout) > maxLayout {
		return nil, fmt.Errorf("the format is longer than %d bytes", maxLayout)
	}
	source, letters, err := expression(layout)
	if err != nil {
		return nil, err
	}
	form, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("the format %s cannot be used: %w", value.Repr(layout), err)
	}
	at := form.FindStringSubmatchIndex(text)
	if at == nil {
		return nil, fmt.Errorf("time data %s does not match format %s", value.Repr(text), value.Repr(layout))
	}
	if at[1] != len(text) {
		return nil, fmt.Errorf("unconverted data remains: %s", text[at[1]:])
	}
	found := make(map[rune]string, len(letters))
	for i, letter := range letters {
		found[letter] = strings.ToLower(text[at[2*i+2]:at[2*i+3]])
	}
	return read(found)
}

// fields are what was read of a time so far; -1 is what was not there.
type fields struct {
	year, month, day       int
	weekday, julian        int // Monday is 0; the first of January is 1
	week, isoYear, isoWeek int
	monday                 bool // week counts from Mondays
}

func read(found map[rune]string) (*value.Time, error) {
	number := func(letter rune, missing int) int {
		if text, ok := found[letter]; ok {
			n, _ := strconv.Atoi(strings.TrimSpace(text)) // the expression let nothing but digits through
			return n
		}
		return missing
	}
	f := fields{year: number('Y', -1), month: number('m', 1), day: number('d', 1), weekday: -1,
		julian: number('j', -1), week: number('U', number('W', -1)), isoYear: number('G', -1), isoWeek: number('V', -1)}
	_, f.monday = found['W']
	if y := number('y', -1); y >= 0 {
		if f.year = 2000 + y; y > 68 {
			f.year = 1900 + y
		}
	}
	f.names(found)
	if n := number('w', -1); n >= 0 {
		f.weekday = (n + 6) % 7
	}
	if n := number('u', -1); n >= 0 {
		f.weekday = n - 1
	}
	if err := f.settle(); err != nil {
		return nil, err
	}
	micro, _ := strconv.Atoi((found['f'] + "000000")[:6])
	second := number('S', 0)
	if second > 59 {
		return nil, errors.New("second must be in 0..59")
	}
	zone, naive, err := offset(found)
	if err != nil {
		return nil, err
	}
	t := time.Date(f.year, time.Month(f.month), f.day, hour(number, found['p']), number('M', 0), second, micro*1000, zone)
	return &value.Time{Time: t, Naive: naive}, nil
}

func hour(number func(rune, int) int, half string) int {
	h := number('H', -1)
	if n := number('I', -1); n >= 0 {
		if h = n % 12; half == "pm" {
			h += 12
		}
	}
	return max(h, 0)
}

// names reads the names of months and days.
func (f *fields) names(found map[rune]string) {
	for month := time.January; month <= time.December; month++ {
		if name := strings.ToLower(month.String()); found['B'] == name || found['b'] == name[:3] {
			f.month = int(month)
		}
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := strings.ToLower(day.String()); found['A'] == name || found['a'] == name[:3] {
			f.weekday = (int(day) + 6) % 7
		}
	}
}

// settle finds year, month and day from what there is.
func (f *fields) settle() error {
	const isoDays = "a weekday directive ('%A', '%a', '%w', or '%u')."
	switch {
	case f.year < 0 && f.isoYear >= 0 && (f.isoWeek < 0 || f.weekday < 0):
		return errors.New("ISO year directive '%G' must be used with the ISO week directive '%V' and " + isoDays)
	case f.year < 0 && f.isoYear >= 0 && f.julian >= 0:
		return errors.New("Day of the year directive '%j' is not compatible with ISO year directive '%G'. Use '%Y' instead.") // Python's own words
	case (f.year >= 0 || f.isoYear < 0) && f.week < 0 && f.isoWeek >= 0 && f.weekday < 0:
		return errors.New("ISO week directive '%V' must be used with the ISO year directive '%G' and " + isoDays)
	case (f.year >= 0 || f.isoYear < 0) && f.week < 0 && f.isoWeek >= 0:
		return errors.New("ISO week directive '%V' is incompatible with the year directive '%Y'. Use the ISO year '%G' instead.") // Python's own words
	}
	if f.year < 0 {
		f.year = 1900
	}
	if f.year == 0 {
		return errors.New("year 0 is out of range")
	}
	f.byWeek()
	if f.julian >= 0 {
		at := time.Date(f.year, time.January, f.julian, 0, 0, 0, 0, time.UTC)
		f.year, f.month, f.day = at.Year(), int(at.Month()), at.Day()
	}
	if last := time.Date(f.year, time.Month(f.month)+1, 0, 0, 0, 0, 0, time.UTC).Day(); f.day > last {
		return errors.New("day is out of range for month")
	}
	return nil
}

// byWeek finds the day of the year from a week and the day in it.
func (f *fields) byWeek() {
	if f.julian >= 0 || f.weekday < 0 {
		return
	}
	switch {
	case f.week >= 0:
		first := (int(time.Date(f.year, time.January, 1, 0, 0, 0, 0, time.UTC).Weekday()) + 6) % 7
		day := f.weekday
		if !f.monday {
			first, day = (first+1)%7, (day+1)%7
		}
		if before := (7 - first) % 7; f.week == 0 {
			f.julian = 1 + day - first
		} else {
			f.julian = 1 + before + 7*(f.week-1) + day
		}
	case f.isoYear >= 0 && f.isoWeek >= 0:
		fourth := time.Date(f.isoYear, time.January, 4, 0, 0, 0, 0, time.UTC)
		monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
		at := monday.AddDate(0, 0, 7*(f.isoWeek-1)+f.weekday)
		f.year, f.julian = at.Year(), at.YearDay()
	}
	if f.julian <= 0 && f.week >= 0 {
		at := time.Date(f.year, time.January, f.julian, 0, 0, 0, 0, time.UTC)
		f.year, f.julian = at.Year(), at.YearDay()
	}
}

// offset reads %z. Without one a time is naive.
func offset(found map[rune]string) (zone *time.Location, naive bool, err error) {
	text, ok := found['z']
	switch {
	case !ok:
		return time.UTC, true, nil
	case text == "z":
		return time.UTC, false, nil
	}
	digits, _, _ := strings.Cut(text[1:], ".")
	if colons := strings.Count(digits, ":"); colons > 0 && len(digits)-colons == 6 && colons != 2 {
		return nil, false, fmt.Errorf("Inconsistent use of : in %s", text) // Python's own words
	}
	n, _ := strconv.Atoi((strings.ReplaceAll(digits, ":", "") + "00")[:6])
	seconds := n/10000*3600 + n/100%100*60 + n%100
	if text[0] == '-' {
		seconds = -seconds
	}
	if seconds == 0 {
		return time.UTC, false, nil
	}
	return time.FixedZone("", seconds), false, nil
}
